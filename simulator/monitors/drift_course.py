"""The course of a column over the windows of production: the band of quiet windows, the onset, and places outside the band."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from simulator.arrays import Codes, Floats
from simulator.monitors.blocks import autocorrelation_time
from simulator.monitors.drift_report import TOGETHER, DriftFinding, Monitored
from simulator.monitors.monitor_tables import Column, Tables, columns, shown_instant, times, words

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

    def begins(self, windows: Codes) -> Floats:
        """Return the begins of windows: hours since 1970 (or the file's zero), or rows from 0; shape of `windows`."""
        return np.asarray(windows * self.width)


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


#: The most windows of a chart, and of the search for an onset.
MOST_WINDOWS, _FINE = 60, 240
#: Times that the onset is estimated again for its interval.
_DRAWS = 199
#: The length of a block, as a multiple of the autocorrelation time.
_BLOCK_TIMES = 5
#: Hours since 1970 of the year 1980: lower times count from the file's own zero.
_STAMPS_H = 87_600

#: The rows that a chart shows: "" for all of them, or the name of a slice.
FigureKind = Literal["mean", "spread", "share"]


@dataclass(frozen=True)
class WindowFigure:
    """The figure of a column that a chart shows window by window.

    kind: its mean, its mean distance from the reference's median, or the share of a word
    """

    column: str
    kind: FigureKind
    word: str = ""
    middle: float = 0.0

    @property
    def label(self) -> str:
        if self.kind == "share":
            return f"share of {self.word} in {self.column} (%)"
        return f"{self.kind} of {self.column}"

    def of(self, cells: pd.Series) -> Floats:
        """Return the number of each row whose mean over a window is the figure, shape (n,); NaN where a cell is empty."""
        if self.kind == "share":
            return np.where(cells.isna(), np.nan, 100.0 * (cells.map(_word_of) == self.word))
        values = cells.to_numpy(float)
        return values if self.kind == "mean" else np.abs(values - self.middle)


def _word_of(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


@dataclass(frozen=True)
class OnsetEstimate:
    """The stretch in that a column differs, if it changed in one step: from `begin`, with its 95% interval, to `end`.

    Hours or rows, as in the clock; end: None where the change lasts to the end of the file
    """

    begin: float
    low: float
    high: float
    end: float | None


@dataclass(frozen=True, eq=False)
class WindowCourse:
    """A figure of production by window, with the band of the reference, least to most, shapes (windows,).

    outside: windows beyond the band; all windows of a quiet chart lie within it with a chance of 1 - level
    """

    clock: WindowClock
    begins: Floats
    value: Floats
    centre: Floats
    least: Floats
    most: Floats

    @property
    def outside(self) -> NDArray[np.bool_]:
        return (self.value < self.least) | (self.value > self.most)


@dataclass(frozen=True, eq=False)
class ColumnCourse(WindowCourse):
    """The course of a claimed column; the band is that of the reference at the same hours."""

    finding: DriftFinding
    figure: WindowFigure
    onset: OnsetEstimate | None


@dataclass(frozen=True, eq=False)
class PlaceMap:
    """A figure by place and window, in standard errors from the same hours of the place's reference.

    errors: shape (places, windows), NaN without rows
    outside: cells beyond their band; all cells of a quiet map lie within with a chance of 1 - level
    """

    by: str
    places: list[str]
    begins: Floats
    errors: Floats
    outside: NDArray[np.bool_]
    figure: WindowFigure
    clock: WindowClock

    @property
    def touched(self) -> list[str]:
        """Return the places with a window outside, those with most of them first."""
        counts = self.outside.sum(axis=1)
        return [self.places[row] for row in np.argsort(-counts, kind="stable") if counts[row]]


class CourseReader:
    """The courses of the columns that a comparison claims."""

    def __init__(self, tables: Tables, found: Monitored) -> None:
        self.tables, self.asked, self.found = tables, found.asked, found
        apart = [name for name in (self.asked.time, self.asked.group) if name]
        compared, _ = columns(tables, apart, self.asked.columns, self.asked.names)
        self.columns = {column.name: column for column in compared}
        self.hours = [times(table, self.asked.time) for table in self.tables] if self.asked.time else None

    def claimed(self) -> list[DriftFinding]:
        """Return the largest finding of each claimed column."""
        first: dict[str, DriftFinding] = {}
        for finding in self.found.differing:
            if finding.column != TOGETHER:
                first.setdefault(finding.column, finding)
        return list(first.values())

    def course(self, finding: DriftFinding) -> ColumnCourse | None:
        """Return the course of a claimed column; None where a file has too few windows."""
        figure, clock = self._figure(finding), self._clock(MOST_WINDOWS)
        first, second = self._values(finding, figure)
        usual, now = window_means(first, clock.reference), window_means(second, clock.production)
        if not len(usual.value) or len(now.value) < 2:
            return None
        chunks = ReferenceChunks.of(usual, clock.slots)
        centre, half = chunks.centres(now.windows), chunks.half_width(now.windows, self.asked.level / len(now.value))
        band = centre, centre - half, centre + half
        onset = self._onset(first, second)
        return ColumnCourse(clock, clock.begins(now.windows), now.value, *band, finding, figure, onset)

    def place_map(self, finding: DriftFinding, by: str) -> PlaceMap | None:
        """Return the figure of a claimed column by place and window; None where no place has a band."""
        figure, clock = self._figure(finding), self._clock(MOST_WINDOWS)
        column = self.columns[finding.column]
        named = [words(table, by) for table in self.tables]
        values = [figure.of(column.reference), figure.of(column.production)]
        windows = np.unique(clock.production)
        names = [str(name) for name in np.unique(named[1])]
        errors = np.full((len(names), len(windows)), np.nan)
        outside = np.zeros(errors.shape, bool)
        for row, place in enumerate(names):
            usual, now = (
                window_means(within(places == place, value), which)
                for places, value, which in zip(named, values, (clock.reference, clock.production), strict=True)
            )
            if len(usual.value) and len(now.value):
                chunks, cells = ReferenceChunks.of(usual, clock.slots), np.searchsorted(windows, now.windows)
                off = now.value - chunks.centres(now.windows)
                errors[row, cells] = off / chunks.errors(now.windows)
                outside[row, cells] = np.abs(off) > chunks.half_width(now.windows, self.asked.level / errors.size)
        if not np.isfinite(errors).any():
            return None
        return PlaceMap(by, names, clock.begins(windows), errors, outside, figure, clock)

    def shown(self, at: float) -> str:
        """Return an instant of production in words: a date and time, hours of the file, or a row."""
        if self.hours is None:
            return f"{self.tables[1].word} {self.tables[1].first + round(at):,}"
        return shown_instant(at, self.stamped)

    @property
    def stamped(self) -> bool:
        """Return whether times are dates, not seconds from the file's zero."""
        return self.hours is not None and float(self.hours[1].min()) > _STAMPS_H

    def _clock(self, most: int) -> WindowClock:
        if self.hours is None:
            return clock_of_rows(len(self.tables[0].rows), len(self.tables[1].rows), most)
        width = self.asked.window_h if most == MOST_WINDOWS else None
        return clock_of_times(self.hours[0], self.hours[1], most, width)

    def _figure(self, finding: DriftFinding) -> WindowFigure:
        effect, column = finding.answer.effect, self.columns[finding.column]
        if effect.unit == "share":
            return WindowFigure(finding.column, "share", effect.name)
        if column.kind == "words":
            return WindowFigure(finding.column, "share", _moved_word(column))
        mean = float(column.production.mean() - column.reference.mean())
        middle = float(column.reference.median())
        apart = [(values - middle).abs() for values in (column.reference, column.production)]
        spread = float(apart[1].mean() - apart[0].mean())
        wider = abs(spread) / _deviation(apart[0]) > 2 * abs(mean) / _deviation(column.reference)
        return WindowFigure(finding.column, "spread" if wider else "mean", middle=middle)

    def _values(self, finding: DriftFinding, figure: WindowFigure) -> tuple[Floats, Floats]:
        """Return the numbers of the rows of both files, NaN outside the slice of the finding."""
        column, by = self.columns[finding.column], self.asked.by
        first, second = figure.of(column.reference), figure.of(column.production)
        if by and finding.part.startswith(f"{by} = "):
            place = finding.part.removeprefix(f"{by} = ")
            named = [words(table, by) == place for table in self.tables]
            return within(named[0], first), within(named[1], second)
        return first, second

    def _onset(self, first: Floats, second: Floats) -> OnsetEstimate | None:
        clock = self._clock(_FINE)
        usual, now = window_means(first, clock.reference), window_means(second, clock.production)
        if len(now.value) < 3:
            return None
        chunks = ReferenceChunks.of(usual, clock.slots)
        residuals, quiet = (means.value - chunks.centres(means.windows) for means in (now, usual))
        if not np.isfinite(residuals).all():
            return None
        begin, end = changed_stretch(residuals)
        low, high = onset_interval(residuals, quiet, begin, end)
        at = clock.begins(np.append(now.windows, now.windows[-1] + 1)).tolist()
        return OnsetEstimate(at[begin], at[low], at[high], at[end] if end < len(residuals) else None)


def _moved_word(column: Column) -> str:
    shares = [values.value_counts(normalize=True) for values in (column.reference, column.production)]
    return str(shares[1].sub(shares[0], fill_value=0).abs().idxmax())


def _deviation(values: pd.Series) -> float:
    return float(values.std(ddof=0)) or 1.0


def changed_stretch(residuals: Floats) -> tuple[int, int]:
    """Return the begin and the end of the stretch with the largest sum of squares of a constant change, shape (m,).

    It is the most likely one for independent normal residuals about a known mean of 0. A stretch that lasts to the last
    window but one counts as lasting to the end.
    """
    sums = np.concatenate([[0.0], np.cumsum(residuals)])
    lengths = np.arange(len(sums))[None, :] - np.arange(len(sums))[:, None]
    gains = np.where(lengths > 0, (sums[None, :] - sums[:, None]) ** 2 / np.maximum(lengths, 1), -1.0)
    begin, end = (int(place) for place in np.unravel_index(gains.argmax(), gains.shape))
    return begin, len(residuals) if end >= len(residuals) - 1 else end


def onset_interval(residuals: Floats, quiet: Floats, begin: int, end: int, seed: int = 0) -> tuple[int, int]:
    """Return the 95% interval of the begin of a stretch: the step plus blocks of the reference's windows, searched again.

    residuals: of production, shape (m,); quiet: of the reference, shape (n,), whose noise is free of any change
    """
    size, rows = len(residuals), len(quiet)
    step = np.zeros(size)
    step[begin:end] = residuals[begin:end].mean()
    length = min(ceil(_BLOCK_TIMES * autocorrelation_time(quiet)), max(rows // 4, 1))
    rng = np.random.default_rng(seed)
    starts = rng.integers(rows, size=(_DRAWS, ceil(size / length)))
    places = ((starts[:, :, None] + np.arange(length)) % rows).reshape(_DRAWS, -1)[:, :size]
    begins = [changed_stretch(step + quiet[row])[0] for row in places]
    low, high = np.quantile(begins, [0.025, 0.975])
    return min(int(low), begin), max(ceil(high), begin)
