"""A recording is read as it is, or refused with the file, the row and the reason."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from simulator.evidence import row_files
from simulator.evidence.row_files import RecordingError, RowBounds, read_numbers, read_recording, read_values
from simulator.limits import RECORDING_FILE


@pytest.fixture
def write(tmp_path):
    def written(text, name="log.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


def test_a_csv_is_read_to_the_last_digit(tmp_path):
    times = np.sort(np.random.default_rng(0).random(1000) * 1e5)
    pd.DataFrame({"path": "/score", "at": times}).to_csv(tmp_path / "log.csv", index=False)
    assert np.array_equal(read_recording(tmp_path / "log.csv", "at").times, times)


def test_a_parquet_file_is_read_too(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"at": [0, 1, 1, 5], "path": "/score"}).to_parquet(tmp_path / "log.parquet")
    assert read_recording(tmp_path / "log.parquet", "at").times.tolist() == [0, 1, 1, 5]


REFUSED = {
    "": "log.csv: is empty",
    "at\n": "log.csv: column 'at' is empty",
    "when,path\n1,a\n": "log.csv: there is no column 'at'; it has: when, path",
    "at\n1\n3\n2\n": "log.csv, line 4: the time 2 comes after 3; sort the file by time",
    "at\n-1\n3\n": "log.csv, line 2: the time -1 is negative",
    "at,path\n1,a\n,b\n": "log.csv, line 3: expected a time in seconds, got nothing",
    "at,path\n1,a\nnan,b\n": "log.csv, line 3: expected a time in seconds, got nothing",
    "at\n1\n\n2\n": "log.csv, line 3: expected a time in seconds, got nothing",
    "at\n1\ninf\n": "log.csv, line 3: expected a time in seconds, got 'inf'",
    "at\n1\nnoon\n3\n": "log.csv, line 3: expected a time in seconds, got 'noon'",
    "at\n2026-01-01T00:00:00\n": "log.csv, line 2: expected a time in seconds, got '2026-01-01T00:00:00'",
    "at\n1\n2,3\n": "log.csv: cannot be read: ",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_replayed_is_told_with_its_line(write, text):
    with pytest.raises(RecordingError) as caught:
        read_recording(write(text), "at")
    assert str(caught.value).startswith(REFUSED[text])


def test_a_time_before_the_origin_is_told(write):
    with pytest.raises(RecordingError, match=r"log\.csv, line 2: the time 99 lies before origin_s, 100"):
        read_recording(write("at\n99\n101\n"), "at", origin_s=100)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RecordingError, match=r"log\.csv: there is no such file in "):
        read_recording(tmp_path / "log.csv", "at")


def test_bytes_that_are_no_text_or_no_parquet_are_told(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"at\n1\n\xff\xfe\n")
    with pytest.raises(RecordingError, match=r"log\.csv, line 3: byte 0xff: is not UTF-8"):
        read_recording(tmp_path / "log.csv", "at")
    pytest.importorskip("pyarrow")
    (tmp_path / "log.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(RecordingError, match=r"log\.parquet: cannot be read"):
        read_recording(tmp_path / "log.parquet", "at")


def test_a_parquet_row_is_counted_from_one(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"at": [0.0, 1.0, 0.5]}).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(RecordingError, match=r"log\.parquet, row 3: the time 0.5 comes after 1"):
        read_recording(tmp_path / "log.parquet", "at")


def test_parquet_without_pyarrow_names_the_package_that_is_missing(write, monkeypatch):
    monkeypatch.setattr(row_files, "find_spec", lambda name: None)
    with pytest.raises(RecordingError, match="needs the package pyarrow; install it, or save the file as CSV"):
        read_recording(write("", "log.parquet"), "at")


def test_a_file_that_no_run_could_hold_is_refused(write, monkeypatch):
    monkeypatch.setattr(row_files, "RowBounds", partial(RowBounds, replace(RECORDING_FILE, most=10)))
    with pytest.raises(RecordingError, match="is 15 bytes long; at most 10 are read"):
        read_recording(write("at\n1\n2\n3\n4\n5\n6\n"), "at")


def test_numbers_and_values_are_read_in_the_order_of_their_rows(write):
    file = write("speed,lane,client\n50.5,left,14\n-3,right,13\n0,left,14\n")
    assert read_numbers(file, "speed").tolist() == [50.5, -3, 0]
    assert read_values(file, "lane", ["left", "right"]).tolist() == [0, 1, 0]
    assert read_values(file, "client", ["13", "14"]).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lane\nleft\nmiddle\n", "log.csv, line 3: expected one of left, right, got 'middle'"),
        ("lane,x\nleft,1\n,2\n", "log.csv, line 3: expected one of left, right, got nothing"),
        ("lanes\nleft\n", "log.csv: there is no column 'lane'; it has: lanes"),
    ],
)
def test_a_value_that_is_not_known_is_refused_with_its_row(write, text, words):
    with pytest.raises(RecordingError) as caught:
        read_values(write(text), "lane", ["left", "right"])
    assert str(caught.value) == words
