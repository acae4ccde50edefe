"""Arrival times, drawn before the run: one class an arrival kind."""

from __future__ import annotations

from simulator.evidence.recordings import Recording
from simulator.scenario import Scenario
from simulator.scenario.arrivals import ARRIVAL_KINDS, AnyArrivals
from simulator.scenario.kinds import kind_of
from simulator.scenario.schema import add_kind, remove_kind
from simulator.serving.arrivals.base import Process
from simulator.serving.arrivals.clock import Surge, warped
from simulator.serving.arrivals.closed import LoopProcess
from simulator.serving.arrivals.daily import DailyProcess, WeeklyProcess
from simulator.serving.arrivals.replay import ReplayProcess
from simulator.serving.arrivals.sensors import SensorsProcess
from simulator.serving.arrivals.steady import (
    ConstantProcess,
    GammaProcess,
    MmppProcess,
    OfflineProcess,
    PoissonProcess,
    ServerProcess,
    WeibullProcess,
)
from simulator.serving.calendar import DAY_S, clock_s

ARRIVALS: dict[str, type[Process]] = {
    "poisson": PoissonProcess,
    "constant": ConstantProcess,
    "gamma": GammaProcess,
    "weibull": WeibullProcess,
    "mmpp": MmppProcess,
    "daily": DailyProcess,
    "weekly": WeeklyProcess,
    "replay": ReplayProcess,
    "sensors": SensorsProcess,
    "closed": LoopProcess,
    "server": ServerProcess,
    "offline": OfflineProcess,
    "single_stream": LoopProcess,
    "multi_stream": LoopProcess,
}


def arrivals_of(scenario: Scenario, recording: Recording | None = None) -> Process:
    """The arrivals of a scenario over its run; recording: the times that a replay plays."""
    run = scenario.run
    return ARRIVALS[scenario.arrivals.kind](scenario.arrivals, run.days * DAY_S, clock_s(run.starts_at), recording)


def register(model: type[AnyArrivals], process: type[Process]) -> None:
    """Let scenarios name a further kind of arrivals: what an author writes of it, and how its times are drawn."""
    add_kind(ARRIVAL_KINDS, model)
    ARRIVALS[kind_of(model)] = process


def unregister(model: type[AnyArrivals]) -> None:
    """Forget a kind that was registered."""
    remove_kind(ARRIVAL_KINDS, model)
    del ARRIVALS[kind_of(model)]


__all__ = ["ARRIVALS", "Process", "Surge", "arrivals_of", "register", "unregister", "warped"]
