"""HOTA and MOTA of trackers whose figures can be worked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.drives.read import read_drives
from campaigns.drives.sensors import PUBLISHED_CAMERAS
from campaigns.drives.tracking import PUBLISHED, table
from tests.campaigns.drives.folders import answer, label, write_folder

ONE, OTHER = (100.0, 100.0, 200.0, 200.0), (500.0, 100.0, 600.0, 200.0)


def test_trackers_with_faults_that_can_be_counted(tmp_path: Path) -> None:
    frames = range(10)
    labels = {"0000": [label(f, track, "Car", box) for f in frames for track, box in enumerate((ONE, OTHER))]}
    both = [answer(f, track, "Car", box) for f in frames for track, box in ((1, ONE), (2, OTHER))]
    half = [answer(f, 1, "Car", ONE) for f in frames]
    renamed = [answer(f, 1 if f < 5 else 3, "Car", ONE) for f in frames] + [answer(f, 2, "Car", OTHER) for f in frames]
    beside = [
        answer(f, track, "Car", (box[0] + 20, box[1], box[2] + 20, box[3]))
        for f in frames
        for track, box in ((1, ONE), (2, OTHER))
    ]
    seen = dict(zip(PUBLISHED_CAMERAS, ({"0000": lines} for lines in (both, half, renamed, beside)), strict=True))
    folder = write_folder(tmp_path, labels, seen)
    found = table(folder, read_drives(folder)).set_index("seen_by")
    assert found["published_hota"].to_dict() == PUBLISHED
    perfect, blind, broken, shifted = (found.loc[name, ["hota", "deta", "assa", "mota"]].tolist() for name in PUBLISHED_CAMERAS)
    assert perfect == pytest.approx([100] * 4)
    # One of two is never found: detection 1/2, association of what is found 1, HOTA their geometric mean.
    assert blind == pytest.approx([100 * 0.5**0.5, 50, 100, 50])
    # Half of the boxes belong to a track that is cut in two: it shares 5 of 10 frames with either part. One change in 20 boxes.
    assert broken == pytest.approx([100 * 0.75**0.5, 100, 75, 95])
    # An overlap of 80 / 120 is enough at 13 of the 19 overlaps from 0.05 to 0.95.
    assert shifted == pytest.approx([100 * 13 / 19] * 3 + [100])
