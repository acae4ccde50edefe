"""Recorded request times and attributes: columns of a CSV or Parquet file, checked before anything runs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.evidence.row_files import RecordingError, first_row, read_rows


@dataclass(frozen=True, eq=False)
class Recording:
    """Request times in seconds, ascending, shape (n,) with n of at least 1."""

    times: NDArray[np.float64]


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
    frame = read_rows(file, column, text).rows
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


def _first(faulty: NDArray[np.bool_]) -> int | None:
    return int(faulty.argmax()) if faulty.any() else None
