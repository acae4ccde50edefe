"""joint.csv: does LiDAR miss the objects that the camera misses, and what do both find together?

The correlation is that of the latents behind both hits in one frame (tetrachoric), given height or distance and occlusion: 0
where the sensors miss different objects, 1 where they miss the same ones. It is empty where one of them hardly ever misses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from campaigns.drives.bands import EDGES
from campaigns.drives.bivariate import ANGLES, cells, log_likelihood
from campaigns.drives.chain import HIDDEN, Fitter
from campaigns.drives.persistence import fitter_of
from campaigns.drives.resample import Resamples, share
from campaigns.drives.sensors import LIDAR
from simulator.intervals import Interval, percentile_interval

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

#: Cameras that are held against PointRCNN, and the kind of object.
PAIRS = (
    ("kitti.yolox_x.restored", "car"),
    ("kitti.yolox_x", "car"),
    ("kitti.yolov4", "car"),
    ("kitti.yolov3", "car"),
    ("kitti.ciwt_stereo", "pedestrian"),
)
#: Resamples that the interval of a correlation is taken from; each fits the curves of both sensors again.
RESAMPLES = 100
#: A correlation is told where each sensor has hits, and has misses, on at least so many tracks of the band.
FEW = 8
#: A band is told from so many frames on.
_FEW_BOXES = 50
_DIGITS = 4


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of joint.csv; seen: `hits.looks`."""
    kinds = sorted({kind for _, kind in PAIRS})
    lidar = {kind: _Levels.of(fitter_of(seen, resamples, LIDAR, kind), resamples) for kind in kinds}
    rows = [
        {"camera": camera, "lidar": LIDAR, "object": kind, **row}
        for camera, kind in PAIRS
        for row in _bands(_Levels.of(fitter_of(seen, resamples, camera, kind), resamples), lidar[kind], resamples)
    ]
    return pd.DataFrame(rows).round(_DIGITS)


@dataclass(frozen=True)
class _Levels:
    """A sensor's hits with the thresholds of the curves of each resample. level: (1 + resamples, rows), the estimate first."""

    source: Fitter
    level: Cells

    @classmethod
    def of(cls, source: Fitter, resamples: Resamples) -> _Levels:
        every = np.vstack([np.ones(len(resamples.tracks)), resamples.weights[:RESAMPLES]])
        return cls(source, np.stack([source.levels(weights) for weights in every]))


@dataclass(frozen=True)
class _Both:
    """Clear frames that both sensors are judged by. rows: of each outcome in the table of chances, (1 + resamples, frames)."""

    camera: NDArray[np.bool_]
    lidar: NDArray[np.bool_]
    distance: Vector
    track: Cells
    own: Vector
    rows: Cells

    def within(self, low: float, high: float) -> _Both:
        """Return the frames from one distance to another."""
        kept = (self.distance >= low) & (self.distance < high)
        camera, lidar, distance = self.camera[kept], self.lidar[kept], self.distance[kept]
        return _Both(camera, lidar, distance, self.track[kept], self.own[kept], self.rows[:, kept])


def _both(camera: _Levels, lidar: _Levels) -> _Both:
    seen, other = camera.source.seen, lidar.source.seen
    _, mine, theirs = np.intersect1d(seen.rows.index, other.rows.index, return_indices=True)
    clear = seen.hidden[mine] < HIDDEN
    mine, theirs = mine[clear], theirs[clear]
    hit, found = seen.hit[mine], other.hit[theirs]
    rows = np.stack([cells(a[mine], b[theirs], hit, found) for a, b in zip(camera.level, lidar.level, strict=True)])
    track = seen.track[mine]
    return _Both(hit, found, seen.rows["z_m"].to_numpy(float)[mine], track, camera.source.own[track], rows)


def _bands(camera: _Levels, lidar: _Levels, resamples: Resamples) -> Iterator[dict[str, Any]]:
    both, edges = _both(camera, lidar), EDGES["distance_m"]
    for low, high in [(edges[0], edges[-1]), *pairwise(edges)]:
        part = both.within(low, high)
        if len(part.camera) >= _FEW_BOXES:
            yield {"low_m": low, "high_m": high, **_row(part, resamples)}


def _row(part: _Both, resamples: Resamples) -> dict[str, float]:
    camera, lidar = float(part.camera.mean()), float(part.lidar.mean())
    either = share(resamples, pd.DataFrame({"place": part.track}), part.camera | part.lidar)
    found = _correlation(part, resamples)
    return {
        "boxes": len(part.camera),
        "camera_share": camera,
        "lidar_share": lidar,
        "both": float((part.camera & part.lidar).mean()),
        "either": either.value,
        "either_low": min(either.low, either.value),
        "either_high": max(either.high, either.value),
        "independent_either": 1 - (1 - camera) * (1 - lidar),
        "correlation": found.value,
        "correlation_low": found.low,
        "correlation_high": found.high,
    }


def _correlation(part: _Both, resamples: Resamples) -> Interval:
    outcomes = (part.camera, ~part.camera, part.lidar, ~part.lidar)
    if min(len(np.unique(part.track[outcome])) for outcome in outcomes) < FEW:
        return Interval(np.nan, np.nan, np.nan)
    every = np.vstack([np.ones(len(resamples.tracks)), resamples.weights[:RESAMPLES]])
    drawn = np.array(
        [likeliest(rows, (weights[part.track] * part.own)) for rows, weights in zip(part.rows, every, strict=True)]
    )
    interval = percentile_interval(drawn[0], drawn[1:])
    return Interval(interval.value, min(interval.low, interval.value), max(interval.high, interval.value))


def likeliest(rows: Cells, weights: Vector) -> float:
    """Return the correlation that makes pairs likeliest; rows: `bivariate.cells`. NaN without any weight."""
    if not weights.any():
        return np.nan
    fine = np.linspace(ANGLES[0], ANGLES[-1], 601)
    return float(np.sin(fine[CubicSpline(ANGLES, log_likelihood(rows, weights))(fine).argmax()]))
