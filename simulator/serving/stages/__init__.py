"""What runs for each stage kind of a scenario: one class a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.scenario.stages import Gate, Pool
from simulator.serving.stages.assemble import AssembleStage
from simulator.serving.stages.base import Stage
from simulator.serving.stages.fork import ForkStage
from simulator.serving.stages.gate import GateStage, WaitingGateStage
from simulator.serving.stages.join import JoinStage
from simulator.serving.stages.link import LinkStage
from simulator.serving.stages.managed_pool import ManagedPoolStage
from simulator.serving.stages.people import PeopleStage
from simulator.serving.stages.pool import PoolStage
from simulator.serving.stages.retake import RetakeStage
from simulator.serving.stages.retry import RetryStage

if TYPE_CHECKING:
    from simulator.serving.engine import Run


def pool_stage(run: Run, name: str, spec: Pool) -> Stage:
    """The plain pool where that is enough: it is many times faster."""
    return (PoolStage if spec.is_plain and run.conditions.usual(name) else ManagedPoolStage)(run, name, spec)


def gate_stage(run: Run, name: str, spec: Gate) -> Stage:
    """The gate that waits for its turn only where that matters."""
    waits = spec.by == "score" and run.plan.scenario.scorer_of(spec) in run.in_branches
    return (WaitingGateStage if waits else GateStage)(run, name, spec)


STAGES: dict[str, Callable[[Run, str, Any], Stage]] = {
    "link": LinkStage,
    "pool": pool_stage,
    "gate": gate_stage,
    "retake": RetakeStage,
    "retry": RetryStage,
    "fork": ForkStage,
    "join": JoinStage,
    "assemble": AssembleStage,
    "people": PeopleStage,
}
