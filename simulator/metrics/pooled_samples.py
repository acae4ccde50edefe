"""Percentiles of the pooled times of all replications, and whether they are enough to quote one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.intervals import Interval, effective_trials, share_interval
from simulator.metrics.samples import Sample

Floats = NDArray[np.float64]

#: Requests beyond a percentile, on either side, needed to quote it, and how many of them must be nearly independent.
BEYOND, INDEPENDENT = 10, 2

#: A second place where dependence between requests is estimated, in times of the tail itself: few requests are beyond it.
STEADIER = 3

#: Places where it is estimated to decide whether a percentile is quoted. A run in which nothing piled up looks independent in
#: the tail, and a rule that believed it would quote just the percentiles that are too low.
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
        self.count = sum(one.count for one in samples)
        self._values, self._ranks = _sorted([one for one in samples if len(one.values)])

    def __bool__(self) -> bool:
        return len(self._values) > 0

    def value(self, share: float) -> float:
        return float(np.interp(share, self._ranks, self._values))

    def curve(self, shares: Floats) -> Floats:
        return np.interp(shares, self._ranks, self._values)

    def percentile(self, share: float, alike: float = 1.0) -> Percentile:
        """Return a percentile with its interval; alike: how many requests wait as one at least, known without this run.

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
        # The tail rests on rare busy periods that a short run may not have met; the median does not.
        alike = max(alike * (1 - 2 * tail), self.count / min(self._independent(place) for place in CENTRAL))
        needed = max(BEYOND, INDEPENDENT * alike) / tail
        return Percentile(Interval(value, self.value(around.low), self.value(around.high)), self.count, needed)

    def _independent(self, share: float, corrected: bool = False) -> float:
        value = np.float32(self.value(share))
        counts = np.array([one.count for one in self.samples])
        below = np.array([one.weight * np.count_nonzero(one.values <= value) for one in self.samples])
        below *= share * self.count / max(float(below.sum()), 1.0)  # of requests that tie with the value, a part lies below it
        return effective_trials(below, counts, corrected)


def _sorted(samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    if not samples:
        return np.empty(0), np.empty(0)
    values = np.concatenate([one.values for one in samples])
    if len({one.weight for one in samples}) == 1:
        in_order = np.sort(values, kind="stable").astype(float)  # quick, since the parts are in order already
        return in_order, np.linspace(0, 1, len(values)) if len(values) > 1 else np.zeros(1)
    order = np.argsort(values, kind="stable")
    weights = np.repeat([one.weight for one in samples], [len(one.values) for one in samples])[order]
    ranks = np.cumsum(weights) - weights[0]
    return values[order].astype(float), ranks / (ranks[-1] or 1.0)
