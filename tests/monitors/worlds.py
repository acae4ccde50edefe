"""Processes whose truth is known: an AR(1) series and scenes that last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]


def ar1(rng: np.random.Generator, rows: int, phi: float) -> Floats:
    """Of unit variance, started in its stationary distribution after 300 rows."""
    noise = rng.normal(size=rows + 300) * np.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise))[300:]


def slow(rng: np.random.Generator, rows: int = 2016) -> Floats:
    """Of unit variance: three tenths forget little from row to row, under noise; autocorrelation time 30.4."""
    return np.sqrt(0.3) * ar1(rng, rows, 0.98) + np.sqrt(0.7) * rng.normal(size=rows)


def two_slow_parts(rng: np.random.Generator, rows: int = 3000) -> Floats:
    """Of unit variance: half forgets within rows, a fifth within hundreds, the rest is noise."""
    return np.sqrt(0.5) * ar1(rng, rows, 0.7) + np.sqrt(0.2) * ar1(rng, rows, 0.985) + np.sqrt(0.3) * rng.normal(size=rows)


def shuffled_cameras(rng: np.random.Generator, levels: float = 0.0, count: int = 6, rows: int = 600) -> Floats:
    """Rounds of cameras of their own memory, in a new order in each round; `levels`: the spread of what they see, fixed."""
    own = np.stack([ar1(rng, rows, 0.9) for _ in range(count)], axis=1) + levels * np.random.default_rng(0).normal(size=count)
    return np.asarray(rng.permuted(own, axis=1).ravel())


def cameras_by_chance(rng: np.random.Generator, count: int = 8, rows: int = 4000) -> Floats:
    """At random times, one of several cameras on levels, each with a long memory."""
    levels = np.random.default_rng(0).normal(size=count)
    own = np.stack([ar1(rng, rows // 2, 0.98) for _ in range(count)], axis=1) + levels
    return np.asarray(own[np.sort(rng.integers(0, rows // 2, rows)), rng.integers(0, count, rows)])


def rare_word(rng: np.random.Generator, rows: int = 2016) -> NDArray[np.str_]:
    """Three levels of a series that forgets half in seven rows; the last comes in 5% of the rows."""
    return np.array(["clear", "cloud", "fog"])[np.digitize(ar1(rng, rows, 0.9), [0.25, 1.645])]


def scenes(rng: np.random.Generator, count: int, rows: int) -> tuple[Floats, NDArray[np.int64]]:
    """A value that most of a scene shares, of unit variance, and the scene of each row; scenes last `rows` rows on average."""
    names = np.repeat(np.arange(count), rng.geometric(1 / rows, size=count))
    return np.sqrt(0.8) * rng.normal(size=count)[names] + np.sqrt(0.2) * rng.normal(size=len(names)), names
