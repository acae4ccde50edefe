"""Rules that send frames home, on drives whose answers are known."""

import pytest

from campaigns.drives import sent_home
from campaigns.drives.hits import looks
from campaigns.drives.resample import resample
from tests.campaigns.drives.folders import answer, drives_of, label, scored

SEEN, HIDDEN = (100, 100, 160, 150), (300, 100, 360, 150)


def test_a_disagreement_holds_the_missed_car(tmp_path):
    """20 frames, looked at in 0 and 10: a car that both find, and in frame 10 one that the LiDAR alone finds."""
    frames = range(20)
    lines = [label(at, 1, "Car", SEEN) for at in frames] + [label(10, 2, "Car", HIDDEN)]
    camera = [answer(at, 1, "Car", SEEN) for at in frames]
    lidar = [scored(at, "Car", SEEN, 5.0) for at in frames] + [scored(10, "Car", HIDDEN, 5.0)]
    drives = drives_of(tmp_path, {"0000": lines}, {"kitti.yolox_x": {"0000": camera}}, {"Car": {"0000": lidar}})
    rows = sent_home.table(drives, looks(drives), resample(drives, 20)).set_index("rule")
    assert rows["frames"].to_dict() == {"any": 2, "small": 0, "disagreement": 1}
    assert rows["missed"].to_dict() == {"any": 1, "small": 0, "disagreement": 1}
    assert rows.loc["disagreement", ["sent_share", "missed_share", "per_frame"]].tolist() == pytest.approx([0.5, 1, 1])
