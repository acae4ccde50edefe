"""Arrivals of requests: one file a kind, or a family of kinds, with fields and behaviour.

It may import case, evidence and records, but no plan and no run. A kind is registered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.case.case_contract import ARRIVAL_KINDS, AnyArrivals
from simulator.case.kinds import add_kind, kind_of, remove_kind
from simulator.engine.arrivals.arrival import ARRIVALS
from simulator.engine.arrivals.closed import Closed, LoopProcess
from simulator.engine.arrivals.daily import Daily, DailyProcess, Weekly, WeeklyProcess
from simulator.engine.arrivals.mlperf import MultiStream, Offline, OfflineProcess, Server, ServerProcess, SingleStream
from simulator.engine.arrivals.replay import Replay, ReplayProcess
from simulator.engine.arrivals.sensors import Sensors, SensorsProcess
from simulator.engine.arrivals.steady import (
    ConstantArrivals,
    ConstantProcess,
    Gamma,
    GammaProcess,
    Mmpp,
    MmppProcess,
    Poisson,
    PoissonProcess,
    Weibull,
    WeibullProcess,
)

if TYPE_CHECKING:
    from simulator.engine.arrivals.arrival import Process

#: The fields of a kind of arrivals, and its behaviour.
_KINDS: tuple[tuple[type[AnyArrivals], type[Process]], ...] = (
    (Poisson, PoissonProcess),
    (ConstantArrivals, ConstantProcess),
    (Gamma, GammaProcess),
    (Weibull, WeibullProcess),
    (Mmpp, MmppProcess),
    (Daily, DailyProcess),
    (Weekly, WeeklyProcess),
    (Replay, ReplayProcess),
    (Sensors, SensorsProcess),
    (Closed, LoopProcess),
    (Server, ServerProcess),
    (Offline, OfflineProcess),
    (SingleStream, LoopProcess),
    (MultiStream, LoopProcess),
)

ARRIVALS.update((kind_of(model), process) for model, process in _KINDS)
ARRIVAL_KINDS.update((kind_of(model), model) for model, _ in _KINDS)


def register(model: type[AnyArrivals], process: type[Process]) -> None:
    add_kind(ARRIVAL_KINDS, model)
    ARRIVALS[kind_of(model)] = process


def unregister(model: type[AnyArrivals]) -> None:
    remove_kind(ARRIVAL_KINDS, model)
    del ARRIVALS[kind_of(model)]
