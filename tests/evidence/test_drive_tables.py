"""Evidence of drives is read whole, or refused with its place."""

from __future__ import annotations

import pytest

from simulator.evidence.drive_tables import Drives, load_drives
from simulator.evidence.evidence_files import EvidenceError
from simulator.paths import DRIVES


def test_what_is_shipped_is_whole():
    drives = load_drives(DRIVES)
    assert "non-commercial" in f"{drives.about.licence} {drives.about.attribution}".lower()
    for name in Drives.tables():
        assert len(getattr(drives, name))


def test_thirteen_minutes_without_one_leave_three_over_the_hours():
    """The rule of three, where nothing was seen; Garwood's bound is 3.7 on two sides, 3 on one."""
    rows = load_drives(DRIVES).false
    for _, row in rows[rows["count"] == 0].iterrows():
        assert 2.9 < row["per_hour_high"] * row["hours"] < 3.8


def test_a_folder_without_tables_says_which_command_makes_them(tmp_path):
    with pytest.raises(EvidenceError, match=r"about\.yaml: is missing; `python -m campaigns.drives` writes it"):
        load_drives(tmp_path)


def test_a_table_that_lacks_a_column_is_named(tmp_path):
    (tmp_path / "about.yaml").write_text("{date: x, attribution: y, licence: z}", encoding="utf-8")
    (tmp_path / "recall.csv").write_text("seen_by,object\na,car\n", encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"recall\.csv: lacks the column threshold"):
        load_drives(tmp_path)
