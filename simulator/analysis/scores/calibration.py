"""Whether a score of 0.8 is right eight times in ten, and temperature scaling, which mends most of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from simulator.analysis.bootstrap import Floats, bootstrap, folds_of, percentile_interval, pivotal_interval
from simulator.analysis.scores.roc import BINS, bins_of, calibration_error, calibration_floor, log_loss
from simulator.analysis.statistics import Interval, clustered_share

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
    """Each fold's scores, scaled by the temperature that fits the out-of-fold scores of the other folds best."""
    labels, scores, folds = rows["label"].to_numpy(), rows["score"].to_numpy(), folds_of(rows)
    scaled, temperatures = scores.astype(float), []
    for fold in range(folds.max() + 1):
        held = folds == fold
        temperatures.append(temperature(labels[~held], scores[~held]))
        scaled[held] = scale(scores[held], temperatures[-1])
    return scaled, temperatures


def temperature(labels: ArrayLike, scores: ArrayLike) -> float:
    """The temperature with the least log loss (Guo et al. 2017, ICML, 1321)."""
    fitted = minimize_scalar(lambda log: float(log_loss(labels, scale(scores, np.exp(log)))), bounds=_BOUNDS, method="bounded")
    return float(np.exp(fitted.x))


def scale(scores: ArrayLike, by: float) -> Floats:
    """Scores with their logits divided by a temperature; their order stays."""
    return np.asarray(expit(logit(np.clip(scores, _EDGE, 1 - _EDGE)) / by), float)


def _reliability(when: str, rows: pd.DataFrame, scores: Floats) -> pd.DataFrame:
    """One row per bin; the interval of the share positive knows which photos are of one patient."""
    bins, labels, patients = bins_of(scores, BINS), rows["label"].to_numpy(), rows["patient"].to_numpy()
    found = []
    for number in np.unique(bins):
        mine = bins == number
        part = clustered_share(patients[mine], np.ones(mine.sum()), labels[mine], float(mine.sum()))
        found.append((when, int(number), float(scores[mine].mean()), part.value, part.low, part.high, int(mine.sum())))
    return pd.DataFrame(found, columns=["when", "bin", "mean score", "share positive", "low", "high", "n"])
