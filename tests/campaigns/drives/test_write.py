"""What is written: counts by hand, whole files, and whose data they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from campaigns.drives.write import about, write_tables
from tests.campaigns.drives.folders import drives_of, label

BOX = (100.0, 100.0, 200.0, 200.0)


def test_about_counts_boxes_tracks_and_those_that_come_nearer(tmp_path: Path) -> None:
    labels = [label(f, 0, "Car", BOX, z=40 - 0.6 * f) for f in range(20)]  # 11.4 m nearer in 20 frames
    labels += [label(f, 1, "Car", BOX, z=40 - 0.5 * f) for f in range(20)]  # 9.5 m
    labels += [label(f, 2, "Van", BOX, z=40 - f) for f in range(19)]  # a frame too few
    told = about(drives_of(tmp_path, {"0000": labels}))
    assert told["counts"]["boxes"] == {"Car": 40, "Van": 19} and told["counts"]["tracks"] == {"Car": 2, "Van": 1}
    assert told["counts"]["tracks_10_m_nearer_in_2_s_or_more"] == {"Car": 1}
    assert (told["counts"]["frames"], told["counts"]["drives"]) == (20, 1)
    assert "Geiger" in told["attribution"] and "non-commercial" in told["licence"]


def test_tables_are_written_whole_with_five_digits(tmp_path: Path) -> None:
    drives = drives_of(tmp_path / "drives", {"0000": [label(0, 0, "Car", BOX)]})
    write_tables(tmp_path / "out", {"recall": pd.DataFrame({"by": ["all"], "low": [None], "found": [0.123456]})}, drives)
    assert (tmp_path / "out" / "recall.csv").read_text() == "by,low,found\nall,,0.12346\n"
    assert YAML(typ="safe").load(tmp_path / "out" / "about.yaml")["counts"]["boxes"] == {"Car": 1}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["about.yaml", "recall.csv"]
