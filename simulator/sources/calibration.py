"""Calibration of scores (0.8 should be right eight times in ten), and temperature scaling, which corrects most errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from simulator.arrays import Floats
from simulator.intervals import Interval, bootstrap, clustered_share, folds_of, percentile_interval, pivotal_interval
from simulator.metrics.roc import BINS, bins_of, calibration_error, calibration_floor, log_loss

#: Scores are kept this far from 0 and 1, where their logit is infinite.
_EDGE = 1e-6
#: Temperatures are looked for between 1/20 and 20.
_BOUNDS = (-np.log(20), np.log(20))


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error before and after temperature scaling.

    temperatures: one a fold, fitted on the other folds; above 1 the scores were too sure of themselves
    change: after minus before, of the same resamples
    floor: the error to expect if the scaled scores were perfectly calibrated
    rows: when (before, after), bin, mean score, share positive, low, high, n; one row per bin
    """

    temperatures: list[float]
    before: Interval
    after: Interval
    change: Interval
    floor: float
    rows: pd.DataFrame


def calibrate(rows: pd.DataFrame) -> Calibration:
    """Scale the scores of a table (`score_rows`) inside its folds and judge both; intervals resample the patients.

    The temperatures stay as they are fitted while patients are resampled. The error of a resample is biased upwards, so its
    interval is mirrored about the value.
    """
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    scaled, temperatures = scaled_in_folds(rows)

    def errors(weights: Floats | None = None) -> Floats:
        return np.stack([calibration_error(labels, given, weights) for given in (scores, scaled)], axis=-1)

    (before, after), draws = errors(), bootstrap(rows["patient"], errors)
    return Calibration(
        temperatures,
        pivotal_interval(before, draws[:, 0], least=0),
        pivotal_interval(after, draws[:, 1], least=0),
        percentile_interval(after - before, draws[:, 1] - draws[:, 0]),
        calibration_floor(scaled),
        pd.concat([_reliability("before", rows, scores), _reliability("after", rows, scaled)], ignore_index=True),
    )


def scaled_in_folds(rows: pd.DataFrame) -> tuple[Floats, list[float]]:
    """Return each fold's scores, scaled by the temperature that fits the out-of-fold scores of the other folds best."""
    labels, scores, folds = rows["label"].to_numpy(), rows["score"].to_numpy(), folds_of(rows)
    scaled, temperatures = scores.astype(float), []
    for fold in range(folds.max() + 1):
        held = folds == fold
        temperatures.append(temperature(labels[~held], scores[~held]))
        scaled[held] = scale(scores[held], temperatures[-1])
    return scaled, temperatures


def temperature(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the temperature with the least log loss (Guo et al. 2017, ICML, 1321)."""
    fitted = scipy.optimize.minimize_scalar(
        lambda log: float(log_loss(labels, scale(scores, np.exp(log)))), bounds=_BOUNDS, method="bounded"
    )
    return float(np.exp(fitted.x))


def scale(scores: ArrayLike, by: float) -> Floats:
    return np.asarray(expit(logit(np.clip(scores, _EDGE, 1 - _EDGE)) / by), float)


def _reliability(when: str, rows: pd.DataFrame, scores: Floats) -> pd.DataFrame:
    bins, labels, patients = bins_of(scores, BINS), rows["label"].to_numpy(), rows["patient"].to_numpy()
    reliability = []
    for number in np.unique(bins):
        inside = bins == number
        part = clustered_share(patients[inside], np.ones(inside.sum()), labels[inside], float(inside.sum()))
        reliability.append(
            (when, int(number), float(scores[inside].mean()), part.value, part.low, part.high, int(inside.sum()))
        )
    return pd.DataFrame(reliability, columns=["when", "bin", "mean score", "share positive", "low", "high", "n"])


#: The coverages to check the promise at.
PROMISES = (0.80, 0.90, 0.95, 0.99)


@dataclass(frozen=True)
class ConformalBand:
    """Limits of scores that clear and refer: below `clear_below` there is no positive, above `refer_above` no negative.

    Between them the set holds both; where `clear_below` exceeds `refer_above` it is empty there. Both are unsure.
    """

    clear_below: float
    refer_above: float

    def holds_positive(self, scores: ArrayLike) -> NDArray[np.bool_]:
        return np.asarray(scores, float) >= self.clear_below

    def holds_negative(self, scores: ArrayLike) -> NDArray[np.bool_]:
        return np.asarray(scores, float) <= self.refer_above


@dataclass(frozen=True)
class Coverage:
    """The outcome of a promise on held-out patients. cleared, referred, unsure: shares of all items, 1 together."""

    promised: float
    positives: Interval
    negatives: Interval
    cleared: float
    referred: float
    unsure: float


def band(labels: ArrayLike, scores: ArrayLike, promised: float) -> ConformalBand:
    """Return the band that labelled items support at a promised coverage of each class.

    The k-th strangest score of a class is its border, k = ceil((n + 1) promised); with fewer items than that nothing is ever
    too strange, and the border is infinite.
    """
    y, s = np.asarray(labels), np.asarray(scores, float)
    return ConformalBand(-_border(-s[y == 1], promised), _border(s[y == 0], promised))


def _border(strangeness: Floats, promised: float) -> float:
    place = int(np.ceil((len(strangeness) + 1) * promised - 1e-9))
    return float(np.sort(strangeness)[place - 1]) if place <= len(strangeness) else np.inf


def held_out_coverage(rows: pd.DataFrame, promised: float) -> Coverage:
    """Apply the band of all other folds to each fold of a table (`score_rows`) in turn; intervals resample patients."""
    labels, scores, folds = rows["label"].to_numpy(), rows["score"].to_numpy(), folds_of(rows)
    positive, negative = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    for fold in range(folds.max() + 1):
        held = folds == fold
        limits = band(labels[~held], scores[~held], promised)
        positive[held], negative[held] = limits.holds_positive(scores[held]), limits.holds_negative(scores[held])
    cleared, referred = negative & ~positive, positive & ~negative
    patients = rows["patient"].to_numpy()
    return Coverage(
        promised,
        _share(patients[labels == 1], positive[labels == 1]),
        _share(patients[labels == 0], negative[labels == 0]),
        float(cleared.mean()),
        float(referred.mean()),
        float(1 - cleared.mean() - referred.mean()),
    )


def _share(patients: NDArray[np.object_], covered: NDArray[np.bool_]) -> Interval:
    return clustered_share(patients, np.ones(len(covered)), covered, float(len(covered)))


def coverage_rows(coverages: list[Coverage]) -> pd.DataFrame:
    return pd.DataFrame([_row(coverage) for coverage in coverages])


def _row(coverage: Coverage) -> dict[str, float]:
    row = {"promised (%)": coverage.promised}
    for name, part in (("positives", coverage.positives), ("negatives", coverage.negatives)):
        row |= {f"{name} covered (%)": part.value, f"{name} low": part.low, f"{name} high": part.high}
    row |= {"cleared (%)": coverage.cleared, "referred (%)": coverage.referred, "unsure (%)": coverage.unsure}
    return {name: 100 * value for name, value in row.items()}
