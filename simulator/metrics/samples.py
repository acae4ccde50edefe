"""Samples of one replication: its values by stretches of the run, or fewer that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

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
