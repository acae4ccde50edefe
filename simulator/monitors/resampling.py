"""Both files as they could have been: rows or blocks that change files (nothing differs), or are drawn again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import Protocol

import numpy as np

from simulator.metrics.distances import gaussian_kernel
from simulator.monitors.blocks import Blocks, Codes, Floats

#: From counts of cells of the reference and of production, shapes (b, cells), to values, shape (b, ...).
Statistic = Callable[[Floats, Floats], Floats]
#: The most numbers in memory at a time.
_HELD = 4_000_000


class Resampling(Protocol):
    """Two files with the cell of each row."""

    @property
    def counted(self) -> tuple[Floats, Floats]:
        """Count the rows in each cell, of the reference and of production, shapes (1, cells)."""

    @property
    def units(self) -> tuple[int, int]:
        """Return the numbers of rows or blocks of the reference and of production that are dealt or drawn."""

    @property
    def arrangements(self) -> float:
        """Return the number of ways to deal blocks or rows to the two files: no p-value lies below its inverse."""

    def permuted(self, statistic: Statistic, times: int, seed: int) -> Floats:
        """Compute the statistic while blocks change files, shape (times, ...): its values if nothing differs."""

    def drawn(self, statistic: Statistic, times: int, seed: int) -> Floats:
        """Compute the statistic while each file's blocks are drawn again, shape (times, ...): the bootstrap."""


@dataclass(frozen=True, eq=False)
class IndependentRows:
    """Independent rows. reference, production: rows in each cell."""

    reference: Codes
    production: Codes

    @property
    def counted(self) -> tuple[Floats, Floats]:
        return self.reference[None].astype(float), self.production[None].astype(float)

    @property
    def units(self) -> tuple[int, int]:
        return int(self.reference.sum()), int(self.production.sum())

    @property
    def arrangements(self) -> float:
        return arrangements(*self.units)

    def permuted(self, statistic: Statistic, times: int, seed: int) -> Floats:
        rng, both, size = np.random.default_rng(seed), self.reference + self.production, int(self.production.sum())

        def one(times: int) -> Floats:
            production = rng.multivariate_hypergeometric(both, size, size=times, method="marginals")
            return statistic((both - production).astype(float), production.astype(float))

        return _in_parts(one, times, len(both))

    def drawn(self, statistic: Statistic, times: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)

        def again(counts: Codes, times: int) -> Floats:
            return rng.multinomial(int(counts.sum()), counts / counts.sum(), size=times).astype(float)

        return _in_parts(
            lambda part: statistic(again(self.reference, part), again(self.production, part)), times, len(self.reference)
        )


@dataclass(frozen=True, eq=False)
class BlockedRows:
    """Rows in blocks. reference, production: rows of each block in each cell, shapes (blocks, cells)."""

    reference: Floats
    production: Floats

    @property
    def counted(self) -> tuple[Floats, Floats]:
        return self.reference.sum(axis=0, keepdims=True), self.production.sum(axis=0, keepdims=True)

    @property
    def units(self) -> tuple[int, int]:
        return len(self.reference), len(self.production)

    @property
    def arrangements(self) -> float:
        return arrangements(*self.units)

    def permuted(self, statistic: Statistic, times: int, seed: int) -> Floats:
        blocks = np.concatenate([self.reference, self.production])
        total = blocks.sum(axis=0)

        def one(dealt: Floats) -> Floats:
            production = dealt @ blocks
            return statistic(total - production, production)

        rng = np.random.default_rng(seed)
        return _in_parts(lambda part: one(dealt_to_production(rng, part, self.units)), times, sum(blocks.shape))

    def drawn(self, statistic: Statistic, times: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)

        def again(blocks: Floats, times: int) -> Floats:
            return drawn_again(rng, times, len(blocks)) @ blocks

        return _in_parts(
            lambda part: statistic(again(self.reference, part), again(self.production, part)),
            times,
            sum(self.reference.shape) + len(self.production),
        )


def resampling(cells: tuple[Codes, Codes], count: int, blocks: Blocks | None) -> Resampling:
    """Return the resampling of two files.

    cells: the cell of each row, shapes (n,) and (m,); count: of cells; blocks: None for independent rows
    """
    if blocks is None:
        return IndependentRows(*(np.bincount(codes, minlength=count) for codes in cells))
    named = zip(cells, (blocks.reference, blocks.production), blocks.counts, strict=True)
    return BlockedRows(*(_table(codes, block, (rows, count)) for codes, block, rows in named))


def _table(cells: Codes, blocks: Codes, shape: tuple[int, int]) -> Floats:
    return np.bincount(blocks * shape[1] + cells, minlength=shape[0] * shape[1]).reshape(shape).astype(float)


def dealt_to_production(rng: np.random.Generator, times: int, sizes: tuple[int, int]) -> Floats:
    """Draw 1 for blocks that go to production, 0 for the others, shape (times, blocks of both)."""
    places = rng.random((times, sum(sizes))).argsort(axis=1)
    return (places < sizes[1]).astype(float)


def drawn_again(rng: np.random.Generator, times: int, blocks: int) -> Floats:
    """Draw the multiplicity of each block, shape (times, blocks)."""
    return rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=times).astype(float)


def permutation_p(found: float, permuted: Floats) -> float:
    """Return the share of arrangements that are at least as extreme, with the observed one (Phipson and Smyth 2010)."""
    return float((1 + np.count_nonzero(permuted >= found - 1e-9 * max(abs(found), 1e-9))) / (1 + len(permuted)))


def _in_parts(one: Callable[[int], Floats], times: int, width: int) -> Floats:
    step = max(_HELD // width, 1)
    return np.concatenate([one(min(step, times - start)) for start in range(0, times, step)])


def arrangements(first: int, second: int) -> float:
    return float(comb(first + second, second)) if first + second < 60 else np.inf


class BlockedKernel:
    """Sums of the kernel over pairs of blocks: blocks can change files without another pass over the rows."""

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
        dealt = np.repeat([0.0, 1.0], self.sizes)[None]
        return float(self._between(1 - dealt, dealt)[0])

    def permuted(self, times: int, seed: int) -> Floats:
        dealt = dealt_to_production(np.random.default_rng(seed), times, self.sizes)
        return self._between(1 - dealt, dealt)

    def drawn(self, times: int, seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        first, second = (drawn_again(rng, times, size) for size in self.sizes)
        return self._between(np.pad(first, ((0, 0), (0, self.sizes[1]))), np.pad(second, ((0, 0), (self.sizes[0], 0))))

    def _between(self, reference: Floats, production: Floats) -> Floats:
        """Return the estimate; reference, production: multiplicity of each block in the file, shapes (b, blocks)."""
        weights = production / (production @ self.rows)[:, None] - reference / (reference @ self.rows)[:, None]
        return np.asarray(((weights @ self.sums) * weights).sum(axis=1))
