"""A figure that no measurement gives is told with its line, its column, its value and what would be right."""

import shutil

import pandas as pd
import pytest

from simulator.errors import InputError
from simulator.evidence.drive_tables import load_drives
from simulator.evidence.evidence_files import MANIFEST, EvidenceError
from simulator.evidence.evidence_tables import NUMBER, SHARE, CellWords, Range, Table, TableGroup, columns, rows_with
from simulator.evidence.projection import power
from simulator.paths import CATALOGUE, DRIVES


@pytest.mark.parametrize("value", [-0.1, 1.5, float("inf"), float("nan"), "none"])
def test_the_first_figure_out_of_range_is_told(tmp_path, value):
    rows = pd.DataFrame({"share": [0.0, 1.0, value]})
    with pytest.raises(InputError, match=rf"t\.csv: line 4: share: expected a number from 0 to 1, got {value}"):
        Table("t.csv", {"share": SHARE}).check(tmp_path / "t.csv", rows)
    with pytest.raises(InputError, match=r"t\.parquet: row 2: share"):
        Table("t.parquet", {"share": SHARE}).check(tmp_path / "t.parquet", rows)


def test_what_may_be_unknown_may_be_absent_and_nothing_else(tmp_path):
    table = Table("t.csv", {"a": Range(0, 1, unknown=True)})
    table.check(tmp_path / "t.csv", pd.DataFrame({"a": [1.0, None]}))
    with pytest.raises(InputError, match="got 2"):
        table.check(tmp_path / "t.csv", pd.DataFrame({"a": [2.0, None]}))


def test_readers_of_tables_hold_their_figures_to_it(tmp_path):
    shutil.copytree(DRIVES, tmp_path / "drives", ignore=shutil.ignore_patterns(MANIFEST))
    spoiled = pd.read_csv(tmp_path / "drives" / "curves.csv")
    spoiled.loc[3, "recall"] = 1.5
    spoiled.to_csv(tmp_path / "drives" / "curves.csv", index=False)
    with pytest.raises(EvidenceError, match=r"curves\.csv: line 5: recall: expected a number from 0 to 1, got 1\.5"):
        load_drives(tmp_path / "drives")
    (tmp_path / "power.csv").write_text((CATALOGUE / "power.csv").read_text().splitlines()[0] + "\na,b,1,-1,5,c\n")
    with pytest.raises(EvidenceError, match=r"power\.csv: line 2: seconds: expected a number from 1e-09 to 3600, got -1"):
        power(tmp_path)


TABLE = Table(
    "t.csv",
    columns("name", CellWords()) | columns("kind", CellWords(("crop", "image"))) | columns("value low high", NUMBER),
    key=("name", "kind"),
    bounded=(("value", "low", "high"),),
)
RIGHT = {"name": ["a", "b"], "kind": ["crop", "crop"], "value": [2.0, 5.0], "low": [1.0, 5.0], "high": [3.0, 5.0]}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": ["a", None]}, r"line 3: name: expected a value, got "),
        ({"kind": ["photo", "crop"]}, "line 2: kind: expected one of crop, image, got photo"),
        ({"high": [3.0, float("inf")]}, "line 3: high: expected a finite number, got inf"),
        ({"low": [1.0, 5.5]}, r"line 3: value: expected a figure between low and high, got 5\.0"),
        ({"name": ["a", "a"]}, "line 3: kind: expected one row per name, kind, got crop"),
    ],
)
def test_words_bounds_and_the_key_are_held_to_their_description(tmp_path, changed, sentence):
    TABLE.check(tmp_path / "t.csv", pd.DataFrame(RIGHT))
    with pytest.raises(InputError, match=sentence):
        TABLE.check(tmp_path / "t.csv", pd.DataFrame(RIGHT | changed))


class Pair(TableGroup):
    """Two tables of one folder."""

    first = TABLE
    second = Table("second.csv", columns("x", SHARE))


def test_a_group_reads_each_of_its_tables_and_describes_them_itself(tmp_path):
    pd.DataFrame(RIGHT).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=r"second\.csv: is missing; `make it` writes it"):
        Pair.read("origin", tmp_path, "make it")
    pd.DataFrame({"x": [0.5], "more": ["kept"]}).to_csv(tmp_path / "second.csv", index=False)
    pair = Pair.read("origin", tmp_path)
    assert pair.first.to_dict("list") == RIGHT
    assert (pair.about, pair.second["more"].tolist()) == ("origin", ["kept"])
    assert Pair.first.names == ["name", "kind", "value", "low", "high"] and list(Pair.tables()) == ["first", "second"]


def test_rows_are_looked_up_by_value_and_the_first_missing_one_is_named():
    rows = pd.DataFrame(RIGHT)
    assert rows_with(rows, "t.csv", kind="crop", name="b")["value"].tolist() == [5.0]
    with pytest.raises(InputError, match=r"t\.csv: name: holds no 'c'; there are: a, b"):
        rows_with(rows, "t.csv", kind="crop", name="c")
