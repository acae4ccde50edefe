"""What a truth is: a law with its source, a case, the exact value, and one value a replication from the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.metrics.ages import ages
from simulator.records.trace import Visits

#: The first part of a run is left out: the queue starts empty.
WARM_UP = 0.1


@dataclass(frozen=True)
class Experiment:
    """A plan, what is measured of a trace of it, and what that is on average.

    below: the exact value is an upper bound, known to be too large by at most this share.
    """

    exact: float
    plan: Plan
    measure: Callable[[Trace], float]
    replications: int = 30
    below: float = 0.0

    def values(self, seed: int, more: int = 1) -> list[float]:
        """One value a replication; `more` times as many of them for a sharper look."""
        return [self.measure(simulate(self.plan, seed, number)) for number in range(more * self.replications)]


@dataclass(frozen=True)
class Paths:
    """Two columns that agree row by row but for rounding: what a recursion or another program says, and the simulator."""

    exact: NDArray[np.float64]
    simulated: NDArray[np.float64]

    @property
    def apart(self) -> float:
        """The largest difference, as a share of the mean."""
        return float(np.abs(self.simulated - self.exact).max() / self.exact.mean())


@dataclass(frozen=True)
class Truth:
    """One case of a law. `of` builds it: an Experiment for a mean, Paths for a truth request by request.

    long: tried by the long tests alone; sharper: they also try it with more replications
    """

    law: str
    source: str
    case: dict[str, Any]
    of: Callable[[], Any]
    long: bool = False
    sharper: bool = True

    @property
    def seed(self) -> int:
        """A seed of its own: truths that met the same arrivals would err together."""
        return crc32(str(self).encode())

    def __str__(self) -> str:
        return ", ".join([self.law, *(f"{name.replace('_', ' ')} {_brief(value)}" for name, value in self.case.items())])


#: How far two columns may be apart by rounding, as a share of their mean.
ROUNDING = 1e-6

MEANS: list[Truth] = []
PATHS: list[Truth] = []


def law(
    registry: list[Truth],
    name: str,
    source: str,
    cases: Sequence[dict[str, Any]],
    long: Sequence[dict[str, Any]] = (),
    seldom: Sequence[dict[str, Any]] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function that builds a truth from the parameters of a case.

    long: cases that take long to be sharp; seldom: those that other cases of the same code stand for by default
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        registry.extend(
            Truth(name, source, case, partial(build, **case), long=case not in cases, sharper=case not in long)
            for case in [*cases, *seldom, *long]
        )
        return build

    return register


def _brief(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def visits_of(trace: Trace, stage: str = "p") -> Visits:
    """The visits to a stage, as columns."""
    return trace.logs[stage].visits()


def settled(trace: Trace, stage: str = "p") -> Visits:
    """The visits to a stage without those of the warm-up."""
    visits = visits_of(trace, stage)
    return visits.only(visits.entered_s >= WARM_UP * trace.plan.arrivals_end_s)


def wait_of(visits: Visits) -> float:
    """Mean time in the queue of the visits that were served."""
    return float(np.nanmean(visits.started_s - visits.entered_s))


def batches_of(visits: Visits) -> Visits:
    """The first visit of each batch."""
    return visits.only(np.unique(visits.batch, return_index=True)[1])


def mean_wait(trace: Trace, stage: str = "p") -> float:
    """Mean time in the queue of those who were served."""
    return wait_of(settled(trace, stage))


def mean_sojourn(trace: Trace, stage: str = "p") -> float:
    """Mean time from entry to departure."""
    visits = settled(trace, stage)
    return float(np.nanmean(visits.left_s - visits.entered_s))


def mean_response(trace: Trace) -> float:
    """Mean time from arrival to the end of the way, of the requests that came after the warm-up."""
    columns = trace.columns
    late = columns.arrived >= WARM_UP * trace.plan.arrivals_end_s
    return float((columns.finished - columns.arrived)[late].mean())


def share_waiting_beyond(seconds: float, trace: Trace) -> float:
    """Share of the requests that wait longer than this."""
    visits = settled(trace)
    return float((visits.started_s - visits.entered_s > seconds).mean())


def share_turned_away(trace: Trace) -> float:
    """Share of the requests that leave without service."""
    return float(np.isnan(settled(trace).started_s).mean())


def busy_share(servers: int, trace: Trace) -> float:
    """Share of the servers' time that is busy, while requests come."""
    opens, closes = WARM_UP * trace.plan.arrivals_end_s, trace.plan.arrivals_end_s
    served = batches_of(visits_of(trace))
    within = np.clip(served.left_s, opens, closes) - np.clip(served.started_s, opens, closes)
    return float(np.nansum(within) / servers / (closes - opens))


def mean_age(trace: Trace) -> float:
    """How old what is known at the end `done` is, over the time after the warm-up."""
    opens, closes = WARM_UP * trace.plan.arrivals_end_s, trace.plan.arrivals_end_s
    return float(dict(ages(trace))["done"].areas(np.array([opens, closes]))[0] / (closes - opens))


def mean_peak_age(trace: Trace) -> float:
    """How old what is known at the end `done` is when something newer comes, after the warm-up."""
    known = dict(ages(trace))["done"]
    return float(known.peaks[known.at[1:] >= WARM_UP * trace.plan.arrivals_end_s].mean())


def mean_batch(trace: Trace) -> float:
    """Mean size of a batch."""
    return float(batches_of(settled(trace)).batch_size.mean())
