"""The latent process behind the hits on one object: its shares, how they are found from pairs of frames, how it is drawn.

A frame hits where z <= Phi^-1(recall), with z = sqrt(object) U + sqrt(slow) S + sqrt(white) W: U stays with the object, S is an
Ornstein-Uhlenbeck process that forgets with the time constant tau, W is new in every frame. All have variance 1, so that the
correlation of two frames a time dt apart is object + slow exp(-dt / tau).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize

from campaigns.drives.bivariate import ANGLES, Cells, Vector, log_likelihood
from campaigns.drives.read import RATE

#: Distances between the frames of a pair: each up to two seconds, then fewer.
LAGS: NDArray[np.int64] = np.array([*range(1, 21), 25, 30, 40, 50, 60, 80])
#: Bounds of the time constant in seconds: the time between two frames, below which slow and white look the same, and as long as
#: most tracks, above which slow and object do.
TAU_S = (0.1, 6.0)
_TAUS: Vector = np.geomspace(*TAU_S, 15)
_SHARES: Vector = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Shares:
    """Shares of the latent's variance, which sum to 1, and the time constant in seconds."""

    object: float
    slow: float
    white: float
    tau_s: float

    def correlation(self, seconds: Vector) -> Vector:
        """Correlation of two frames of one object that are so far apart, not 0."""
        found: Vector = self.object + self.slow * np.exp(-seconds / self.tau_s)
        return found


def seconds_of(frame: Cells) -> Vector:
    """When frames were taken."""
    return np.asarray(frame / RATE, float)


#: Every frame for itself.
INDEPENDENT = Shares(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Pairs:
    """Pairs of frames of one track: positions of both in the table, and the place of their distance in LAGS, ascending."""

    first: Cells
    second: Cells
    lag: Cells


def pairs_of(track: Cells, frame: Cells) -> Pairs:
    """All pairs of frames of one track that lie one of LAGS apart; `track` counts from 0 and (track, frame) are unique."""
    span = int(frame.max(initial=0)) + int(LAGS.max()) + 1
    key = track * span + frame
    order = np.argsort(key)
    first, second, lag = [], [], []
    for place, step in enumerate(LAGS):
        at = np.minimum(np.searchsorted(key, key + step, sorter=order), len(key) - 1)
        there = key[order[at]] == key + step
        first.append(np.flatnonzero(there))
        second.append(order[at][there])
        lag.append(np.full(there.sum(), place))
    return Pairs(*(np.concatenate(part).astype(np.int64) for part in (first, second, lag)))


def profile(rows: Cells, lag: Cells, weights: Vector) -> Vector:
    """Log-likelihood of the pairs at each lag and correlation, (lags, angles); rows are `bivariate.cells`, lag is ascending."""
    ends = np.searchsorted(lag, np.arange(1, len(LAGS)))
    parts = zip(np.split(rows, ends), np.split(weights, ends), strict=True)
    return np.stack([log_likelihood(row, weight) for row, weight in parts])


def correlations(found: Vector) -> Vector:
    """Return the likeliest correlation at each lag of a profile, (lags,): the tetrachoric correlation with known thresholds."""
    fine = np.linspace(ANGLES[0], ANGLES[-1], 601)
    best: Vector = np.sin(fine[CubicSpline(ANGLES, found, axis=1)(fine).argmax(axis=1)])
    return best


def fit(found: Vector, seconds: Vector = LAGS / RATE) -> Shares:
    """Return the shares that make a profile likeliest: the best of a grid, then improved."""
    curves = CubicSpline(ANGLES, found, axis=1)

    def loss(asked: Vector) -> float:
        shares = _shares(asked)
        angles = np.arcsin(np.minimum(shares.correlation(seconds), np.sin(ANGLES[-1])))
        return -float(np.trace(curves(angles)))

    bounds = [(0.0, 1.0), (0.0, 1.0), tuple(np.log(TAU_S))]
    best = minimize(
        loss, _best_of_grid(found, seconds), method="Nelder-Mead", bounds=bounds, options={"fatol": 1e-3, "xatol": 1e-4}
    )
    return _shares(best.x)


def _shares(asked: Vector) -> Shares:
    """From what all that lasts takes of the variance, the object's part in it, and the logarithm of tau."""
    lasting, part, log_tau = asked
    return Shares(lasting * part, lasting * (1 - part), 1 - lasting, float(np.exp(log_tau)))


def _best_of_grid(found: Vector, seconds: Vector) -> Vector:
    lasting, part, tau = (axis.ravel() for axis in np.meshgrid(_SHARES, _SHARES, _TAUS, indexing="ij"))
    rho = lasting[:, None] * (part[:, None] + (1 - part[:, None]) * np.exp(-seconds / tau[:, None]))
    nearest = np.round((np.arcsin(rho) - ANGLES[0]) / (ANGLES[1] - ANGLES[0])).astype(int)
    total = found[np.arange(len(seconds)), np.minimum(nearest, len(ANGLES) - 1)].sum(axis=1)
    best = total.argmax()
    return np.array([lasting[best], part[best], np.log(tau[best])])


def draw(shares: Sequence[Shares], seconds: Vector, rng: np.random.Generator) -> Vector:
    """Latents of one object at ascending times, one copy for each of the shares, (copies, times)."""
    own, lasting, white, tau = (
        np.array([getattr(share, name) for share in shares])[:, None] for name in ("object", "slow", "white", "tau_s")
    )
    slow = rng.standard_normal((len(shares), len(seconds)))
    keep = np.exp(-np.diff(seconds) / tau)
    for k in range(1, len(seconds)):
        slow[:, k] = keep[:, k - 1] * slow[:, k - 1] + np.sqrt(1 - keep[:, k - 1] ** 2) * slow[:, k]
    new, always = rng.standard_normal(slow.shape), rng.standard_normal(own.shape)
    drawn: Vector = np.sqrt(own) * always + np.sqrt(lasting) * slow + np.sqrt(white) * new
    return drawn
