"""Recorded request times and attributes: columns of a CSV or Parquet file, checked before anything runs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.errors import InputError

#: Longer files are refused: a run could not hold their requests.
MAX_BYTES = 1024**3


@dataclass(frozen=True, eq=False)
class Recording:
    """Request times in seconds, ascending, shape (n,) with n of at least 1."""

    times: NDArray[np.float64]


class RecordingError(InputError):
    """A recording cannot be used; the message names the file, the row and the reason."""


def read_recording(file: Path, column: str, origin_s: float = 0.0) -> Recording:
    """Read the times in `column` of a .csv or .parquet file; none may lie before `origin_s`.

    Raises RecordingError. A CSV counts its lines, header included; a Parquet file its rows from 1.
    """
    times = _numbers(file, _column(file, column), "a time in seconds")
    first, word = first_row(file)
    row = _first(times < origin_s)
    if row is not None:
        before = f"lies before origin_s, {origin_s:.10g}" if origin_s else "is negative"
        raise RecordingError(f"{file.name}, {word} {first + row}: the time {times[row]:.10g} {before}")
    row = _first(np.diff(times) < 0)
    if row is not None:
        raise RecordingError(
            f"{file.name}, {word} {first + row + 1}: the time {times[row + 1]:.10g} comes after {times[row]:.10g}; "
            "sort the file by time"
        )
    return Recording(times)


def read_numbers(file: Path, column: str) -> NDArray[np.float64]:
    """Read the numbers in `column` of a .csv or .parquet file, in the order of its rows, shape (n,). Raises RecordingError."""
    return _numbers(file, _column(file, column), "a number")


def read_values(file: Path, column: str, known: Sequence[str]) -> NDArray[np.int8]:
    """Read the index of each row's value among `known`, shape (n,). Raises RecordingError for another value."""
    found = _column(file, column, text=True)
    places = {value: place for place, value in enumerate(known)}
    codes = np.array([places.get(value, -1) for value in found], np.int8)
    row = _first(codes < 0)
    if row is not None:
        first, word = first_row(file)
        given = "nothing" if pd.isna(found.iloc[row]) else f"'{found.iloc[row]}'"
        raise RecordingError(f"{file.name}, {word} {first + row}: expected one of {', '.join(known)}, got {given}")
    return codes


def _column(file: Path, column: str, text: bool = False) -> pd.Series:
    frame = read_frame(file, column if text else None)
    if column not in frame.columns:
        raise RecordingError(f"{file.name}: there is no column '{column}'; it has: {', '.join(map(str, frame.columns))}")
    values = frame[column]
    if not len(values):
        raise RecordingError(f"{file.name}: column '{column}' is empty")
    return values.map(str, na_action="ignore") if text else values


def _numbers(file: Path, values: pd.Series, expected: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    row = _first(~np.isfinite(numbers))
    if row is not None:
        first, word = first_row(file)
        given = "nothing" if pd.isna(values.iloc[row]) else f"'{values.iloc[row]}'"
        raise RecordingError(f"{file.name}, {word} {first + row}: expected {expected}, got {given}")
    return numbers


def first_row(file: Path) -> tuple[int, str]:
    return (2, "line") if file.suffix == ".csv" else (1, "row")


def read_frame(file: Path, text: str | None = None) -> pd.DataFrame:
    """Read the rows of a .csv or .parquet file of at most `MAX_BYTES`. Raises RecordingError.

    text: a column of a CSV that is read as it is written
    """
    if not file.is_file():
        raise RecordingError(f"{file.name}: there is no such file in {file.parent}")
    if file.stat().st_size > MAX_BYTES:
        raise RecordingError(f"{file.name}: is {file.stat().st_size:,} bytes long; at most {MAX_BYTES:,} are read")
    if file.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise RecordingError(f"{file.name}: reading Parquet needs the package pyarrow; install it, or save the file as CSV")
    try:
        if file.suffix == ".parquet":
            return pd.read_parquet(file)
        # Blank lines count, so that a message names the line that an editor shows.
        types = {text: str} if text else None
        return pd.read_csv(file, index_col=False, skip_blank_lines=False, dtype=types, low_memory=False)
    except pd.errors.EmptyDataError as error:
        raise RecordingError(f"{file.name}: is empty") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{file.name}{_undecoded(file)}: is not UTF-8; save the file as UTF-8") from error
    except (ValueError, OSError) as error:  # what pandas raises for a broken file: its own parser errors are ValueErrors
        raise RecordingError(f"{file.name}: cannot be read: {' '.join(str(error).split())}") from error


def _undecoded(file: Path) -> str:
    """Return the first line of a file that is not UTF-8, in words."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f", line {number}: byte 0x{line[error.start]:02x}"
    return ""


def _first(faulty: NDArray[np.bool_]) -> int | None:
    return int(faulty.argmax()) if faulty.any() else None
