"""Labelled objects found in each frame, by each sensor.

An object is found when a reported box of its kind in the same frame overlaps its own by an intersection over union (IoU) of at
least 0.5: any box, so that one box may find two objects that hide each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.read import BOX, Drives
from campaigns.drives.sensors import SENSORS, Sensor

IOU = 0.5
#: A stricter overlap, at which KITTI judges cars.
STRICT_IOU = 0.7

#: Pixels a box covers: one from left, top, right, bottom, shapes (n, 4).
Boxes = NDArray[np.float64]


def overlaps(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of boxes in pairs, shapes (n, 4) and (n, 4), as left, top, right, bottom; shape (n,)."""
    corner, far = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    both = np.clip(far - corner, 0, None).prod(axis=1)
    return np.asarray(both / (_areas(first) + _areas(second) - both), float)


def _areas(boxes: Boxes) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), float)


def looks(drives: Drives, iou: float = IOU, late_frames: int = 0, sensors: Sequence[str] = tuple(SENSORS)) -> pd.DataFrame:
    """Return a row a labelled object and frame, with what each sensor made of it.

    The columns of `Drives.labels`, and
    clear: not truncated and at most partly occluded
    hit_<sensor>, for each without scores: whether a box found it
    score_<sensor>, for each with scores: the highest score of a box that found it, NaN without any; found at a threshold
        means that it is at least as high
    Only boxes of the label's kind count; `of_kind` picks the rows for which a column has a meaning.

    late_frames: labels of frame f are held against the answers of frame f - late_frames; before the first answer nothing is
        found
    """
    table = drives.labels.copy()
    table["clear"] = table["truncation"].eq(0) & table["occlusion"].isin([0, 1])
    for name in sensors:
        found = _best(drives.labels, drives.answers[name], SENSORS[name], iou, late_frames)
        if SENSORS[name].scored:
            table[f"score_{name}"] = found
        else:
            table[f"hit_{name}"] = found.notna()
    return table


def of_kind(table: pd.DataFrame, sensor: Sensor | str, kind: str) -> pd.DataFrame:
    """Return the clear rows of `looks` that count as one kind of object (car, pedestrian, cyclist) for a sensor.

    A van is a car for the cameras, whose networks learnt COCO's classes, and is left out for PointRCNN, which learnt KITTI's.
    """
    known = SENSORS[sensor] if isinstance(sensor, str) else sensor
    return table[table["clear"] & table["label"].isin(known.labels[kind])]


def is_hit(table: pd.DataFrame, sensor: str, threshold: float | None = None) -> pd.Series[bool]:
    """Return whether a sensor found each row of `looks`; `threshold` is the least score that counts, of one that has scores."""
    if SENSORS[sensor].scored:
        return table[f"score_{sensor}"].ge(-np.inf if threshold is None else threshold)
    return table[f"hit_{sensor}"]


def _best(labels: pd.DataFrame, answers: pd.DataFrame, sensor: Sensor, iou: float, late_frames: int) -> pd.Series[float]:
    """For each label the highest score (1 where there are none) of the boxes that find it; NaN where none does."""
    pairs = paired(labels, answers.assign(frame=answers["frame"] + late_frames), sensor)
    near = pairs[pairs["iou"] >= iou]
    return near.groupby("row")["score"].max().reindex(labels.index)


def paired(labels: pd.DataFrame, answers: pd.DataFrame, sensor: Sensor) -> pd.DataFrame:
    """Every label beside every box of its kind in its frame: row (the label's index), answer (the box's), iou, score."""
    kinds = {label: kind for kind, names in sensor.labels.items() for label in names}
    mine = labels[["drive", "frame", *BOX]].assign(object=labels["label"].map(kinds), row=labels.index)
    theirs = answers[["drive", "frame", "object", "score", *BOX]].assign(answer=answers.index)
    pairs = mine.dropna(subset="object").merge(theirs, on=["drive", "frame", "object"], suffixes=("", "_"))
    iou = overlaps(pairs[BOX].to_numpy(float), pairs[[f"{side}_" for side in BOX]].to_numpy(float))
    return pairs.assign(iou=iou, score=pairs["score"].fillna(1.0))[["row", "answer", "iou", "score"]]
