"""Monitors of the stream: the value of each window beside the reference, and the windows that ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
import scipy
from scipy.special import ndtr

from simulator.arrays import Bools, Floats
from simulator.errors import InputError
from simulator.incident.frame_columns import FrameSide, ServedFrames
from simulator.incident.frame_statistics import FrameStatistics
from simulator.incident.measured_scenes import CLEAN_SETTING
from simulator.incident.secret import DAY_S, HOUR_S
from simulator.incident.watches import LABELLED, OF_SERVERS, Watch
from simulator.metrics.distances import PSI_BINS, bandwidth, chi_squared, mmd_squared, psi
from simulator.records.streams import Streams

#: Windows with fewer rows have no value.
LEAST_ROWS = 8
#: MMD compares no more rows of a window than these, evenly spread over it.
_MMD_ROWS = 200
#: Bound on false alarms of ADWIN, for independent values (Bifet and Gavalda 2007).
_ADWIN_DELTA = 0.002


class WatchError(InputError):
    """A monitor cannot work; the message names what it needs."""


@dataclass(frozen=True, eq=False)
class WindowSeries:
    """One monitor on one slice, a row a window, shapes (k,).

    ends_s: the end of the window; known_s: when its value is known
    value: of the statistic, or its distance to the reference
    score: distance out of the reference's range, in the monitor's own units; rings: whether it rings
    usual: the usual range, low and high; NaN for a monitor without one
    """

    watch: Watch
    slice: str
    ends_s: Floats
    known_s: Floats
    value: Floats
    score: Floats
    rings: Bools
    usual: tuple[float, float]

    @property
    def day(self) -> Floats:
        """Return the ends of the windows in days; 1 is the first midnight."""
        return self.ends_s / DAY_S + 1

    def until(self, now_s: float) -> WindowSeries:
        """Return the windows with a value that is known by a time (s)."""
        there = (self.known_s <= now_s) & np.isfinite(self.value)
        columns = ("ends_s", "known_s", "value", "score", "rings")
        return replace(self, **{name: getattr(self, name)[there] for name in columns})

    def ringing(self, now_s: float) -> bool:
        """Return whether it rings at a time (s): in the last day, or for the length of its window."""
        since = now_s - max(DAY_S, self.watch.window_h * HOUR_S)
        return bool((self.rings & (self.known_s > since) & (self.known_s <= now_s)).any())


@dataclass(frozen=True)
class Ring:
    """An alarm of a monitor on one slice: its time (s), the value, and the usual range."""

    at_s: float
    watch: Watch
    slice: str
    value: float
    usual: tuple[float, float]

    def sentence(self) -> str:
        """Return the alarm in words: `Detections a frame is 1.94 over 24 h, below the usual 3.92 to 5.91`."""
        watch, (low, high) = self.watch, self.usual
        where = f" ({self.slice})" if watch.by != "all" else ""
        head = f"{watch.title}{where} is {watch.number(self.value)} over {watch.window_h:g} h"
        if watch.rings == "p":
            return f"{head}; p is below {watch.at:g}."
        usual = f"{watch.number(low)} to {watch.number(high)}"
        if isfinite(low) and self.value < low:
            return f"{head}, below the usual {usual}."
        if isfinite(high) and self.value > high:
            return f"{head}, above the usual {usual}."
        return f"{head}; the usual range is {usual}." if isfinite(low) else f"{head}."


def watched(watch: Watch, statistics: FrameStatistics) -> list[WindowSeries]:
    rows = _Rows(watch, statistics)
    parts = statistics.slices(watch.by)
    return [rows.series(name, part, len(parts)) for name, part in parts.items()]


def rings(series: list[WindowSeries], from_s: float) -> list[Ring]:
    """Return all alarms from a time (s) on, in order of time."""
    alarms = [
        Ring(float(each.known_s[place]), each.watch, each.slice, float(each.value[place]), each.usual)
        for each in series
        for place in np.flatnonzero(each.rings & (each.known_s >= from_s))
    ]
    return sorted(alarms, key=lambda ring: ring.at_s)


class _Rows:
    """The rows that a monitor reads."""

    def __init__(self, watch: Watch, statistics: FrameStatistics) -> None:
        self.watch, self.statistics = watch, statistics
        self.window_s = watch.window_h * HOUR_S
        frames, spec = statistics.frames, statistics.spec
        self.window = (frames.at_s // self.window_s).astype(np.int64)
        self.windows = int(self.window.max(initial=0)) + 1
        self.reference_windows = max(int(spec.reference_days * DAY_S / self.window_s + 1e-9), 1)
        self.late_s = spec.labels.days_late * DAY_S if watch.statistic in LABELLED else 0.0
        self.values, self.weights = self._values()
        read = Streams(statistics.secret.seed).named("sampled").random(len(frames)) < watch.sampled
        self.vectors = statistics.vectors() if watch.test == "mmd" else self.values
        self.collected = collected(statistics, watch) if watch.reference == "collected" else None
        self.there = np.isfinite(self.values) & (read | (watch.statistic in {*LABELLED, *OF_SERVERS}))

    def _values(self) -> tuple[Floats, Floats]:
        if self.watch.statistic in LABELLED:
            found, there = self.statistics.labelled()
            counts = np.nan_to_num(there)
            return np.where(counts > 0, found / np.maximum(counts, 1e-9), np.nan), counts
        return self.statistics.figure(self.watch.statistic), np.ones(len(self.statistics.frames))

    def series(self, name: str, part: Bools, parts: int) -> WindowSeries:
        part = part & self.there
        ends: Floats = (np.arange(self.windows, dtype=float) + 1) * self.window_s
        value, score, usual = (self._means if self.watch.of_means else self._distances)(part)
        full = np.bincount(self.window[part], minlength=self.windows) >= LEAST_ROWS
        after = np.arange(self.windows) >= self.reference_windows
        rung = self._rung(value, score, parts)
        score = np.where(full, score, 1.0 if self.watch.rings == "p" else 0.0)
        return WindowSeries(self.watch, name, ends, ends + self.late_s, value, score, rung & full & after, usual)

    def _rung(self, value: Floats, score: Floats, parts: int) -> Bools:
        watch = self.watch
        if watch.test in ("adwin", "page_hinkley"):
            return _drifts(watch.test, score, self.reference_windows, watch.at)
        if watch.rings == "p":
            return np.asarray(score * (parts if watch.correct else 1) < watch.at)
        return np.asarray(score > watch.at)

    # Means of windows

    def _means(self, part: Bools) -> tuple[Floats, Floats, tuple[float, float]]:
        weight = self.weights[part]
        total = np.bincount(self.window[part], weight * self.values[part], self.windows)
        count = np.bincount(self.window[part], weight, self.windows)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
        centre, spread = self._reference(part, mean)
        score = self._p_of_means(part, mean) if self.watch.rings == "p" else np.abs(mean - centre) / spread
        wide = self.watch.at * float(spread.mean()) if self.watch.rings == "spread" else np.nan
        low, high = float(np.nanmean(centre)) - wide, float(np.nanmean(centre)) + wide
        return mean, np.nan_to_num(score), (max(low, 0.0) if self.watch.statistic in OF_SERVERS else low, high)

    def _reference(self, part: Bools, mean: Floats) -> tuple[Floats, Floats]:
        """Return the expected mean of each window and its standard deviation, shapes (windows,)."""
        if (values := self.collected) is not None:
            counts = np.maximum(np.bincount(self.window[part], minlength=self.windows), 1)
            return np.full(self.windows, values.mean()), values.std(ddof=1) / np.sqrt(counts)
        known, phases = mean[: self.reference_windows], max(round(24 / self.watch.window_h), 1)
        phase = np.arange(self.windows) % phases
        by_phase = np.array([np.nanmean(known[phase[: len(known)] == number]) for number in range(phases)])
        rest = known - by_phase[phase[: len(known)]]
        freedom = int(np.isfinite(rest).sum()) - phases
        rows = np.bincount(self.window[part], minlength=self.windows)[: self.reference_windows].mean()
        least = max(1 / max(rows, 1), 1e-9) if self.watch.statistic in OF_SERVERS else 1e-9
        spread = max(float(np.sqrt(np.nansum(rest**2) / freedom)), least) if freedom > 0 else np.nan
        return by_phase[phase], np.full(self.windows, spread)

    def _p_of_means(self, part: Bools, mean: Floats) -> Floats:
        """Return p as if rows were independent (Welch 1947); weighted rows by linearisation (Cochran 1977, section 6.3)."""
        early = part & (self.window < self.reference_windows)
        first, weights = self.values[early], self.weights[early]
        if self.collected is not None:
            first, weights = self.collected, np.ones(len(self.collected))
        centre = (weights * first).sum() / weights.sum()
        known = len(first) / (len(first) - 1) * ((weights * (first - centre)) ** 2).sum() / weights.sum() ** 2
        window, weight = self.window[part], self.weights[part]
        rest = np.bincount(window, (weight * (self.values[part] - mean[window])) ** 2, self.windows)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(rest / np.bincount(window, weight, self.windows) ** 2 + known)
        return np.asarray(np.nan_to_num(2 * ndtr(-(np.abs(mean - centre) / np.maximum(error, 1e-12))), nan=1.0))

    # Distances of windows from the reference

    def _distances(self, part: Bools) -> tuple[Floats, Floats, tuple[float, float]]:
        """Return the distance of each window; a window of the reference is compared with its other windows."""
        distance, scores = np.full(self.windows, np.nan), np.full(self.windows, np.nan)
        of_window = np.split(self.vectors[part], np.searchsorted(self.window[part], np.arange(1, self.windows)))
        reference = of_window[: self.reference_windows] if self.collected is None else [self.collected]
        for place, values in enumerate(of_window):
            if len(values) < LEAST_ROWS:
                continue
            inside = self.collected is None and place < self.reference_windows
            others = np.concatenate([values[:0], *(each for at, each in enumerate(reference) if at != place or not inside)])
            if len(others) >= LEAST_ROWS:
                distance[place], scores[place] = self._compare(others, values)
        if self.watch.rings == "p":
            return distance, np.nan_to_num(scores, nan=1.0), (np.nan, np.nan)
        known = distance[: self.reference_windows]
        if np.isfinite(known).sum() < 2:
            return distance, np.zeros(self.windows), (np.nan, np.nan)
        centre, spread = float(np.nanmean(known)), max(float(np.nanstd(known, ddof=1)), 1e-9)
        return distance, np.nan_to_num((distance - centre) / spread), (0.0, centre + self.watch.at * spread)

    def _compare(self, first: Floats, second: Floats) -> tuple[float, float]:
        """Return the distance of rows from the reference, shapes (n,) or (n, 16), and p as if independent, 1 without p."""
        if self.watch.test == "mmd":
            first, second = _thinned(first), _thinned(second)
            return float(np.sqrt(max(mmd_squared(first, second, bandwidth(first)), 0.0))), 1.0
        if self.watch.test == "ks":
            return ks(first, second)
        if self.watch.test == "wasserstein":
            return float(scipy.stats.wasserstein_distance(first, second)) / max(float(first.std()), 1e-12), 1.0
        counts = _binned(first, second)
        return (float(psi(*counts)), 1.0) if self.watch.test == "psi" else _chi2(*counts)


def collected(statistics: FrameStatistics, watch: Watch) -> Floats:
    """Return a figure of each image that the team collected, by the tested release, (m,); for MMD its features, (m, 16)."""
    scenes, frames = statistics.scenes, statistics.frames
    images = np.flatnonzero(scenes.reference)
    release = statistics.spec.release.network
    count, clean = len(images), np.full(len(images), scenes.settings[CLEAN_SETTING])
    served = ServedFrames(np.zeros(count), np.zeros(count), np.zeros(count, np.int16), 1)
    answers = FrameSide.tested(served.arrived_s, clean, scenes.networks[release])
    answers.bin[:] = scenes.best_bin(release)
    tested = replace(frames, served=served, dwell=images, scene=images, usual=clean, **vars(answers))
    of_images = replace(statistics, frames=tested)
    return of_images.vectors() if watch.test == "mmd" else of_images.figure(watch.statistic)


def ks(first: Floats, second: Floats) -> tuple[float, float]:
    test = scipy.stats.ks_2samp(first, second, method="asymp")
    return float(test.statistic), float(test.pvalue)


def _binned(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    edges = np.unique(np.quantile(first, np.arange(1, PSI_BINS) / PSI_BINS))
    counts = [np.bincount(np.searchsorted(edges, each, side="right"), minlength=len(edges) + 1) for each in (first, second)]
    return counts[0].astype(float), counts[1].astype(float)


def _chi2(first: Floats, second: Floats) -> tuple[float, float]:
    statistic, filled = float(chi_squared(first, second)), int(((first + second) > 0).sum())
    return statistic, float(scipy.stats.chi2.sf(statistic, max(filled - 1, 1)))


def _drifts(test: str, score: Floats, reference_windows: int, at: float) -> Bools:
    """Return the windows where river's detector finds a change; values are in deviations of the reference."""
    try:
        from river import drift
    except ModuleNotFoundError as error:
        raise WatchError(f"{test}: needs river, which is not installed: pip install 'casesim[monitors]'") from error
    made: dict[str, Callable[[], Any]] = {
        "adwin": partial(drift.ADWIN, delta=_ADWIN_DELTA, clock=1),
        "page_hinkley": partial(drift.PageHinkley, threshold=at, min_instances=reference_windows),
    }
    detector = made[test]()
    drifts = np.zeros(len(score), bool)
    for place, value in enumerate(score):
        detector.update(float(value))
        drifts[place] = detector.drift_detected
    return drifts


def _thinned(rows: Floats) -> Floats:
    return rows if len(rows) <= _MMD_ROWS else rows[np.linspace(0, len(rows) - 1, _MMD_ROWS).astype(int)]


def priced(watches: list[Watch], prices: dict[str, float]) -> float:
    """Return the price of monitors a week (USD): each statistic once, by the largest share of frames that is read."""
    most: dict[str, float] = {}
    for watch in watches:
        most[watch.statistic] = max(most.get(watch.statistic, 0.0), watch.sampled)
    return sum(prices[name] * share for name, share in most.items())
