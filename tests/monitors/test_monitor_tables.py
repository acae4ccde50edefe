"""Files that are wrong: each fault with its file, row, column and value, and what would be right."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.errors import InputError
from simulator.limits import Limit
from simulator.monitors import monitor_tables
from simulator.monitors.monitor_tables import MonitoredTable, TableError, columns, read_table, read_tables, times, words


def frame(**changes: object) -> pd.DataFrame:
    base = {
        "score": np.linspace(0, 1, 30),
        "site": ["a", "b", "c"] * 10,
        "boxes": [1, 2, 3] * 10,
        "id": map(str, range(100, 130)),
    }
    return pd.DataFrame(base).assign(**changes)


def write(folder: Path, name: str, content: pd.DataFrame | bytes) -> Path:
    file = folder / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif file.suffix == ".parquet":
        content.to_parquet(file)
    else:
        content.to_csv(file, index=False)
    return file


def refusal(folder: Path, content: pd.DataFrame | bytes, name: str = "production.csv") -> str:
    """What is said of such a production beside a sound reference."""
    with pytest.raises(InputError) as refused:
        reference = read_table(write(folder, "reference.csv", frame()))
        columns((reference, read_table(write(folder, name, content))), ())
    return str(refused.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_kinds_of_columns_are_told_from_their_content(tmp_path: Path, suffix: str) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    both = frame(good=[True, False] * 15)
    found, notes = columns(tuple(read_table(write(tmp_path, f"{name}.{suffix}", both)) for name in ("one", "other")), ())
    assert {column.name: column.kind for column in found} == {
        "score": "numbers",
        "site": "words",
        "boxes": "counts",
        "id": "numbers",
        "good": "words",
    }
    assert notes == []


def test_names_of_rows_are_not_compared_and_it_is_said() -> None:
    named = MonitoredTable("one", frame(id=[f"image-{row}" for row in range(30)]))
    other = MonitoredTable("other", frame(id=[f"image-{row}" for row in range(30, 60)]))
    found, notes = columns((named, other), ())
    assert [column.name for column in found] == ["score", "site", "boxes"]
    assert notes == ["'id' has 60 different words, more than 50: taken for names and not compared"]


def test_a_word_among_numbers_is_told_with_its_line(tmp_path: Path) -> None:
    scores = [*map(str, np.linspace(0, 1, 29)), "high"]
    told = refusal(tmp_path, frame(score=scores))
    assert told == "production.csv, line 31, column 'score': expected a number, or nothing, got 'high'"


def test_words_where_the_reference_has_numbers_are_told_at_the_first(tmp_path: Path) -> None:
    told = refusal(tmp_path, frame(score="low"))
    assert told == "production.csv, line 2, column 'score': expected a number, or nothing, got 'low'"


def test_an_infinite_value_is_told_with_its_row(tmp_path: Path) -> None:
    scores = np.linspace(0, 1, 30)
    scores[4] = np.inf
    assert refusal(tmp_path, frame(score=scores)) == (
        "production.csv, line 6, column 'score': expected a finite number, or nothing, got 'inf'"
    )
    scores[4] = -1e200
    assert "line 6, column 'score': expected a number of at most 1e+100, or nothing" in refusal(tmp_path, frame(score=scores))
    scores[4] = np.inf
    pytest.importorskip("pyarrow")
    told = refusal(tmp_path, frame(score=scores), "production.parquet")
    assert told.startswith("production.parquet, row 5, column 'score': expected a finite number")


def test_a_column_without_any_value_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path, frame(score=np.nan)) == "production.csv: column 'score' is empty in all 30 rows"


def test_columns_that_only_one_file_has_are_told(tmp_path: Path) -> None:
    told = refusal(tmp_path, frame(extra=1).drop(columns="boxes"))
    assert told == (
        "only reference.csv has 'boxes'; only production.csv has 'extra': both files need the same columns; "
        "--columns names those to compare"
    )
    both = (MonitoredTable("one", frame()), MonitoredTable("other", frame(extra=1).drop(columns="boxes")))
    assert [column.name for column in columns(both, (), ["score"])[0]] == ["score"]


def test_a_missing_column_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"one: there is no column 'sit'; did you mean 'site'\?"):
        columns((MonitoredTable("one", frame()), MonitoredTable("other", frame())), ["sit"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "production.csv: is empty"),
        (b"score,site\n" + b"1,a\n" * 19, "production.csv: at least 20 rows are needed to compare anything; it has 19"),
        (b"score,site\n", "production.csv: at least 20 rows are needed to compare anything; it has 0"),
        (b"score,site\n1,a\n2,caf\xe9\n", "production.csv, line 3: byte 0xe9: is not UTF-8; save the file as UTF-8"),
        (b'score,site\n1,"a\n', "production.csv: cannot be read: "),
    ],
)
def test_files_that_cannot_be_read_are_told(tmp_path: Path, content: bytes, told: str) -> None:
    assert refusal(tmp_path, content).startswith(told)


def test_a_missing_file_a_broken_one_and_one_of_more_than_a_gibibyte_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: there is no such file"):
        read_table(tmp_path / "nowhere.csv")
    pytest.importorskip("pyarrow")
    assert "broken.parquet: cannot be read" in refusal(tmp_path, b"PAR1 no more", "broken.parquet")
    large = tmp_path / "large.csv"
    with large.open("wb") as sparse:
        sparse.truncate(1024**3 + 1)
    with pytest.raises(InputError, match="is 1,073,741,825 bytes long; at most 1,073,741,824 are read"):
        read_table(large)


def test_times_are_seconds_or_stamps() -> None:
    assert times(MonitoredTable("one", pd.DataFrame({"t": [0.0, 7200]})), "t").tolist() == [0, 2]
    stamps = MonitoredTable("one", pd.DataFrame({"t": ["2026-01-01T00:00", "2026-01-01 01:30:00", "2026-01-01T04:00+02:00"]}))
    assert (times(stamps, "t") - times(stamps, "t")[0]).tolist() == [0, 1.5, 2]
    assert times(MonitoredTable("one", pd.DataFrame({"t": pd.to_datetime(["1970-01-02"])})), "t").tolist() == [24]


@pytest.mark.parametrize("given", ["noon", None])
def test_a_time_that_is_none_is_told_with_its_row(given: str | None) -> None:
    table = MonitoredTable("one.csv", pd.DataFrame({"t": ["2026-01-01", "2026-01-02", given]}), 2, "line")
    with pytest.raises(TableError) as refused:
        times(table, "t")
    assert str(refused.value).startswith("one.csv, line 4, column 't': expected seconds, or a time as 2026-01-31T12:00, got ")
    assert str(refused.value).endswith("'noon'" if given else "nothing")


def test_an_empty_group_is_told_with_its_row() -> None:
    with pytest.raises(TableError, match="one, row 2, column 'scene': is empty; every row needs one"):
        words(MonitoredTable("one", pd.DataFrame({"scene": ["a", None]})), "scene")


def test_nothing_left_to_compare_is_told() -> None:
    with pytest.raises(TableError, match="one: has no column to compare"):
        columns((MonitoredTable("one", frame()[["site"]]), MonitoredTable("other", frame()[["site"]])), ["site"])
    alone = [MonitoredTable(name, pd.DataFrame({"id": [f"{name}{row}" for row in range(30)]})) for name in ("one", "other")]
    with pytest.raises(TableError, match="nothing can be compared: 'id' has 60 different words"):
        columns(alone, ())


def test_a_word_that_is_too_long_to_group_by_is_told_with_its_row() -> None:
    table = MonitoredTable("one.csv", pd.DataFrame({"site": ["a"] * 29 + ["b" * 1001]}), 2, "line")
    with pytest.raises(TableError) as refused:
        words(table, "site")
    told = "one.csv, line 31, column 'site': expected at most 1,000 characters, got a word of 1,001 characters"
    assert str(refused.value) == told


def test_columns_of_lists_are_noted_and_told_where_they_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, "lists.parquet", frame(vector=[[0.5]] * 30))
    found, notes = columns((read_table(file), read_table(file)), ())
    assert "vector" not in [column.name for column in found]
    assert "'vector' holds list<element: double> in each cell: not compared" in notes
    with pytest.raises(TableError, match=r"lists\.parquet: column 'vector' holds list<element: double>; expected numbers"):
        columns((read_table(file), read_table(file)), (), ["vector"])


def test_both_files_are_read_in_another_process_within_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write(tmp_path, f"{name}.csv", frame()) for name in ("one", "other")]
    first, second = read_tables(*files)
    pd.testing.assert_frame_equal(first.rows, read_table(files[0]).rows)
    assert second.name == "other.csv"
    if sys.platform == "linux":
        monkeypatch.setattr(monitor_tables, "MONITORED_MEMORY", Limit("a test", 0, "bytes of memory", "a test"))
        with pytest.raises(
            TableError, match=r"reading one\.csv and other\.csv .* bytes of memory.*; leave rows or columns out"
        ):
            read_tables(*files)
