"""Boxes that a tracker had and did not publish: OC-SORT publishes a track from its third update in a row on.

The camera boxes of the drives are the output of OC-SORT as its authors ship it (three hits; Cao et al. 2023). A new track was
found in three frames before its first box; a track that was missed was found in two frames before it is published again. In the
first three frames of a drive the tracker publishes everything. So each beginning of a stretch of boxes implies detections, and
their places follow from the boxes on both sides. A find that never had two more in a row after it stays unknown: what is
restored is still fewer than the network's own answers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.sensors import BOX

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]

#: Updates in a row that the tracker waits for after a miss; a new track has its first box besides.
HITS = 3
#: Boxes of a stretch that its speed is taken from.
_SPEED_BOXES = 3


def restored(answers: pd.DataFrame) -> pd.DataFrame:
    """Return a tracker's published boxes with those that each stretch of them implies; answers: as `Drives.answers`."""
    ordered = answers.sort_values(["drive", "track", "frame"])
    tracks = ordered.groupby(["drive", "track"], sort=False)
    parts = [rows for _, track in tracks for rows in _implied(track)]
    return pd.concat([answers, *parts], ignore_index=True)


def _implied(track: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the withheld boxes before each stretch of a track, whose rows ascend by frame."""
    frames, boxes = track["frame"].to_numpy(np.int64), track[BOX].to_numpy(float)
    begins = np.flatnonzero(np.diff(frames, prepend=frames[0] - 2) > 1)
    ends = np.append(begins[1:], len(frames))
    for begin, end in zip(begins, ends, strict=True):
        before = withheld(int(frames[begin]), int(frames[begin - 1]) if begin else None)
        if not len(before):
            continue
        known = slice(begin - 1, begin + 1) if begin else slice(begin, min(end, begin + _SPEED_BOXES))
        found = placed(frames[known], boxes[known], before)
        rows = track.iloc[np.full(len(before), begin)].assign(frame=before, **dict(zip(BOX, found.T, strict=True)))
        rows = rows.assign(height_px=rows["bottom"] - rows["top"])
        yield rows[(rows["right"] > rows["left"]) & (rows["height_px"] > 0)]


def withheld(first: int, last: int | None) -> Cells:
    """Return the frames in which a stretch of boxes was found before its `first` frame.

    last: the frame of the track's box before; None for a new track
    """
    if first < HITS:
        return np.empty(0, np.int64)
    begin = first - HITS if last is None else max(last + 1, first - HITS + 1)
    return np.arange(max(begin, 0), first)


def placed(frames: Cells, boxes: Floats, asked: Cells) -> Floats:
    """Return the boxes (k, 4) at frames between two known ones, or before the first of them, by a line for each side.

    A line that leads back goes through the first box, with the slope that fits the others best; one box stands still.
    """
    if asked[0] > frames[0]:
        return np.stack([np.interp(asked, frames, side) for side in boxes.T], axis=1)
    after = (frames - frames[0]).astype(float)
    slope = after @ (boxes - boxes[0]) / max(after @ after, 1.0)
    return np.asarray(boxes[0] + np.outer(asked - frames[0], slope), float)
