"""Processes of arrival: the clock that a rate drives, and the base of all kinds.

The speed of the clock changes in steps: with the time of day, with spikes, and with curveballs during a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self, cast, final

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Times
from simulator.case.case_contract import AnyArrivals, AnyCase, Open
from simulator.evidence.row_files import Recording
from simulator.records.timetables import DAY_S, Surge, clock_s


@dataclass(frozen=True)
class Clock:
    """Ticks a second as a step function of time.

    edges: seconds on an axis of its own, ascending, shape (n + 1,); the run begins at `start` on it and ends within it
    heights: ticks a second between the edges, shape (n,)
    """

    edges: Times
    heights: Times
    start: float = 0.0

    def ticks_at(self, time: float) -> float:
        """Ticks from the first edge until `time`, in seconds from the start of the run."""
        return float(np.interp(self.start + time, self.edges, self.ticks()))

    def ticks(self) -> Times:
        return np.append(0.0, np.cumsum(np.diff(self.edges) * self.heights))

    def total(self, end: float) -> float:
        return self.ticks_at(end) - self.ticks_at(0.0)

    def surged(self, surges: Sequence[Surge]) -> Clock:
        """Return the clock made `times` as fast within each surge."""
        if not surges:
            return self
        windows = [np.clip(self.start + np.array([at, at + seconds]), *self.edges[[0, -1]]) for at, seconds, _ in surges]
        edges = np.unique(np.concatenate([self.edges, *windows]))
        heights = self.heights[np.searchsorted(self.edges, edges[:-1], side="right") - 1]
        for (begins, ends), surge in zip(windows, surges, strict=True):
            heights[(edges[:-1] >= begins) & (edges[:-1] < ends)] *= surge.times
        return Clock(edges, heights, self.start)


def steady(speed: float, end: float) -> Clock:
    return Clock(np.array([0.0, end]), np.array([speed]))


def warped(draw: Callable[[float], Times], end: float, clock: Clock) -> Times:
    """Return times in seconds on [0, end), from times on a clock that is not seconds.

    draw: gives sorted times in ticks on [0, total), for the `total` that the clock counts until `end`; what it gives beyond
    that is cut off. Each is mapped back to its second on the clock (inversion of the cumulative rate: exact,
    and no candidate is thrown away; Cinlar 1975, Introduction to Stochastic Processes, 4.7).
    """
    first, last = clock.ticks_at(0.0), clock.ticks_at(end)
    marks = draw(last - first)
    times = np.interp(first + marks[marks < last - first], clock.ticks(), clock.edges) - clock.start
    return np.asarray(times[times < end])  # rounding may have put the last one on the end itself


class Comings(NamedTuple):
    """The requests of a run, shape (n,) each: when they come, in seconds, and of which sensor which frame each of them is.

    sensors, frames: counted from 0; empty where requests are no frames
    """

    times: Times
    sensors: NDArray[np.int8]
    frames: NDArray[np.int32]


class Process(AnyArrivals):
    """Base of all kinds of arrivals: their fields in a case, and their requests over one run.

    A kind draws times on a clock of its own, in ticks, and says how fast that clock runs. Spikes, and whatever else changes
    the traffic, make the clock run faster or slower: no kind knows of them.

    These are known once `over` has bound it to a run. end: requests come on [0, end) s; starts_at: the start of the run in
    seconds after midnight; pace: how many times as fast as in reality the time of day passes
    """

    _end: float
    _starts_at: float
    _recording: Recording | None
    _pace: float

    @final
    def over(self, end: float, starts_at: float = 0.0, recording: Recording | None = None, pace: float = 1.0) -> Self:
        """Return these arrivals over one run."""
        bound = self.model_copy()
        bound._end, bound._starts_at, bound._recording, bound._pace = end, starts_at, recording, pace
        return bound

    def comings(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Comings:
        """Draw the requests on [0, end), sorted by time; surges come on top of the scenario's own spikes.

        Requests before the first surge are the same with and without it.
        """
        clock = self.clock(rng)
        times = partial(self.times, rng, clock.total(self._end))
        at = warped(times, self._end, clock.surged([*self.own_surges, *surges]))
        return Comings(at, np.empty(0, np.int8), np.empty(0, np.int32))

    @property
    def own_surges(self) -> list[Surge]:
        """The spikes that the case states."""
        return []

    @property
    def expected(self) -> float:
        raise NotImplementedError

    def expected_under(self, surges: Sequence[Surge]) -> float:
        return self.expected

    def drawn_under(self, surges: Sequence[Surge]) -> float:
        return self.expected_under(surges)

    def rates_in_run(self, surges: Sequence[Surge] = ()) -> tuple[float, float] | None:
        """Return requests a second over the run without spikes, and at its busiest time with spikes and surges.

        None where they depend on the design.
        """
        return None

    @property
    def mean_think_s(self) -> float:
        """Return how long clients think on average between an answer and the next request (s); 0 where nobody does."""
        return 0.0

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """Sorted times in ticks on [0, total), and perhaps some beyond.

        usual: ticks that the clock would count without a surge; what comes before the end of both is the same for any total.
        """
        raise NotImplementedError

    def clock(self, rng: np.random.Generator) -> Clock:
        return steady(1.0, self._end)


def arrivals_of(scenario: AnyCase, recording: Recording | None = None) -> Process:
    run = scenario.run
    return cast(Process, scenario.arrivals).over(run.days * DAY_S, clock_s(run.starts_at), recording, run.pace)


class OpenProcess(Open, Process):
    """Requests come whatever becomes of those before them: how many to expect is known beforehand."""

    @property
    def own_surges(self) -> list[Surge]:
        return [Surge(spike.at_s, spike.seconds, spike.times) for spike in self.spikes]

    @property
    def expected(self) -> float:
        return self.expected_under(())

    def expected_under(self, surges: Sequence[Surge]) -> float:
        return self.rates().surged([*self.own_surges, *surges]).total(self._end)

    @property
    def mean_rate(self) -> float:
        """Requests a second over the run, spikes left out."""
        return self.rates().total(self._end) / self._end

    def rates_in_run(self, surges: Sequence[Surge] = ()) -> tuple[float, float]:
        clock = self.busiest().surged([*self.own_surges, *surges])
        within = (clock.edges[:-1] < clock.start + self._end) & (clock.edges[1:] > clock.start)
        return self.mean_rate, float(clock.heights[within].max())

    def rates(self) -> Clock:
        raise NotImplementedError

    def busiest(self) -> Clock:
        return self.rates()


def poisson_times(rng: np.random.Generator, rate: float, usual: float, total: float) -> Times:
    """Return a Poisson process on [0, total): given their number, times are uniform and independent.

    It is drawn on [0, usual) first and then on, so that a longer total leaves the times before `usual` as they are.
    """
    early = _uniform(rng, rate, usual)
    return early if total <= usual else np.concatenate([early, usual + _uniform(rng, rate, total - usual)])


def _uniform(rng: np.random.Generator, rate: float, length: float) -> Times:
    return np.sort(rng.random(rng.poisson(rate * length)) * length)
