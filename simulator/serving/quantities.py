"""Draws of what an author gives as a distribution or a list: one function a kind."""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from simulator.scenario.quantities import QUANTITIES, AnyQuantity, Constant, Exponential, Lognormal, Samples

Draws = NDArray[Any]
Shape = int | tuple[int, ...]


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
