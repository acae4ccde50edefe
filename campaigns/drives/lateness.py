"""Loss through lateness alone: the labels of a frame against answers of earlier frames, as they were and moved on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from campaigns.drives.bands import Band, bands, closing_speed, everything
from campaigns.drives.curves import OPERATING
from campaigns.drives.hits import IOU, STRICT_IOU, is_hit, looks, of_kind
from campaigns.drives.prediction import filtered, moved_on
from campaigns.drives.read import FRAME_S, Drives
from campaigns.drives.resample import Resamples, share, shares
from campaigns.drives.sensors import CAMERAS, LIDAR, SENSORS
from simulator.intervals import percentile_interval

LATE_FRAMES = tuple(range(6))
_FOUND = ["found", "found_low", "found_high"]
_WON_BACK = ["won_back", "won_back_low", "won_back_high"]
COLUMNS = ["seen_by", "late_frames", "late_s", "iou", "predicted", "by", "low", "high", "boxes", *_FOUND, *_WON_BACK]

LIDAR_COLUMNS = ["seen_by", "object", "threshold", "late_frames", "late_s", "iou", "boxes", *_FOUND]

#: Hits of one camera by whether its answers are moved on and how late they are, all over the same rows.
Hits = dict[tuple[bool, int], "pd.Series[bool]"]


def table(drives: Drives, resamples: Resamples, tell: Callable[[], None] = lambda: None) -> pd.DataFrame:
    """lateness.csv: cars found by each camera, a row an overlap, lateness and band, without and with prediction.

    won_back, in the rows with prediction: the part of what the lateness takes that prediction gives back, paired by resample;
    empty where it is open whether lateness takes anything
    tell: called once a camera
    """
    speeds = closing_speed(drives.labels)
    rows: list[dict[str, object]] = []
    for camera in CAMERAS:
        states = filtered(drives.answers[camera])
        for iou in (IOU, STRICT_IOU):
            cars, hits = _hits(drives, camera, states, iou)
            bands = _bands(resamples.placed(cars.assign(closing_mps=speeds)))
            rows += [{"seen_by": camera, "iou": iou} | row for row in _rows(bands, hits, resamples)]
        tell()
    return pd.DataFrame(rows, columns=COLUMNS)


def _hits(drives: Drives, camera: str, states: pd.DataFrame, iou: float) -> tuple[pd.DataFrame, Hits]:
    """Return the cars, and which are found."""
    hits: Hits = {}
    for predicted, late in product((False, True), LATE_FRAMES):
        answers = moved_on(states, late) if predicted else drives.answers[camera]
        seen = looks(replace(drives, answers={camera: answers}), iou, late, [camera])
        cars = of_kind(seen, camera, "car")
        hits[predicted, late] = is_hit(cars, camera)
    return cars, hits


def _bands(cars: pd.DataFrame) -> list[Band]:
    return [*everything(cars), *bands(cars, "height_px"), *bands(cars, "closing_mps")]


def _rows(bands: list[Band], hits: Hits, resamples: Resamples) -> Iterator[dict[str, object]]:
    for (predicted, late), band in product(hits, bands):
        mine = {key: one.loc[band.rows.index] for key, one in hits.items()}
        found = share(resamples, band.rows, mine[predicted, late])
        row: dict[str, object] = {"late_frames": late, "late_s": round(late * FRAME_S, 3), "predicted": predicted}
        row |= {"by": band.by, "low": band.low, "high": band.high, "boxes": len(band.rows)}
        row |= dict(zip(_FOUND, (found.value, found.low, found.high), strict=True))
        if predicted and late:
            row |= _won_back(band, mine, late, resamples)
        yield row


def _won_back(band: Band, hits: Hits, late: int, resamples: Resamples) -> dict[str, float]:
    """Return the part of the loss that prediction gives back, with its interval; nothing where the loss may as well be none."""
    asked = [hits[False, 0], hits[False, late], hits[True, late]]
    fresh, stale, moved = (np.append(one.mean(), shares(resamples, band.rows, one)) for one in asked)
    lost, won = fresh - stale, moved - stale
    if percentile_interval(lost[0], lost[1:]).low <= 0:
        return {}
    part = won / np.where(lost > 0, lost, np.nan)
    interval = percentile_interval(part[0], part[1:])
    return dict(zip(_WON_BACK, (interval.value, interval.low, interval.high), strict=True))


def lidar_table(drives: Drives, resamples: Resamples) -> pd.DataFrame:
    """lidar_lateness.csv: objects of each kind that late answers of the LiDAR find; PointRCNN has no tracks to move on."""
    rows = [row for late in LATE_FRAMES for row in _lidar_rows(drives, resamples, late)]
    return pd.DataFrame(rows, columns=LIDAR_COLUMNS).sort_values(["object", "late_frames"], ignore_index=True)


def _lidar_rows(drives: Drives, resamples: Resamples, late: int) -> Iterator[dict[str, object]]:
    seen = looks(drives, IOU, late, [LIDAR])
    for kind in SENSORS[LIDAR].labels:
        rows, threshold = of_kind(seen, LIDAR, kind), OPERATING[kind]
        found = share(resamples, rows, is_hit(rows, LIDAR, threshold))
        row = {"seen_by": LIDAR, "object": kind, "threshold": threshold, "late_frames": late, "iou": IOU, "boxes": len(rows)}
        yield row | {"late_s": round(late * FRAME_S, 3)} | dict(zip(_FOUND, (found.value, found.low, found.high), strict=True))
