"""Draws of what an author gives as a distribution or a list."""

import numpy as np
from numpy.typing import NDArray

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
