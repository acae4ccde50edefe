"""Where a gap changes its sign, as far as runs can tell: by the plain values, and with a 95% interval.

The interval holds every place at which the run does not tell the sign of the gap (a test inverted: Fieller 1954, J R Stat Soc
B 16:175). At the true place each test errs at most one time in twenty, and so does the interval, however many are made. It is
widened until runs on other requests say the same at both its bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import inf

from simulator.analysis.statistics import Estimate

#: The place is told to within this part of the range.
TOLERANCE = 1 / 64


@dataclass(frozen=True)
class Gap:
    """How far a statement is from turning, positive where it holds, with the bounds of its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the statement holds, by the plain value."""
        return self.value >= 0

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low < 0 <= self.high

    @property
    def unknown(self) -> bool:
        """Whether too few requests stand behind it to say anything."""
        return self.value == -inf and self.high == inf

    @classmethod
    def of(cls, found: Estimate, bound: float, upward: bool) -> Gap:
        """The distance of a figure from its bound. upward: whether it is to lie above it"""
        if upward:
            return cls(found.value - bound, found.low - bound, found.high - bound)
        return cls(bound - found.value, bound - found.high, bound - found.low)


#: Of a figure that a run cannot quote because of overload: the statement fails for certain. Where too few requests stand behind
#: it, nothing is known.
FAILS, UNKNOWN = Gap(-inf, -inf, -inf), Gap(-inf, -inf, inf)


@dataclass(frozen=True)
class Crossing:
    """Where a statement turns.

    at: by the plain values; low, high: its 95% interval, infinite where the range ends before the sign is sure
    below, above: the gaps at the bounds of the interval, or at the ends of the range where it is open
    confirmed: the gaps there on other requests; None where it is open
    """

    at: float
    low: float
    high: float
    below: Gap
    above: Gap
    confirmed: tuple[Gap | None, Gap | None]

    @property
    def is_bounded(self) -> bool:
        """Whether runs on both sides are sure."""
        return abs(self.low) < inf and abs(self.high) < inf


def crossing(
    gap: Callable[[float], Gap], again: Callable[[float], Gap], low: float, high: float, tolerance: float = TOLERANCE
) -> Crossing | None:
    """Where a statement turns between two numbers; None where its plain values are on the same side at both.

    gap: of a number within; again: the same on other requests. The same number gives the same answer; it is taken to turn once.
    """
    at, anew = cache(gap), cache(again)
    if at(low).holds == at(high).holds:
        return None
    left, right, width = low, high, tolerance * (high - low)
    while right - left > width:
        middle = (left + right) / 2
        if at(middle).holds == at(low).holds:
            left = middle
        else:
            right = middle
    below, above = (
        _agreed(at, anew, _sure_from(at, inside, outside, width), outside, width)
        for inside, outside in ((left, low), (right, high))
    )
    return Crossing(
        at=_between(left, at(left), right, at(right)),
        low=-inf if below is None else below,
        high=inf if above is None else above,
        below=at(low if below is None else below),
        above=at(high if above is None else above),
        confirmed=(None if below is None else anew(below), None if above is None else anew(above)),
    )


def _sure_from(at: Callable[[float], Gap], inside: float, outside: float, width: float) -> float | None:
    """The place nearest to where it turns, on one side of it, whose sign is sure; None if the end of the range is not."""
    if at(inside).sure:
        return inside
    if not at(outside).sure:
        return None
    unsure, sure = inside, outside
    while abs(sure - unsure) > width:
        middle = (sure + unsure) / 2
        if at(middle).sure:
            sure = middle
        else:
            unsure = middle
    return sure


def _agreed(
    at: Callable[[float], Gap], anew: Callable[[float], Gap], bound: float | None, outside: float, width: float
) -> float | None:
    """The bound, or the nearest place further out at which runs on other requests say the same; None where none do."""
    while bound is not None and anew(bound).holds != at(bound).holds:
        if bound == outside:
            return None
        bound += min(width, abs(outside - bound)) * (1 if outside > bound else -1)
        width *= 2
    return bound


def _between(left: float, before: Gap, right: float, after: Gap) -> float:
    """Where a straight line between two gaps passes zero; in the middle where one of them has no figure."""
    if abs(before.value) == inf or abs(after.value) == inf or before.value == after.value:
        return (left + right) / 2
    return left + (right - left) * before.value / (before.value - after.value)
