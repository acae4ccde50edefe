"""Intervals: every number on the screen carries one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, t

#: All intervals have this coverage.
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95% confidence interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Mean of independent replications, with Student's t interval. One value alone has an infinite interval."""
    sample = np.asarray(values, float)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Interval(mean, -np.inf, np.inf)
    half = float(t.ppf((1 + LEVEL) / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))
    return Interval(mean, mean - half, mean + half)


def share_interval(successes: float, trials: float) -> Interval:
    """A share with its exact binomial interval (Clopper and Pearson 1934); counts need not be whole."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes >= trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return Interval(float(successes / trials), low, high)


def clustered_share(clusters: ArrayLike, trials: ArrayLike, successes: ArrayLike, most: float) -> Interval:
    """A share whose trials come in clusters, such as many simulated people who stand for one labelled patient.

    clusters, trials, successes: columns of equal length, one row a cluster and replication; rows of a cluster are added up.
    most: the number of independent items behind all of it, however often they were drawn.

    The exact binomial interval with the effective number of trials p (1 - p) / var(p), where the variance is that between
    clusters (Korn and Graubard 1998, Survey Methodology 24:193). Without a failure, or without a success, there is no
    variance to see, and the number of clusters takes its place.
    """
    codes, index = np.unique(np.asarray(clusters), return_inverse=True)
    drawn = np.bincount(index, np.asarray(trials, float))
    hits = np.bincount(index, np.asarray(successes, float))
    total, count = drawn.sum(), len(codes)
    share = hits.sum() / total
    residuals = hits - share * drawn
    variance = count / max(count - 1, 1) * (residuals**2).sum() / total**2
    effective = share * (1 - share) / variance if variance > 0 else float(count)
    effective = min(effective, most)
    return share_interval(share * effective, effective)


def sum_interval(*parts: Interval) -> Interval:
    """The sum of independent estimates (MOVER, Zou and Donner 2008): distances to the bounds add in squares."""
    value = sum(part.value for part in parts)
    below = sum((part.value - part.low) ** 2 for part in parts) ** 0.5
    above = sum((part.high - part.value) ** 2 for part in parts) ** 0.5
    return Interval(value, value - below, value + above)
