"""What runs for each stage kind of a scenario: one class a kind."""

from __future__ import annotations

from simulator.scenario.kinds import kind_of
from simulator.scenario.schema import Scenario
from simulator.scenario.stages import KINDS, AnyStage
from simulator.serving.stages.base import Stage
from simulator.serving.stages.fork import ForkStage
from simulator.serving.stages.gate import GateStage
from simulator.serving.stages.join import JoinStage
from simulator.serving.stages.link import LinkStage
from simulator.serving.stages.people import PeopleStage
from simulator.serving.stages.pool import PoolStage
from simulator.serving.stages.retake import RetakeStage
from simulator.serving.stages.retry import RetryStage

STAGES: dict[str, type[Stage]] = {
    "link": LinkStage,
    "pool": PoolStage,
    "gate": GateStage,
    "retake": RetakeStage,
    "retry": RetryStage,
    "fork": ForkStage,
    "join": JoinStage,
    "people": PeopleStage,
}


def register(model: type[AnyStage], running: type[Stage]) -> None:
    """Let scenarios name a further kind of stage: what an author writes of it, and what runs.

    Call it in the module that defines the two: a worker process imports that module to read a plan, and so knows the kind too.
    """
    KINDS[kind_of(model)], STAGES[kind_of(model)] = model, running
    Scenario.model_rebuild(force=True)


def unregister(model: type[AnyStage]) -> None:
    """Forget a kind that was registered."""
    del KINDS[kind_of(model)], STAGES[kind_of(model)]
    Scenario.model_rebuild(force=True)
