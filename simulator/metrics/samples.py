"""A figure of one replication as a numerator and a denominator, with what other evidence would make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from simulator.intervals import Interval, effective_trials, share_interval


@dataclass(frozen=True)
class Total:
    """A numerator and a denominator, summed over the requests of one replication: a share, or what one request costs.

    by_way: the same by class and by the way of the labelled items through the gates by score, as `Strata` lists them, columns
    numerator and denominator; None where no labelled item stands behind the figure
    by_draw: the same for each resample of other evidence, shape (draws, 2); None where the replication was not evaluated so
    between: the bounds that evidence counted outside the run leaves the ratio, where it is no sum over the run
    """

    above: float
    below: float
    by_way: NDArray[np.float64] | None = None
    by_draw: NDArray[np.float64] | None = None
    between: tuple[float, float] | None = None

    @property
    def ratio(self) -> float | None:
        """The one over the other; None of nothing."""
        return self.above / self.below if self.below else None


def changes(totals: Sequence[Total]) -> NDArray[np.float64] | None:
    """How much a ratio over replications changes in each resample of the evidence, shape (draws,); None where none was made.

    A resample is compared with the evidence as it is in the same replications.
    """
    told = [(total, total.by_draw) for total in totals if total.by_draw is not None]
    if not told:
        return None
    now = np.sum([(total.above, total.below) for total, _ in told], axis=0)
    drawn = np.sum([by_draw for _, by_draw in told], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = drawn[:, 0] / drawn[:, 1] - now[0] / now[1]
    return np.asarray(moved[np.isfinite(moved)])


def bounds(totals: Sequence[Total]) -> tuple[float, float] | None:
    """The bounds that counted evidence leaves a ratio, on average over replications; None where there are none."""
    told = [total.between for total in totals if total.between is not None]
    return (float(np.mean([low for low, _ in told])), float(np.mean([high for _, high in told]))) if told else None


Floats = NDArray[np.float64]

#: The number of equal stretches that a run with a warm-up is divided into: the cut falls between two of them.
SECTIONS = 200

#: The most values that one replication keeps of a sample; of more, every second, third, ... in order of size.
MOST = 100_000

#: Requests beyond a percentile, on either side, needed to quote it, and how many must be nearly independent. More of
#: those are no condition: how alike requests are is estimated too, and whoever quotes only what looks certain errs more often.
BEYOND, INDEPENDENT = 10, 2

#: How far out requests are looked at to see how alike they are, in times of the tail itself: few of them are beyond it.
STEADIER = 3


@dataclass(frozen=True)
class Sample:
    """Values of one replication by the stretch of the run that they belong to.

    values: shape (n,), stretch after stretch; starts: where each stretch begins, shape (stretches + 1,)
    weight: how many requests stand behind each value
    """

    values: NDArray[np.float32]
    starts: NDArray[np.int64]
    weight: float = 1.0

    @property
    def count(self) -> float:
        """Requests behind all values."""
        return self.weight * len(self.values)

    def after(self, stretch: int) -> Sample:
        """Without the stretches before this one."""
        first = self.starts[stretch]
        return Sample(self.values[first:], self.starts[stretch:] - first, self.weight)

    def parts(self, count: int) -> list[Sample]:
        """That many equal stretches of time, a sample each."""
        edges = self.starts[np.linspace(0, len(self.starts) - 1, count + 1).astype(int)]
        return [Sample(self.values[low:high], np.array([0, high - low]), self.weight) for low, high in pairwise(edges)]


def sample(values: Floats, stretches: NDArray[np.int64] | None = None) -> Sample:
    """A sample of one replication. stretches: which stretch each value belongs to, from 0; None: the run is not cut."""
    kept = values.astype(np.float32)
    every = ceil(len(kept) / MOST) if len(kept) else 1
    count = 1 if stretches is None else SECTIONS
    of = np.zeros(len(kept), np.int64) if stretches is None else stretches
    if every > 1 or stretches is not None:
        order = np.lexsort((kept, of))[every // 2 :: every]
        kept, of = kept[order], of[order]
    return Sample(kept, np.searchsorted(of, np.arange(count + 1)), float(every))


#: For a stage that a replication never reached.
NOTHING = Sample(np.empty(0, np.float32), np.zeros(SECTIONS + 1, np.int64))


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
        """Whether enough requests lie on both sides of it."""
        return self.requests >= self.needed


class Pooled:
    """The pooled values of all replications; `samples` holds one per replication, some may be empty."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.count = sum(one.count for one in samples)
        self._values, self._ranks = _sorted([one for one in samples if len(one.values)])

    def __bool__(self) -> bool:
        """Whether there is any value."""
        return len(self._values) > 0

    def value(self, share: float) -> float:
        """The value that this share of the requests stays at or below, interpolated between neighbours."""
        return float(np.interp(share, self._ranks, self._values))

    def curve(self, shares: Floats) -> Floats:
        """The same at many shares."""
        return np.interp(shares, self._ranks, self._values)

    def percentile(self, share: float) -> Percentile:
        """A percentile with its interval.

        Woodruff's (1952, J Am Stat Assoc 47:635): how sure the share of requests below the percentile is, which knows that
        those of one replication resemble each other, says between which two percentiles the true one lies.
        """
        value, tail = self.value(share), min(share, 1 - share)
        if len(self.samples) < 2:
            return Percentile(Interval(value, -np.inf, np.inf), self.count, BEYOND / tail)
        further = 1 - STEADIER * (1 - share)
        places = [share, further] if further > 0 else [share]
        corrected = min(self._independent(place, corrected=True) for place in places)
        around = share_interval(share * corrected, corrected)
        alike = self.count / min(self._independent(place) for place in places)
        needed = max(BEYOND, INDEPENDENT * alike) / tail
        return Percentile(Interval(value, self.value(around.low), self.value(around.high)), self.count, needed)

    def _independent(self, share: float, corrected: bool = False) -> float:
        """How many independent requests would tell as much of the share that lies below a percentile."""
        value = np.float32(self.value(share))
        counts = np.array([one.count for one in self.samples])
        below = np.array([one.weight * np.count_nonzero(one.values <= value) for one in self.samples])
        below *= share * self.count / max(float(below.sum()), 1.0)  # of requests that tie with the value, a part lies below it
        return effective_trials(below, counts, corrected)


def _sorted(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """All values in order, and the share of requests up to each: 0 at the first and 1 at the last."""
    if not samples:
        return np.empty(0), np.empty(0)
    values = np.concatenate([one.values for one in samples])
    if len({one.weight for one in samples}) == 1:
        return np.sort(values).astype(float), np.linspace(0, 1, len(values)) if len(values) > 1 else np.zeros(1)
    order = np.argsort(values, kind="stable")
    weights = np.repeat([one.weight for one in samples], [len(one.values) for one in samples])[order]
    ranks = np.cumsum(weights) - weights[0]
    return values[order].astype(float), ranks / (ranks[-1] or 1.0)
