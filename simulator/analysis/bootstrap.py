"""Resampling of patients: all photos of a person come along, or none does (Efron and Tibshirani 1993, chapter 8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from simulator.analysis.statistics import LEVEL, Interval

Floats = NDArray[np.float64]

RESAMPLES = 2000
SEED = 0
#: Folds that patients are dealt into where a table brings none.
FOLDS = 5
#: Weights that are held at a time, so that a large table needs no large memory.
_CELLS = 4_000_000


def bootstrap(
    patients: ArrayLike, statistic: Callable[[Floats], Floats], resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """A statistic of each resample, shape (resamples, ...).

    patients: who stands behind each item, shape (n,). The same column and seed give the same resamples, so that what is
    computed of two tables of the same items is paired.
    statistic: from weights (b, n), how often each item was drawn, to values (b, ...)
    """
    codes = np.unique(np.asarray(patients), return_inverse=True)[1]
    people = int(codes.max()) + 1
    rng, at_once = np.random.default_rng(seed), max(_CELLS // len(codes), 1)
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return np.concatenate([statistic(_drawn(rng, size, people)[:, codes]) for size in sizes])


def _drawn(rng: np.random.Generator, size: int, people: int) -> Floats:
    """How often each person was drawn, shape (size, people)."""
    places = rng.integers(people, size=(size, people)) + people * np.arange(size)[:, None]
    return np.bincount(places.ravel(), minlength=size * people).reshape(size, people).astype(float)


def percentile_interval(value: float, draws: Floats) -> Interval:
    """The middle 95% of the resamples; those in which the statistic does not exist are left out."""
    low, high = _tails(draws)
    return Interval(float(value), low, high)


def corrected_interval(value: float, draws: Floats) -> Interval:
    """The middle 95% of the resamples, moved by as much as their median lies off the value (bias-corrected percentile interval:
    Efron and Tibshirani 1993, chapter 14, without acceleration): for what resampling biases to one side.
    """
    told = draws[np.isfinite(draws)]
    if not len(told):
        return Interval(float(value), float(value), float(value))
    below = np.clip((np.mean(told < value) + np.mean(told <= value)) / 2, 0.5 / len(told), 1 - 0.5 / len(told))
    moved = 2 * norm.ppf(below) + np.array([-1, 1]) * norm.ppf((1 + LEVEL) / 2)
    low, high = np.quantile(told, norm.cdf(moved))
    return Interval(float(value), float(low), float(high))


def pivotal_interval(value: float, draws: Floats, least: float = -np.inf) -> Interval:
    """The middle 95% of the resamples mirrored about the value: for what resampling biases to one side.

    least: the statistic cannot be lower, so the interval is not either
    """
    low, high = _tails(draws)
    return Interval(float(value), max(2 * float(value) - high, least), max(2 * float(value) - low, least))


def _tails(draws: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def folds_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """The fold of each row, from 0 without gaps: the table's own, else patients dealt into `FOLDS` at random, seeded."""
    own = rows["fold"]
    if own.notna().all() and own.nunique() > 1:
        return np.asarray(pd.factorize(own, sort=True)[0], np.int64)
    codes = pd.factorize(rows["patient"])[0]
    dealt = np.random.default_rng(SEED).permutation(codes.max() + 1) % FOLDS
    return np.asarray(dealt[codes], np.int64)
