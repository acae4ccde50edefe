"""Sequences of hits on one object, given its size (or distance) and its occlusion.

Every track counts as one object, however long it was seen: a car that one follows for a minute is easy to see all that minute,
and would otherwise stand for all cars (informative cluster size: Williamson, Datta and Satten 2003, Biometrics 59:36).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.bivariate import cells, level_of
from campaigns.drives.curves import AXES, NEAREST, natural_axis, once_each
from campaigns.drives.hits import is_hit
from campaigns.drives.latent import Pairs, Shares, fit, pairs_of, profile
from campaigns.drives.monotone import Curve, Sums, sums
from campaigns.drives.resample import Resamples
from campaigns.drives.sensors import SENSORS

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

#: Occlusion of the labels: 0 none, 1 partly, 2 largely, 3 unknown; from this one on they count as one.
HIDDEN = 2


@dataclass(frozen=True)
class Observed:
    """Hits and misses of one sensor on one kind of object, in every frame that shows the object whole.

    rows: of `hits.looks`, sorted by track and frame; x: pixels or metres; hidden: 0 .. HIDDEN; track: place among all tracks.
    All have shape (rows,)
    """

    rows: pd.DataFrame
    x: Vector
    hidden: Cells
    hit: NDArray[np.bool_]
    track: Cells
    frame: Cells

    def take(self, kept: NDArray[np.bool_]) -> Observed:
        """Return some of the rows."""
        hit, track, frame = self.hit[kept], self.track[kept], self.frame[kept]
        return Observed(self.rows[kept], self.x[kept], self.hidden[kept], hit, track, frame)


def observe(seen: pd.DataFrame, resamples: Resamples, sensor: str, kind: str, threshold: float | None) -> Observed:
    """Rows of one sensor and kind; seen: `hits.looks`, threshold: for a sensor with scores."""
    there = seen["label"].isin(SENSORS[sensor].labels[kind]) & seen["truncation"].eq(0)
    rows = seen[there].sort_values(["drive", "track", "frame"])
    x = np.maximum(rows[AXES[natural_axis(sensor)][0]].to_numpy(float), NEAREST)
    hidden = np.minimum(rows["occlusion"].to_numpy(np.int64), HIDDEN)
    hit = is_hit(rows, sensor, threshold).to_numpy(bool)
    return Observed(rows, x, hidden, hit, resamples.of(rows), rows["frame"].to_numpy(np.int64))


@dataclass(frozen=True)
class Chain:
    """A fitted chain of hits. curves: one for each degree of occlusion, 0 .. HIDDEN; shares: of the latent."""

    curves: Mapping[int, Curve]
    shares: Shares

    def thresholds(self, x: Vector, hidden: Cells) -> Vector:
        """Return the latent below which each frame hits, shape (frames,)."""
        return thresholds(self.curves, x, hidden)


def thresholds(curves: Mapping[int, Curve], x: Vector, hidden: Cells) -> Vector:
    """Return the latent threshold of a hit for each frame; occlusion without a curve takes the nearest lesser curve."""
    found = np.empty(len(x))
    for degree in np.unique(hidden):
        there = hidden == degree
        known = max((known for known in curves if known <= degree), default=min(curves))
        found[there] = curves[known].thresholds(x[there])
    return found


@dataclass(frozen=True)
class Fitter:
    """Frames summed once, so that each resample is fitted quickly.

    sums: by degree of occlusion; own: the weight of each track's frames, one over how many there are, shape (tracks,)
    """

    seen: Observed
    sums: Mapping[int, Sums]
    pairs: Pairs
    own: Vector

    def fit(self, weights: Vector) -> Chain:
        """Return the chain where each track counts as often as its weight says, shape (tracks,)."""
        return Chain(self.curves(weights), fit(self.profile(weights)))

    def curves(self, weights: Vector) -> dict[int, Curve]:
        """Return the curve of each degree of occlusion."""
        return {degree: part.fit(weights * self.own) for degree, part in self.sums.items()}

    def levels(self, weights: Vector) -> Cells:
        """Return the threshold of each frame, as `bivariate.level_of` numbers them, shape (rows,)."""
        return level_of(thresholds(self.curves(weights), self.seen.x, self.seen.hidden))

    def profile(self, weights: Vector) -> Vector:
        """Log-likelihood of all pairs of frames of one track, by lag and correlation (`latent.profile`)."""
        hit, level, pairs = self.seen.hit, self.levels(weights), self.pairs
        rows = cells(level[pairs.first], level[pairs.second], hit[pairs.first], hit[pairs.second])
        return profile(rows, pairs.lag, (weights * self.own)[self.seen.track[pairs.first]])


def fitter(seen: Observed, tracks: int, rising: bool) -> Fitter:
    """Return the fitter of chains; tracks: the number of tracks, rising: whether recall grows with x."""
    parts = {}
    for degree in np.unique(seen.hidden):
        part = seen.take(seen.hidden == degree)
        parts[int(degree)] = sums(part.x, part.hit, part.track, tracks, rising)
    return Fitter(seen, parts, pairs_of(seen.track, seen.frame), once_each(seen.track, tracks))
