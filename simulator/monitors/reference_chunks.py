"""Windows of both files, and the band of a quiet window, from chunks of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from simulator.monitors.blocks import Codes, Floats, autocorrelation_time

#: Widths of windows (h) to choose from: each divides a day, or is days.
WIDTHS_H = (1 / 60, 1 / 12, 1 / 6, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 24.0, 168.0)
#: The fewest rows of a window on average, and the part of the usual number of rows below which a window is left out.
_ROWS, _PART = 10, 0.5
#: Hours of a day.
_DAY_H = 24
#: Fewer degrees of freedom give no band.
_FREEDOM = 2


@dataclass(frozen=True, eq=False)
class WindowClock:
    """The windows of both files.

    width: in hours, or in rows where the files have no times
    reference, production: the window of each row, shapes (n,) and (m,)
    slots: windows of a day, each compared with the reference's windows at its hours; 1 where the hour does not matter
    """

    width: float
    timed: bool
    reference: Codes
    production: Codes
    slots: int

    def begins(self, window: int) -> float:
        """Return the begin of a window: hours since 1970 (or the file's zero), or the row from 0."""
        return window * self.width


def clock_of_times(reference: Floats, production: Floats, most: int, width_h: float | None = None) -> WindowClock:
    """Return windows of production's hours, shapes (n,) and (m,): at most `most`, or of a given width."""
    width = width_h or _width(production, most)
    daily = (
        width <= _DAY_H / 2 and abs(_DAY_H / width - round(_DAY_H / width)) < 1e-9 and np.ptp(reference) >= 2 * _DAY_H - width
    )
    slots = round(_DAY_H / width) if daily else 1
    first, second = (np.floor(hours / width + 1e-9).astype(np.int64) for hours in (reference, production))
    return WindowClock(width, True, first, second, slots)


def _width(hours: Floats, most: int) -> float:
    span = float(np.ptp(hours))
    enough = (width for width in WIDTHS_H if span / width <= most and len(hours) * width >= _ROWS * span)
    return next(enough, max(ceil(span / most / 168), 1) * 168.0)


def clock_of_rows(reference: int, production: int, most: int) -> WindowClock:
    """Return stretches of rows in the order of the files, at most `most` of production."""
    width = max(ceil(production / most), _ROWS)
    return WindowClock(float(width), False, np.arange(reference) // width, np.arange(production) // width, 1)


@dataclass(frozen=True, eq=False)
class WindowMeans:
    """The mean of a figure in each window, shapes (windows,). rows: of each window."""

    windows: Codes
    value: Floats
    rows: Codes


def window_means(values: Floats, windows: Codes) -> WindowMeans:
    """Return the means of windows, of rows with a value, shape (n,); windows with few rows are left out."""
    there = np.isfinite(values)
    names, codes = np.unique(windows[there], return_inverse=True)
    rows = np.bincount(codes)
    means = np.bincount(codes, values[there]) / np.maximum(rows, 1)
    full = rows >= _PART * np.median(rows) if len(rows) else np.zeros(0, bool)
    return WindowMeans(names[full], means[full], rows[full])


@dataclass(frozen=True, eq=False)
class ReferenceChunks:
    """Chunks of the reference as wide as a window, by the hours of the day; shapes (slots,).

    centre, count: mean and number of the chunks of each slot
    spread: the standard deviation of chunks about the centres, in the slots up to an eighth of a day away
    freedom: its degrees, fewer where chunks resemble the chunks before them
    repeated: the share of chunks with the commonest value: a week of mostly no fog says little about fog
    """

    centre: Floats
    count: Codes
    spread: Floats
    freedom: Floats
    repeated: float

    @classmethod
    def of(cls, means: WindowMeans, slots: int) -> ReferenceChunks:
        slot = means.windows % slots
        count = np.bincount(slot, minlength=slots)
        centre = np.bincount(slot, means.value, minlength=slots) / np.where(count > 0, count, np.nan)
        left = means.value - centre[slot]
        degrees = _near(np.maximum(count - 1, 0).astype(float))
        squares = _near(np.bincount(slot, left**2, minlength=slots).astype(float))
        spread = np.sqrt(squares / np.where(degrees >= _FREEDOM, degrees, np.nan))
        repeated = float(np.unique(means.value, return_counts=True)[1].max() / len(left))
        return cls(centre, count, spread, degrees / autocorrelation_time(left), repeated)

    def errors(self, windows: Codes) -> Floats:
        """Return the standard error of a new window about its centre, shape (windows,); NaN where the reference varies not."""
        slot = windows % len(self.count)
        count = np.where(self.count > 0, self.count, np.nan)[slot]
        return np.asarray(np.where(self.spread[slot] > 0, self.spread[slot], np.nan) * np.sqrt(1 + 1 / count))

    def half_width(self, windows: Codes, level: float) -> Floats:
        """Return half of the band that a window of normal chunks leaves with a chance of `level`, shape (windows,)."""
        return np.asarray(self.errors(windows) * stdtrit(self.freedom[windows % len(self.count)], 1 - level / 2))

    def centres(self, windows: Codes) -> Floats:
        return self.centre[windows % len(self.centre)]


def _near(of_slots: Floats) -> Floats:
    """Return the sum over the slots up to an eighth of a day away, around the clock, shape (slots,)."""
    reach = len(of_slots) // 8
    return np.asarray(sum(np.roll(of_slots, by) for by in range(-reach, reach + 1)), float)


def within(rows: NDArray[np.bool_], values: Floats) -> Floats:
    """Return values with NaN outside the rows, shape (n,)."""
    return np.where(rows, values, np.nan)
