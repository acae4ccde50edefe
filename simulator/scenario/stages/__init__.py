"""What a request passes through: one model a stage kind. Each names where it hands requests on."""

from typing import Annotated

from pydantic import Field

from simulator.scenario.stages.assemble import Assemble
from simulator.scenario.stages.base import PLANNED_FIELDS, TARGET_FIELDS, FileName, Target
from simulator.scenario.stages.end import End
from simulator.scenario.stages.fork import Fork
from simulator.scenario.stages.gate import Gate, Route
from simulator.scenario.stages.join import Join
from simulator.scenario.stages.link import Link
from simulator.scenario.stages.people import Break, People, SecondReader, Shift
from simulator.scenario.stages.pool import Failures, Pool
from simulator.scenario.stages.retake import Retake
from simulator.scenario.stages.retry import Budget, Retry

Stage = Annotated[Link | Pool | Gate | Retake | Retry | Fork | Join | Assemble | People, Field(discriminator="kind")]

__all__ = [
    "PLANNED_FIELDS",
    "TARGET_FIELDS",
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
