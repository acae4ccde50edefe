"""A clock whose speed changes in steps: how arrivals follow the time of day, spikes, and whatever strikes during a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.engine.timetables import Surge

Times = NDArray[np.float64]


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
        """Ticks from the first edge until each edge."""
        return np.append(0.0, np.cumsum(np.diff(self.edges) * self.heights))

    def total(self, end: float) -> float:
        """Ticks from the start of the run until `end`."""
        return self.ticks_at(end) - self.ticks_at(0.0)

    def surged(self, surges: Sequence[Surge]) -> Clock:
        """The same clock, `times` as fast within each surge."""
        if not surges:
            return self
        windows = [np.clip(self.start + np.array([at, at + seconds]), *self.edges[[0, -1]]) for at, seconds, _ in surges]
        edges = np.unique(np.concatenate([self.edges, *windows]))
        heights = self.heights[np.searchsorted(self.edges, edges[:-1], side="right") - 1]
        for (begins, ends), surge in zip(windows, surges, strict=True):
            heights[(edges[:-1] >= begins) & (edges[:-1] < ends)] *= surge.times
        return Clock(edges, heights, self.start)


def steady(speed: float, end: float) -> Clock:
    """A clock of one speed on [0, end)."""
    return Clock(np.array([0.0, end]), np.array([speed]))


def warped(draw: Callable[[float], Times], end: float, clock: Clock) -> Times:
    """Times in seconds on [0, end), from times on a clock that is not seconds.

    draw: gives sorted times in ticks on [0, total), for the `total` that the clock counts until `end`; what it gives beyond
    that is cut off. Each is mapped back to the second at which the clock shows it (inversion of the cumulative rate: exact,
    and no candidate is thrown away; Cinlar 1975, Introduction to Stochastic Processes, 4.7).
    """
    first, last = clock.ticks_at(0.0), clock.ticks_at(end)
    marks = draw(last - first)
    times = np.interp(first + marks[marks < last - first], clock.ticks(), clock.edges) - clock.start
    return np.asarray(times[times < end])  # rounding may have put the last one on the end itself
