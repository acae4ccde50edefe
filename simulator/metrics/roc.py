"""Quality of scores: the ROC curve and figures read off it, the distance of scores from probabilities, a table in figures.

A function of columns takes labels (n,) of 0 and 1, scores (n,) from 0 to 1, and weights of shape (..., n), 1 without any. It
answers with shape (...): a row of weights is a sample of its own, which is how a thousand resamples are judged in one go.
A sample without any positive, or without any negative, gives NaN where both are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from simulator.arrays import Floats
from simulator.evidence.score_tables import Measured, ScoreTable, load_scores, score_rows
from simulator.intervals import Interval, bootstrap, percentile_interval

#: Bins of a reliability diagram and of the expected calibration error.
BINS = 10
#: A score of exactly 0 or 1 would cost infinitely much.
_EDGE = 1e-15


@dataclass(frozen=True)
class Roc:
    """The weight of negatives and positives at or above each distinct score, from none to all.

    thresholds: descending, +inf first, shape (k,); false, true: shape (..., k)
    """

    thresholds: Floats
    false: Floats
    true: Floats

    @property
    def false_rate(self) -> Floats:
        return _ratio(self.false, self.false[..., -1:])

    @property
    def true_rate(self) -> Floats:
        return _ratio(self.true, self.true[..., -1:])

    @property
    def auc(self) -> Floats:
        """Area under the curve by trapezoids, which counts a tie as half (Fawcett 2006, Pattern Recogn Lett 27:861)."""
        strips = np.diff(self.false) * (self.true[..., 1:] + self.true[..., :-1]) / 2
        return _ratio(strips.sum(-1), self.false[..., -1] * self.true[..., -1])

    def place_of(self, sensitivity: float) -> NDArray[np.intp]:
        """Return the place in `thresholds` of the highest that at least this share of the positives reaches; at 1, the last."""
        if sensitivity >= 1:
            return np.full(self.true.shape[:-1], len(self.thresholds) - 1)
        reached = self.true >= sensitivity * self.true[..., -1:] - 1e-9
        return np.asarray(np.argmax(reached, axis=-1))

    def threshold_at(self, sensitivity: float) -> Floats:
        """Return the highest threshold that at least this share of the positives reaches; at 1, -inf, as a gate has it."""
        if sensitivity >= 1:
            return np.full(self.true.shape[:-1], -np.inf)
        return self.thresholds[self.place_of(sensitivity)]

    def specificity_at(self, sensitivity: float) -> Floats:
        above = np.take_along_axis(self.false, self.place_of(sensitivity)[..., None], axis=-1)[..., 0]
        return 1 - _ratio(above, self.false[..., -1])


def roc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Roc:
    """Return the curve, one point per distinct score."""
    y, s, w = _columns(labels, scores, weights)
    order = np.argsort(-s, kind="stable")
    last_of_ties = np.flatnonzero(np.append(np.diff(s[order]) != 0, True))
    sorted_weights, positive = w[..., order], y[order] == 1
    true, false = (
        np.cumsum(np.where(of_class, sorted_weights, 0.0), axis=-1)[..., last_of_ties] for of_class in (positive, ~positive)
    )
    return Roc(np.append(np.inf, s[order][last_of_ties]), *(_from_none(counted) for counted in (false, true)))


def roc_of(table: ScoreTable) -> Roc:
    labels = np.repeat([1, 0], [len(table.positives), len(table.negatives)])
    return roc(labels, np.concatenate([table.positives, table.negatives]))


def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    return roc(labels, scores, weights).auc


def specificity_at(labels: ArrayLike, scores: ArrayLike, sensitivity: float, weights: ArrayLike | None = None) -> Floats:
    return roc(labels, scores, weights).specificity_at(sensitivity)


def share(hits: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    hit = np.asarray(hits, float)
    w = np.ones_like(hit) if weights is None else np.asarray(weights, float)
    return _ratio(w @ hit, w.sum(-1))


def log_loss(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    y, s, w = _columns(labels, scores, weights)
    given = np.clip(np.where(y == 1, s, 1 - s), _EDGE, 1)
    return _ratio(w @ -np.log(given), w.sum(-1))


def bins_of(scores: ArrayLike, bins: int = BINS) -> NDArray[np.intp]:
    s = np.asarray(scores, float)
    edges = np.unique(np.quantile(s, np.arange(1, bins) / bins))
    return np.asarray(np.searchsorted(edges, s, side="left"))


def calibration_error(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None, bins: int = BINS) -> Floats:
    """Return expected calibration error: mean distance of the mean score and the share of positives, over bins of equal mass.

    Bins are those of the unweighted scores (`bins_of`), so that all samples are judged by the same ones (Nguyen and
    O'Connor 2015, EMNLP, 1587). A finite sample of perfectly calibrated scores has an error too: see `calibration_floor`.
    """
    y, s, w = _columns(labels, scores, weights)
    sums = w @ (_in_bins(s, bins) * (y - s)[:, None])
    return _ratio(np.abs(sums).sum(-1), w.sum(-1))


def calibration_floor(scores: ArrayLike, bins: int = BINS) -> float:
    s = np.asarray(scores, float)
    deviations = np.sqrt((s * (1 - s)) @ _in_bins(s, bins))
    return float(np.sqrt(2 / np.pi) * deviations.sum() / len(s))


def predictive_value(sensitivity: ArrayLike, specificity: ArrayLike, prevalence: float) -> Floats:
    true_positives = prevalence * np.asarray(sensitivity, float)
    return _ratio(true_positives, true_positives + (1 - prevalence) * (1 - np.asarray(specificity, float)))


def _columns(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    y, s = np.asarray(labels, float), np.asarray(scores, float)
    return y, s, np.ones_like(s) if weights is None else np.asarray(weights, float)


def _in_bins(scores: Floats, bins: int) -> Floats:
    return np.asarray(bins_of(scores, bins)[:, None] == np.arange(bins), float)


def _from_none(counted: Floats) -> Floats:
    return np.concatenate([np.zeros((*counted.shape[:-1], 1)), counted], axis=-1)


def _ratio(above: ArrayLike, below: ArrayLike) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.divide(above, below), float)


#: The sensitivities at which a table is judged.
TARGETS = (0.90, 0.95, 0.99)
#: The sensitivities at which the band of a ROC curve is drawn.
BAND = np.concatenate([np.linspace(0.02, 0.98, 49), [0.99, 0.995, 1.0]])


@dataclass(frozen=True)
class Size:
    """The numbers of labelled items, of positives among them, and of patients."""

    rows: int
    positives: int
    patients: int


@dataclass(frozen=True)
class ScoreSummary:
    """A table in figures. size: None for a published curve, whose figures have no interval: their bounds are NaN.

    specificity_at: by sensitivity, one of TARGETS
    """

    name: str
    dataset: str
    model: str
    precision: str
    kind: str
    size: Size | None
    auc: Interval
    specificity_at: dict[float, Interval]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what a published curve does not have is absent."""
        own = {name: getattr(self, name) for name in ("name", "dataset", "model", "precision", "kind")}
        size = vars(self.size) if self.size else {}
        specificities = {f"{target:.2f}": _plain(interval) for target, interval in self.specificity_at.items()}
        return own | size | {"auc": _plain(self.auc), "specificity_at": specificities}


def _plain(interval: Interval) -> dict[str, float]:
    return {name: value for name, value in vars(interval).items() if not isnan(value)}


def score_summary(name: str, folder: Path | None = None, resampled: bool = True) -> ScoreSummary:
    """Return the figures of a table, with intervals by resampling its patients; raises EvidenceError.

    resampled: without it, the bounds of a measured table are NaN too
    Each resample chooses its threshold anew, so that what a threshold owes to chance is in the interval.
    """
    table = load_scores(name, folder)
    about = table.about
    if not isinstance(about, Measured):
        labels = np.repeat([1, 0], [len(table.positives), len(table.negatives)])
        intervals, size = _alone(labels, np.concatenate([table.positives, table.negatives])), None
        dataset = name.split(".")[0]
    else:
        rows = score_rows(name, folder)
        intervals, dataset = _with_intervals(rows) if resampled else _alone(rows["label"], rows["score"]), about.dataset
        size = Size(len(rows), int(rows["label"].sum()), int(rows["patient"].nunique()))
    specificities = dict(zip(TARGETS, intervals[1:], strict=True))
    return ScoreSummary(name, dataset, about.model, about.precision, about.origin, size, intervals[0], specificities)


def _alone(labels: ArrayLike, scores: ArrayLike) -> list[Interval]:
    values = _figures(np.asarray(labels), np.asarray(scores))
    return [Interval(float(value), np.nan, np.nan) for value in values]


def _with_intervals(rows: pd.DataFrame) -> list[Interval]:
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    draws = bootstrap(rows["patient"], lambda weights: _figures(labels, scores, weights))
    values = _figures(labels, scores)
    return [percentile_interval(value, draws[:, place]) for place, value in enumerate(values)]


def _figures(labels: Floats, scores: Floats, weights: Floats | None = None) -> Floats:
    curve = roc(labels, scores, weights)
    return np.stack([curve.auc, *(curve.specificity_at(target) for target in TARGETS)], axis=-1)


def summary_rows(summaries: list[ScoreSummary]) -> pd.DataFrame:
    return pd.DataFrame([_row(summary) for summary in summaries])


def _row(summary: ScoreSummary) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(summary, name) for name in ("name", "model", "precision", "kind")}
    row |= vars(summary.size) if summary.size else dict.fromkeys(("rows", "positives", "patients"))
    row |= {"AUC": summary.auc.value, "AUC low": summary.auc.low, "AUC high": summary.auc.high}
    for target, interval in summary.specificity_at.items():
        what = f"specificity at {target:.0%} (%)"
        row |= {what: 100 * interval.value, f"{what} low": 100 * interval.low, f"{what} high": 100 * interval.high}
    return row


def roc_band(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table's ROC curve by sensitivity: sensitivity, false, low, high; shares, with a 95% band of false positives.

    Read across: at each sensitivity a resample chooses its own threshold. The band holds at one sensitivity at a time.
    """
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()

    def false(weights: Floats | None = None) -> Floats:
        curve = roc(labels, scores, weights)
        return np.stack([1 - curve.specificity_at(target) for target in BAND], axis=-1)

    value, draws = false(), bootstrap(rows["patient"], false)
    bounds = [percentile_interval(middle, draws[:, place]) for place, middle in enumerate(value)]
    return pd.DataFrame(
        {
            "sensitivity": BAND,
            "false": value,
            "low": [interval.low for interval in bounds],
            "high": [interval.high for interval in bounds],
        }
    )
