"""Parts of the rows of `looks` for which a share is told: by height, distance, occlusion and closing speed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from campaigns.drives.read import FRAME_S

#: Lower bounds of the bands, each of which reaches to the next. Heights are those of the published figures of these files.
EDGES = {
    "height_px": (0.0, 25.0, 40.0, 80.0, 160.0, np.inf),
    "distance_m": (0.0, 10.0, 20.0, 30.0, 50.0, np.inf),
    "closing_mps": (-np.inf, -2.0, 2.0, 5.0, 10.0, 20.0, np.inf),
}
#: KITTI's levels: fully visible, partly hidden, largely hidden. Boxes of the fourth, unknown, are left out.
OCCLUSIONS = (0, 1, 2)
#: Frames before and after over which a closing speed is taken: half a second, which smooths the labels' own jitter.
_SPAN = 2


@dataclass(frozen=True)
class Band:
    """Rows from `low` (included) to `high` (left out) of what `by` says; an occlusion has both the same."""

    by: str
    low: float
    high: float
    rows: pd.DataFrame


def bands(rows: pd.DataFrame, by: str) -> Iterator[Band]:
    """Yield the bands of height_px, distance_m or closing_mps that have any row; rows without the value are in none."""
    value = rows["z_m" if by == "distance_m" else by]
    for low, high in zip(EDGES[by][:-1], EDGES[by][1:], strict=True):
        inside = rows[value.ge(low) & value.lt(high)]
        if len(inside):
            yield Band(by, low, high, inside)


def everything(rows: pd.DataFrame) -> list[Band]:
    """All rows as a band without bounds; no band where there is no row."""
    return [Band("all", np.nan, np.nan, rows)] if len(rows) else []


def closing_speed(labels: pd.DataFrame) -> pd.Series[float]:
    """Return the closing speed of each object in m/s, by the index of the labels, over the frames around each.

    At the ends of a track, over what there is; NaN where the track has no other frame within reach.
    """
    keyed = labels[["drive", "track", "frame", "z_m"]]
    steps = {step: _distance_at(keyed, step) for step in range(-_SPAN, _SPAN + 1)}
    later = steps[2].combine_first(steps[1]).combine_first(steps[0])
    earlier = steps[-2].combine_first(steps[-1]).combine_first(steps[0])
    seconds = FRAME_S * (_reach(steps, 1) + _reach(steps, -1))
    return (earlier - later).div(seconds.where(seconds.gt(0)))


def _distance_at(keyed: pd.DataFrame, step: int) -> pd.Series[float]:
    moved = keyed.assign(frame=keyed["frame"] - step).set_index(["drive", "track", "frame"])["z_m"]
    wanted = pd.MultiIndex.from_frame(keyed[["drive", "track", "frame"]])
    return pd.Series(moved.reindex(wanted).to_numpy(), index=keyed.index)


def _reach(steps: dict[int, pd.Series[float]], side: int) -> pd.Series[float]:
    """Over how many frames a track goes on to one side, up to the span."""
    near, far = steps[side].notna(), steps[2 * side].notna()
    return pd.Series(np.where(far, 2.0, np.where(near, 1.0, 0.0)), index=near.index)
