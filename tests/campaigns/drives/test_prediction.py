"""The filter against steps worked out by hand, and against boxes that keep their speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns.drives.prediction import CHANGE, FIRST_SPEED, MEASURED, filtered, moved_on, track_states
from campaigns.drives.read import BOX
from tests.campaigns.drives.folders import answer, drives_of, label

YOLO = "kitti.yolox_x"


def steady(frames: np.ndarray) -> np.ndarray:
    """A box 40 high that moves by 6 pixels a frame to the right and grows by 1 downwards."""
    return np.array([100.0, 150, 160, 190]) + np.outer(frames, [6.0, 0, 6, 1])


def test_the_second_box_sets_the_speed_as_worked_out_by_hand() -> None:
    assert (MEASURED, CHANGE, FIRST_SPEED) == (1 / 20, 1 / 20, 1 / 2)
    frames, height = np.array([0, 1]), 40
    boxes = np.array([[100.0, 150, 160, 190], [106.0, 150, 166, 190]])
    # Variances in pixels squared: a measured side (40 / 20)^2 = 4; the first speed (40 / 2)^2 = 400; of a step's change 4,
    # which moves the place by half of it. After one step: place 4 + 400 + 4 / 4, place with speed 400 + 4 / 2.
    place, both = 4 + 400 + 1, 400 + 2
    state = track_states(frames, boxes)[1]
    assert state[:4] == pytest.approx([100 + 6 * place / (place + 4), 150, 160 + 6 * place / (place + 4), height + 150])
    assert state[4:] == pytest.approx([6 * both / (place + 4), 0, 6 * both / (place + 4), 0])


def test_a_box_that_keeps_its_speed_is_met_where_it_will_be() -> None:
    states = track_states(np.arange(30), steady(np.arange(30)))
    assert states[0, 4:] == pytest.approx([0] * 4)
    for late in (1, 5):
        assert states[-1, :4] + late * states[-1, 4:] == pytest.approx(steady(np.array([29 + late]))[0], abs=0.05)


def test_a_gap_counts_as_the_frames_that_it_is() -> None:
    frames = np.append(np.arange(20), [26, 31])
    states = track_states(frames, steady(frames))
    assert states[-2:, 4:] == pytest.approx(np.array([[6, 0, 6, 1]] * 2), abs=0.05)
    assert states[-1, :4] == pytest.approx(steady(np.array([31]))[0], abs=0.05)


def test_a_state_knows_nothing_of_later_frames() -> None:
    frames, boxes = np.arange(10), steady(np.arange(10))
    changed = boxes.copy()
    changed[6:] += 50
    assert (track_states(frames, changed)[:6] == track_states(frames, boxes)[:6]).all()


def test_tracks_are_told_apart_and_moved_on(tmp_path: Path) -> None:
    one, other = steady(np.arange(12)), steady(-np.arange(12))
    answers = [answer(f, track, "Car", tuple(box)) for f in range(12) for track, box in ((1, one[f]), (2, other[f]))]
    drives = drives_of(tmp_path, {"0000": [label(0, 0, "Car", (1, 1, 9, 9))]}, {YOLO: {"0000": answers[::-1]}})
    ahead = moved_on(filtered(drives.answers[YOLO]), 3)
    last = ahead[ahead["frame"].eq(11)].set_index("track")[BOX]
    assert last.loc[1].tolist() == pytest.approx(steady(np.array([14]))[0], abs=0.1)
    assert last.loc[2].tolist() == pytest.approx(steady(np.array([-14]))[0], abs=0.1)
    assert moved_on(filtered(drives.answers["kitti.yolov3"]), 3).empty
