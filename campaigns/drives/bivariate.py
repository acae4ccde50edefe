"""Chances of two normal variables that are correlated, for many thresholds and correlations at once."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_simpson
from scipy.special import ndtr

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

#: Step of the thresholds that the table holds; rounding to it adds a variance of 0.0008 to a latent of variance 1.
STEP = 0.1
#: Thresholds beyond this many standard deviations count as this far: a recall between 0.0007 and 0.9993.
FARTHEST = 3.2
LEVELS = round(2 * FARTHEST / STEP) + 1
#: Arcsines of the correlations that the table holds: correlations from -0.997 to 0.997.
ANGLES: Vector = np.linspace(-1.5, 1.5, 61)
#: A chance is never taken as less, so that one pair cannot rule a correlation out.
_LEAST = 1e-9
#: Finer steps of the integral within each step of ANGLES.
_FINE = 4


def both_below(a: Vector, b: Vector) -> Vector:
    """P(X <= a, Y <= b) of standard normals, (pairs, angles): one column for each correlation sin(ANGLES).

    The derivative by the angle is exp(-(a^2 - 2ab sin + b^2) / 2cos^2) / 2pi (Plackett 1954; Drezner and Wesolowsky 1990),
    integrated by Simpson's rule from the correlation 0.
    """
    angles = np.linspace(ANGLES[0], ANGLES[-1], _FINE * (len(ANGLES) - 1) + 1)
    a, b = a[:, None], b[:, None]
    slope = np.exp(-(a**2 - 2 * a * b * np.sin(angles) + b**2) / (2 * np.cos(angles) ** 2)) / (2 * np.pi)
    total = cumulative_simpson(slope, x=angles, initial=0)[:, ::_FINE]
    return ndtr(a) * ndtr(b) + total - total[:, [len(ANGLES) // 2]]


def level_of(threshold: Vector) -> Cells:
    """Return the row of the table for each threshold, 0 .. LEVELS - 1."""
    return np.round((np.clip(threshold, -FARTHEST, FARTHEST) + FARTHEST) / STEP).astype(np.int64)


@cache
def log_chances() -> Vector:
    """Logarithms of the chances of a pair, (LEVELS * LEVELS * 4, angles): none hits, only the second, only the first, both."""
    levels = np.linspace(-FARTHEST, FARTHEST, LEVELS)
    first, second = np.repeat(levels, LEVELS), np.tile(levels, LEVELS)
    both = both_below(first, second)
    one, other = ndtr(first)[:, None], ndtr(second)[:, None]
    outcomes = np.stack([1 - one - other + both, other - both, one - both, both], axis=1)
    return np.log(np.maximum(outcomes, _LEAST)).reshape(-1, len(ANGLES))


def cells(level_a: Cells, level_b: Cells, hit_a: NDArray[np.bool_], hit_b: NDArray[np.bool_]) -> Cells:
    """Return the row of `log_chances` of each pair, from the levels of both thresholds and what was seen."""
    outcome = 2 * hit_a.astype(np.int64) + hit_b
    found: Cells = (level_a * LEVELS + level_b) * 4 + outcome
    return found


def log_likelihood(rows: Cells, weights: Vector) -> Vector:
    """Weighted log-likelihood of pairs at each correlation sin(ANGLES)."""
    table = log_chances()
    counts = np.bincount(rows, weights, minlength=len(table))
    there = np.flatnonzero(counts)
    found: Vector = counts[there] @ table[there]
    return found
