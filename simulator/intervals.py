"""Intervals: every number on the screen carries one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, ndtr, ndtri, stdtrit

from simulator.arrays import Floats
from simulator.units import percent, significant

#: All intervals have this coverage.
LEVEL = 0.95

#: A kind of request of which there are fewer is rare.
FEW = 30

#: Of two sums, a difference that is no larger a part of them comes from their order alone.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its 95% confidence interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Estimate(Interval):
    """An estimate whose 95% interval holds every doubt that applies, with those it is made of.

    run: the luck of the run, which more replications lessen
    labels: the luck of who was labelled, which only more labelled people lessen; None where no labelled item stands behind it
    projected: what a band of projected latencies leaves open, which only a measurement lessens; None without any
    """

    run: Interval
    labels: Interval | None = None
    projected: Interval | None = None

    @property
    def doubts(self) -> dict[str, Interval]:
        named = {"run": self.run, "labels": self.labels, "projection": self.projected}
        return {name: part for name, part in named.items() if part is not None}


def estimate(run: Interval, labels: Interval | None = None, least: float = -np.inf, most: float = np.inf) -> Estimate:
    """Combine both doubts in one interval: they are independent, so distances to the bounds add in squares (MOVER).

    least, most: what the figure can be; no bound lies beyond
    """
    bounds = [run, labels] if labels else [run]
    below = np.hypot.reduce([max(run.value - bound.low, 0.0) for bound in bounds])
    above = np.hypot.reduce([max(bound.high - run.value, 0.0) for bound in bounds])
    within = [Interval(bound.value, max(bound.low, least), min(bound.high, most)) for bound in bounds]
    low, high = max(run.value - float(below), least), min(run.value + float(above), most)
    return Estimate(run.value, low, high, *within)


def dependent_sum(value: float, first: Interval, second: Interval, correlation: float) -> Interval:
    """Combine two errors of one value, each given as the value with its bounds (MOVER: Zou 2008, Stat Med 27:5692)."""
    below = np.maximum([first.value - first.low, second.value - second.low], 0.0)
    above = np.maximum([first.high - first.value, second.high - second.value], 0.0)
    low, high = (float(np.sqrt(max(a**2 + b**2 + 2 * correlation * a * b, 0.0))) for a, b in (below, above))
    return Interval(value, value - low, value + high)


def widened(interval: Interval, factor: float) -> Interval:
    """Return an interval with its distances to the bounds times a factor."""
    return Interval(
        interval.value,
        interval.value - factor * (interval.value - interval.low),
        interval.value + factor * (interval.high - interval.value),
    )


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Return mean of independent replications, with Student's t interval. One value alone has an infinite interval.

    The values may themselves be quantiles, one a replication: the interval of a percentile over replications.
    """
    sample = np.asarray(values, float)
    mean = float(sample.mean())
    if len(sample) < 2:
        return Interval(mean, -np.inf, np.inf)
    half = float(stdtrit(len(sample) - 1, (1 + LEVEL) / 2) * sample.std(ddof=1) / np.sqrt(len(sample)))
    return Interval(mean, mean - half, mean + half)


def quantile_interval(values: ArrayLike, share: float) -> Interval:
    """Return a quantile of independent values with its distribution-free interval: two of the values themselves.

    How many of n values lie below the quantile is binomial, which says at which ranks its bounds stand (David and Nagaraja
    2003, Order Statistics, section 7.1). Each side errs by at most 2.5%; a bound that takes more values is infinite.

    For values that are independent: the calls of a latency profile, one figure a replication. The requests of one run are
    not: use `batch_interval` there, or `mean_interval` over the quantiles of replications.
    """
    ordered = np.sort(np.asarray(values, float))
    tail = (1 - LEVEL) / 2
    below = _binomial_quantile(tail, len(ordered), share)  # P(B <= below) >= tail, so P(B < below) < tail
    above = _binomial_quantile(1 - tail, len(ordered), share) + 1
    low = ordered[below - 1] if below >= 1 else -np.inf
    high = ordered[above - 1] if above <= len(ordered) else np.inf
    return Interval(float(np.quantile(ordered, share)), float(low), float(high))


def _binomial_quantile(chance: float, tries: int, share: float) -> int:
    """Return the smallest k with P(B <= k) >= chance, as scipy.stats.binom.ppf does, whose import takes half a second."""
    return bisect_left(range(tries), chance, key=lambda k: float(bdtr(k, tries, share)))


def batch_interval(value: float, of_batches: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Return a figure of one long run in steady state, with Student's interval from the same figure of its batches.

    Batches are long stretches of the run, as good as independent where single requests are not (batch means, and batch
    quantiles: Law 2015, Simulation Modeling and Analysis, section 9.5).
    """
    spread = mean_interval(of_batches)
    return Interval(value, value - (spread.value - spread.low), value + (spread.high - spread.value))


#: A prediction of one run takes this many runs at least; from the second number on, their ranks bound it.
FEWEST_RUNS, ENOUGH_TO_RANK = 5, 39


def one_run_interval(
    figures: ArrayLike, parts: tuple[ArrayLike, ArrayLike] | None = None, least: float = -np.inf, most: float = np.inf
) -> Interval:
    """Return the mean of the figures of independent runs, and the bounds that hold the next run's figure with 95%.

    figures: one a run; parts: of a share, the requests of its kind and all requests of each run, shapes (runs,)
    least, most: what the figure can be. Raises ValueError for fewer than FEWEST_RUNS figures.

    A prediction interval (Meeker, Hahn and Escobar 2017, Statistical Intervals, chapters 4 to 6). ENOUGH_TO_RANK runs bound
    the next by two of themselves, whatever their distribution. Fewer take Student's interval on a scale that makes skewed
    figures nearly normal: logarithms where all are positive, and for a share the arcsine of its root. A share also varies
    by whole requests, which is all that is known where every run has none of them.
    """
    values = np.sort(np.asarray(figures, float))
    count, mean = len(values), float(np.mean(values))
    if count < FEWEST_RUNS:
        raise ValueError(f"{count} runs: a prediction of one run takes {FEWEST_RUNS}")
    if count >= ENOUGH_TO_RANK:
        rank = int((count + 1) * (1 - LEVEL) / 2 + ROUNDING)
        return Interval(mean, float(values[rank - 1]), float(values[count - rank]))
    if parts is not None:
        bounds = _next_share(values, *(float(np.sum(part)) for part in parts))
    elif values[0] > 0:
        bounds = np.exp(_next_normal(np.log(values)))
    else:
        bounds = _next_normal(values)
    low, high = np.clip(bounds, least, most)
    return Interval(mean, float(low), float(high))


def _next_normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    half = stdtrit(len(values) - 1, (1 + LEVEL) / 2) * values.std(ddof=1) * np.sqrt(1 + 1 / len(values))
    return np.asarray(values.mean() + np.array([-half, half]))


def _next_share(shares: NDArray[np.float64], hits: float, drawn: float) -> NDArray[np.float64]:
    """Return bounds of the next run's share, of a run of mean size: binomial counts (Jeffreys' prior) at the least."""
    each, tail = max(round(drawn / len(shares)), 1), (1 - LEVEL) / 2
    counts = scipy.stats.betabinom(each, hits + 0.5, drawn - hits + 0.5).ppf([tail, 1 - tail]) / each
    angles = np.clip(_next_normal(np.arcsin(np.sqrt(np.clip(shares, 0, 1)))), 0, np.pi / 2)
    low, high = np.sin(angles) ** 2
    return np.array([min(low, counts[0]), max(high, counts[1])])


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike) -> Interval:
    """Return a ratio of two quantities that both vary from replication to replication, such as the cost of one request.

    Sum over sum, so that each request counts the same whichever replication it belongs to; Student's interval on the
    deviations numerator - ratio * denominator (delta method: Cochran 1977, Sampling Techniques, section 6.3).
    """
    return ratio_difference((np.zeros(len(np.asarray(numerators))), denominators), (numerators, denominators))


def ratio_difference(before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike]) -> Interval:
    """Return the change of a ratio, each given as (numerators, denominators) of the same replications: paired deviations."""
    (old, old_deviations), (new, new_deviations) = _ratio_of_sums(*before), _ratio_of_sums(*after)
    noise = ROUNDING * max(abs(old), abs(new))
    changes = new - old, new_deviations - old_deviations
    moved, deviations = (np.where(np.abs(change) > noise, change, 0.0) for change in changes)
    return batch_interval(float(moved), deviations)


def _ratio_of_sums(numerators: ArrayLike, denominators: ArrayLike) -> tuple[float, NDArray[np.float64]]:
    above, below = np.asarray(numerators, float), np.asarray(denominators, float)
    if not below.any():
        return 0.0, np.zeros(len(below))
    ratio = float(above.sum() / below.sum())
    return ratio, (above - ratio * below) / below.mean()


#: The least skewness of the mean time of a run over its coefficient of variation, that of the inverse Gaussian law, which the
#: time until a busy queue is empty again has (Abate and Whitt 1988); and the most that Hall's transformation bears.
SKEWNESS, STEEPEST = 3.0, 0.8


def mean_time_interval(sums: ArrayLike, counts: ArrayLike) -> Interval:
    """Return the mean time of all requests, from the sum of their times and their number in each replication.

    Means of a busy queue are skewed: one long busy period outweighs many short ones, and replications that met none have a low
    mean and a small spread. Student's interval is then too low. It stands below; above, the bound is that of Hall's
    transformation (1992, J R Stat Soc B 54:221) if it is higher. Few replications hardly tell how skewed they are, so the
    skewness is at least what their spread suggests (SKEWNESS).
    """
    mean, deviations = _ratio_of_sums(sums, counts)
    student, count = batch_interval(mean, deviations), len(deviations)
    error = (student.high - mean) / stdtrit(count - 1, (1 + LEVEL) / 2) if count > 2 else 0.0
    if not error or mean <= 0:
        return student
    reach = (student.high - mean) / error
    seen = np.mean(deviations**3) / np.mean(deviations**2) ** 1.5 * np.sqrt(count * (count - 1)) / (count - 2)
    lean = min(max(float(seen), SKEWNESS * error * np.sqrt(count) / mean) / np.sqrt(count), STEEPEST / reach)
    skewed = 3 / lean * (1 - float(np.cbrt(1 - lean * (reach + lean / 6))))
    return Interval(mean, student.low, max(student.high, mean + error * skewed))


def share_interval(successes: float, trials: float) -> Interval:
    """Return a share with its exact binomial interval (Clopper and Pearson 1934); counts need not be whole."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if successes <= 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes >= trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return Interval(float(successes / trials), low, high)


def replicated_share(successes: ArrayLike, trials: ArrayLike) -> Interval:
    """Return a share of requests, from the requests of that kind and all requests of each replication, shapes (replications,).

    Student's interval of the ratio, unless the kind is rare. Then the exact binomial interval on the effective number of
    requests, in which those of one replication resemble each other (Korn and Graubard 1998, with their correction for few
    replications). Where no request is of that kind, or every one is, all requests count: of 0 in n, at most about 3 / n are
    to be expected (rule of three).
    """
    hits, drawn = np.asarray(successes, float), np.asarray(trials, float)
    share = float(hits.sum() / drawn.sum())
    if len(drawn) < 2:
        return Interval(share, 0.0, 1.0)
    if not is_rare(hits, drawn):
        return ratio_interval(hits, drawn)
    effective = effective_trials(hits, drawn, freedom=len(drawn) - 1)
    return share_interval(share * effective, effective)


def is_rare(successes: ArrayLike, trials: ArrayLike) -> bool:
    hits, drawn = float(np.sum(successes)), float(np.sum(trials))
    return min(hits, drawn - hits) < FEW


def effective_trials(successes: Floats, trials: Floats, freedom: float | None = None) -> float:
    """Return the number of independent trials that are worth as much as these, which come in clusters; shapes (clusters,).

    p (1 - p) over the variance between clusters, and no more than there are.
    freedom: of Student's t, for less where few clusters tell the variance, by the squared ratio of two quantiles, normal and
    Student's
    """
    total, count = float(trials.sum()), len(trials)
    share = float(successes.sum()) / total
    variance = count / max(count - 1, 1) * float(((successes - share * trials) ** 2).sum()) / total**2
    if not 0 < share < 1 or variance == 0:
        return total
    effective = min(share * (1 - share) / variance, total)
    if freedom is not None:
        effective *= float(ndtri((1 + LEVEL) / 2) / stdtrit(freedom, (1 + LEVEL) / 2)) ** 2
    return effective


def clustered_share(clusters: ArrayLike, trials: ArrayLike, successes: ArrayLike, most: float) -> Interval:
    """Return a share whose trials come in clusters, such as many simulated people who stand for one labelled patient.

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


@dataclass(frozen=True)
class Mark:
    """A figure and its bar: parts of 1, or percentage points. at_least: the bar is a floor, not a ceiling."""

    label: str
    reached: float
    bar: float
    unit: Literal["share", "points"] = "share"
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.reached >= self.bar if self.at_least else self.reached <= self.bar

    @property
    def words(self) -> str:
        return f"{'met' if self.met else 'not met'}: at {'least' if self.at_least else 'most'} {self.spoken(self.bar)}"

    def spoken(self, value: float) -> str:
        return f"{significant(value, 2)} points" if self.unit == "points" else percent(value)


RESAMPLES = 2000
SEED = 0
#: Folds that patients are dealt into where a table brings none.
FOLDS = 5
#: Weights that are held at a time, so that a large table needs no large memory.
_CELLS = 4_000_000


def bootstrap(
    patients: ArrayLike, statistic: Callable[[Floats], Floats], resamples: int = RESAMPLES, seed: int = SEED
) -> Floats:
    """Return a statistic of each resample, shape (resamples, ...).

    patients: who stands behind each item, shape (n,). The same column and seed give the same resamples, so that what is
    computed of two tables of the same items is paired.
    statistic: from weights (b, n), how often each item was drawn, to values (b, ...)
    """
    codes = np.unique(np.asarray(patients), return_inverse=True)[1]
    people = int(codes.max()) + 1
    rng, at_once = np.random.default_rng(seed), max(_CELLS // len(codes), 1)
    sizes = [min(at_once, resamples - start) for start in range(0, resamples, at_once)]
    return np.concatenate([statistic(_people_drawn(rng, size, people)[:, codes]) for size in sizes])


def _people_drawn(rng: np.random.Generator, size: int, people: int) -> Floats:
    """Draw people with replacement, and return the draws of each, shape (size, people)."""
    places = rng.integers(people, size=(size, people)) + people * np.arange(size)[:, None]
    return np.bincount(places.ravel(), minlength=size * people).reshape(size, people).astype(float)


def percentile_interval(value: float, draws: Floats) -> Interval:
    low, high = _tails(draws)
    return Interval(float(value), low, high)


def corrected_interval(value: float, draws: Floats) -> Interval:
    """Return the middle 95% of the resamples, moved by the distance of their median from the value.

    The bias-corrected percentile interval (Efron and Tibshirani 1993, chapter 14, without acceleration): for figures that
    resampling biases to one side.
    """
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return Interval(float(value), float(value), float(value))
    below = np.clip((np.mean(finite < value) + np.mean(finite <= value)) / 2, 0.5 / len(finite), 1 - 0.5 / len(finite))
    moved = 2 * ndtri(below) + np.array([-1, 1]) * ndtri((1 + LEVEL) / 2)
    low, high = np.quantile(finite, ndtr(moved))
    return Interval(float(value), float(low), float(high))


def pivotal_interval(value: float, draws: Floats, least: float = -np.inf) -> Interval:
    """Return the middle 95% of the resamples mirrored about the value: for what resampling biases to one side.

    least: the statistic cannot be lower, so the interval is not either
    """
    low, high = _tails(draws)
    return Interval(float(value), max(2 * float(value) - high, least), max(2 * float(value) - low, least))


def _tails(draws: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def folds_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Return the fold of each row, from 0 without gaps: the table's own, else patients dealt into `FOLDS` at random, seeded."""
    own = rows["fold"]
    if own.notna().all() and own.nunique() > 1:
        return np.asarray(pd.factorize(own, sort=True)[0], np.int64)
    codes = pd.factorize(rows["patient"])[0]
    dealt = np.random.default_rng(SEED).permutation(codes.max() + 1) % FOLDS
    return np.asarray(dealt[codes], np.int64)
