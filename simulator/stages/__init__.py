"""Stages that requests pass through: one file a kind, with its fields and its behaviour.

It may import case, evidence and the records of the engine (trace, timetables, streams). A kind is registered here; nothing
else asks for the kind of a stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.case.any_stage import STAGE_KINDS, AnyStage
from simulator.case.kinds import add_kind, kind_of, remove_kind
from simulator.stages.assemble import Assemble, AssembleStage
from simulator.stages.cache import Cache, CacheStage
from simulator.stages.fanout import Fanout, FanoutStage
from simulator.stages.fork import Fork, ForkStage
from simulator.stages.gate import Gate, GateStage
from simulator.stages.join import Join, JoinStage
from simulator.stages.link import Link, LinkStage
from simulator.stages.own_server import OwnServer, OwnServerStage
from simulator.stages.people import People, PeopleStage
from simulator.stages.plain_pool import PoolStage
from simulator.stages.pool import Pool
from simulator.stages.retake import Retake, RetakeStage
from simulator.stages.retry import Retry, RetryStage

if TYPE_CHECKING:
    from simulator.stages.stage import Stage


#: The fields of a kind of stage, and its behaviour.
_KINDS: tuple[tuple[type[AnyStage], type[Stage]], ...] = (
    (Link, LinkStage),
    (Pool, PoolStage),
    (OwnServer, OwnServerStage),
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


def register(model: type[AnyStage], running: type[Stage]) -> None:
    """Let scenarios name a further kind of stage, with its fields and its behaviour.

    Call it in the module that defines the two: a worker process imports that module to read a plan, and so knows the kind too.
    """
    add_kind(STAGE_KINDS, model)
    STAGES[kind_of(model)] = running


def unregister(model: type[AnyStage]) -> None:
    remove_kind(STAGE_KINDS, model)
    del STAGES[kind_of(model)]
