"""The planner's rule for the brakes, and what they leave of the gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BrakingRule:
    """The rule that the planner brakes by.

    period_s: between its ticks; actuation_s: from its decision until the brakes hold; margin_s, clearance_m: it brakes as soon
    as the gap that it believes in is at most c margin_s + c^2 / (2 a) + clearance_m
    predicts: whether that gap is moved on by the age of the answer
    """

    period_s: float
    actuation_s: float
    margin_s: float
    clearance_m: float
    predicts: bool

    def enough_m(self, closing: Floats, deceleration: Floats) -> Floats:
        """Return the gap from which on it brakes, as soon as the object counts."""
        return closing * self.margin_s + needed_m(closing, deceleration) + self.clearance_m


def needed_m(closing: Floats, deceleration: Floats) -> Floats:
    return np.asarray(closing**2 / (2 * deceleration))


def impact_mps(gap_m: Floats, closing: Floats, deceleration: Floats) -> Floats:
    left = np.maximum(closing**2 - 2 * deceleration * np.maximum(gap_m, 0.0), 0.0)
    return np.asarray(np.sqrt(left))


def first_time(times: Floats, so: NDArray[np.bool_]) -> Floats:
    """Return the time in the first column in which something is so, shape (..., n); infinite where it is so in none.

    times: shape (n, f); so: shape (..., n, f)
    """
    first, rows = so.argmax(-1), np.arange(len(times))
    return np.where(np.take_along_axis(so, first[..., None], -1)[..., 0], times[rows, first], np.inf)


def first_tick(ticks: Floats, times: Floats) -> Floats:
    """Return the first tick at or after each time, shape (..., n); infinite where there is none.

    ticks: shape (n, j), ascending
    """
    return first_time(ticks, ticks >= times[..., None])
