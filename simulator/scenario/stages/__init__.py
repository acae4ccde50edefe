"""What a request passes through: one model per kind of stage. Each names where it sends requests on."""

from typing import Annotated

from simulator.scenario.kinds import OneOf, registry
from simulator.scenario.stages.assemble import Assemble
from simulator.scenario.stages.base import AnyStage, FileName, Target
from simulator.scenario.stages.end import End
from simulator.scenario.stages.fork import Fork
from simulator.scenario.stages.gate import Gate, Route
from simulator.scenario.stages.join import Join
from simulator.scenario.stages.link import Link
from simulator.scenario.stages.people import Break, People, SecondReader, Shift
from simulator.scenario.stages.pool import Failures, Pool
from simulator.scenario.stages.retake import Retake
from simulator.scenario.stages.retry import Budget, Retry

#: Every kind of stage that a scenario may name, by that name; `simulator.serving.stages.register` adds one.
KINDS: dict[str, type[AnyStage]] = registry(Link, Pool, Gate, Retake, Retry, Fork, Join, Assemble, People)

Stage = Annotated[AnyStage, OneOf(KINDS)]

__all__ = [
    "KINDS",
    "AnyStage",
    "Assemble",
    "Break",
    "Budget",
    "End",
    "Failures",
    "FileName",
    "Fork",
    "Gate",
    "Join",
    "Link",
    "People",
    "Pool",
    "Retake",
    "Retry",
    "Route",
    "SecondReader",
    "Shift",
    "Stage",
    "Target",
]
