"""Draws of what an author gives as a distribution or a list."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import expon, lognorm

from simulator.scenario.base import Constant, Exponential, Quantity, Samples


def draw(spec: Quantity, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Independent draws, shape (count,), in the unit of the figures; a list is drawn from by quantile, smallest first.

    The first draws are the same whatever `count` is.
    """
    if isinstance(spec, Constant):
        return np.full(count, spec.constant.value, np.float32)
    if isinstance(spec, Samples):
        return np.sort(np.array(spec.samples, np.float32))[(rng.random(count) * len(spec.samples)).astype(np.intp)]
    if isinstance(spec, Exponential):
        drawn = rng.standard_exponential(count, np.float32)
        drawn *= spec.mean
        return drawn
    drawn = rng.standard_normal(count, np.float32)
    drawn *= spec.sigma
    np.exp(drawn, out=drawn)
    drawn *= spec.median.value
    return drawn


def share_below(spec: Quantity, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability that a draw lies below each value, shape as `values`."""
    if isinstance(spec, Constant):
        return (np.float32(spec.constant.value) < values.astype(np.float32)).astype(float)
    if isinstance(spec, Samples):
        ordered = np.sort(np.array(spec.samples, np.float32))
        return np.searchsorted(ordered, values.astype(np.float32), side="left") / len(ordered)
    if isinstance(spec, Exponential):
        return np.asarray(expon.cdf(values, scale=spec.mean))
    if spec.sigma == 0:
        return (np.float32(spec.median.value) < values.astype(np.float32)).astype(float)
    return np.asarray(lognorm.cdf(values, spec.sigma, scale=spec.median.value))
