"""A figure that no measurement gives is told with its line, its column, its value and what would be right."""

import shutil

import pandas as pd
import pytest

from simulator.errors import InputError
from simulator.evidence.catalogue import CatalogueError
from simulator.evidence.drive_tables import DriveError, load_drives
from simulator.evidence.evidence_files import MANIFEST
from simulator.evidence.evidence_tables import SHARE, Range, Table
from simulator.evidence.projection import power
from simulator.paths import CATALOGUE, DRIVES


@pytest.mark.parametrize("value", [-0.1, 1.5, float("inf"), float("nan"), "none"])
def test_the_first_figure_out_of_range_is_told(tmp_path, value):
    rows = pd.DataFrame({"share": [0.0, 1.0, value]})
    with pytest.raises(InputError, match=rf"t\.csv: line 4: share: expected a number from 0 to 1, got {value}"):
        Table("t.csv", {"share": SHARE}).check(tmp_path / "t.csv", rows, InputError)
    with pytest.raises(InputError, match=r"t\.parquet: row 2: share"):
        Table("t.parquet", {"share": SHARE}).check(tmp_path / "t.parquet", rows, InputError)


def test_what_may_be_unknown_may_be_absent_and_nothing_else(tmp_path):
    table = Table("t.csv", {"a": Range(0, 1, unknown=True)})
    table.check(tmp_path / "t.csv", pd.DataFrame({"a": [1.0, None]}), InputError)
    with pytest.raises(InputError, match="got 2"):
        table.check(tmp_path / "t.csv", pd.DataFrame({"a": [2.0, None]}), InputError)


def test_readers_of_tables_hold_their_figures_to_it(tmp_path):
    shutil.copytree(DRIVES, tmp_path / "drives", ignore=shutil.ignore_patterns(MANIFEST))
    spoiled = pd.read_csv(tmp_path / "drives" / "curves.csv")
    spoiled.loc[3, "recall"] = 1.5
    spoiled.to_csv(tmp_path / "drives" / "curves.csv", index=False)
    with pytest.raises(DriveError, match=r"curves\.csv: line 5: recall: expected a number from 0 to 1, got 1\.5"):
        load_drives(tmp_path / "drives")
    (tmp_path / "power.csv").write_text((CATALOGUE / "power.csv").read_text().splitlines()[0] + "\na,b,1,-1,5,c\n")
    with pytest.raises(CatalogueError, match=r"power\.csv: line 2: seconds: expected a number from 1e-09 to 3600, got -1"):
        power(tmp_path)
