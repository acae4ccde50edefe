"""Boxes that a tracker withheld, against schedules by hand and against a tracker of three hits played here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from campaigns.drives.hits import looks
from campaigns.drives.withheld import placed, restored, withheld
from tests.campaigns.drives.folders import answer, drives_of, label

RAW, BACK = "kitti.yolox_x", "kitti.yolox_x.restored"


def boxes(frames: list[int], track: int = 1) -> pd.DataFrame:
    """A box 40 pixels wide and 30 high that moves by 4 pixels a frame."""
    left = 100.0 + 4 * np.array(frames)
    sides = {"left": left, "top": 150.0, "right": left + 40, "bottom": 180.0, "height_px": 30.0}
    return pd.DataFrame({"drive": "0000", "frame": frames, "track": track, **sides})


@pytest.mark.parametrize(("first", "last", "frames"), [
    (10, None, [7, 8, 9]),  # created at 7, updated at 8 and 9, published at its third update
    (10, 5, [8, 9]),  # missed at 6 and 7, found at 8 and 9
    (10, 7, [8, 9]),  # one more frame would have been a box of the stretch before
    (10, 8, [9]),
    (2, None, []),  # in its first three frames the tracker publishes everything
    (3, None, [0, 1, 2]),
])  # fmt: skip
def test_frames_before_a_stretch_in_which_it_was_found(first: int, last: int | None, frames: list[int]) -> None:
    assert withheld(first, last).tolist() == frames


def three_in_a_row(found: np.ndarray) -> list[int]:
    """Frames that a tracker of three hits publishes of one object: its update streak counts from the frame after its first."""
    published, streak, known = [], 0, False
    for frame, hit in enumerate(found):
        if not hit:
            streak = 0
            continue
        streak = streak + 1 if known else 0
        known = True
        if streak >= 3 or frame < 3:
            published.append(frame)
    return published


def test_a_played_tracker_gives_back_every_find_of_a_long_enough_run() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        found = np.zeros(60, bool)
        edges = np.cumsum(rng.integers(5, 9, 8))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            found[begin:end] = True  # runs and gaps of five and more
        back = restored(boxes(three_in_a_row(found)))
        assert sorted(back["frame"]) == np.flatnonzero(found).tolist()
        assert back["left"].to_numpy() == pytest.approx(100 + 4 * back["frame"].to_numpy())


def test_lines_between_boxes_and_before_them() -> None:
    known = np.array([[0.0, 0, 10, 10], [8, 0, 18, 10]])
    assert placed(np.array([4, 8]), known, np.array([6, 7])).tolist() == [[4, 0, 14, 10], [6, 0, 16, 10]]
    assert placed(np.array([4, 5]), known, np.array([2, 3])).tolist() == [[-16, 0, -6, 10], [-8, 0, 2, 10]]
    assert placed(np.array([4]), known[:1], np.array([1, 2])).tolist() == [known[0].tolist()] * 2


def test_a_restored_series_is_a_sensor_of_its_own(tmp_path: Path) -> None:
    frames = range(12)
    sides = [(100.0 + 4 * f, 150.0, 140.0 + 4 * f, 180.0) for f in frames]
    labels = {"0000": [label(f, 0, "Car", box) for f, box in enumerate(sides)]}
    seen = looks(drives_of(tmp_path, labels, {RAW: {"0000": [answer(f, 1, "Car", sides[f]) for f in frames[6:]]}}))
    assert seen[f"hit_{RAW}"].tolist() == [False] * 6 + [True] * 6
    assert seen[f"hit_{BACK}"].tolist() == [False] * 3 + [True] * 9
