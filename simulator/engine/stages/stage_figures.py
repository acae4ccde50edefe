"""What a kind of stage answers about itself to the rest of the program: ways on, servers, paid time, figures of a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from simulator.engine.stages.inbox import Rows, Times
from simulator.records.timetables import Steps
from simulator.records.trace import Visits


class Onward(NamedTuple):
    """Those of the requests at a stage that go the same way on, as a share of all that come there.

    tag: what they are tagged with; anew: whether they then show another photo than they have shown so far
    """

    to: str
    share: float
    tag: str = ""
    anew: bool = False


class Photo(NamedTuple):
    """One thing that a request may show: how likely that is, and which share takes each route of each gate, by gate."""

    chance: float
    routes: Mapping[str, Sequence[float]]


class Comers(NamedTuple):
    """Requests that come to a stage and are alike: whether they are positives, what they show, and may show instead.

    photo: what they show, which matters to a stage that routes by it and to no other
    twice: the share of them that is served twice at this stage
    """

    positive: bool
    photo: Photo
    photos: Sequence[Photo]
    twice: float


class ServerSteps(NamedTuple):
    """Servers of a stage over time: those that can work, and those that are there but cannot, each from when on."""

    able: Steps
    down: Steps = Steps(values=(0.0,))


class OfferedTime(NamedTuple):
    """Time that servers offer for the work of the arrivals: until the last of them may come.

    server_s: server-seconds. work_s: seconds of usual work, where a server may be slower than usual.
    slowed: by visits, the factor by which each service took longer than usual, where servers keep hours; for all, or shape
    (visits,)
    """

    server_s: float
    work_s: float
    slowed: Callable[[Visits], float | Times] = lambda visits: 1.0


@dataclass(frozen=True)
class StageCapacity:
    """Capacity of one server at its usual pace.

    service_s: mean time that one request alone is served for
    busy_s: seconds of work a request while the queue is never empty; None for `service_s`
    availability: the share of the time that it works in the long run, between its failures
    """

    service_s: float = 0.0
    busy_s: float | None = None
    availability: float = 1.0

    @property
    def per_s(self) -> float:
        each = self.service_s if self.busy_s is None else self.busy_s
        return 1 / each if each else inf


class PaidTime(NamedTuple):
    """Server-seconds that are paid: up or down until the last request may come, then for work on the rest of the requests.

    beyond_s: the second part, for the services that the log holds
    """

    until_end_s: float
    beyond_s: Callable[[], float]


class StageReport(NamedTuple):
    """Figures that a kind counts in a trace beyond those of all stages.

    totals: ratios and shares: name, numerator, denominator
    times: samples for means and quantiles: name, values (s), time of each value (s)
    events: rates: name, time of each event (s)
    carried: requests that go on in another one: the carrier, since when (s), the carried one; shape (n,) each
    """

    totals: Iterable[tuple[str, float, float]] = ()
    times: Iterable[tuple[str, Times, Times]] = ()
    events: Iterable[tuple[str, Times]] = ()
    carried: Iterable[tuple[Rows, Times, Rows]] = ()
