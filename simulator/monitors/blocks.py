"""Rows that resemble the rows before them: their autocorrelation time, and blocks that count as independent."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

#: The length of a block, as a multiple of the autocorrelation time beyond one row. Neighbouring blocks still resemble each
#: other at their edges: of a series AR(1), a variance of means taken from such blocks is too small by 1 / (10 (1 + phi)).
BLOCK_TIMES = 10
#: The sum of autocorrelations ends at a lag this many times itself (Sokal 1997, Monte Carlo Methods in Statistical Mechanics).
_WINDOW = 5
#: At most _MOST blocks are permuted: rows are joined, if at least _LEAST blocks remain in either file.
_MOST, _LEAST = 2000, 200
#: The fewest groups to judge whether neighbours resemble each other, and the standard errors that count as certain.
_FEW, _CERTAIN = 20, 2.58


@dataclass(frozen=True, eq=False)
class Blocks:
    """The block of each row, in each file from 0, shapes (n,) and (m,).

    length: in rows; None if the files name the blocks
    sources: of each block, in each file, where blocks change places with blocks of their own source alone
    """

    reference: Codes
    production: Codes
    length: int | None = None
    sources: tuple[Codes, Codes] | None = None

    @property
    def counts(self) -> tuple[int, int]:
        return int(self.reference.max()) + 1, int(self.production.max()) + 1


def autocorrelation_time(values: Floats, codes: Codes | None = None) -> float:
    """Return 1 + 2 * (sum of autocorrelations), at least 1: the number of rows that are worth one independent row; shape (n,).

    The sum is cut where its lag exceeds `_WINDOW` times the sum so far; beyond it, noise alone would be added (Sokal 1997).
    codes: the source of each row, shape (n,): rows are compared with those of their source, about its mean
    """
    parts = [values] if codes is None else [values[codes == code] for code in np.unique(codes)]
    products = np.zeros(max(map(len, parts)))
    for part in parts:
        centred = part - part.mean()
        products[: len(part)] += scipy.signal.correlate(centred, centred, method="fft")[len(part) - 1 :]
    if products[0] <= 1e-12:
        return 1.0
    sums = 2 * np.cumsum(products / products[0]) - 1
    ends = np.arange(len(sums)) >= _WINDOW * sums
    return max(float(sums[int(ends.argmax())] if ends.any() else sums.max()), 1.0)


def rows_alike(values: Floats, codes: Codes | None = None) -> float:
    """Return the longer of two autocorrelation times, shape (n,): of ranks, and of their distance to the middle.

    The second shows a spread that comes and goes while the mean stays. codes: the source of each row, shape (n,)
    """
    ranks = scipy.stats.rankdata(values) / len(values) - 0.5
    return max(autocorrelation_time(ranks, codes), autocorrelation_time(np.abs(ranks), codes))


def block_length(reference: list[Floats], sizes: tuple[int, int], codes: Codes | None = None, apart: bool = False) -> int:
    """Return the rows of a block, from the longest autocorrelation time of the reference's series; 1 for independent rows.

    The reference alone counts, since it is quiet: a step in production would look like one long autocorrelation.
    sizes: rows of the two files; in large files, blocks are joined for speed
    codes: the source of each row of the reference, shape (n,). A block then holds as many rows of each source as are needed,
    or where they are apart from each other, as many rows of one source
    """
    beyond = max((rows_alike(values, codes) for values in reference), default=1.0) - 1
    if codes is not None and not apart:
        rows = np.bincount(codes)
        sources = rows.sum() ** 2 / float((rows.astype(float) ** 2).sum())
        beyond = max(max(map(rows_alike, reference), default=1.0) - 1, sources * beyond)
    needed = max(ceil(BLOCK_TIMES * beyond - 0.5), 1)
    return max(needed, min(ceil(sum(sizes) / _MOST), min(sizes) // _LEAST))


def contiguous(sizes: tuple[int, int], length: int) -> Blocks:
    reference, production = (_stretches(size, length) for size in sizes)
    return Blocks(reference, production, length)


def _stretches(size: int, length: int) -> Codes:
    last = max(int(size / length + 0.5), 1) - 1
    return np.minimum(np.arange(size) // length, last)


def grouped(reference: ArrayLike, production: ArrayLike) -> Blocks:
    """Return blocks that the files name, such as a scene or a camera-hour; shapes (n,) and (m,)."""
    first, second = (np.unique(np.asarray(names).astype(str), return_inverse=True)[1] for names in (reference, production))
    return Blocks(first, second)


def independent_rows(values: Floats, codes: Codes, sources: Codes | None = None) -> float:
    """Return the number of independent rows with as much information on the mean as these rows in blocks; shapes (n,).

    The variance of single rows over that between blocks (Cochran 1977, Sampling Techniques, section 9), at most n.
    sources: of each block; blocks then vary about the mean of their source
    """
    centred = values - values.mean()
    blocks = int(codes.max()) + 1
    if blocks < 2 or not centred.any():
        return float(blocks)
    sums = np.bincount(codes, centred).astype(float)
    if sources is not None:
        sums = sums - (np.bincount(sources, sums) / np.maximum(np.bincount(sources), 1))[sources]
    between = blocks / (blocks - 1) * float((sums**2).sum()) / len(values) ** 2
    return min(float(centred.var()) / between if between > 0 else np.inf, float(len(values)))


def neighbours_alike(values: Floats, codes: Codes) -> float:
    """Return the correlation of the means of neighbouring blocks, shapes (n,), if it is certain (p below 1%), else 0."""
    order = np.argsort(np.unique(codes, return_index=True)[1])
    means = (np.bincount(codes, values) / np.bincount(codes))[order]
    if len(means) < _FEW or not means.std() > 0:
        return 0.0
    found = float(np.corrcoef(means[:-1], means[1:])[0, 1])
    return found if found > _CERTAIN / np.sqrt(len(means)) else 0.0


#: The share of changes that a test is to detect.
POWER = 0.8
#: The test of Kolmogorov and Smirnov sees a shift of a normal column with at least 2 / pi of the rows' worth of a test of means
#: (Capon 1965, On the Asymptotic Efficiency of the Kolmogorov-Smirnov Test, JASA 60:843).
KS_EFFICIENCY = 2 / np.pi


def smallest_shift(rows: tuple[float, float], level: float, efficiency: float = 1.0) -> float:
    """Return the shift of the mean, in standard deviations, that a two-sided test detects with a power of 80%.

    rows: independent rows of the reference and of production; level: of this one test, after the correction for many
    """
    return float((ndtri(POWER) - ndtri(level / 2)) * np.sqrt((1 / rows[0] + 1 / rows[1]) / efficiency))


def smallest_change(share: float, rows: tuple[float, float], level: float) -> float:
    return min(smallest_shift(rows, level) * float(np.sqrt(share * (1 - share))), 1.0)
