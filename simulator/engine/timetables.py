"""Numbers that change at known times, and sums and products of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: From when until when, in seconds of the run.
Span = tuple[float, float]


@dataclass(frozen=True)
class Steps:
    """A number that changes at known times: `values[i]` holds from `times[i]` on, in seconds of the run; `times[0]` is 0.

    usual: what the number is when nothing strikes.
    """

    times: tuple[float, ...] = (0.0,)
    values: tuple[float, ...] = (1.0,)
    usual: float = 1.0

    @property
    def steady(self) -> bool:
        """Whether it is as usual throughout, and may be left alone."""
        return all(value == self.usual for value in self.values)

    def at(self, time: float) -> float:
        """The number at a time; a change has happened at its very instant."""
        return self.values[bisect_right(self.times, time) - 1]

    def at_all(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The number at many times, of their shape."""
        if len(self.values) == 1:
            return np.broadcast_to(self.values[0], times.shape)
        return np.array(self.values)[np.searchsorted(self.times, times, side="right") - 1]

    def mean(self, end: float) -> float:
        """The average over [0, end)."""
        return self.total(end) / end

    def total(self, end: float, start: float = 0.0) -> float:
        """The integral over [start, end)."""
        edges = [start, *[time for time in self.times if start < time < end], end]
        return sum((stop - begin) * self.at(begin) for begin, stop in pairwise(edges))


def steps(usual: float, changes: Iterable[tuple[Span, float]], combine: Callable[[float, float], float]) -> Steps:
    """The usual number with changes combined into it, each over its span, in the order given."""
    spans = list(changes)
    edges = sorted({0.0, *(edge for span, _ in spans for edge in span if edge < inf)})
    values = [reduce(combine, (by for (start, end), by in spans if start <= edge < end), usual) for edge in edges]
    kept = [index for index in range(len(edges)) if index == 0 or values[index] != values[index - 1]]
    return Steps(tuple(edges[index] for index in kept), tuple(values[index] for index in kept), usual)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that are sorted and apart from each other."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def within(spans: Iterable[Span]) -> Steps:
    """1 within spans that are sorted and apart, 0 outside."""
    edges = [edge for span in spans for edge in span]
    return Steps((0.0, *edges), (0.0, *(float(index % 2 == 0) for index in range(len(edges)))))


def complement(found: Steps) -> Steps:
    """1 minus a number that changes."""
    return Steps(found.times, tuple(1 - value for value in found.values))


def inverse(found: Steps) -> Steps:
    """1 over it."""
    return Steps(found.times, tuple(1 / value for value in found.values))


def product(one: Steps, other: Steps) -> Steps:
    """Two of them multiplied."""
    times = np.unique(one.times + other.times)
    return Steps(tuple(times.tolist()), tuple((one.at_all(times) * other.at_all(times)).tolist()))


def added(parts: Iterable[Steps]) -> Steps:
    """All of them added up; at least one."""
    found = list(parts)
    times, index = np.unique(np.concatenate([part.times for part in found]), return_inverse=True)
    changes = np.concatenate([np.diff(part.values, prepend=0.0) for part in found])
    return Steps(tuple(times.tolist()), tuple(np.cumsum(np.bincount(index, changes)).tolist()))


def spliced(parts: Iterable[tuple[float, Steps]]) -> Steps:
    """One number after the other, each from its time (s) on until the next begins."""
    found = list(parts)
    times: list[float] = []
    values: list[float] = []
    for (start, steps), end in zip(found, [*(start for start, _ in found[1:]), inf], strict=True):
        within_part = [time for time in steps.times if start < time < end]
        times += [start, *within_part]
        values += [steps.at(time) for time in [start, *within_part]]
    return Steps(tuple(times), tuple(values))


class Surge(NamedTuple):
    """From `at_s` on, for `seconds`, the clock runs `times` as fast. Surges that overlap multiply."""

    at_s: float
    seconds: float = inf
    times: float = 1.0
