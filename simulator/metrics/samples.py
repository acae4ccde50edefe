"""The counts of a replication behind a metric: samples of times, totals of sums; and percentiles of pooled times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.intervals import Interval, effective_trials, share_interval


@dataclass(frozen=True)
class Total:
    """A numerator and a denominator, summed over the requests of one replication: a share, or what one request costs.

    by_way: the same by class and by the way of the labelled items through the gates by score, as `Strata` lists them, columns
    numerator and denominator; None where no labelled item stands behind the figure
    by_draw: the same for each resample of other evidence, shape (draws, 2); None where the replication was not evaluated so
    between: the bounds that evidence counted outside the run leaves the ratio, where it is no sum over the run
    parts: the totals that it is the sum of, by name, where they are reported too
    """

    numerator: float
    denominator: float
    by_way: NDArray[np.float64] | None = None
    by_draw: NDArray[np.float64] | None = None
    between: tuple[float, float] | None = None
    parts: Mapping[str, Total] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The numerator over the denominator; None where that is 0."""
        return self.numerator / self.denominator if self.denominator else None


def changes(totals: Sequence[Total]) -> NDArray[np.float64] | None:
    """Return the change of a ratio over replications in each resample of the evidence, shape (draws,); None without resamples.

    A resample is compared with the evidence as it is in the same replications.
    """
    resampled = [(total, total.by_draw) for total in totals if total.by_draw is not None]
    if not resampled:
        return None
    now = np.sum([(total.numerator, total.denominator) for total, _ in resampled], axis=0)
    drawn = np.sum([by_draw for _, by_draw in resampled], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = drawn[:, 0] / drawn[:, 1] - now[0] / now[1]
    return np.asarray(moved[np.isfinite(moved)])


def bounds(totals: Sequence[Total]) -> tuple[float, float] | None:
    """Return the bounds that counted evidence leaves a ratio, on average over replications; None where there are none."""
    bounded = [total.between for total in totals if total.between is not None]
    return (float(np.mean([low for low, _ in bounded])), float(np.mean([high for _, high in bounded]))) if bounded else None


#: The number of equal stretches that a run with a warm-up is divided into: the cut falls between two of them.
SECTIONS = 200


#: The most values that one replication keeps of a sample; of more, every second, third, ... in order of size.
MOST = 100_000


@dataclass(frozen=True)
class Sample:
    """Values of one replication by the stretch of the run that they belong to.

    values: shape (n,), stretch after stretch, ascending in each; starts: where each stretch begins, shape (stretches + 1,)
    weight: how many requests stand behind each value
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    weight: float = 1.0

    @property
    def count(self) -> float:
        return self.weight * len(self.values)

    def after(self, stretch: int) -> Sample:
        first = self.starts[stretch]
        return Sample(self.values[first:], self.starts[stretch:] - first, self.weight)

    def parts(self, count: int) -> list[Sample]:
        edges = self.starts[np.linspace(0, len(self.starts) - 1, count + 1).astype(int)]
        return [Sample(self.values[low:high], np.array([0, high - low]), self.weight) for low, high in pairwise(edges)]


def sample(values: Floats, stretches: NDArray[np.int64] | None = None) -> Sample:
    """Make a sample of one replication. stretches: the stretch of each value, from 0; None: the run is not cut."""
    single = values.astype(np.float32)
    every = ceil(len(single) / MOST) if len(single) else 1
    if stretches is None:
        kept = np.sort(single)[every // 2 :: every]
        return Sample(kept, np.array([0, len(kept)]), float(every))
    order = np.lexsort((single, stretches))[every // 2 :: every]
    return Sample(single[order], np.searchsorted(stretches[order], np.arange(SECTIONS + 1)), float(every))


#: For a stage that a replication never reached.
NOTHING = Sample(np.empty(0, np.float32), np.zeros(SECTIONS + 1, np.int64))


#: Requests beyond a percentile, on either side, needed to quote it, and how many of them must be nearly independent.
BEYOND, INDEPENDENT = 10, 4

#: A second place where dependence between requests is estimated, in times of the tail itself: few requests are beyond it.
STEADIER = 3

#: Places where it is estimated to decide whether a percentile is quoted, if no plan tells it. A run in which nothing piled up
#: looks independent in the tail, and a rule that believed it would quote just the percentiles that are too low.
CENTRAL = 0.5, 0.75, 0.9


@dataclass(frozen=True)
class Percentile:
    """A percentile of all requests of all replications, and whether they are enough to quote it.

    requests: how many there were; needed: about how many it takes; both as they are, not as if independent
    """

    interval: Interval
    requests: float
    needed: float

    @property
    def quotable(self) -> bool:
        return self.requests >= self.needed


class Pooled:
    """The pooled values of all replications; `samples` holds one per replication, some may be empty."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.count = sum(sample.count for sample in samples)
        self._values, self._ranks = _sorted([sample for sample in samples if len(sample.values)])

    def __bool__(self) -> bool:
        return len(self._values) > 0

    def value(self, share: float) -> float:
        return float(np.interp(share, self._ranks, self._values))

    def curve(self, shares: Floats) -> Floats:
        return np.interp(shares, self._ranks, self._values)

    def percentile(self, share: float, alike: float | None = None) -> Percentile:
        """Return a percentile with its interval; alike: how many requests wait as one, known without this run if at all.

        Woodruff's (1952, J Am Stat Assoc 47:635): how sure the share of requests below the percentile is, which knows that
        those of one replication resemble each other, says between which two percentiles the true one lies. The variance
        between replications rests on no more of them than there are independent requests beyond the percentile.
        """
        value, tail = self.value(share), min(share, 1 - share)
        if len(self.samples) < 2:
            return Percentile(Interval(value, -np.inf, np.inf), self.count, BEYOND / tail)
        further = 1 - STEADIER * (1 - share)
        places = [share, further] if further > 0 else [share]
        if alike is None:
            alike = self.count / min(self._independent(place) for place in CENTRAL)
        else:  # the tail rests on rare busy periods that a short run may not have met; the median does not
            alike = max(min(alike, self.count / len(self.samples)) * (1 - 2 * tail), 1.0)
        freedom = max(min(len(self.samples) - 1.0, self.count * tail / alike), 1.0)
        independent = min(self._independent(place, freedom) for place in places)
        around = share_interval(share * independent, independent)
        needed = max(BEYOND, INDEPENDENT * alike) / tail
        return Percentile(Interval(value, self.value(around.low), self.value(around.high)), self.count, needed)

    def _independent(self, share: float, freedom: float | None = None) -> float:
        value = np.float32(self.value(share))
        counts = np.array([sample.count for sample in self.samples])
        below = np.array([sample.weight * np.count_nonzero(sample.values <= value) for sample in self.samples])
        below *= share * self.count / max(float(below.sum()), 1.0)  # of requests that tie with the value, a part lies below it
        return effective_trials(below, counts, freedom)


def _sorted(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    if not samples:
        return np.empty(0), np.empty(0)
    values = np.concatenate([sample.values for sample in samples])
    if len({sample.weight for sample in samples}) == 1:
        in_order = np.sort(values, kind="stable").astype(float)  # quick, since the parts are in order already
        return in_order, np.linspace(0, 1, len(values)) if len(values) > 1 else np.zeros(1)
    order = np.argsort(values, kind="stable")
    weights = np.repeat([sample.weight for sample in samples], [len(sample.values) for sample in samples])[order]
    ranks = np.cumsum(weights) - weights[0]
    return values[order].astype(float), ranks / (ranks[-1] or 1.0)
