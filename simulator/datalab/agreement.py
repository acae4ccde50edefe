"""Agreement of readers beyond chance: kappa of pairs of answers, with its interval by case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.intervals import Interval, percentile_interval

Floats = NDArray[np.float64]

_RESAMPLES = 2000
_SEED = 0


def kappa(table: Floats) -> Floats:
    """Return Cohen's kappa of tables of counts, (..., classes, classes); NaN where all answers are alike."""
    total = table.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = np.trace(table, axis1=-2, axis2=-1) / total
        expected = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
        return np.asarray((agreed - expected) / (1 - expected))


def pair_table(readers: Floats, malignant: Floats, weights: Floats) -> Floats:
    """Return pairs of readers of one case by their answers, benign first, (..., 2, 2): each pair in both orders.

    readers, malignant: of each kind of case, (kinds,); weights: the number of such cases, (..., kinds)
    """
    benign = readers - malignant
    both, mixed, none = malignant * (malignant - 1), malignant * benign, benign * (benign - 1)
    cells = np.stack([weights @ none, weights @ mixed, weights @ mixed, weights @ both], axis=-1)
    return np.asarray(cells.reshape(*cells.shape[:-1], 2, 2))


def pair_kappa(cases: pd.DataFrame) -> Interval:
    """Return kappa of "malignant" over the pairs of readers, with its 95% interval from resampled cases.

    cases: kinds of cases by `readers` and `malignant`, and how many `cases` of each there are
    """
    return _over_cases(cases, kappa)


def agreed_share(cases: pd.DataFrame) -> Interval:
    """Return the share of pairs of readers who agree on "malignant", with its 95% interval from resampled cases."""
    return _over_cases(cases, lambda table: np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1))))


def _over_cases(cases: pd.DataFrame, figure: Callable[[Floats], Floats]) -> Interval:
    readers, malignant, counts = (cases[name].to_numpy(float) for name in ("readers", "malignant", "cases"))
    total = int(counts.sum())
    drawn = np.random.default_rng(_SEED).multinomial(total, counts / total, _RESAMPLES).astype(float)
    value, draws = (figure(pair_table(readers, malignant, weights)) for weights in (counts, drawn))
    return percentile_interval(float(value), draws)
