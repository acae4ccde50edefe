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


def scenes(rng: np.random.Generator, count: int, rows: int) -> tuple[Floats, NDArray[np.int64]]:
    """A value that most of a scene shares, of unit variance, and the scene of each row; scenes last `rows` rows on average."""
    names = np.repeat(np.arange(count), rng.geometric(1 / rows, size=count))
    return np.sqrt(0.8) * rng.normal(size=count)[names] + np.sqrt(0.2) * rng.normal(size=len(names)), names
