"""Maximum mean discrepancy: do several columns together differ? (Gretton et al. 2012, JMLR 13:723.)"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist, pdist

from simulator.analysis.monitors.blocks import Codes, Floats
from simulator.analysis.monitors.resampling import dealt_to_production, drawn_again

#: More rows of a file are thinned evenly: the kernel is of each pair of them.
MOST_ROWS = 2000
#: Pairs are of so many rows for the median distance.
_FOR_MEDIAN = 1000


def bandwidth(features: Floats) -> float:
    """The median distance of two rows, shape (n, d) (Gretton et al. 2012, section 8)."""
    thinned = features[np.linspace(0, len(features) - 1, min(len(features), _FOR_MEDIAN)).astype(int)]
    return float(np.median(pdist(thinned))) or 1.0


def gaussian_kernel(first: Floats, second: Floats, width: float) -> Floats:
    """exp(-distance^2 / (2 width^2)) of each pair, shape (n, m)."""
    return np.asarray(np.exp(-cdist(first, second, "sqeuclidean") / (2 * width**2)))


def mmd_squared(reference: Floats, production: Floats, width: float) -> float:
    """The unbiased estimate, shapes (n, d) and (m, d), which may lie below 0 (Gretton et al. 2012, equation 3)."""
    within = [_mean_of_pairs(gaussian_kernel(rows, rows, width)) for rows in (reference, production)]
    return float(sum(within) - 2 * gaussian_kernel(reference, production, width).mean())


def _mean_of_pairs(kernel: Floats) -> float:
    return float((kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)))


class BlockedKernel:
    """Sums of the kernel over pairs of blocks, so that blocks can change files without another look at the rows."""

    def __init__(self, features: tuple[Floats, Floats], blocks: tuple[Codes, Codes], width: float) -> None:
        """features: shapes (n, d) and (m, d); blocks: of each row, shapes (n,) and (m,), from 0."""
        self.sizes = (int(blocks[0].max()) + 1, int(blocks[1].max()) + 1)
        codes = np.concatenate([blocks[0], blocks[1] + self.sizes[0]])
        member = np.zeros((len(codes), sum(self.sizes)))
        member[np.arange(len(codes)), codes] = 1.0
        rows = np.concatenate(features)
        self.sums = member.T @ gaussian_kernel(rows, rows, width) @ member
        self.rows = member.sum(axis=0)

    def found(self) -> float:
        """The biased estimate of what was seen: pairs of a row with itself included."""
        dealt = np.repeat([0.0, 1.0], self.sizes)[None]
        return float(self._between(1 - dealt, dealt)[0])

    def permuted(self, times: int, seed: int) -> Floats:
        """The same while blocks change files, shape (times,)."""
        dealt = dealt_to_production(np.random.default_rng(seed), times, self.sizes)
        return self._between(1 - dealt, dealt)

    def drawn(self, times: int, seed: int) -> Floats:
        """The same while each file's blocks are drawn again, shape (times,)."""
        rng = np.random.default_rng(seed)
        first, second = (drawn_again(rng, times, size) for size in self.sizes)
        return self._between(np.pad(first, ((0, 0), (0, self.sizes[1]))), np.pad(second, ((0, 0), (self.sizes[0], 0))))

    def _between(self, reference: Floats, production: Floats) -> Floats:
        """reference, production: how often each block is in the file, shapes (b, blocks)"""
        weights = production / (production @ self.rows)[:, None] - reference / (reference @ self.rows)[:, None]
        return np.asarray(((weights @ self.sums) * weights).sum(axis=1))
