"""Rows that resemble the rows before them, blocks that count as independent, and both files as they could have been.

Under the hypothesis that nothing differs, rows or blocks change files; for intervals, they are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, comb

import numpy as np
import scipy
from numpy.typing import ArrayLike
from scipy.special import ndtri

from simulator.arrays import Codes, Floats
from simulator.metrics.distances import gaussian_kernel

#: The length of a block, as a multiple of its edge: a variance of means from such blocks is an eighth too small.
BLOCK_EDGES = 8
#: The sum of autocorrelations ends at a lag this many times itself (Sokal 1997, Monte Carlo Methods in Statistical Mechanics).
_WINDOW = 5
#: The fewest stretches, and the fewest of each source on average, whose neighbours are compared.
_STRETCHES, _OF_SOURCE = 32, 10
#: The chance that a correlation counts where there is none, and the highest one: a file that only rises is one block.
_BY_CHANCE, _MOST_ALIKE = 0.005, 0.99
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


def autocorrelation_time(values: Floats) -> float:
    """Return 1 + 2 * (sum of autocorrelations), at least 1: the number of rows that are worth one independent row; shape (n,).

    The sum is cut where its lag exceeds `_WINDOW` times the sum so far; beyond it, noise alone would be added (Sokal 1997).
    """
    centred = values - values.mean()
    products = scipy.signal.correlate(centred, centred, method="fft")[len(values) - 1 :]
    if products[0] <= 1e-12:
        return 1.0
    sums = 2 * np.cumsum(products / products[0]) - 1
    ends = np.arange(len(sums)) >= _WINDOW * sums
    return max(float(sums[int(ends.argmax())] if ends.any() else sums.max()), 1.0)


@dataclass(frozen=True, order=True)
class Edge:
    """How far rows resemble each other. The sum of a block of L rows varies as L - `rows` rows of endless blocks would.

    stretch: rows of the stretches that show it; alike: the correlation of a stretch with the stretch before it
    beside: the correlation of a row with the row before it
    """

    rows: float = 0.0
    stretch: int = 1
    alike: float = 0.0
    beside: float = 0.0


def edge_of(series: Iterable[Floats], codes: Codes | None = None) -> Edge:
    """Return the longest edge of series, shape (n,): of ranks, and of their distance to the middle.

    The second shows a spread that comes and goes while the mean stays. codes: the source of each row, shape (n,)
    """
    ranks = [scipy.stats.rankdata(values) / len(values) - 0.5 for values in series]
    level = _BY_CHANCE / max(len(ranks), 1)
    return max((_edge(values, codes, level) for rank in ranks for values in (rank, np.abs(rank))), default=Edge())


def _edge(values: Floats, codes: Codes | None, level: float) -> Edge:
    """Return the longest edge that neighbouring stretches show, of one row, two, four, ...; level: of each correlation.

    A slow part of little variance, or one of many sources, hides in single rows, whose noise long stretches average out
    (Flyvbjerg and Petersen 1989, J. Chem. Phys. 91:461). Neighbours count as an AR(1) series, where the edge of phi is
    2 phi / (1 - phi^2). A correlation about the mean of n values is too small by (1 + 3 phi) / n (Marriott and Pope 1954).
    """
    parts = [values] if codes is None else [values[codes == code] for code in np.unique(codes)]
    longest, stretch, count, beside = Edge(), 1, len(values), 0.0
    while count >= max(_STRETCHES, _OF_SOURCE * len(parts)):
        centred = [part - part.mean() for part in parts]
        total = sum(float(part @ part) for part in centred)
        if total <= 1e-12:
            break
        alike = sum(float(part[1:] @ part[:-1]) for part in centred) / total
        alike = min((alike + len(parts) / count) / (1 - 3 * len(parts) / count), _MOST_ALIKE)
        beside = alike if stretch == 1 else beside
        if alike > -ndtri(level) / np.sqrt(count):
            longest = max(longest, Edge(2 * alike / (1 - alike**2) * stretch, stretch, alike, beside))
        parts = [part[: len(part) // 2 * 2].reshape(-1, 2).mean(axis=1) for part in parts if len(part) > 1]
        stretch, count = 2 * stretch, sum(map(len, parts))
    return longest


def block_length(reference: list[Floats], sizes: tuple[int, int], codes: Codes | None = None, apart: bool = False) -> int:
    """Return the rows of a block, from the longest edge of the reference's series; 1 for independent rows.

    The reference alone counts, since it is quiet: a step in production would look like one long autocorrelation.
    sizes: rows of the two files; in large files, blocks are joined for speed
    codes: the source of each row of the reference, shape (n,). A block then holds as many rows of each source as are needed,
    or where they are apart from each other, as many rows of one source
    """
    edge = edge_of(reference, codes).rows
    if codes is not None and not apart:
        rows = np.bincount(codes)
        sources = rows.sum() ** 2 / float((rows.astype(float) ** 2).sum())
        edge = max(edge_of(reference).rows, sources * edge)
    needed = max(ceil(BLOCK_EDGES * edge - 0.5), 1)
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


#: From counts of cells of the reference and of production, shapes (b, cells), to values, shape (b, ...).
Statistic = Callable[[Floats, Floats], Floats]
#: The most numbers in memory at a time, and the most arrangements.
_HELD, _AT_ONCE = 4_000_000, 1000
#: Arrangements are tried until N are as extreme: enough for p within 10% (Besag and Clifford 1991, Biometrika 78:301).
_ENOUGH = 400
#: The arrangements of this many blocks and more count as endlessly many.
_COUNTED = 60


@dataclass(frozen=True, eq=False)
class IndependentRows:
    """Two files of independent rows. reference, production: rows in each cell."""

    reference: Codes
    production: Codes

    @property
    def counted(self) -> tuple[Floats, Floats]:
        """Count the rows in each cell, of the reference and of production, shapes (1, cells)."""
        return self.reference[None].astype(float), self.production[None].astype(float)

    @property
    def units(self) -> tuple[int, int]:
        """Return the numbers of rows or blocks of the reference and of production that are dealt or drawn."""
        return int(self.reference.sum()), int(self.production.sum())

    @property
    def arrangements(self) -> float:
        """Return the number of ways to deal blocks or rows to the two files: no p-value lies below its inverse."""
        return arrangements(self.units)

    def permuted(self, statistic: Statistic, times: int, seed: int) -> Iterator[Floats]:
        """Yield the statistic while rows change files, in parts of `times` in all: its values if nothing differs."""
        rng, both, size = np.random.default_rng(seed), self.reference + self.production, int(self.production.sum())

        def one(times: int) -> Floats:
            production = rng.multivariate_hypergeometric(both, size, size=times, method="marginals")
            return statistic((both - production).astype(float), production.astype(float))

        return _parts(one, times, len(both))

    def drawn(self, statistic: Statistic, times: int, seed: int) -> Floats:
        """Compute the statistic while each file's rows are drawn again, shape (times, ...): the bootstrap."""
        rng = np.random.default_rng(seed)

        def again(counts: Codes, times: int) -> Floats:
            return rng.multinomial(int(counts.sum()), counts / counts.sum(), size=times).astype(float)

        return _in_parts(
            lambda part: statistic(again(self.reference, part), again(self.production, part)), times, len(self.reference)
        )


@dataclass(frozen=True, eq=False)
class BlockedRows:
    """Two files of rows in blocks, with the members of `IndependentRows`.

    reference, production: rows of each block in each cell, shapes (blocks, cells); sources: of `Blocks`
    """

    reference: Floats
    production: Floats
    sources: tuple[Codes, Codes] | None = None

    @property
    def counted(self) -> tuple[Floats, Floats]:
        return self.reference.sum(axis=0, keepdims=True), self.production.sum(axis=0, keepdims=True)

    @property
    def units(self) -> tuple[int, int]:
        return len(self.reference), len(self.production)

    @property
    def arrangements(self) -> float:
        return arrangements(self.units, self.sources)

    def permuted(self, statistic: Statistic, times: int, seed: int) -> Iterator[Floats]:
        blocks = np.concatenate([self.reference, self.production])
        total = blocks.sum(axis=0)

        def one(dealt: Floats) -> Floats:
            production = dealt @ blocks
            return statistic(total - production, production)

        rng = np.random.default_rng(seed)
        return _parts(lambda part: one(dealt_to_production(rng, part, self.units, self.sources)), times, sum(blocks.shape))

    def drawn(self, statistic: Statistic, times: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)

        first, second = self.sources or (None, None)

        def again(blocks: Floats, times: int, sources: Codes | None) -> Floats:
            return drawn_again(rng, times, len(blocks), sources) @ blocks

        return _in_parts(
            lambda part: statistic(again(self.reference, part, first), again(self.production, part, second)),
            times,
            sum(self.reference.shape) + len(self.production),
        )


Resampling = IndependentRows | BlockedRows


def resampling(cells: tuple[Codes, Codes], count: int, blocks: Blocks | None) -> Resampling:
    """Return the resampling of two files.

    cells: the cell of each row, shapes (n,) and (m,); count: of cells; blocks: None for independent rows
    """
    if blocks is None:
        return IndependentRows(*(np.bincount(codes, minlength=count) for codes in cells))
    named = zip(cells, (blocks.reference, blocks.production), blocks.counts, strict=True)
    first, second = (_table(codes, block, (rows, count)) for codes, block, rows in named)
    return BlockedRows(first, second, blocks.sources)


def block_sums(reference: Floats, production: Floats, blocks: Blocks) -> BlockedRows:
    """Return a resampling whose cells are the number of rows and the sum of their values, shapes (n,) and (m,)."""
    named = zip((reference, production), (blocks.reference, blocks.production), strict=True)
    first, second = (_rows_and_sums(values, codes) for values, codes in named)
    return BlockedRows(first, second, blocks.sources)


def _rows_and_sums(values: Floats, codes: Codes) -> Floats:
    return np.stack([np.bincount(codes).astype(float), np.bincount(codes, values).astype(float)], axis=1)


def _table(cells: Codes, blocks: Codes, shape: tuple[int, int]) -> Floats:
    return np.bincount(blocks * shape[1] + cells, minlength=shape[0] * shape[1]).reshape(shape).astype(float)


def dealt_to_production(
    rng: np.random.Generator, times: int, sizes: tuple[int, int], sources: tuple[Codes, Codes] | None = None
) -> Floats:
    """Draw 1 for blocks that go to production, 0 for the others, shape (times, blocks of both).

    sources: of the blocks of each file; production then gets as many blocks of each source as it has
    """
    goes = np.repeat([0.0, 1.0], sizes)
    dealt = np.tile(goes, (times, 1))
    if sources is None:
        return np.asarray(rng.permuted(dealt, axis=1))
    both = np.concatenate(sources)
    for source in np.unique(both):
        own = np.flatnonzero(both == source)
        dealt[:, own] = rng.permuted(dealt[:, own], axis=1)
    return dealt


def drawn_again(rng: np.random.Generator, times: int, blocks: int, sources: Codes | None = None) -> Floats:
    """Draw the multiplicity of each block, shape (times, blocks).

    sources: of the blocks; None for one. Each source keeps its weight: one block fewer than it has is drawn, and counts
    for more, since n drawn of n vary too little (Rao and Wu 1988, JASA 83:231).
    """
    drawn = np.empty((times, blocks))
    sources = np.zeros(blocks, np.int64) if sources is None else sources
    for source in np.unique(sources):
        mine = np.flatnonzero(sources == source)
        count = len(mine)
        more = count / (count - 1) if count > 1 else 1.0
        drawn[:, mine] = _drawn(rng, times, count, max(count - 1, 1)) * more
    return drawn


def _drawn(rng: np.random.Generator, times: int, blocks: int, number: int) -> Floats:
    """Draw `number` of the blocks with replacement; return the multiplicity of each, shape (times, blocks)."""
    places = rng.integers(blocks, size=(times, number)) + blocks * np.arange(times)[:, None]
    return np.bincount(places.ravel(), minlength=times * blocks).reshape(times, blocks).astype(float)


def permutation_p(found: float, permuted: Iterable[Floats]) -> float:
    """Return the share of arrangements that are at least as extreme, with the observed one (Phipson and Smyth 2010).

    permuted: statistics of random arrangements, in parts; it is read until `_ENOUGH` of them are as extreme
    """
    tried, extreme, least = 0, 0, found - 1e-9 * max(abs(found), 1e-9)
    for part in permuted:
        places = np.flatnonzero(part >= least)
        if extreme + len(places) >= _ENOUGH:
            return _ENOUGH / (tried + int(places[_ENOUGH - extreme - 1]) + 1)
        tried, extreme = tried + len(part), extreme + len(places)
    return (1 + extreme) / (1 + tried)


def _in_parts(work: Callable[[int], Floats], times: int, width: int) -> Floats:
    return np.concatenate([*_parts(work, times, width)])


def _parts(work: Callable[[int], Floats], times: int, width: int) -> Iterator[Floats]:
    step = max(min(_HELD // width, _AT_ONCE), 1)
    return (work(min(step, times - start)) for start in range(0, times, step))


def arrangements(sizes: tuple[int, int], sources: tuple[Codes, Codes] | None = None) -> float:
    """Return the number of ways to deal blocks to two files, each file keeping its number of blocks of a source."""
    pairs: Iterable[tuple[int, int]] = [sizes]
    if sources:
        width = 1 + int(max(codes.max() for codes in sources))
        pairs = zip(*(np.bincount(codes, minlength=width).tolist() for codes in sources), strict=True)
    return float(np.prod([float(comb(sum(pair), pair[1])) if sum(pair) < _COUNTED else np.inf for pair in pairs]))


class BlockedKernel:
    """Sums of the kernel over pairs of blocks: blocks can change files without another pass over the rows."""

    def __init__(
        self,
        features: tuple[Floats, Floats],
        blocks: tuple[Codes, Codes],
        width: float,
        sources: tuple[Codes, Codes] | None = None,
    ) -> None:
        """features: shapes (n, d) and (m, d); blocks: of each row, shapes (n,) and (m,), from 0; sources: of each block."""
        self.sources = sources
        self.sizes = (int(blocks[0].max()) + 1, int(blocks[1].max()) + 1)
        codes = np.concatenate([blocks[0], blocks[1] + self.sizes[0]])
        member = np.zeros((len(codes), sum(self.sizes)))
        member[np.arange(len(codes)), codes] = 1.0
        rows = np.concatenate(features)
        self.sums = member.T @ gaussian_kernel(rows, rows, width) @ member
        self.rows = member.sum(axis=0)

    def found(self) -> float:
        dealt = np.repeat([0.0, 1.0], self.sizes)[None]
        return float(self._between(1 - dealt, dealt)[0])

    def permuted(self, times: int, seed: int) -> Iterator[Floats]:
        rng = np.random.default_rng(seed)

        def one(part: int) -> Floats:
            dealt = dealt_to_production(rng, part, self.sizes, self.sources)
            return self._between(1 - dealt, dealt)

        return _parts(one, times, sum(self.sizes))

    def drawn(self, times: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        named = zip(self.sizes, self.sources or (None, None), strict=True)
        first, second = (drawn_again(rng, times, size, sources) for size, sources in named)
        return self._between(np.pad(first, ((0, 0), (0, self.sizes[1]))), np.pad(second, ((0, 0), (self.sizes[0], 0))))

    def _between(self, reference: Floats, production: Floats) -> Floats:
        """Return the estimate; reference, production: multiplicity of each block in the file, shapes (b, blocks)."""
        weights = production / (production @ self.rows)[:, None] - reference / (reference @ self.rows)[:, None]
        return np.asarray(((weights @ self.sums) * weights).sum(axis=1))
