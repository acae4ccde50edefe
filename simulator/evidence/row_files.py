"""Rows of a CSV or Parquet file that a user names, within bounds of cells and of bytes once they are decoded.

A small Parquet file may stand for any amount of memory: it stores a repeated value once. So its figures are read first, words
stay in dictionaries, and reading stops at the bound. Recorded request times and attributes are columns of such a file, checked
before anything runs on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.errors import InputError
from simulator.limits import MIB, RECORDED_BYTES, RECORDED_CELLS, RECORDING_FILE, Limit
from simulator.phrases import phrase
from simulator.units import counted

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Schema
    from pyarrow.parquet import ParquetFile


#: The longest header of a CSV file, in bytes, and the rows of one batch of a Parquet file.
_HEADER, _BATCH = MIB, 131_072
#: The names that pandas gives to an index without a name.
_INDEX = re.compile(r"__index_level_\d+__")


class RecordingError(InputError):
    """A recording cannot be used; the message names the file, the row and the reason."""


@dataclass(frozen=True)
class RowBounds:
    """The most of a file that is read: its bytes, its rows times its columns, and its bytes once they are decoded."""

    file: Limit = RECORDING_FILE
    cells: Limit = RECORDED_CELLS
    decoded: Limit = RECORDED_BYTES


class FileRows(NamedTuple):
    """The rows of a file; nested: columns of lists or structs, which are not read, with the type of each."""

    rows: pd.DataFrame
    nested: dict[str, str]


def read_rows(file: Path, column: str | None = None, text: bool = False, bounds: RowBounds | None = None) -> FileRows:
    """Read the rows of a .csv or .parquet file. Raises RecordingError.

    column: the only one that is needed; of a CSV others may come with it. text: it is read as it is written
    """
    bounds = bounds or RowBounds()
    if not file.is_file():
        raise RecordingError(f"{file.name}: there is no such file in {file.parent}")
    if file.stat().st_size > bounds.file.most:
        raise RecordingError(f"{file.name}: is {file.stat().st_size:,} bytes long; at most {bounds.file.most:,} are read")
    if file.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise RecordingError(f"{file.name}: reading Parquet needs the package pyarrow; install it, or save the file as CSV")
    try:
        if file.suffix == ".parquet":
            return _read_parquet(file, column, bounds)
        return FileRows(_read_csv(file, column if text else None, bounds), {})
    except RecordingError:
        raise
    except pd.errors.EmptyDataError as error:
        raise RecordingError(f"{file.name}: is empty") from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"{file.name}{_undecoded(file)}: is not UTF-8; save the file as UTF-8") from error
    except (ValueError, OSError, TypeError, LookupError, NotImplementedError, OverflowError) as error:
        # These are the errors of pandas and pyarrow for broken files: most are ValueErrors.
        raise RecordingError(f"{file.name}: cannot be read: {' '.join(str(error).split())}") from error


def _check_cells(file: Path, rows: int, columns: int, bounds: RowBounds) -> None:
    if rows * columns > bounds.cells.most:
        what = f"has {counted(rows, 'row')} of {counted(columns, 'column')}, {rows * columns:,} cells"
        raise RecordingError(f"{file.name}: {what}; at most {bounds.cells.most:,} are read: leave rows or columns out")


def _check_decoded(file: Path, count: int, bounds: RowBounds) -> None:
    if count > bounds.decoded.most:
        what = f"holds at least {count:,} bytes once it is decoded; at most {bounds.decoded.most:,} are read"
        raise RecordingError(f"{file.name}: {what}: leave rows or columns out")


# CSV


def _read_csv(file: Path, text: str | None, bounds: RowBounds) -> pd.DataFrame:
    _check_cells(file, *_csv_size(file), bounds)
    # Blank lines count, so that a message names the line that an editor shows.
    types = {text: str} if text else None
    return pd.read_csv(file, index_col=False, skip_blank_lines=False, dtype=types, low_memory=False)


def _csv_size(file: Path) -> tuple[int, int]:
    """Return the rows and the columns of a CSV, or more: a cell in quotes may hold line ends and commas."""
    with file.open("rb") as lines:
        header = lines.readline(_HEADER)
        if len(header) == _HEADER:
            raise RecordingError(f"{file.name}: its first line is longer than {_HEADER:,} bytes; expected the names of columns")
        rows = header.rstrip(b"\r\n").count(b"\r")
        while piece := lines.read(MIB):
            rows += max(piece.count(b"\n"), piece.count(b"\r"))
    return rows + 1, header.count(b",") + 1


def _undecoded(file: Path) -> str:
    """Return the first line of a file that is not UTF-8, in words."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f", line {number}: byte 0x{line[error.start]:02x}"
    return ""


# Parquet


def _read_parquet(file: Path, column: str | None, bounds: RowBounds) -> FileRows:
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(file) as source:
        schema, flat, nested = source.schema_arrow, list[str](), dict[str, str]()
        index = _index_columns(schema.metadata)
        for field in schema:
            if column is None and (field.name in index or _INDEX.fullmatch(field.name)):
                continue
            if field.name in flat or field.name in nested:
                raise RecordingError(f"{file.name}: two columns are called '{field.name}'; rename one")
            if pa.types.is_nested(field.type):
                nested[field.name] = str(field.type)
            else:
                flat.append(field.name)
        wanted = flat if column is None else [name for name in flat if name == column]
        if column is not None and not wanted:
            _has_no(file, column, flat, nested)
        _check_figures(file, source, wanted, bounds)
        if not wanted:
            return FileRows(pd.DataFrame(index=range(source.metadata.num_rows)), nested)
    words = [name for name in wanted if _holds_words(schema.field(name).type)]
    with parquet.ParquetFile(file, read_dictionary=words, pre_buffer=False) as source:
        kinds = pa.schema([schema.field(name) for name in wanted])
        table = pa.Table.from_batches(_batches(file, source, kinds, bounds), kinds)
    return FileRows(table.to_pandas(ignore_metadata=True, use_threads=False), nested)


def _has_no(file: Path, column: str, flat: list[str], nested: dict[str, str]) -> None:
    if column in nested:
        raise RecordingError(f"{file.name}: column '{column}' holds {nested[column]}; expected a column of plain values")
    raise RecordingError(f"{file.name}: there is no column '{column}'; it has: {', '.join([*flat, *nested])}")


def _index_columns(metadata: dict[bytes, bytes] | None) -> set[str]:
    """Return the columns that pandas wrote as the names of rows; none where its notes in the file cannot be read."""
    try:
        names = json.loads((metadata or {})[b"pandas"])["index_columns"]
        return {name for name in names if isinstance(name, str)}
    except (ValueError, LookupError, TypeError, RecursionError):
        return set()


def _check_figures(file: Path, source: ParquetFile, wanted: list[str], bounds: RowBounds) -> None:
    """Refuse what exceeds a bound by the figures in the file itself: a first look, since they may be wrong."""
    _check_cells(file, source.metadata.num_rows, max(len(wanted), 1), bounds)
    widths = [_width(source.schema_arrow.field(name).type) for name in wanted]
    stored, names = 0, set(wanted)
    for group in map(source.metadata.row_group, range(source.metadata.num_row_groups)):
        columns = map(group.column, range(group.num_columns))
        stored += sum(column.total_uncompressed_size for column in columns if column.path_in_schema in names)
    _check_decoded(file, max(stored, source.metadata.num_rows * sum(widths)), bounds)


def _width(kind: Any) -> int:
    try:
        return int(kind.bit_width) // 8
    except ValueError:  # of no fixed width
        return 0


def _holds_words(kind: Any) -> bool:
    from pyarrow import types

    return any(holds(kind) for holds in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary))


def _batches(file: Path, source: ParquetFile, kinds: Schema, bounds: RowBounds) -> Iterator[RecordBatch]:
    """Yield the rows, many at a time; words come in dictionaries and are written out once it is known that they fit."""
    import pyarrow as pa

    decoded = rows = 0
    for batch in source.iter_batches(_BATCH, columns=kinds.names, use_threads=False):
        rows, decoded = rows + batch.num_rows, decoded + sum(map(_decoded_bytes, batch.columns))
        _check_cells(file, rows, len(kinds), bounds)
        _check_decoded(file, decoded, bounds)
        columns = [_plain(batch.column(field.name), field.type) for field in kinds]
        yield pa.RecordBatch.from_arrays(columns, schema=kinds)


def _plain(column: Any, kind: Any) -> Any:
    return column if column.type == kind else column.dictionary_decode().cast(kind)


def _decoded_bytes(column: Any) -> int:
    from pyarrow import compute, types

    if not types.is_dictionary(column.type) or not _holds_words(column.type.value_type):
        return int(column.nbytes)
    lengths = compute.binary_length(column.dictionary).take(column.indices)
    return int(compute.sum(lengths).as_py() or 0)


def first_row(file: Path) -> tuple[int, str]:
    return (2, "line") if file.suffix == ".csv" else (1, "row")


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
        late, early = (f"{times[place]:.10g}" for place in (row + 1, row))
        raise RecordingError(phrase("recordings.order", file=file.name, word=word, row=first + row + 1, late=late, early=early))
    return Recording(times)


def read_numbers(file: Path, column: str) -> NDArray[np.float64]:
    """Read the numbers in `column` of a .csv or .parquet file, in the order of its rows, shape (n,). Raises RecordingError."""
    return _numbers(file, _column(file, column), "a number")


def read_values(file: Path, column: str, allowed: Sequence[str]) -> NDArray[np.int8]:
    """Read the index of each row's value among `allowed`, shape (n,). Raises RecordingError for another value."""
    cells = _column(file, column, text=True)
    places = {value: place for place, value in enumerate(allowed)}
    codes = np.array([places.get(value, -1) for value in cells], np.int8)
    _refuse(file, cells, codes < 0, f"one of {', '.join(allowed)}")
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
    _refuse(file, values, ~np.isfinite(numbers), expected)
    return numbers


def _refuse(file: Path, values: pd.Series, faulty: NDArray[np.bool_], expected: str) -> None:
    row = _first(faulty)
    if row is not None:
        first, word = first_row(file)
        given = "nothing" if pd.isna(values.iloc[row]) else f"'{values.iloc[row]}'"
        raise RecordingError(f"{file.name}, {word} {first + row}: expected {expected}, got {given}")


def _first(faulty: NDArray[np.bool_]) -> int | None:
    return int(faulty.argmax()) if faulty.any() else None
