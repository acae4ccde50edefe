"""Draws of what an author gives as a distribution or a list: one function a kind."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.stats import expon, lognorm

from simulator.case.quantities import QUANTITIES, AnyQuantity, Constant, Exponential, Lognormal, Samples

Draws = NDArray[Any]
Shape = int | tuple[int, ...]

#: Draws by which a probability is told that no formula gives.
_MANY = 100_000


class Drawing(Protocol):
    """Independent draws of that shape and kind of float, in the unit of the figures."""

    def __call__(self, spec: Any, rng: np.random.Generator, shape: Shape, dtype: DTypeLike = np.float32) -> Draws:
        """The first draws are the same whatever the shape is."""


@singledispatch
def draw(spec: AnyQuantity, rng: np.random.Generator, shape: Shape, dtype: DTypeLike = np.float32) -> Draws:
    """Independent draws of a quantity, of this shape, in the unit of the figures; the first are the same for any shape."""
    raise NotImplementedError(f"no draws are registered for {type(spec).__name__}")


def register(kind: type[AnyQuantity], drawing: Drawing) -> None:
    """Let scenarios give a further kind of quantity, by its key; raises ValueError where the key is taken."""
    if kind.key in QUANTITIES:
        raise ValueError(f"there is a quantity '{kind.key}' already")
    QUANTITIES[kind.key] = kind
    draw.register(kind, drawing)


@draw.register
def _(spec: Constant, rng: np.random.Generator, shape: Shape, dtype: DTypeLike = np.float32) -> Draws:
    return np.full(shape, spec.constant.value, dtype)


@draw.register
def _(spec: Samples, rng: np.random.Generator, shape: Shape, dtype: DTypeLike = np.float32) -> Draws:
    """A list is drawn from by quantile, smallest first."""
    return np.sort(np.array(spec.samples, dtype))[(rng.random(shape) * len(spec.samples)).astype(np.intp)]


@draw.register
def _(spec: Exponential, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
    drawn: Draws = rng.standard_exponential(shape, dtype)
    drawn *= spec.mean
    return drawn


@draw.register
def _(spec: Lognormal, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
    drawn: Draws = rng.standard_normal(shape, dtype)
    drawn *= spec.sigma
    np.exp(drawn, out=drawn)
    drawn *= spec.median.value
    return drawn


@singledispatch
def share_below(spec: AnyQuantity, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability that a draw lies below each value, shape as `values`; of a kind without a formula, by drawing."""
    ordered = np.sort(draw(spec, np.random.default_rng(0), _MANY))
    return np.searchsorted(ordered, values.astype(np.float32), side="left") / len(ordered)


@share_below.register
def _(spec: Constant, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (np.float32(spec.constant.value) < values.astype(np.float32)).astype(float)


@share_below.register
def _(spec: Samples, values: NDArray[np.float64]) -> NDArray[np.float64]:
    ordered = np.sort(np.array(spec.samples, np.float32))
    return np.searchsorted(ordered, values.astype(np.float32), side="left") / len(ordered)


@share_below.register
def _(spec: Exponential, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(expon.cdf(values, scale=spec.mean))


@share_below.register
def _(spec: Lognormal, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if spec.sigma == 0:
        return (np.float32(spec.median.value) < values.astype(np.float32)).astype(float)
    return np.asarray(lognorm.cdf(values, spec.sigma, scale=spec.median.value))
