"""sent_home.csv: what a rule to send frames home brings: missed cars in the frames that it picks, beside frames at random.

A rule sees the answers of both sensors and no label. A missed car is labelled, clear, within REACH_M, and found by no box of
the camera. Frames are looked at once a second, so that those of one rule are no ten pictures of one car.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from campaigns.drives.curves import threshold_of
from campaigns.drives.hits import IOU, of_kind, overlaps
from campaigns.drives.read import BOX, RATE, Drives
from campaigns.drives.resample import Resamples
from simulator.intervals import percentile_interval

CAMERA, LIDAR, KIND = "kitti.yolox_x.restored", "kitti.pointrcnn", "car"
#: Farther away a missed car matters little to the brakes of a town.
REACH_M = 50.0
#: Height of a box, in pixels, of which little was recorded.
SMALL_PX = (20.0, 40.0)

Frames = pd.MultiIndex


def table(drives: Drives, seen: pd.DataFrame, resamples: Resamples) -> pd.DataFrame:
    """Return the rows of sent_home.csv. seen: `hits.looks`."""
    clear = of_kind(seen, LIDAR, KIND)
    missed = clear[clear["z_m"].lt(REACH_M) & ~clear[f"hit_{CAMERA}"]]
    per_frame = missed.groupby(["drive", "frame"]).size().reindex(every_frame(drives), fill_value=0)
    return pd.DataFrame([_row(name, rule(drives), per_frame, resamples) for name, rule in RULES.items()])


def every_frame(drives: Drives) -> Frames:
    """Return one frame a second of each drive."""
    frames = [(name, frame) for name, count in drives.frames.items() for frame in range(0, count, int(RATE))]
    return pd.MultiIndex.from_tuples(frames, names=["drive", "frame"])


def _any(drives: Drives) -> Frames:
    return every_frame(drives)


def _small(drives: Drives) -> Frames:
    boxes = drives.answers[CAMERA]
    return _frames_of(boxes[boxes["height_px"].between(*SMALL_PX)])


def _disagreement(drives: Drives) -> Frames:
    """Return the frames with a car of the LiDAR that no box of the camera overlaps."""
    camera, lidar = (drives.answers[name] for name in (CAMERA, LIDAR))
    strong = lidar[lidar["object"].eq(KIND) & lidar["score"].ge(threshold_of(LIDAR, KIND) or 0) & lidar["z_m"].lt(REACH_M)]
    strong = strong.reset_index(drop=True)
    pairs = strong.assign(row=strong.index).merge(camera, on=["drive", "frame"], suffixes=("", "_"))
    iou = overlaps(pairs[BOX].to_numpy(float), pairs[[f"{side}_" for side in BOX]].to_numpy(float))
    return _frames_of(strong[~strong.index.isin(pairs["row"][iou >= IOU])])


def _frames_of(rows: pd.DataFrame) -> Frames:
    return pd.MultiIndex.from_frame(rows[["drive", "frame"]].drop_duplicates())


RULES: dict[str, Callable[[Drives], Frames]] = {"any": _any, "small": _small, "disagreement": _disagreement}


def _row(rule: str, picked: Frames, missed: pd.Series[int], resamples: Resamples) -> dict[str, Any]:
    """Return a rule's frames, and missed cars a frame with an interval over drives."""
    sent = missed[missed.index.isin(picked)]
    by_drive = pd.DataFrame({"missed": sent, "frames": 1}).groupby("drive").sum().reindex(resamples.names, fill_value=0)
    sums = resamples.drives @ by_drive.to_numpy(float)
    drawn = np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)
    each = percentile_interval(float(sent.mean()) if len(sent) else 0.0, drawn)
    return {
        "rule": rule,
        "frames": len(sent),
        "sent_share": len(sent) / len(missed),
        "missed": int(sent.sum()),
        "missed_share": float(sent.sum() / missed.sum()),
        "per_frame": each.value,
        "per_frame_low": each.low,
        "per_frame_high": each.high,
    }
