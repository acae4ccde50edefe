"""Quality of scores: the ROC curve and figures read off it, and the distance of scores from probabilities.

Every function takes labels (n,) of 0 and 1, scores (n,) from 0 to 1, and weights of shape (..., n), 1 where none are given. It
answers with shape (...): a row of weights is a sample of its own, which is how a thousand resamples are judged in one go.
A sample without any positive, or without any negative, gives NaN where both are needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import Floats

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
