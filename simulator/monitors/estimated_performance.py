"""Performance without labels: what calibrated confidence lets expect of production, window by window (CBPE).

Confidence-based performance estimation as in NannyML: calibrate the scores on the labelled reference, and take each
calibrated score as the chance of a positive. It holds only while a score keeps its meaning; a changed relation of
inputs to labels stays unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from simulator.arrays import Codes, Floats
from simulator.intervals import Interval
from simulator.metrics.roc import auc, log_loss
from simulator.monitors.blocks import block_length
from simulator.monitors.drift_course import (
    MOST_WINDOWS,
    ReferenceChunks,
    WindowCourse,
    WindowMeans,
    clock_of_rows,
    clock_of_times,
)
from simulator.monitors.drift_report import MonitorError, ReportRequest
from simulator.monitors.monitor_tables import MonitoredTable, TableError, Tables, has_column, numbers_of, refuse, times

MetricName = Literal["accuracy", "sensitivity", "specificity", "precision", "positives", "auc"]
#: Each metric, and its name in a sentence.
METRICS: dict[MetricName, str] = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "positives": "share of positives",
    "auc": "area under the ROC curve",
}
#: Times that the calibration is fitted again and labels are drawn, for intervals.
DRAWS = 200
#: Scores are told apart up to this many, in cells of equal numbers of rows.
_CELLS = 512
#: Labelled rows of each class that the reference needs.
_LEAST = 20
_EDGE = 1e-6
#: The most numbers in memory at a time.
_HELD = 2_000_000

#: The conditions of an estimate, said beside each.
ASSUMPTIONS = (
    "The estimate assumes that a score means in production what it meant in the reference (no change in the relation of images "
    "to labels), that the labels of the reference are right, and that production shows nothing beyond what the reference shows."
)


@dataclass(frozen=True)
class PerformanceRequest:
    """The columns of an estimate.

    truth: 1 or 0 in each row of the reference, such as `label` or `correct`; score: the probability of 1, from 0 to 1
    threshold: from this score on the model says 1
    """

    truth: str
    score: str
    threshold: float = 0.5

    def __post_init__(self) -> None:
        """Raise MonitorError for a threshold that is no score."""
        if not 0 <= self.threshold <= 1:
            raise MonitorError(f"threshold: expected a score between 0 and 1, got {self.threshold:g}")


@dataclass(frozen=True, eq=False)
class PerformanceCourse(WindowCourse):
    """An estimated metric of production by window, with the band of the labelled reference's windows, shapes (windows,).

    low, high: the 95% interval of the figure that labels would show; realised: from labels of production, NaN without
    reference, whole: the metric of the whole reference, and the estimate of the whole of production
    """

    metric: MetricName
    low: Floats
    high: Floats
    realised: Floats
    reference: float
    whole: Interval


@dataclass(frozen=True, eq=False)
class Calibrator:
    """The probability of a positive at each score: the score itself, or the isotonic fit of the reference."""

    scores: Floats
    shares: Floats

    @classmethod
    def fitted(cls, scores: Floats, labels: Floats) -> Calibrator:
        values, codes = np.unique(scores, return_inverse=True)
        rows = np.bincount(codes).astype(float)
        shares = scipy.optimize.isotonic_regression(np.bincount(codes, labels) / rows, weights=rows).x
        return cls(values, np.asarray(shares))

    def __call__(self, scores: Floats) -> Floats:
        return np.asarray(np.interp(scores, self.scores, self.shares), float)


#: A calibrator that trusts the scores.
AS_GIVEN = Calibrator(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def calibrator_of(scores: Floats, labels: Floats) -> Calibrator:
    """Return the isotonic fit of every other row if it suits the rest better than the scores do, then fitted to all."""
    half = np.arange(len(scores)) % 2 == 0
    fitted = Calibrator.fitted(scores[half], labels[half])
    given, changed = (
        float(log_loss(labels[~half], np.clip(calibrator(scores[~half]), _EDGE, 1 - _EDGE)))
        for calibrator in (AS_GIVEN, fitted)
    )
    return Calibrator.fitted(scores, labels) if changed < given else AS_GIVEN


def expected(metric: MetricName, chance: Floats, scores: Floats, threshold: float) -> Floats:
    """Return a metric where each row is positive with a chance, shape (..., rows); 0 and 1 are labels.

    NaN where the metric has no rows to count.
    """
    said = (scores >= threshold).astype(float)
    positive = chance.sum(axis=-1)
    rows = chance.shape[-1]
    true_positive, false_positive = (chance * said).sum(axis=-1), ((1 - chance) * said).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric == "auc":
            return _auc(chance, scores)
        parts = {
            "accuracy": (true_positive + (rows - positive) - false_positive, rows),
            "sensitivity": (true_positive, positive),
            "specificity": (rows - positive - false_positive, rows - positive),
            "precision": (true_positive, true_positive + false_positive),
            "positives": (positive, rows),
        }
        numerator, denominator = parts[metric]
        return np.asarray(numerator / denominator, float)


def _auc(chance: Floats, scores: Floats) -> Floats:
    """Count each row twice: as a positive with its chance, and as a negative with the rest."""
    labels, weights = np.repeat([1.0, 0.0], len(scores)), np.concatenate([chance, 1 - chance], axis=-1)
    return auc(labels, np.tile(scores, 2), weights)


class PerformanceEstimator:
    """Estimates for production, from a labelled reference."""

    def __init__(self, tables: Tables, asked: PerformanceRequest, report: ReportRequest) -> None:
        """Read both files, with the time, window and seed of a report. Raises TableError for a lack of scores or labels."""
        self.asked, self.level, self.seed = asked, report.level, report.seed
        reference, production = tables
        self.scores = [_scores(table, asked.score) for table in tables]
        self.labels = _labels(reference, asked.truth)
        has = asked.truth in production.rows.columns and bool(production.rows[asked.truth].notna().any())
        self.realised = _labels(production, asked.truth, needed=False) if has else None
        if report.time:
            hours = [times(table, report.time) for table in tables]
            self.clock = clock_of_times(hours[0], hours[1], MOST_WINDOWS // 2, report.window_h)
        else:
            self.clock = clock_of_rows(len(reference.rows), len(production.rows), MOST_WINDOWS // 2)
        self.calibrator = calibrator_of(self.scores[0], self.labels)
        self.cells, self.codes = _cells(self.scores[1])
        self.chances = self._drawn_chances()

    def course(self, metric: MetricName) -> PerformanceCourse:
        chance = self.calibrator(self.scores[1])
        windows = np.unique(self.clock.production)
        kept = [window for window in windows if (self.clock.production == window).sum() >= _ROWS_OF_A_WINDOW]
        if not kept:
            raise MonitorError(f"no window of production has {_ROWS_OF_A_WINDOW} rows: choose a longer --window")
        figures = [self._window(metric, chance, self.clock.production == window) for window in kept]
        value, low, high, realised = (np.array(column, float) for column in zip(*figures, strict=True))
        chunks = self._chunks(metric)
        places = np.array(kept, np.int64)
        centre, half = chunks.centres(places), chunks.half_width(places, self.level / len(kept))
        every = np.ones(len(chance), bool)
        whole = Interval(*self._window(metric, chance, every)[:3])
        usual = float(expected(metric, self.labels, self.scores[0], self.asked.threshold))
        band = centre, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
        return PerformanceCourse(self.clock, self.clock.begins(places), value, *band, metric, low, high, realised, usual, whole)

    def _window(self, metric: MetricName, chance: Floats, rows: NDArray[np.bool_]) -> tuple[float, float, float, float]:
        scores, threshold = self.scores[1][rows], self.asked.threshold
        value = float(expected(metric, chance[rows], scores, threshold))
        rng, codes = np.random.default_rng(self.seed), self.codes[rows]
        parts = np.array_split(self.chances, min(ceil(DRAWS * len(codes) / _HELD), DRAWS))
        drawn = np.concatenate([
            expected(metric, (rng.random((len(part), len(codes))) < part[:, codes]).astype(float), scores, threshold)
            for part in parts
        ])  # fmt: skip
        drawn = drawn[np.isfinite(drawn)]
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) > DRAWS / 2 else (np.nan, np.nan)
        truth = np.nan
        if self.realised is not None and np.isfinite(self.realised[rows]).all():
            truth = float(expected(metric, self.realised[rows], scores, threshold))
        return value, float(low), float(high), truth

    def _chunks(self, metric: MetricName) -> ReferenceChunks:
        windows, rows = np.unique(self.clock.reference, return_counts=True)
        full = windows[rows >= max(np.median(rows) / 2, _ROWS_OF_A_WINDOW)]
        value = np.array([
            float(expected(metric, self.labels[inside], self.scores[0][inside], self.asked.threshold))
            for inside in (self.clock.reference == window for window in full)
        ])  # fmt: skip
        there = np.isfinite(value)
        return ReferenceChunks.of(WindowMeans(full[there], value[there], np.ones(there.sum(), np.int64)), self.clock.slots)

    def _drawn_chances(self) -> Floats:
        """Return the chance at each cell of production's scores, with blocks of the reference drawn again: (draws, cells)."""
        scores, labels = self.scores[0], self.labels
        size = len(scores)
        length = min(block_length([labels - self.calibrator(scores)], (size, size)), max(size // 10, 1))
        rng = np.random.default_rng(self.seed + 1)
        starts = rng.integers(size, size=(DRAWS, ceil(size / length)))
        places = ((starts[:, :, None] + np.arange(length)) % size).reshape(DRAWS, -1)[:, :size]
        if self.calibrator is AS_GIVEN:
            off = (labels - self.calibrator(scores))[places].mean(axis=1)
            return np.asarray(np.clip(self.cells[None, :] + off[:, None], 0, 1), float)
        return np.stack([Calibrator.fitted(scores[rows], labels[rows])(self.cells) for rows in places])


#: Windows with fewer rows are left out.
_ROWS_OF_A_WINDOW = 10


def _cells(scores: Floats) -> tuple[Floats, Codes]:
    """Return up to `_CELLS` values of scores, and the one that stands for each row."""
    edges = np.unique(np.quantile(scores, np.arange(_CELLS) / _CELLS, method="higher"))
    codes = np.maximum(np.searchsorted(edges, scores, side="right") - 1, 0)
    rows = np.maximum(np.bincount(codes, minlength=len(edges)), 1)
    return np.asarray(np.bincount(codes, scores, len(edges)) / rows, float), codes


def _scores(table: MonitoredTable, name: str) -> Floats:
    values = numbers_of(table, name)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        row = int(np.asarray(wrong).argmax())
        given = "nothing" if np.isnan(values.iloc[row]) else f"{values.iloc[row]:g}"
        raise TableError(f"{table.at(row)}, column '{name}': expected a probability from 0 to 1, got {given}")
    return values.to_numpy(float)


def _labels(table: MonitoredTable, name: str, needed: bool = True) -> Floats:
    """Return 1 and 0 of a column, NaN where it is empty. Raises TableError for other values, or too few of either."""
    has_column(table, name)
    given = table.rows[name].reset_index(drop=True)
    words = given.map(lambda cell: str(cell).strip().lower(), na_action="ignore")
    values = words.map(_LABELS)
    wrong = (values.isna() & given.notna()) | (given.isna() & needed)
    refuse(table, name, wrong, "a label, 1 or 0", given)
    labels = np.asarray(values, float)
    least = int(min((labels == 1).sum(), (labels == 0).sum()))
    if needed and least < _LEAST:
        raise TableError(f"{table.name}: '{name}' needs {_LEAST} rows with 1 and {_LEAST} with 0; the rarer has {least}")
    return labels


_LABELS = {"1": 1.0, "1.0": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "no": 0.0}
