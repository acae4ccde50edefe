"""Who found what: against boxes worked out by hand, every pair in turn, and another library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from campaigns.drives.hits import IOU, STRICT_IOU, is_hit, looks, of_kind, overlaps, paired
from campaigns.drives.read import BOX, Drives
from campaigns.drives.sensors import LIDAR, SENSORS
from tests.campaigns.drives.folders import answer, drives_of, label, scored

YOLO, STEREO = "kitti.yolox_x", "kitti.ciwt_stereo"
#: 100 wide and 100 high, and the same moved to the right: by 20 the overlap is 80 of 120, by 50 it is 50 of 150.
HERE = (100.0, 100.0, 200.0, 200.0)


def moved(right: float, box: tuple[float, float, float, float] = HERE) -> tuple[float, float, float, float]:
    return box[0] + right, box[1], box[2] + right, box[3]


def test_overlaps_worked_out_by_hand() -> None:
    first = np.array([HERE] * 5)
    second = np.array([HERE, moved(20), moved(50), moved(100), (150, 150, 250, 250)], float)
    assert overlaps(first, second) == pytest.approx([1, 80 / 120, 50 / 150, 0, 2500 / 17500])


def test_overlaps_agree_with_pycocotools() -> None:
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(5)
    corners = rng.uniform(0, 60, (2, 60, 2))
    first, second = (np.concatenate([corner, corner + rng.uniform(1, 80, (60, 2))], axis=1) for corner in corners)
    as_sizes = [np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in (first, second)]
    others = np.diag(mask.iou(*as_sizes, [0] * 60))
    assert np.count_nonzero(others) > 20
    assert overlaps(first, second) == pytest.approx(others)


def only(drives: Drives, sensor: str, kind: str = "car", **asked: float) -> list[bool]:
    rows = of_kind(looks(drives, **asked), sensor, kind)  # type: ignore[arg-type]
    return is_hit(rows, sensor).tolist()


def test_a_box_in_the_same_frame_that_overlaps_by_half_finds(tmp_path: Path) -> None:
    labels = [label(frame, 0, "Car", HERE) for frame in range(4)]
    answers = [
        answer(0, 1, "Car", moved(20)),
        answer(1, 1, "Car", moved(50)),
        answer(2, 1, "Car", moved(50)),
        answer(2, 2, "Car", HERE),
    ]
    drives = drives_of(tmp_path, {"0000": labels}, {YOLO: {"0000": answers}})
    assert only(drives, YOLO) == [True, False, True, False]
    assert only(drives, YOLO, iou=STRICT_IOU) == [False, False, True, False]
    assert only(drives, YOLO, iou=0.3) == [True, True, True, False]


def test_one_box_may_find_two_and_another_drive_does_not_count(tmp_path: Path) -> None:
    labels = {"0000": [label(0, 0, "Car", HERE), label(0, 1, "Car", moved(10))], "0001": [label(0, 0, "Car", HERE)]}
    drives = drives_of(tmp_path, labels, {YOLO: {"0000": [answer(0, 1, "Car", moved(5))]}})
    assert only(drives, YOLO) == [True, True, False]


def test_late_answers_are_those_of_an_earlier_frame(tmp_path: Path) -> None:
    labels = [label(frame, 0, "Car", moved(20 * frame)) for frame in range(4)]
    answers = [answer(frame, 1, "Car", moved(20 * frame)) for frame in range(4)]
    drives = drives_of(tmp_path, {"0000": labels}, {YOLO: {"0000": answers}})
    assert only(drives, YOLO) == [True] * 4
    assert only(drives, YOLO, late_frames=1) == [False, True, True, True]  # 80 of 120
    assert only(drives, YOLO, late_frames=2) == [False] * 4  # 60 of 140


def test_kinds_count_for_whoever_knows_them(tmp_path: Path) -> None:
    kinds = ["Car", "Van", "Truck", "Pedestrian", "Cyclist"]
    labels = [label(0, number, kind, moved(300 * number)) for number, kind in enumerate(kinds)]
    seen = looks(drives_of(tmp_path, {"0000": labels}))
    counted = {
        (name, kind): of_kind(seen, name, kind)["label"].tolist() for name, one in SENSORS.items() for kind in one.labels
    }
    assert counted[YOLO, "car"] == ["Car", "Van"]
    assert counted[STEREO, "car"] == counted[LIDAR, "car"] == ["Car"]
    assert counted[LIDAR, "pedestrian"] == ["Pedestrian"] and counted[LIDAR, "cyclist"] == ["Cyclist"]


def test_a_box_of_another_kind_finds_nothing(tmp_path: Path) -> None:
    labels = [label(0, 0, "Pedestrian", HERE), label(1, 0, "Pedestrian", HERE)]
    answers = [answer(0, 1, "Car", HERE), answer(1, 1, "Pedestrian", HERE)]
    drives = drives_of(tmp_path, {"0000": labels}, {STEREO: {"0000": answers}})
    assert only(drives, STEREO, "pedestrian") == [False, True]


def test_cut_off_and_largely_hidden_objects_are_not_clear(tmp_path: Path) -> None:
    labels = [label(0, number, "Car", HERE, occlusion=level) for number, level in enumerate((0, 1, 2, 3))]
    labels += [label(0, 4, "Car", HERE, truncation=1)]
    seen = looks(drives_of(tmp_path, {"0000": labels}))
    assert seen["clear"].tolist() == [True, True, False, False, False]


def test_the_highest_score_of_those_that_find_decides(tmp_path: Path) -> None:
    labels = [label(0, 0, "Car", HERE), label(1, 0, "Car", HERE)]
    answers = [scored(0, "Car", HERE, 0.5), scored(0, "Car", moved(20), 2.5), scored(0, "Car", moved(50), 9.0)]
    seen = looks(drives_of(tmp_path, {"0000": labels}, lidar={"Car": {"0000": answers}}))
    assert seen[f"score_{LIDAR}"].tolist() == pytest.approx([2.5, np.nan], nan_ok=True)
    assert [is_hit(seen, LIDAR, at).tolist() for at in (2.5, 2.6)] == [[True, False], [False, False]]
    assert is_hit(seen, LIDAR).tolist() == [True, False]


def test_every_pair_in_turn_gives_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)

    def boxes(count: int) -> list[tuple[float, float, float, float]]:
        corner = rng.uniform(0, 60, (count, 2))
        return [tuple(row) for row in np.concatenate([corner, corner + rng.uniform(20, 60, (count, 2))], axis=1).round(3)]

    labels = [label(frame, track, "Car", box) for frame in range(6) for track, box in enumerate(boxes(4))]
    answers = [answer(frame, track, "Car", box) for frame in range(6) for track, box in enumerate(boxes(3))]
    drives = drives_of(tmp_path, {"0000": labels}, {YOLO: {"0000": answers}})
    found = [
        any(iou(mine, theirs) >= IOU for theirs in _of_frame(drives.answers[YOLO], mine))
        for _, mine in drives.labels.iterrows()
    ]
    assert 0 < sum(found) < len(found)
    assert only(drives, YOLO) == found
    assert len(paired(drives.labels, drives.answers[YOLO], SENSORS[YOLO])) == 6 * 4 * 3


def _of_frame(answers: pd.DataFrame, mine: pd.Series) -> list[pd.Series]:
    return [row for _, row in answers.iterrows() if row["frame"] == mine["frame"]]


def iou(first: pd.Series, second: pd.Series) -> float:
    left, top, right, bottom = ([first[side], second[side]] for side in BOX)
    both = max(min(right) - max(left), 0) * max(min(bottom) - max(top), 0)
    areas = [(one["right"] - one["left"]) * (one["bottom"] - one["top"]) for one in (first, second)]
    return float(both / (sum(areas) - both))
