"""Reading drives: what stands in the files, and the sentence that each wrong one gets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.drives.read import PARTS, DrivesError, read_drives
from tests.campaigns.drives.folders import answer, drives_of, label, scored, write_folder

BOX = (100.0, 150.0, 180.0, 200.0)
DONT_CARE = "0 -1 DontCare -1 -1 -10 5 6 25 36 -1000 -1000 -1000 -10 -1 -1 -1"
STEREO = "1 4 Car -1.0 -1 -5.0 100 150 180 200 1.4 1.6 3.9 2.5 1.6 30.5 -10 7.5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    labels = {"0003": [DONT_CARE, label(0, 0, "Van", BOX, z=13.5, x=-4.5, occlusion=1), label(4, 0, "Van", BOX)]}
    cameras = {
        "kitti.yolox_x": {"0003": [answer(2, 7, "Car", BOX), answer(3, 7, "Car", (1250, 150, 1242, 200))]},
        "kitti.ciwt_stereo": {"0003": [STEREO]},
    }
    lidar = {"Car": {"0003": [scored(0, "Car", BOX, 3.25, z=14)]}, "Cyclist": {"0003": [scored(1, "Cyclist", BOX, -1)]}}
    return write_folder(tmp_path, labels, cameras, lidar)


def test_a_folder_says_what_stands_in_its_files(folder: Path) -> None:
    parts: list[None] = []
    drives = read_drives(folder, lambda: parts.append(None))
    assert len(parts) == PARTS
    assert drives.frames == {"0003": 5}
    first = drives.labels.iloc[0].to_dict()
    expected = {
        "drive": "0003",
        "frame": 0,
        "track": 0,
        "label": "Van",
        "truncation": 0,
        "occlusion": 1,
        "left": 100,
        "top": 150,
    }
    expected |= {"right": 180, "bottom": 200, "height_px": 50, "height_m": 1.5, "width_m": 1.6, "length_m": 4}
    assert first == expected | {"x_m": -4.5, "y_m": 1.7, "z_m": 13.5, "rotation": -1.6}
    assert drives.unlabelled.to_numpy().tolist() == [["0003", 0, 5, 6, 25, 36]]
    assert drives.cameras["0003"][0].tolist() == [700, 0, 600, 45]
    assert drives.hours == pytest.approx(0.5 / 3600)


def test_answers_carry_what_their_sensor_knows(folder: Path) -> None:
    drives = read_drives(folder)
    yolo, stereo = (drives.answers[f"kitti.{name}"] for name in ("yolox_x", "ciwt_stereo"))
    assert yolo[["frame", "track", "object", "left"]].to_numpy().tolist() == [[2, 7, "car", 100]]  # the other has no area
    assert yolo[["score", "z_m"]].isna().all(axis=None)
    assert stereo[["x_m", "z_m"]].to_numpy().tolist() == [[2.5, 30.5]]
    lidar = drives.answers["kitti.pointrcnn"]
    assert lidar[["frame", "track", "object", "score", "z_m"]].to_numpy().tolist() == [
        [0, -1, "car", 3.25, 14],
        [1, -1, "cyclist", -1, 20],
    ]
    assert drives.answers["kitti.yolov3"].empty


def test_some_drives_can_be_taken(tmp_path: Path) -> None:
    labels = {name: [label(frame, 0, "Car", BOX) for frame in range(2)] for name in ("0000", "0001")}
    drives = drives_of(tmp_path, labels, {"kitti.yolov3": {name: [answer(0, 1, "Car", BOX)] for name in labels}})
    one = drives.only(["0001"])
    assert one.names == ["0001"] and set(one.labels["drive"]) == {"0001"} and one.labels.index.tolist() == [0, 1]
    assert set(one.answers["kitti.yolov3"]["drive"]) == {"0001"} and set(one.cameras) == {"0001"}


GOOD = label(0, 0, "Car", BOX)
LINES = {
    "too few fields": (
        "labels/0003.txt",
        [GOOD, "1 0 Car 0 0"],
        "labels/0003.txt, line 2: has 5 fields; 17 belong there: frame track",
    ),
    "no number": ("labels/0003.txt", [GOOD, GOOD.replace("0 0 Car", "x 0 Car")], "line 2: frame: got 'x', expected a number"),
    "not finite": ("labels/0003.txt", [GOOD.replace("20.0", "nan")], "line 1: z_m: got 'nan', expected a number"),
    "half a frame": ("labels/0003.txt", [GOOD.replace("0 0 Car", "0.5 0 Car")], "frame: got '0.5', expected a whole number"),
    "before the start": (
        "labels/0003.txt",
        [GOOD.replace("0 0 Car", "-1 0 Car")],
        "line 1: frame: got '-1', expected 0 or more",
    ),
    "a new class": ("labels/0003.txt", [GOOD.replace("Car", "Vam")], "line 1: label: got 'Vam', did you mean 'Van'?"),
    "a box inside out": ("labels/0003.txt", [label(0, 0, "Car", (9, 1, 5, 4))], "right: got '5', expected a number above left"),
    "twice": ("labels/0003.txt", ["", GOOD, "", GOOD], "line 4: track: got '0', expected one line for each track and frame"),
    "nothing": ("labels/0003.txt", [], "labels/0003.txt: has no line"),
    "another class": ("lidar_pointrcnn/Cyclist/0003.txt", [scored(0, "Car", BOX, 1)], "code: got '2', expected 3 for Cyclist"),
    "spaces": ("lidar_pointrcnn/Car/0003.txt", ["0 2 1 1 2 2"], "line 1: has 1 fields; 15 belong there"),
    "no matrix": ("calib/0003.txt", ["P0: 1"], "calib/0003.txt: has no line `P2:`"),
    "half a matrix": ("calib/0003.txt", ["P2: 1 2 3"], "calib/0003.txt, line 1: P2: expected 12 numbers, got '1 2 3'"),
}


@pytest.mark.parametrize(("file", "lines", "told"), LINES.values(), ids=LINES)
def test_a_wrong_line_is_told_with_its_place(folder: Path, file: str, lines: list[str], told: str) -> None:
    (folder / file).write_text("\n".join(lines))
    with pytest.raises(DrivesError) as caught:
        read_drives(folder)
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(folder))


def test_what_is_missing_is_told(folder: Path) -> None:
    (folder / "camera" / "yolov4" / "0003.txt").unlink()
    with pytest.raises(DrivesError, match=r"yolov4/0003.txt: there is no such file; labels/0003.txt has no counterpart"):
        read_drives(folder)
    shutil.rmtree(folder / "calib")
    with pytest.raises(DrivesError, match=r"calib/0003.txt: there is no such folder"):
        read_drives(folder)
    with pytest.raises(DrivesError, match=r"nowhere: there is no such folder; give one with labels/"):
        read_drives(folder / "nowhere")
    with pytest.raises(DrivesError, match=r"labels: there is no file DRIVE.txt"):
        read_drives(folder / "camera")
    (folder / "labels" / "0003.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DrivesError, match="is not a text file"):
        read_drives(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 16), word=st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12))
def test_any_field_is_read_or_told_in_a_line(folder: Path, place: int, word: str) -> None:
    fields = GOOD.split()
    fields[place] = word
    (folder / "labels" / "0003.txt").write_text(" ".join(fields))
    try:
        drives = read_drives(folder)
    except DrivesError as error:
        assert "\n" not in str(error) and "0003.txt" in str(error)
    else:
        assert sum(drives.frames.values()) >= 1
