"""Recall as a smooth curve that only rises, or only falls: the threshold of a normal latent, linear between knots.

recall(x) = Phi(t(x)), t linear in log x between knots and never turning back: likeliest by weighted frames, one weight a track.
On drives that it was not fitted on it does better, all in all, than isotonic regression or a logistic in log x (`forms.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array, csr_array
from scipy.special import log_ndtr, ndtr, ndtri

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

KNOTS = 8
#: The knots reach from one of these quantiles of x to the other; beyond, the curve is level.
REACH = (0.005, 0.995)
#: x is rounded to one of so many values, log spaced.
_STEPS = 240
#: Hits and misses that are added at each knot (Jeffreys), so that a curve never promises 1 or 0.
_DOUBT = 0.5
#: Thresholds beyond this count as this far.
_FARTHEST = 3.5


@dataclass(frozen=True)
class Curve:
    """Recall by height or distance. x: knots, ascending; threshold: Phi^-1(recall) at each."""

    x: Vector
    threshold: Vector

    def thresholds(self, x: Vector) -> Vector:
        """Return the latent below which an object of this size or distance is found."""
        found: Vector = np.interp(np.log(np.maximum(x, 1e-9)), np.log(self.x), self.threshold)
        return found

    def recall(self, x: Vector) -> Vector:
        """Return the share found, 0..1."""
        found: Vector = ndtr(self.thresholds(x))
        return found


def knots_of(x: Vector) -> Vector:
    """`KNOTS` knots over the reach of x, log spaced, ascending."""
    low, high = np.quantile(x, REACH)
    return np.asarray(np.geomspace(low, high, KNOTS), float)


@dataclass(frozen=True)
class Sums:
    """Frames summed by track and by size or distance, so that a resample is fitted at once.

    knots: ascending; rising: whether recall grows with x; basis: (steps, knots), how much of each knot's threshold a step has
    frames, found: (steps, tracks), how many there are and how many of them hit
    """

    knots: Vector
    rising: bool
    basis: Vector
    frames: csr_array
    found: csr_array

    def fit(self, weights: Vector) -> Curve:
        """Return the likeliest curve where each track counts as often as its weight says, shape (tracks,)."""
        frames, found = self.frames @ weights, self.found @ weights
        there = frames > 0
        design = np.vstack([self.basis[there], np.eye(len(self.knots))])
        doubt = np.full(len(self.knots), _DOUBT)
        threshold = _likeliest(design, np.append(found[there], doubt), np.append(frames[there], 2 * doubt), self.rising)
        return Curve(self.knots, threshold)


def sums(x: Vector, hit: NDArray[np.bool_], track: Cells, tracks: int, rising: bool, knots: Vector | None = None) -> Sums:
    """Return sums of frames; x in pixels or metres, above 0; track: 0 .. tracks - 1."""
    places = knots_of(x) if knots is None else knots
    edges = np.geomspace(x.min(), x.max() * (1 + 1e-9), _STEPS + 1)
    step = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, _STEPS - 1)
    middle = np.log(np.sqrt(edges[:-1] * edges[1:]))
    basis = np.stack([np.interp(middle, np.log(places), unit) for unit in np.eye(len(places))], axis=1)
    frames, found = (_summed(values, step, track, tracks) for values in (np.ones(len(x)), hit.astype(float)))
    return Sums(places, rising, basis, frames, found)


def _summed(values: Vector, step: Cells, track: Cells, tracks: int) -> csr_array:
    return coo_array((values, (step, track)), shape=(_STEPS, tracks)).tocsr()


def _likeliest(design: Vector, found: Vector, frames: Vector, rising: bool) -> Vector:
    """Thresholds at the knots: the first, then steps that only rise (only fall)."""
    knots = design.shape[1]
    steps = np.tril(np.ones((knots, knots)))
    steps[:, 1:] *= 1 if rising else -1
    used = design @ steps

    def loss(asked: Vector) -> tuple[float, Vector]:
        at = used @ asked
        above, below = log_ndtr(at), log_ndtr(-at)
        density = -0.5 * at**2 - 0.5 * np.log(2 * np.pi)
        slope = found * np.exp(density - above) - (frames - found) * np.exp(density - below)
        return -float(found @ above + (frames - found) @ below), -(used.T @ slope)

    middle = float(ndtri(np.clip(found.sum() / frames.sum(), 0.02, 0.98)))
    start = np.append(middle - (0.7 if rising else -0.7), np.full(knots - 1, 0.2))
    bounds: Sequence[tuple[float, float]] = [(-_FARTHEST, _FARTHEST), *[(0.0, 2 * _FARTHEST)] * (knots - 1)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.clip(steps @ best.x, -_FARTHEST, _FARTHEST)
