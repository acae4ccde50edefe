"""Brakes, and what they leave of the gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats


@dataclass(frozen=True)
class GentleCourse:
    """The way of a vehicle that brakes gently before it brakes in full.

    begins_s: when gentle brakes hold, infinite where never; lasts_s: for so long at most; mps2: their deceleration; shapes
    that can be broadcast
    """

    begins_s: Floats
    lasts_s: Floats
    mps2: float

    def held_s(self, times: Floats) -> Floats:
        """Return the time for which gentle brakes have held."""
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(self.begins_s), np.clip(times - self.begins_s, 0.0, self.lasts_s), 0.0)

    def lost_mps(self, times: Floats) -> Floats:
        """Return the speed that they have taken away."""
        return self.mps2 * self.held_s(times)

    def gained_m(self, times: Floats) -> Floats:
        """Return the way that the vehicle has not gone, for finite times: g h^2 / 2 while they hold, and g h t from then on."""
        held = self.held_s(times)
        since = np.where(np.isfinite(self.begins_s), np.maximum(times - self.begins_s - held, 0.0), 0.0)
        return self.mps2 * held * (held / 2 + since)

    def closing_at(self, gap_m: Floats, closing: Floats, times: Floats) -> Floats:
        """Return the closing speed at these times, or at the object where that comes first: c^2 - 2 g d."""
        held = self.held_s(times)
        left = np.where(np.isfinite(self.begins_s), np.maximum(gap_m - closing * self.begins_s, 0.0), 0.0)
        driven = np.minimum(left, closing * held - self.mps2 * held**2 / 2)
        return np.asarray(np.sqrt(np.maximum(closing**2 - 2 * self.mps2 * driven, 0.0)))

    def contact_s(self, gap_m: Floats, closing: Floats) -> Floats:
        """Return when the vehicle is at the object without full brakes; infinite where gentle ones are enough."""
        with np.errstate(invalid="ignore", divide="ignore"):
            left = np.where(np.isfinite(self.begins_s), gap_m - closing * self.begins_s, -1.0)
            way = closing * self.lasts_s - self.mps2 * self.lasts_s**2 / 2
            within = (closing - np.sqrt(np.maximum(closing**2 - 2 * self.mps2 * left, 0.0))) / self.mps2
            slower = np.maximum(closing - self.mps2 * self.lasts_s, 0.0)
            beyond = self.lasts_s + np.where(slower > _STANDS_MPS, (left - way) / slower, np.inf)
            return np.where(left <= 0, gap_m / closing, self.begins_s + np.where(left <= way, within, beyond))


#: A vehicle that closes in more slowly than this stands.
_STANDS_MPS = 1e-3


def stands(closing: Floats) -> NDArray[np.bool_]:
    return closing < _STANDS_MPS


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


def tick_after(first: Floats, period_s: float, times: Floats) -> Floats:
    """Return the first tick at or after each time, of ticks that go on for ever; infinite where the time is.

    first: the first tick of each row, shape of `times` or broadcast to it
    """
    number = np.maximum(np.ceil((times - first) / period_s), 0)
    # the division rounds: the tick before, or the one after, may be the first
    before, at = first + period_s * (number - 1), first + period_s * number
    return np.asarray(np.select([(number > 0) & (before >= times), at >= times], [before, at], first + period_s * (number + 1)))
