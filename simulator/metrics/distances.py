"""Distances between two columns: Kolmogorov and Smirnov, chi-squared, Wasserstein, PSI from counts in cells, and MMD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from simulator.arrays import Codes, Floats

#: Values are told apart up to so many; more are joined into cells of equal counts, of at most 1/256 of all rows.
CELLS = 256
#: Bins of the population stability index: tenths of the reference.
PSI_BINS = 10


@dataclass(frozen=True, eq=False)
class Cells:
    """The cell of each row. support: the mean value in each cell, ascending; 0, 1, ... for categories, which have names."""

    reference: Codes
    production: Codes
    support: Floats
    names: tuple[str, ...] = ()


def cells_of_numbers(reference: Floats, production: Floats) -> Cells:
    """Return the cells of a column of numbers, shapes (n,) and (m,): a value each, or quantiles of both files together."""
    both = np.concatenate([reference, production])
    values = np.unique(both)
    edges = values if len(values) <= CELLS else np.unique(np.quantile(both, np.arange(CELLS) / CELLS, method="higher"))
    codes = np.searchsorted(edges, both, side="right") - 1
    support = np.bincount(codes, both) / np.bincount(codes)
    return Cells(codes[: len(reference)], codes[len(reference) :], support)


def psi_cells(reference: Floats, production: Floats) -> Cells:
    edges = np.unique(np.quantile(reference, np.arange(1, PSI_BINS) / PSI_BINS))
    codes = [np.searchsorted(edges, values, side="left") for values in (reference, production)]
    return Cells(codes[0], codes[1], np.arange(len(edges) + 1.0))


def psi(reference: Floats, production: Floats) -> Floats:
    """Return population stability index of counts, shapes (..., bins): sum of (p - q) * ln(p / q).

    Siddiqi 2006, Credit Risk Scorecards. An empty bin counts as half a row.
    """
    q, p = (np.maximum(counts, 0.5) / counts.sum(axis=-1, keepdims=True) for counts in (reference, production))
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def ks(reference: Floats, production: Floats) -> Floats:
    """Return the largest gap between the two distribution functions, from counts, shapes (..., cells) in ascending order."""
    return np.asarray(np.abs(gap(reference, production)).max(axis=-1))


def gap(reference: Floats, production: Floats) -> Floats:
    """Return distribution function of the reference less that of production at each cell, shape (..., cells)."""
    return np.cumsum(_shares(reference) - _shares(production), axis=-1)


def chi_squared(reference: Floats, production: Floats) -> Floats:
    """Return Pearson's statistic of the table of two rows, from counts, shapes (..., cells)."""
    sizes = [counts.sum(axis=-1, keepdims=True) for counts in (reference, production)]
    both = reference + production
    expected = [both * size / (sizes[0] + sizes[1]) for size in sizes]
    parts = [
        np.divide((counts - usual) ** 2, usual, out=np.zeros_like(usual), where=usual > 0)
        for counts, usual in zip((reference, production), expected, strict=True)
    ]
    return np.asarray((parts[0] + parts[1]).sum(axis=-1))


def wasserstein(support: Floats, deviation: float) -> Callable[[Floats, Floats], Floats]:
    """Return the distance by which mass has to be moved, in units of a deviation."""
    widths = np.diff(support)

    def distance(reference: Floats, production: Floats) -> Floats:
        moved = (np.abs(gap(reference, production))[..., :-1] * widths).sum(axis=-1)
        return np.asarray(moved / deviation)

    return distance


def mean_shift(support: Floats, deviation: float) -> Callable[[Floats, Floats], Floats]:
    """Return the mean of production less that of the reference, in units of a deviation (of the reference: Glass's delta)."""

    def shift(reference: Floats, production: Floats) -> Floats:
        return np.asarray((_shares(production) - _shares(reference)) @ support / deviation)

    return shift


def share_change(reference: Floats, production: Floats) -> Floats:
    """Return the growth of each category's share, shape (..., cells)."""
    return _shares(production) - _shares(reference)


def deviation(reference: Floats, production: Floats) -> float:
    alone, both = reference.std(), np.concatenate([reference, production]).std()
    return float(alone if alone > 0 else both if both > 0 else 1.0)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


#: More rows of a file are thinned evenly: the kernel is of each pair of them.
MOST_ROWS = 2000
#: Pairs are of so many rows for the median distance.
_FOR_MEDIAN = 1000


def bandwidth(features: Floats) -> float:
    """Return the median distance of two rows, shape (n, d) (Gretton et al. 2012, section 8)."""
    thinned = features[np.linspace(0, len(features) - 1, min(len(features), _FOR_MEDIAN)).astype(int)]
    return float(np.median(scipy.spatial.distance.pdist(thinned))) or 1.0


def gaussian_kernel(first: Floats, second: Floats, width: float) -> Floats:
    """Return exp(-distance^2 / (2 width^2)) of each pair, shape (n, m)."""
    return np.asarray(np.exp(-scipy.spatial.distance.cdist(first, second, "sqeuclidean") / (2 * width**2)))


def mmd_squared(reference: Floats, production: Floats, width: float) -> float:
    """Return the unbiased estimate, shapes (n, d) and (m, d), which may lie below 0 (Gretton et al. 2012, equation 3)."""
    within = [_mean_of_pairs(gaussian_kernel(rows, rows, width)) for rows in (reference, production)]
    return float(sum(within) - 2 * gaussian_kernel(reference, production, width).mean())


def _mean_of_pairs(kernel: Floats) -> float:
    return float((kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1)))
