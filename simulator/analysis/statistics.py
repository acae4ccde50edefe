"""Intervals: every number on the screen carries one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, binom, t

#: All intervals have this coverage.
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95% confidence interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Mean of independent replications, with Student's t interval. One value alone has an infinite interval.

    The values may themselves be quantiles, one a replication: the interval of a percentile over replications.
    """
    sample = np.asarray(values, float)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Interval(mean, -np.inf, np.inf)
    half = float(t.ppf((1 + LEVEL) / 2, len(sample) - 1) * sample.std(ddof=1) / np.sqrt(len(sample)))
    return Interval(mean, mean - half, mean + half)


def quantile_interval(values: ArrayLike, share: float) -> Interval:
    """A quantile of independent values with its distribution-free interval: two of the values themselves.

    How many of n values lie below the quantile is binomial, which says at which ranks its bounds stand (David and Nagaraja
    2003, Order Statistics, section 7.1). Each side errs by at most 2.5%; a bound that takes more values is infinite.

    For values that are independent: the calls of a latency profile, one figure a replication. The requests of one run are
    not: use `batch_interval` there, or `mean_interval` over the quantiles of replications.
    """
    ordered = np.sort(np.asarray(values, float))
    tail = (1 - LEVEL) / 2
    below = int(binom.ppf(tail, len(ordered), share))  # the smallest k with P(B <= k) >= tail, so P(B < k) < tail
    above = int(binom.ppf(1 - tail, len(ordered), share)) + 1
    low = ordered[below - 1] if below >= 1 else -np.inf
    high = ordered[above - 1] if above <= len(ordered) else np.inf
    return Interval(float(np.quantile(ordered, share)), float(low), float(high))


def batch_interval(value: float, of_batches: Sequence[float] | NDArray[np.float64]) -> Interval:
    """A figure of one long run in steady state, with Student's interval from the same figure of its batches.

    Batches are long stretches of the run, as good as independent where single requests are not (batch means, and batch
    quantiles: Law 2015, Simulation Modeling and Analysis, section 9.5).
    """
    spread = mean_interval(of_batches)
    return Interval(value, value - (spread.value - spread.low), value + (spread.high - spread.value))


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike) -> Interval:
    """A ratio of two quantities that both vary from replication to replication, such as the cost of one request.

    Sum over sum, so that each request counts the same whichever replication it belongs to; Student's interval on the
    deviations numerator - ratio * denominator (delta method: Cochran 1977, Sampling Techniques, section 6.3).
    """
    return ratio_difference((np.zeros(len(np.asarray(numerators))), denominators), (numerators, denominators))


def ratio_difference(before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike]) -> Interval:
    """How much a ratio moved, each given as (numerators, denominators) of the same replications: paired deviations."""
    (old, old_deviations), (new, new_deviations) = _ratio(*before), _ratio(*after)
    return batch_interval(new - old, new_deviations - old_deviations)


def _ratio(numerators: ArrayLike, denominators: ArrayLike) -> tuple[float, NDArray[np.float64]]:
    """Sum over sum, and each replication's deviation from it as a part of the mean denominator; 0 of nothing is 0."""
    above, below = np.asarray(numerators, float), np.asarray(denominators, float)
    if not below.any():
        return 0.0, np.zeros(len(below))
    ratio = float(above.sum() / below.sum())
    return ratio, (above - ratio * below) / below.mean()


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
