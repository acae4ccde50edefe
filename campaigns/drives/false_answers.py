"""false.csv: answers where nothing is, by the frame and by the hour: what phantom braking is made of.

An answer is false if it overlaps no label of any class by an IoU of 0.3 or more. Not counted, neither as false nor as right:
one that lies mostly within a region in which nothing is labelled (DontCare), or mostly within a label of another class (a Truck
reported as a car, a sitting Person as a pedestrian).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from campaigns.drives.hits import overlaps
from campaigns.drives.read import BOX, RATE, Drives
from campaigns.drives.sensors import SENSORS, Sensor
from simulator.intervals import LEVEL, Interval

Vector = NDArray[np.float64]
Cells = NDArray[np.int64]

#: Less overlap with every label than this is false.
IOU = 0.3
#: More of an answer than this within a region counts as mostly.
MOSTLY = 0.5
#: The vehicle's corridor: to either side of its middle, and ahead, in metres.
ASIDE_M, AHEAD_M = 1.5, 40.0
#: Height of KITTI's cameras above the road in metres (Geiger, Lenz, Stiller and Urtasun 2013, figure 3).
CAMERA_M = 1.65
#: Frames on end in which a false answer is there.
KEPT = (1, 2, 3, 5)
#: Boxes of two frames on end that overlap by so much are one, where a sensor has no tracks.
SAME_IOU = 0.3
_DIGITS = 5


def table(drives: Drives) -> pd.DataFrame:
    """Return the rows of false.csv."""
    rows = [row for sensor in SENSORS.values() for row in _of_sensor(drives, sensor)]
    return pd.DataFrame(rows).round(_DIGITS)


def _of_sensor(drives: Drives, sensor: Sensor) -> Iterator[dict[str, Any]]:
    placed = located(drives.answers[sensor.name], drives)
    for kind, labels in sensor.labels.items():
        wrong = false_answers(placed[placed["object"].eq(kind)], drives, labels)
        corridor = wrong[wrong["x_m"].abs().lt(ASIDE_M) & wrong["z_m"].between(0, AHEAD_M, inclusive="neither")]
        for where, rows in (("image", wrong), ("corridor", corridor)):
            for threshold in sensor.thresholds or (np.nan,):
                kept = rows if np.isnan(threshold) else rows[rows["score"].ge(threshold)]
                named = {"seen_by": sensor.name, "object": kind, "where": where, "threshold": threshold}
                yield from (named | row for row in _counts(kept, drives, tracked=not sensor.scored))


def located(answers: pd.DataFrame, drives: Drives) -> pd.DataFrame:
    """Return the answers, each with a place: where none was reported, from the lower edge of the box on a flat road.

    z = f * CAMERA_M / (bottom - cy), x = (centre - cx) * z / f; at or above the horizon z is infinite.
    """
    places = {"focal": (0, 0), "middle": (0, 2), "horizon": (1, 2)}
    of_drive = {name: [matrix[at] for at in places.values()] for name, matrix in drives.cameras.items()}
    focal, middle, horizon = pd.DataFrame(of_drive)[answers["drive"]].to_numpy(float)
    below = answers["bottom"].to_numpy(float) - horizon
    ahead = np.divide(focal * CAMERA_M, below, out=np.full(len(below), np.inf), where=below > 0)
    aside = (answers["left"].to_numpy(float) + answers["right"].to_numpy(float)) / 2 - middle
    at = aside / focal * ahead
    flat = pd.DataFrame({"x_m": at, "z_m": ahead}, answers.index)
    return answers.assign(x_m=answers["x_m"].fillna(flat["x_m"]), z_m=answers["z_m"].fillna(flat["z_m"]))


def false_answers(answers: pd.DataFrame, drives: Drives, labels: tuple[str, ...]) -> pd.DataFrame:
    """Return the answers where nothing is. answers: of one kind of object; labels: the classes that count as this kind."""
    there = _beside(answers, drives.labels[["drive", "frame", "label", *BOX]])
    other = ~there["label"].isin(labels)
    known = there["answer"][there["iou"].ge(IOU) | (other & there["within"].gt(MOSTLY))]
    unlabelled = _beside(answers, drives.unlabelled)
    ignored = unlabelled["answer"][unlabelled["within"].gt(MOSTLY)]
    return answers[~answers.index.isin(pd.concat([known, ignored]))]


def _beside(answers: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """Every answer beside every box of its frame: answer (its index), iou, within (the part of the answer inside the box)."""
    mine = answers[["drive", "frame", *BOX]].assign(answer=answers.index)
    pairs = mine.merge(boxes, on=["drive", "frame"], suffixes=("", "_"))
    first, second = pairs[BOX].to_numpy(float), pairs[[f"{side}_" for side in BOX]].to_numpy(float)
    common = np.hstack([np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])])
    return pairs.assign(iou=overlaps(first, second), within=_area(common) / _area(first))


def _area(boxes: Vector) -> Vector:
    found: Vector = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    return found


def _counts(wrong: pd.DataFrame, drives: Drives, tracked: bool) -> Iterator[dict[str, Any]]:
    """Yield how often false answers last for each of KEPT; a longer one counts once for each that it reaches."""
    lengths = frames_kept(wrong, tracked)
    frames = sum(drives.frames.values())
    hours = frames / RATE / 3600
    for kept in KEPT:
        reached = lengths == kept
        rate = hourly(int(reached.sum()), hours)
        yield {
            "kept_frames": kept,
            "frames": frames,
            "hours": hours,
            "count": int(reached.sum()),
            "per_hour": rate.value,
            "per_hour_low": rate.low,
            "per_hour_high": rate.high,
            "drives": wrong["drive"][reached].nunique(),
            "boxes_per_frame": len(wrong) / frames,
        }


def hourly(count: int, hours: float) -> Interval:
    """Return a rate with its exact Poisson interval (Garwood 1936); after zero events, at most 3 in all (rule of three)."""
    if not count:
        return Interval(0.0, 0.0, 3 / hours)
    tail = (1 - LEVEL) / 2
    low, high = chi2.ppf(tail, 2 * count) / 2, chi2.ppf(1 - tail, 2 * count + 2) / 2
    return Interval(count / hours, float(low) / hours, float(high) / hours)


def frames_kept(wrong: pd.DataFrame, tracked: bool) -> Cells:
    """For each false answer, in how many frames on end it has been there, this one included, shape (rows,).

    tracked: the same track; otherwise the boxes that overlap best, at least by SAME_IOU, each with one at most
    """
    before = _before_by_track(wrong) if tracked else _before_by_overlap(wrong)
    lengths = np.ones(len(wrong), np.int64)
    for row in np.argsort(wrong["frame"].to_numpy(), kind="stable"):
        if before[row] >= 0:
            lengths[row] = lengths[before[row]] + 1
    return lengths


def _before_by_track(wrong: pd.DataFrame) -> Cells:
    rows = wrong[["drive", "frame", "track"]].assign(row=np.arange(len(wrong)))
    earlier = rows.assign(frame=rows["frame"] + 1)
    return _place(rows.merge(earlier, on=["drive", "frame", "track"], suffixes=("", "_before")), len(wrong))


def _before_by_overlap(wrong: pd.DataFrame) -> Cells:
    """Return the row of the matching box in the frame before: best pairs first, none twice; -1 without a match."""
    rows = wrong[["drive", "frame", *BOX]].assign(row=np.arange(len(wrong)))
    pairs = rows.merge(rows.assign(frame=rows["frame"] + 1), on=["drive", "frame"], suffixes=("", "_before"))
    iou = overlaps(pairs[BOX].to_numpy(float), pairs[[f"{side}_before" for side in BOX]].to_numpy(float))
    best = pairs.assign(iou=iou)[iou >= SAME_IOU].sort_values("iou", ascending=False)
    used: set[tuple[str, int]] = set()
    kept = []
    for now, before in zip(best["row"], best["row_before"], strict=True):
        if not {("now", now), ("before", before)} & used:
            used |= {("now", now), ("before", before)}
            kept.append((now, before))
    return _place(pd.DataFrame(kept, columns=["row", "row_before"]), len(wrong))


def _place(pairs: pd.DataFrame, rows: int) -> Cells:
    before = np.full(rows, -1, np.int64)
    before[pairs["row"].to_numpy(np.int64)] = pairs["row_before"].to_numpy(np.int64)
    return before
