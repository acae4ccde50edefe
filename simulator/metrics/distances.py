"""Distances of two samples: KS, chi-squared, Wasserstein and PSI from counts in cells, and the maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

Floats = NDArray[np.float64]
#: From counts of cells of the reference and of production, shapes (b, cells), to values, shape (b, ...).
Statistic = Callable[[Floats, Floats], Floats]

#: Bins of the population stability index: tenths of the reference.
PSI_BINS = 10


def psi(reference: Floats, production: Floats) -> Floats:
    """Population stability index of counts, shapes (..., bins): sum of (p - q) * ln(p / q).

    Siddiqi 2006, Credit Risk Scorecards. An empty bin counts as half a row.
    """
    q, p = (np.maximum(counts, 0.5) / counts.sum(axis=-1, keepdims=True) for counts in (reference, production))
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=-1))


def ks(reference: Floats, production: Floats) -> Floats:
    """The largest gap between the two distribution functions, from counts, shapes (..., cells) in ascending order."""
    return np.asarray(np.abs(gap(reference, production)).max(axis=-1))


def gap(reference: Floats, production: Floats) -> Floats:
    """Distribution function of the reference less that of production at each cell, shape (..., cells)."""
    return np.cumsum(_shares(reference) - _shares(production), axis=-1)


def chi_squared(reference: Floats, production: Floats) -> Floats:
    """Pearson's statistic of the table of two rows, from counts, shapes (..., cells)."""
    sizes = [counts.sum(axis=-1, keepdims=True) for counts in (reference, production)]
    both = reference + production
    expected = [both * size / (sizes[0] + sizes[1]) for size in sizes]
    parts = [
        np.divide((counts - one) ** 2, one, out=np.zeros_like(one), where=one > 0)
        for counts, one in zip((reference, production), expected, strict=True)
    ]
    return np.asarray((parts[0] + parts[1]).sum(axis=-1))


def wasserstein(support: Floats, deviation: float) -> Statistic:
    """The distance by which mass has to be moved, in units of a deviation."""
    widths = np.diff(support)

    def distance(reference: Floats, production: Floats) -> Floats:
        moved = (np.abs(gap(reference, production))[..., :-1] * widths).sum(axis=-1)
        return np.asarray(moved / deviation)

    return distance


def mean_shift(support: Floats, deviation: float) -> Statistic:
    """The mean of production less that of the reference, in units of a deviation (of the reference: Glass's delta)."""

    def shift(reference: Floats, production: Floats) -> Floats:
        return np.asarray((_shares(production) - _shares(reference)) @ support / deviation)

    return shift


def share_change(reference: Floats, production: Floats) -> Floats:
    """By how much the share of each category grew, shape (..., cells)."""
    return _shares(production) - _shares(reference)


def deviation(reference: Floats, production: Floats) -> float:
    """The standard deviation of the reference, or of both files where all of the reference is one value; 1 if all is."""
    alone, both = reference.std(), np.concatenate([reference, production]).std()
    return float(alone if alone > 0 else both if both > 0 else 1.0)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


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
