"""ranges.csv: errors of measured distances and closing speeds, by distance, for each way to measure them.

The truth is the nearest face of the labelled box: that is what a vehicle would hit, and what a camera sees. Frames are those in
which the sensor found the object. Each track weighs the same within a band of distances, since its errors resemble each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.stats import norm, rankdata

from campaigns.drives.curves import threshold_of
from campaigns.drives.false_answers import located
from campaigns.drives.hits import IOU, paired
from campaigns.drives.read import FRAME_S, Drives
from campaigns.drives.resample import DRAWS, Resamples
from campaigns.drives.sensors import SENSORS
from simulator.evidence.drive_tables import ERROR_COLUMNS, ERROR_PERCENTS

Floats = NDArray[np.float64]

#: Limits of the bands of distances, in metres; nearer than the first, a box is often cut off by the edge of the picture.
BANDS_M = (4.0, 10.0, 20.0, 30.0, 40.0, 60.0)
#: A closing speed is the slope of the distances in this many frames; so many of them must have found the object.
WINDOW, NEEDS = 6, 4
#: A band of fewer tracks is left out.
FEWEST_TRACKS = 8
#: Frames between two errors whose correlation is fitted.
LAGS = (1, 2, 3, 5, 10, 20, 30)
#: Errors of a ratio, and of a speed in m/s.
DISTANCE, CLOSING = "distance", "closing"


@dataclass(frozen=True)
class Method:
    """One way to measure a distance. name: as evidence names it; sensor: whose boxes it takes; by: the column of `_measured`"""

    name: str
    sensor: str
    by: str


METHODS = (
    Method("kitti.pointrcnn", "kitti.pointrcnn", "reported"),
    Method("kitti.ciwt_stereo", "kitti.ciwt_stereo", "reported"),
    Method("kitti.yolox_x.height", "kitti.yolox_x", "by_height"),
    Method("kitti.yolox_x.road", "kitti.yolox_x", "by_road"),
)


def table(drives: Drives, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of ranges.csv: the estimate, then the draws that curves.csv has too."""
    return pd.DataFrame([row for method in METHODS for row in _of_method(drives, resamples, method)])


def _of_method(drives: Drives, resamples: Resamples, method: Method) -> Iterator[dict[str, Any]]:
    measured = _measured(drives, method.sensor).dropna(subset=method.by)
    for kind in SENSORS[method.sensor].labels:
        rows = measured[measured["object"].eq(kind)]
        ratios = rows.assign(error=rows[method.by] / rows["near_m"])
        for of, errors in ((DISTANCE, ratios), (CLOSING, closing_errors(rows, method.by))):
            named = {"seen_by": method.name, "object": kind, "of": of}
            yield from (named | row for row in _rows(errors, resamples))


def _measured(drives: Drives, name: str) -> pd.DataFrame:
    """Return a row a found label: drive, frame, track, object, near_m, and its distance as reported, by height, by the road."""
    sensor, labels = SENSORS[name], drives.labels
    places = located(drives.answers[name], drives)
    pairs = paired(labels, places, sensor)
    best = pairs[pairs["iou"] >= IOU].sort_values("iou").drop_duplicates("row", keep="last").set_index("row")
    answers = places.loc[best["answer"]].set_index(best.index)
    rows = labels.loc[best.index].assign(object=answers["object"], score=answers["score"])
    half = half_depth_m(rows)
    focal = rows["drive"].map({drive: matrix[0, 0] for drive, matrix in drives.cameras.items()})
    typical = rows["object"].map(rows.groupby("object")["height_m"].mean())
    known = answers["z_m"].replace(np.inf, np.nan)
    rows = rows.assign(
        near_m=rows["z_m"] - half,
        reported=known - half if sensor.scored else known,  # a LiDAR's box has a middle, a stereo camera sees a face
        by_height=focal * typical / answers["height_px"],
        by_road=known,
    )
    clear = rows["truncation"].eq(0) & rows["occlusion"].isin([0, 1]) & rows["near_m"].ge(BANDS_M[0])
    if sensor.scored:
        clear &= rows["score"].ge(rows["object"].map({kind: threshold_of(name, kind) for kind in sensor.labels}))
    return rows[clear].sort_values(["drive", "track", "frame"])


def half_depth_m(boxes: pd.DataFrame) -> pd.Series[float]:
    """Return how far the nearest face of a labelled box lies before its middle, by its heading."""
    along, across = boxes["length_m"] * np.sin(boxes["rotation"]).abs(), boxes["width_m"] * np.cos(boxes["rotation"]).abs()
    half: pd.Series[float] = (along + across) / 2
    return half


def closing_errors(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the closing speed measured over `WINDOW` frames less the true one, in m/s, by its latest frame."""
    parts = [part.assign(error=_errors_of_track(part, by)) for _, part in rows.groupby(["drive", "track"])]
    return pd.concat(parts).dropna(subset="error") if parts else rows.assign(error=np.nan).head(0)


def _errors_of_track(track: pd.DataFrame, by: str) -> Floats:
    frames = track["frame"].to_numpy()
    grid = np.full((2, frames[-1] - frames[0] + WINDOW), np.nan)
    place = frames - frames[0] + WINDOW - 1
    grid[:, place] = track[[by, "near_m"]].to_numpy(float).T
    measured, true = (_slopes(line) for line in grid)
    return np.asarray((true - measured)[place - WINDOW + 1])


def _slopes(distances: Floats) -> Floats:
    """Return the least-squares slope of each window, in m/s; NaN where too few of its frames have a distance."""
    seen = np.lib.stride_tricks.sliding_window_view(distances, WINDOW)
    there = np.isfinite(seen)
    count = there.sum(1)
    times = FRAME_S * np.where(there, np.arange(WINDOW), 0)
    values = np.where(there, seen, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = times.sum(1) / count
        moved = np.where(there, times - middle[:, None], 0)
        slopes = (moved * values).sum(1) / (moved**2).sum(1)
    return np.where(count >= NEEDS, slopes, np.nan)


def _rows(errors: pd.DataFrame, resamples: Resamples) -> Iterator[dict[str, Any]]:
    """Yield the rows of one error: a row a band and draw."""
    band = np.digitize(errors["near_m"], BANDS_M)
    bands = {number: errors[band == number] for number in range(1, len(BANDS_M))}
    bands = {number: rows for number, rows in bands.items() if rows.groupby(["drive", "track"]).ngroups >= FEWEST_TRACKS}
    if not bands:
        return
    parts = _parts(bands)
    for number, rows in bands.items():
        tracks = resamples.of(rows)
        each = 1 / np.bincount(tracks, minlength=len(resamples.tracks))[tracks]
        about = {"x": float(np.sqrt(BANDS_M[number - 1] * BANDS_M[number])), "tracks": len(np.unique(tracks)), **parts}
        values = rows["error"].to_numpy(float)
        estimate = quantiles(values, each)
        for draw in range(-1, DRAWS):
            drawn = each if draw < 0 else each * resamples.weights[draw][tracks]
            found = quantiles(values, drawn) if drawn.any() else estimate
            yield {"draw": draw, **about, **dict(zip(ERROR_COLUMNS, found, strict=True))}


def quantiles(values: Floats, weights: Floats) -> Floats:
    """Return the weighted quantiles at `ERROR_PERCENTS`: linear between the middles of the weights."""
    order = np.argsort(values, kind="stable")
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(np.array(ERROR_PERCENTS) / 100, middles / weights.sum(), values[order]))


def _parts(bands: dict[int, pd.DataFrame]) -> dict[str, float]:
    """Return the shares of the error that stay with the object and pass slowly, from its correlation over the frames."""
    scored = pd.concat([rows.assign(error=_scores(rows["error"].to_numpy(float))) for rows in bands.values()])
    rows = scored[["drive", "track", "frame", "error"]]
    found = []
    for lag in LAGS:
        pairs = rows.merge(rows.assign(frame=rows["frame"] + lag), on=["drive", "track", "frame"], suffixes=("", "_before"))
        found.append((lag * FRAME_S, pairs["error"].corr(pairs["error_before"]), len(pairs)))
    apart, correlation, count = np.array([one for one in found if one[2] > 2 and np.isfinite(one[1])]).T
    stays, slow, tau_s = _fit(apart, correlation, count)
    return {"object_share": stays, "slow_share": slow, "tau_s": tau_s}


def _fit(apart_s: Floats, correlation: Floats, count: Floats) -> tuple[float, float, float]:
    """Fit a + b exp(-t / tau) to a correlation over time, with a and b at least 0 and a + b at most 1."""

    def model(t: Floats, all_of_it: float, share: float, tau_s: float) -> Floats:
        return np.asarray(all_of_it * (share + (1 - share) * np.exp(-t / tau_s)))

    start, bounds = (0.8, 0.5, 0.5), ((0, 0, 0.05), (1, 1, 5))
    (whole, share, tau_s), _ = curve_fit(model, apart_s, correlation, start, 1 / np.sqrt(count), bounds=bounds)
    return float(whole * share), float(whole * (1 - share)), float(tau_s)


def _scores(values: Floats) -> Floats:
    return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)))
