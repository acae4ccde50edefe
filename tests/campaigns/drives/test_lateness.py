"""What lateness takes from a perfect detector of cars at known speeds, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from campaigns.drives.lateness import COLUMNS, LATE_FRAMES, table
from campaigns.drives.resample import resample
from campaigns.drives.sensors import CAMERAS
from tests.campaigns.drives.folders import answer, drives_of, label

YOLO = "kitti.yolox_x"
FRAMES = 20


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A car 40 pixels wide moves by 10 a frame and comes nearer by 0.6 m: late by k, its overlap is (40 - 10k) / (40 + 10k)."""
    folder: Path = tmp_path_factory.mktemp("drives")
    boxes = [(100.0 + 10 * frame, 150.0, 140.0 + 10 * frame, 180.0) for frame in range(FRAMES)]
    labels = {name: [label(f, 0, "Car", box, z=40 - 0.6 * f) for f, box in enumerate(boxes)] for name in ("0000", "0001")}
    seen = {name: [answer(f, 1, "Car", box) for f, box in enumerate(boxes)] for name in labels}
    drives = drives_of(folder, labels, {YOLO: seen})
    told: list[None] = []
    rows = table(drives, resample(drives), lambda: told.append(None))
    assert len(told) == len(CAMERAS)
    return rows


def shares(found: pd.DataFrame, predicted: bool, iou: float = 0.5, by: str = "all", camera: str = YOLO) -> list[float]:
    rows = found[found["seen_by"].eq(camera) & found["predicted"].eq(predicted) & found["iou"].eq(iou) & found["by"].eq(by)]
    assert rows["late_frames"].tolist() == list(LATE_FRAMES)
    return rows["found"].tolist()


def test_a_share_is_lost_once_the_overlap_falls_below(found: pd.DataFrame) -> None:
    # Overlaps of 1, 30 / 50, 20 / 60, 10 / 70, 0, 0; before the first answer, one frame is lost.
    assert shares(found, False) == pytest.approx([1, 19 / 20, 0, 0, 0, 0])
    assert shares(found, False, iou=0.7) == pytest.approx([1, 0, 0, 0, 0, 0])


def test_prediction_gives_back_all_but_the_frames_before_a_speed_is_known(found: pd.DataFrame) -> None:
    # The first box has no speed: late by 1 it still overlaps by 0.6, late by more it is lost, with the frames before.
    expected = [1, 19 / 20] + [(FRAMES - late - 1) / FRAMES for late in (2, 3, 4, 5)]
    assert shares(found, True) == pytest.approx(expected)


def test_the_part_won_back_is_that_of_the_loss(found: pd.DataFrame) -> None:
    rows = found[found["seen_by"].eq(YOLO) & found["iou"].eq(0.5) & found["by"].eq("all")].set_index(
        ["predicted", "late_frames"]
    )
    assert rows.loc[(True, 3), "won_back"] == pytest.approx(16 / 20)
    assert rows.loc[(True, 1), "won_back"] == pytest.approx(0)
    assert rows.loc[False, "won_back"].isna().all() and pd.isna(rows.loc[(True, 0), "won_back"])


def test_bands_are_those_of_height_and_speed(found: pd.DataFrame) -> None:
    assert found.columns.tolist() == COLUMNS
    bands = {(row.by, row.low, row.high) for row in found.dropna(subset="low").itertuples()}
    assert bands == {("height_px", 25, 40), ("closing_mps", 5, 10)}  # 30 pixels, 6 m/s
    assert shares(found, False, by="closing_mps") == shares(found, False)
    assert set(found["boxes"]) == {2 * FRAMES}
    assert found["late_s"].unique().tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_who_saw_nothing_loses_nothing(found: pd.DataFrame) -> None:
    assert shares(found, True, camera="kitti.yolov3") == [0] * 6
    assert found.loc[found["seen_by"].eq("kitti.yolov3"), "won_back"].isna().all()


def test_no_part_is_told_where_it_is_open_whether_anything_is_lost(tmp_path: Path) -> None:
    # In one drive a car moves as above. In the other it stands, and its last five frames have no answer: resamples of that one
    # alone find more with late answers.
    boxes = {
        "0000": [(100.0 + 10 * f, 150.0, 140.0 + 10 * f, 180.0) for f in range(FRAMES)],
        "0001": [(100.0, 150.0, 140.0, 180.0)],
    }
    boxes["0001"] *= FRAMES
    labels = {name: [label(f, 0, "Car", box) for f, box in enumerate(mine)] for name, mine in boxes.items()}
    seen = {name: [answer(f - 5, 1, "Car", box) for f, box in enumerate(mine) if f >= 5] for name, mine in boxes.items()}
    seen["0000"] = [answer(f, 1, "Car", box) for f, box in enumerate(boxes["0000"])]
    drives = drives_of(tmp_path, labels, {YOLO: seen})
    rows = table(drives, resample(drives))
    rows = rows[rows["seen_by"].eq(YOLO) & rows["by"].eq("all") & rows["iou"].eq(0.5) & rows["predicted"]]
    assert rows["won_back"].isna().all()
