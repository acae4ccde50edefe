"""Small files that stand for much more are refused, or read in little memory."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from simulator.evidence import row_files
from simulator.evidence.row_files import RecordingError, RowBounds, read_rows
from simulator.fresh_processes import in_fresh_process
from simulator.limits import MIB, MONITORED_BYTES, MONITORED_CELLS, RECORDED_BYTES, RECORDED_CELLS
from tests.hostile_tables import noted, one_word, peak_bytes, squeezed, wide

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts the peak of a process")
MONITORED = RowBounds(cells=MONITORED_CELLS, decoded=MONITORED_BYTES)


def growth(file: Path) -> tuple[str, int]:
    """What is said of a file, and the bytes by which reading it raises the peak of its process."""
    read_rows(noted(file.with_name("sound.parquet"), None), bounds=MONITORED)  # this loads all that reading needs
    before = peak_bytes()
    try:
        return f"{len(read_rows(file, bounds=MONITORED).rows):,} rows", peak_bytes() - before
    except RecordingError as error:
        return str(error), peak_bytes() - before


@LINUX
@pytest.mark.parametrize(
    ("rows", "length", "said"),
    [
        (
            40_000_000,
            200_000,
            "bomb.parquet: has 40,000,000 rows of 1 column, 40,000,000 cells; at most 20,000,000 are read: leave rows or "
            "columns out",
        ),
        (
            20_000_000,
            200_000,
            "bomb.parquet: holds at least 26,214,400,000 bytes once it is decoded; at most 268,435,456 are read: leave rows "
            "or columns out",
        ),
        (1_000_000, 200, "1,000,000 rows"),
    ],
)
def test_a_word_that_is_stored_once_counts_as_often_as_it_is_repeated(
    tmp_path: Path, rows: int, length: int, said: str
) -> None:
    file = one_word(tmp_path / "bomb.parquet", rows, length)
    assert file.stat().st_size < 280_000
    found, grown = in_fresh_process(growth, file)
    assert found == said
    assert grown < 4 * MONITORED_BYTES.most if found.endswith("rows") else grown < 100 * MIB


@pytest.mark.long
@LINUX
def test_words_that_compression_makes_small_are_refused_by_the_figures_of_the_file(tmp_path: Path) -> None:
    file = squeezed(tmp_path / "bomb.parquet", 300, 1_000_000)
    assert file.stat().st_size < 40_000
    found, grown = in_fresh_process(growth, file)
    assert found.startswith("bomb.parquet: holds at least 300,00")
    assert found.endswith("bytes once it is decoded; at most 268,435,456 are read: leave rows or columns out")
    assert grown < 50 * MIB


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (
            RowBounds(decoded=replace(RECORDED_BYTES, most=MIB)),
            r"holds at least \S+ bytes once it is decoded; at most 1,048,576",
        ),
        (
            RowBounds(cells=replace(RECORDED_CELLS, most=2999)),
            "has 3,000 rows of 1 column, 3,000 cells; at most 2,999 are read",
        ),
    ],
)
def test_reading_stops_at_the_bound_where_the_figures_of_the_file_are_wrong(
    tmp_path: Path, bounds: RowBounds, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "_check_figures", lambda *_: None)
    monkeypatch.setattr(row_files, "_BATCH", 100)
    with pytest.raises(RecordingError, match=said):
        read_rows(squeezed(tmp_path / "bomb.parquet", 3000, 1000), bounds=bounds)


def test_values_of_one_width_are_counted_before_they_are_read(tmp_path: Path) -> None:
    value = pa.array([b"x" * 100_000], pa.binary(100_000))
    table = pa.table({"key": pa.DictionaryArray.from_arrays(pa.array(np.zeros(3000, np.int8)), value)})
    parquet.write_table(table, tmp_path / "bomb.parquet", store_schema=False)
    with pytest.raises(RecordingError, match="holds at least 300,000,000 bytes once it is decoded"):
        read_rows(tmp_path / "bomb.parquet", bounds=MONITORED)


def test_a_csv_counts_its_lines_times_the_columns_of_its_header(tmp_path: Path) -> None:
    file = wide(tmp_path / "wide.csv", 2000, 20_000)
    assert file.stat().st_size < 25_000
    with pytest.raises(RecordingError, match="has 20,001 rows of 2,000 columns, 40,002,000 cells; at most 20,000,000"):
        read_rows(file, bounds=MONITORED)
    old = tmp_path / "old.csv"
    old.write_bytes(b"," * 1999 + b"\n" + b"\r" * 20_000)
    with pytest.raises(RecordingError, match="20,001 rows of 2,000 columns"):
        read_rows(old, bounds=MONITORED)
    (tmp_path / "header.csv").write_bytes(b"," * MIB)
    with pytest.raises(RecordingError, match="its first line is longer than 1,048,576 bytes; expected the names of columns"):
        read_rows(tmp_path / "header.csv")


@pytest.mark.parametrize(
    "notes",
    [
        b"{", b"\xff", b"[]", b"7", b"{}", b'{"index_columns": null}', b'{"index_columns": ["none"], "columns": 3}',
        b'{"index_columns": [{"kind": "range", "start": "x"}]}', b'{"index_columns": [["score"]], "columns": []}',
        b'{"index_columns": [], "columns": [{"name": "score", "numpy_type": "nonsense"}]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_is_read_whatever_pandas_noted_in_it(tmp_path: Path, notes: bytes) -> None:
    plain = read_rows(noted(tmp_path / "plain.parquet", None)).rows
    pd.testing.assert_frame_equal(read_rows(noted(tmp_path / "noted.parquet", notes)).rows, plain)


def test_names_of_rows_are_no_column_unless_they_are_asked_for(tmp_path: Path) -> None:
    frame = pd.DataFrame({"score": [0.5, 0.25]}, index=pd.Index([7, 3], name="image"))
    frame.to_parquet(tmp_path / "named.parquet")
    frame.rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    for name in ("named", "unnamed"):
        assert list(read_rows(tmp_path / f"{name}.parquet").rows) == ["score"]
    assert read_rows(tmp_path / "named.parquet", "image").rows["image"].tolist() == [7, 3]


def test_every_plain_kind_of_column_comes_as_pandas_wrote_it(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "real": [0.5, np.nan, 2],
            "word": ["a", None, "b"],
            "seen": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "good": [True, False, True],
            "class": pd.Categorical(["x", "y", "x"]),
        }
    )
    frame.to_parquet(tmp_path / "kinds.parquet")
    found = read_rows(tmp_path / "kinds.parquet").rows
    assert [[None if pd.isna(cell) else cell for cell in row] for row in found.to_numpy(object).tolist()] == [
        [None if pd.isna(cell) else cell for cell in row] for row in frame.to_numpy(object).tolist()
    ]


def test_columns_of_lists_are_left_out_and_told_where_they_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "lists.parquet"
    parquet.write_table(pa.table({"score": [0.5, 1.0], "vector": [[1.0], [2.0, 3.0]]}), file)
    found = read_rows(file)
    assert list(found.rows) == ["score"]
    assert list(found.nested) == ["vector"]
    with pytest.raises(RecordingError, match=r"lists\.parquet: column 'vector' holds list<.*>; expected a column of plain"):
        read_rows(file, "vector")


def test_two_columns_of_one_name_are_told(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "two.parquet")
    with pytest.raises(RecordingError, match=r"two\.parquet: two columns are called 'a'; rename one"):
        read_rows(tmp_path / "two.parquet")
