"""Sums and products of numbers that change at known times."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import numpy as np

from simulator.serving.conditions import Span, Steps


def within(spans: Iterable[Span]) -> Steps:
    """1 within spans that are sorted and apart, 0 outside."""
    edges = [edge for span in spans for edge in span]
    return Steps((0.0, *edges), (0.0, *(float(index % 2 == 0) for index in range(len(edges)))))


def complement(found: Steps) -> Steps:
    """1 less a number that changes."""
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
