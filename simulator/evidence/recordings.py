"""Recorded request times: a column of a CSV or Parquet file, checked before anything runs on it."""

from __future__ import annotations

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
    """A recording cannot be used; the message says which file, which row and why."""


def read_recording(file: Path, column: str, origin_s: float = 0.0) -> Recording:
    """The times in `column` of a .csv or .parquet file; none may lie before `origin_s`.

    Raises RecordingError. A CSV counts its lines, header included; a Parquet file its rows from 1.
    """
    frame = _read(file)
    if column not in frame.columns:
        raise RecordingError(f"{file.name}: there is no column '{column}'; it has: {', '.join(map(str, frame.columns))}")
    first, word = (2, "line") if file.suffix == ".csv" else (1, "row")
    values = frame[column]
    times = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if not len(times):
        raise RecordingError(f"{file.name}: column '{column}' is empty")
    row = _first(~np.isfinite(times))
    if row is not None:
        given = "nothing" if pd.isna(values.iloc[row]) else f"'{values.iloc[row]}'"
        raise RecordingError(f"{file.name}, {word} {first + row}: expected a time in seconds, got {given}")
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


def _read(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise RecordingError(f"{file.name}: there is no such file in {file.parent}")
    if file.stat().st_size > MAX_BYTES:
        raise RecordingError(f"{file.name}: is {file.stat().st_size:,} bytes long; at most {MAX_BYTES:,} are read")
    if file.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise RecordingError(f"{file.name}: reading Parquet needs the package pyarrow; install it, or save the file as CSV")
    try:
        # Blank lines count, so that a message names the line that an editor shows.
        return (
            pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, index_col=False, skip_blank_lines=False)
        )
    except pd.errors.EmptyDataError as error:
        raise RecordingError(f"{file.name}: is empty") from error
    except (ValueError, OSError) as error:  # what pandas raises for a broken file: its own parser errors are ValueErrors
        raise RecordingError(f"{file.name}: cannot be read: {' '.join(str(error).split())}") from error


def _first(faulty: NDArray[np.bool_]) -> int | None:
    return int(faulty.argmax()) if faulty.any() else None
