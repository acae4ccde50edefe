"""By how much the middle of several numbers moves: Mahalanobis's distance with Hotelling's test (Hotelling 1931)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import f as fisher
from scipy.stats import ncf

from simulator.analysis.detections.quality import bootstrapped
from simulator.analysis.statistics import Interval

Floats = NDArray[np.float64]
_RESAMPLES = 300


@dataclass(frozen=True)
class Shift:
    """How far the means of two tables of the same images lie apart, and what could be seen of it.

    distance: in standard deviations within a table, whichever way they lie apart (Mahalanobis), with its 95% interval
    p: of Hotelling's test of the pairs
    smallest_paired: the distance in the same direction that this test finds with the power that is asked for
    """

    distance: Interval
    p: float
    smallest_paired: float


def shift(clean: Floats, spoilt: Floats, power: float, alpha: float, seed: int, families: NDArray[Any] | None = None) -> Shift:
    """The shift of (images, numbers) that belong to the same images; more families than numbers are needed.

    families: the name of each image's family (images,); each image is one by default. The interval is a bootstrap by family,
    and the test takes the mean difference of each.
    """
    apart = spoilt - clean
    if not apart.any():
        return Shift(Interval(0, 0, 0), 1, 0)
    family = np.arange(len(clean)) if families is None else pd.factorize(families)[0]
    members = [np.flatnonzero(family == one) for one in range(family.max() + 1)]
    count, numbers = len(members), clean.shape[1]
    distance = mahalanobis(clean, spoilt)
    strength, p = hotelling(np.stack([apart[mine].mean(axis=0) for mine in members]))
    picks = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    resampled = [np.concatenate([members[one] for one in pick]) for pick in picks]
    drawn = [mahalanobis(clean[rows], spoilt[rows]) for rows in resampled]
    needed = smallest_noncentrality(numbers, count - numbers, power, alpha)
    return Shift(bootstrapped(distance, drawn), p, distance * float(np.sqrt(needed / strength)))


def hotelling(apart: Floats) -> tuple[float, float]:
    """T squared of differences (images, numbers), and its p: how likely it is as large where the middle has not moved."""
    count, numbers = apart.shape
    mean, freedom = apart.mean(axis=0), count - numbers
    squared = count * float(mean @ np.linalg.pinv(np.cov(apart.T).reshape(numbers, numbers), hermitian=True) @ mean)
    return squared, float(fisher.sf(squared * freedom / (numbers * (count - 1)), numbers, freedom))


def mahalanobis(one: Floats, other: Floats) -> float:
    """The distance of the means of two tables (n, numbers) by the mean of their covariances."""
    numbers = one.shape[1]
    within = ((np.cov(one.T) + np.cov(other.T)) / 2).reshape(numbers, numbers)
    apart = other.mean(axis=0) - one.mean(axis=0)
    return float(np.sqrt(apart @ np.linalg.pinv(within, hermitian=True) @ apart))


def smallest_distance(first: int, second: int, numbers: int, power: float, alpha: float) -> float:
    """The distance of the means that Hotelling's test of two groups of different images of such sizes finds."""
    needed = smallest_noncentrality(numbers, first + second - numbers - 1, power, alpha)
    return float(np.sqrt(needed * (first + second) / (first * second)))


@lru_cache
def smallest_noncentrality(numbers: int, freedom: int, power: float, alpha: float) -> float:
    """The noncentrality at which a test by F of so many numbers, at the level `alpha`, has the power."""
    bound = float(fisher.isf(alpha, numbers, freedom))
    return float(brentq(lambda amount: float(ncf.sf(bound, numbers, freedom, amount)) - power, 1e-9, 1000))
