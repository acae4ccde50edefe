"""The share found, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from campaigns.drives.hits import looks
from campaigns.drives.recall import COLUMNS, table
from campaigns.drives.resample import resample
from tests.campaigns.drives.folders import answer, drives_of, label, scored

YOLO, LIDAR = "kitti.yolox_x", "kitti.pointrcnn"
SMALL, LARGE = (100.0, 100.0, 130.0, 130.0), (300.0, 100.0, 400.0, 200.0)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Ten frames with a small car far away, found in five, a large one, found always, and a hidden one, never."""
    folder: Path = tmp_path_factory.mktemp("drives")
    frames = range(10)
    labels = [label(f, 0, "Car", SMALL, z=35) for f in frames] + [label(f, 1, "Van", LARGE, z=9, occlusion=1) for f in frames]
    labels += [label(f, 2, "Car", (600, 100, 700, 200), z=12, occlusion=2) for f in frames]
    labels += [label(f, 3, "Pedestrian", (900, 100, 940, 200), z=18) for f in frames]
    answers = [answer(f, 1, "Car", SMALL) for f in frames[:5]] + [answer(f, 2, "Car", LARGE) for f in frames]
    people = [scored(f, "Pedestrian", (900, 100, 940, 200), 0.5 + f, z=18) for f in frames]
    drives = drives_of(folder, {"0000": labels}, {YOLO: {"0000": answers}}, {"Pedestrian": {"0000": people}})
    return table(looks(drives), resample(drives))


def row(found: pd.DataFrame, by: str, low: float | None = None, seen_by: str = YOLO, kind: str = "car") -> pd.Series:
    rows = found[found["seen_by"].eq(seen_by) & found["object"].eq(kind) & found["by"].eq(by)]
    [one] = (rows if low is None else rows[rows["low"].eq(low)]).to_dict("records")
    return pd.Series(one)


def test_shares_are_those_counted_by_hand(found: pd.DataFrame) -> None:
    assert found.columns.tolist() == COLUMNS
    assert row(found, "all")[["boxes", "tracks", "found"]].tolist() == [20, 2, 0.75]
    assert row(found, "height_px", 25)["found"] == row(found, "distance_m", 30)["found"] == 0.5
    assert row(found, "height_px", 80)["found"] == row(found, "distance_m", 0)["found"] == 1
    assert [row(found, "occlusion", level)["found"] for level in (0, 1, 2)] == [0.5, 1, 0]
    assert row(found, "all", seen_by="kitti.ciwt_stereo")["boxes"] == 10  # without the van


def test_a_scored_detector_is_judged_at_each_threshold(found: pd.DataFrame) -> None:
    rows = found[found["seen_by"].eq(LIDAR) & found["object"].eq("pedestrian") & found["by"].eq("all")]
    assert dict(zip(rows["threshold"], rows["found"], strict=True)) == {-1: 1, 0: 1, 1: 0.9, 2: 0.8, 3: 0.7, 4: 0.6, 5: 0.5}


def test_an_interval_holds_its_share(found: pd.DataFrame) -> None:
    assert (found["found_low"] <= found["found"]).all() and (found["found"] <= found["found_high"]).all()
    assert row(found, "height_px", 80)["found_low"] == pytest.approx(0.025)  # one track, found: Clopper and Pearson 1934
