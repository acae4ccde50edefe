"""Stages that requests pass through: one file a kind, with its fields and its behaviour.

It may import the contract of the engine and all below it, but no run. A kind is registered here; nothing
else asks for the kind of a stage.
"""

from __future__ import annotations

from simulator.case.any_stage import STAGE_KINDS
from simulator.case.kinds import add_kind, kind_of, remove_kind
from simulator.engine.contract import Stage, StageModel
from simulator.engine.stages.assemble import Assemble, AssembleStage
from simulator.engine.stages.cache import Cache, CacheStage
from simulator.engine.stages.fanout import Fanout, FanoutStage
from simulator.engine.stages.fork import Fork, ForkStage
from simulator.engine.stages.gate import Gate, GateStage
from simulator.engine.stages.join import Join, JoinStage
from simulator.engine.stages.link import Link, LinkStage
from simulator.engine.stages.own_server import OwnServer
from simulator.engine.stages.people import People, PeopleStage
from simulator.engine.stages.plain_pool import PoolStage
from simulator.engine.stages.pool import Pool
from simulator.engine.stages.retake import Retake, RetakeStage
from simulator.engine.stages.retry import Retry, RetryStage

#: The fields of a kind of stage, and its behaviour.
_KINDS: tuple[tuple[type[StageModel], type[Stage]], ...] = (
    (Link, LinkStage),
    (Pool, PoolStage),
    (OwnServer, PoolStage),
    (Gate, GateStage),
    (Retake, RetakeStage),
    (Retry, RetryStage),
    (Fanout, FanoutStage),
    (Fork, ForkStage),
    (Join, JoinStage),
    (Assemble, AssembleStage),
    (Cache, CacheStage),
    (People, PeopleStage),
)

#: The behaviour of every kind of stage, by the kind's name in a case.
STAGES: dict[str, type[Stage]] = {kind_of(model): running for model, running in _KINDS}
STAGE_KINDS.update((kind_of(model), model) for model, _ in _KINDS)


def register(model: type[StageModel], running: type[Stage]) -> None:
    """Let scenarios name a further kind of stage, with its fields and its behaviour.

    Call it in the module that defines the two: a worker process imports that module to read a plan, and so knows the kind too.
    """
    add_kind(STAGE_KINDS, model)
    STAGES[kind_of(model)] = running


def unregister(model: type[StageModel]) -> None:
    remove_kind(STAGE_KINDS, model)
    del STAGES[kind_of(model)]
