"""The recall of each sensor as a curve: by height in pixels for cameras, by distance for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.hits import is_hit, of_kind
from campaigns.drives.monotone import Curve, Sums, sums
from campaigns.drives.resample import DRAWS, Resamples
from campaigns.drives.sensors import SENSORS

Vector = NDArray[np.float64]

HEIGHT, DISTANCE = "height_px", "distance_m"
#: The column of `hits.looks` behind each axis, and whether recall grows along it.
AXES = {HEIGHT: ("height_px", True), DISTANCE: ("z_m", False)}
#: The score from which an object that a sensor with scores reports counts as found, where one figure is asked for.
OPERATING = {"car": 3.0, "pedestrian": 1.0, "cyclist": 1.0}
#: Resamples that an interval is taken from; the first `DRAWS` are published as they are.
RESAMPLES = 200
_TAILS = [0.025, 0.975]
_DIGITS = 4
#: Cameras whose curve is also kept with each frame counted, and the end of its name.
COMPARED, BY_FRAMES = ("kitti.yolox_x", "kitti.yolox_x.restored"), ".frames"
#: Nearer than this, in metres, a distance counts as this.
NEAREST = 1.0


@dataclass(frozen=True)
class Series:
    """Hits and misses of one sensor on one kind of object, frame by frame.

    rows: the clear rows of `hits.looks` of this kind; hit: shape (rows,); track: place of each row's track among all tracks
    threshold: the score that counts as found; None for sensors without scores
    """

    sensor: str
    kind: str
    threshold: float | None
    rows: pd.DataFrame
    hit: NDArray[np.bool_]
    track: NDArray[np.int64]
    tracks: int

    def x(self, by: str) -> Vector:
        """Height in pixels or distance in metres of each row."""
        return np.asarray(np.maximum(self.rows[AXES[by][0]].to_numpy(float), NEAREST), float)

    def sums(self, by: str) -> Sums:
        """Return the sums that a curve is fitted on."""
        return sums(self.x(by), self.hit, self.track, self.tracks, rising=AXES[by][1])


def once_each(track: NDArray[np.int64], tracks: int) -> Vector:
    """Return a weight per track, shape (tracks,), that lets all tracks count alike; the mean over frames is 1."""
    frames = np.bincount(track, minlength=tracks)
    return np.asarray(len(track) / max(int((frames > 0).sum()), 1) / np.maximum(frames, 1), float)


def series(seen: pd.DataFrame, resamples: Resamples, sensor: str, kind: str, threshold: float | None = None) -> Series:
    """One sensor and one kind of object. seen: `hits.looks`; a sensor with scores needs a threshold."""
    rows = of_kind(seen, sensor, kind)
    hit = is_hit(rows, sensor, threshold).to_numpy(bool)
    return Series(sensor, kind, threshold, rows, hit, resamples.of(rows), len(resamples.tracks))


def threshold_of(sensor: str, kind: str) -> float | None:
    """Return the score of OPERATING for a sensor with scores; None for others."""
    return OPERATING[kind] if SENSORS[sensor].scored else None


def operating(seen: pd.DataFrame, resamples: Resamples) -> Iterator[Series]:
    """Every sensor with every kind of object that it reports, at the score of OPERATING."""
    for name, sensor in SENSORS.items():
        for kind in sensor.labels:
            yield series(seen, resamples, name, kind, threshold_of(name, kind))


def natural_axis(sensor: str) -> str:
    """Return the axis of a sensor's recall: pixels for a camera, metres for LiDAR."""
    return DISTANCE if SENSORS[sensor].scored else HEIGHT


def table(seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of curves.csv: each curve at its nodes, with a 95% interval and the first draws. seen: `hits.looks`.

    Each object counts once, not each frame: an object that is met once is not seen as often as one that was followed for a
    minute (`chain.py`). Names that end in `BY_FRAMES` are for comparison: there each frame counts.
    """
    own = [_rows(one, by, resamples, True) for one, by in _asked(seen, resamples)]
    compared = [series(seen, resamples, name, "car") for name in COMPARED]
    frames = [_rows(one, HEIGHT, resamples, False) for one in compared]
    named = [rows.assign(seen_by=rows["seen_by"] + BY_FRAMES) for rows in frames]
    return pd.concat([*own, *named], ignore_index=True)


def _asked(seen: pd.DataFrame, resamples: Resamples) -> Iterator[tuple[Series, str]]:
    for name, sensor in SENSORS.items():
        for kind in sensor.labels:
            for threshold in sensor.thresholds or (None,):
                one = series(seen, resamples, name, kind, threshold)
                for by in [DISTANCE] if sensor.scored else [HEIGHT, DISTANCE]:
                    yield one, by


def _rows(one: Series, by: str, resamples: Resamples, objects: bool) -> pd.DataFrame:
    """One curve at its nodes."""
    found = one.sums(by)
    own = once_each(one.track, one.tracks) if objects else np.ones(one.tracks)
    curve = found.fit(own)
    x = _nodes(curve)
    recall = curve.recall(x)
    drawn = np.stack([found.fit(weights * own).recall(x) for weights in resamples.weights[:RESAMPLES]])
    low, high = np.quantile(drawn, _TAILS, axis=0)
    figures = {"recall": recall, "recall_low": np.minimum(low, recall), "recall_high": np.maximum(high, recall)}
    draws = {f"d{draw:02d}": values for draw, values in enumerate(drawn[:DRAWS])}
    rows = pd.DataFrame({"x": np.round(x, 2), **figures, **draws}).round(_DIGITS)
    rows.insert(0, "by", by)
    rows.insert(0, "threshold", np.nan if one.threshold is None else one.threshold)
    rows.insert(0, "object", one.kind)
    rows.insert(0, "seen_by", one.sensor)
    return rows


def _nodes(curve: Curve) -> Vector:
    between = np.sqrt(curve.x[:-1] * curve.x[1:])
    return np.sort(np.append(curve.x, between))
