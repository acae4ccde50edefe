"""`python -m campaigns.drives`: tables of drives that the test writes, and the sentence that each wrong folder gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.campaigns.drives.folders import answer, label, scored, write_folder

Run = Callable[..., tuple[int, str, str]]
#: Needs the extra `zoo`.
write = pytest.importorskip("campaigns.drives.write")


@pytest.fixture
def drives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two drives in which a car comes nearer and is seen by everybody in all frames but the first; two people are not seen.

    The tables that fit chains take minutes, and have tests of their own.
    """
    monkeypatch.setattr(write, "TABLES", {name: write.TABLES[name] for name in ("recall", "lateness", "tracking")})
    boxes = [(500.0 - 3 * f, 150.0, 560.0 + 3 * f, 190.0 + 2 * f) for f in range(30)]
    labels = {name: [label(f, 0, "Car", box, z=50 - f) for f, box in enumerate(boxes)] for name in ("0000", "0001")}
    for lines in labels.values():
        lines += [label(3, 1, "Pedestrian", boxes[0]), label(3, 2, "Cyclist", boxes[0])]
    seen = {name: [answer(f, 1, "Car", box) for f, box in enumerate(boxes)][1:] for name in labels}
    lidar = {name: [scored(f, "Car", box, 4, z=50 - f) for f, box in enumerate(boxes)][1:] for name in labels}
    cameras = dict.fromkeys(("kitti.yolox_x", "kitti.yolov4", "kitti.yolov3", "kitti.ciwt_stereo"), seen)
    return write_folder(tmp_path / "drives", labels, cameras, {"Car": lidar})


def test_the_command_writes_tables_and_shows_what_lateness_takes(campaign: Run, drives: Path, tmp_path: Path) -> None:
    status, shown, told = campaign("drives", drives, "--out", tmp_path / "out")
    assert (status, "written to" in told) == (0, True)
    assert "kitti.yolox_x, moved on" in shown and "0.967" in shown and "HOTA" in shown
    recall = pd.read_csv(tmp_path / "out" / "recall.csv")
    everything = recall[recall["by"].eq("all")].set_index("seen_by")["found"]
    assert everything["kitti.yolox_x"] == pytest.approx(29 / 30, abs=1e-5)
    assert (tmp_path / "out" / "about.yaml").is_file()


def test_a_wrong_folder_is_told_and_nothing_is_written(campaign: Run, drives: Path, tmp_path: Path) -> None:
    status, shown, told = campaign("drives", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert (status, shown) == (2, "")
    assert "nowhere: there is no such folder" in told and "Traceback" not in told
    (drives / "labels" / "0001.txt").write_text("0 0 Car 0 0\n")
    status, _, told = campaign("drives", drives, "--out", tmp_path / "out")
    assert status == 2 and "0001.txt, line 1: has 5 fields" in told
    assert not (tmp_path / "out").exists()


def test_too_little_for_the_tables_is_told(campaign: Run, drives: Path, tmp_path: Path) -> None:
    lines = (drives / "labels" / "0001.txt").read_text().splitlines()
    for name in ("0000", "0001"):
        (drives / "labels" / f"{name}.txt").write_text("\n".join(line for line in lines if "Cyclist" not in line))
    status, _, told = campaign("drives", drives, "--out", tmp_path / "out")
    assert status == 2 and "labels: has no Cyclist with truncation 0" in told
    (drives / "labels" / "0001.txt").unlink()
    status, _, told = campaign("drives", drives, "--out", tmp_path / "out")
    assert status == 2 and "labels: holds one drive" in told
