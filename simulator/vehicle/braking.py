"""From an object that is confirmed to a vehicle that stands: one-dimensional kinematics, in metres and seconds.

The object keeps its speed, the vehicle brakes at a constant rate; c is how fast the gap closes (m/s), a the deceleration
(m/s^2). From the start of braking on, the gap closes by another c^2 / (2 a) (AASHTO's stopping sight distance without its
reaction time, and with relative speed in place of speed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BrakingRule:
    """When the planner brakes, and how.

    period_s: between its ticks; actuation_s: from its decision until the brakes hold; margin_s, clearance_m: it brakes as soon
    as the gap that it believes in is at most c margin_s + c^2 / (2 a) + clearance_m
    predicts: whether that gap is moved on by the age of the answer
    """

    period_s: float
    actuation_s: float
    margin_s: float
    clearance_m: float
    predicts: bool


def needed_m(closing: Floats, deceleration: Floats) -> Floats:
    """By how much the gap still closes once the brakes hold."""
    return np.asarray(closing**2 / (2 * deceleration))


def impact_mps(gap_m: Floats, closing: Floats, deceleration: Floats) -> Floats:
    """The relative speed at the object of a vehicle whose brakes hold from this gap on; 0 where it stops before."""
    left = np.maximum(closing**2 - 2 * deceleration * np.maximum(gap_m, 0.0), 0.0)
    return np.asarray(np.sqrt(left))


def first_tick(ticks: Floats, times: Floats) -> Floats:
    """The first tick at or after each time, shape (n,); infinite where there is none. ticks: shape (n, j), ascending."""
    later = ticks >= times[:, None]
    return np.where(later.any(1), ticks[np.arange(len(ticks)), later.argmax(1)], np.inf)


def decided_at(
    rule: BrakingRule, ticks: Floats, confirmed: Floats, believed: Floats, closing: Floats, deceleration: Floats
) -> Floats:
    """The first tick at which the planner brakes, shape (n,), infinite where it never does.

    ticks: shape (n, j), ascending; confirmed: when the object counts, shape (n,); believed: the gap that the planner believes
    in at each tick, shape (n, j), NaN where it knows of none
    """
    enough = closing * rule.margin_s + needed_m(closing, deceleration) + rule.clearance_m
    with np.errstate(invalid="ignore"):
        brakes = (ticks >= confirmed[:, None]) & (believed <= enough[:, None])
    first = brakes.argmax(1)
    return np.where(brakes.any(1), ticks[np.arange(len(ticks)), first], np.inf)
