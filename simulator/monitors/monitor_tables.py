"""Reference and production as files give them: rows of statistics, scores or features; faults name the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.errors import InputError, suggest
from simulator.evidence.row_files import RowBounds, first_row, read_rows
from simulator.fresh_processes import ExceededError, in_bounds
from simulator.limits import MONITORED_BYTES, MONITORED_CELLS, MONITORED_MEMORY, MONITORED_SECONDS, MONITORED_WORD
from simulator.phrases import phrase

if TYPE_CHECKING:
    from simulator.arrays import Floats

#: Tables with fewer rows are refused.
LEAST_ROWS = 20
#: A column with more different words holds names of rows, not categories.
MOST_WORDS = 50
#: Whole numbers with at most this many different values are counts, compared one by one.
MOST_COUNTS = 20
#: A column is numeric if at least this share of its cells are numbers; a word in it is a fault.
_NUMERIC = 0.5
#: The sum of squares of larger numbers would overflow.
_LARGEST = 1e100
#: Times between these numbers are milliseconds since 1970, of the years 1985 to 2128; in seconds, they lie ages away.
_MILLISECONDS = 5e11, 5e12

Kind = Literal["numbers", "counts", "words"]


class TableError(InputError):
    """A table cannot be compared; the message names the file, the row, the column, the value and the fix."""


@dataclass(frozen=True, eq=False)
class MonitoredTable:
    """Rows of one file. name: in messages; first, word: the number of the first row and the word for a row.

    nested: columns of lists or structs, which are not read, with the type of each
    """

    name: str
    rows: pd.DataFrame
    first: int = 1
    word: str = "row"
    nested: Mapping[str, str] = field(default_factory=dict)

    def at(self, row: int) -> str:
        return f"{self.name}, {self.word} {self.first + row:,}"


#: The reference and production.
Tables = tuple[MonitoredTable, MonitoredTable]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of both files, shapes (n,) and (m,): numbers, with NaN where a cell is empty, or words.

    The index is the row in the file, from 0.
    """

    name: str
    kind: Kind
    reference: pd.Series
    production: pd.Series

    def ordered(self, orders: tuple[NDArray[np.int64], NDArray[np.int64]]) -> Column:
        return Column(self.name, self.kind, self.reference.iloc[orders[0]], self.production.iloc[orders[1]])


def read_tables(*files: Path) -> tuple[MonitoredTable, ...]:
    """Read files in a fresh process with bounds of memory and time. Raises TableError or RecordingError."""
    try:
        return in_bounds(MONITORED_MEMORY, MONITORED_SECONDS, _read_all, *files)
    except ExceededError as error:
        names = " and ".join(file.name for file in files)
        raise TableError(f"reading {names} {error}; leave rows or columns out") from error


def _read_all(*files: Path) -> tuple[MonitoredTable, ...]:
    return tuple(map(read_table, files))


def read_table(file: Path) -> MonitoredTable:
    """Read a file in this process: only one that need not be feared. Raises TableError or RecordingError."""
    first, word = first_row(file)
    rows, nested = read_rows(file, bounds=RowBounds(cells=MONITORED_CELLS, decoded=MONITORED_BYTES))
    return checked(MonitoredTable(file.name, rows, first, word, nested))


def checked(table: MonitoredTable) -> MonitoredTable:
    """Return the table, or raise TableError if it has too few rows."""
    if len(table.rows) < LEAST_ROWS:
        raise TableError(f"{table.name}: at least {LEAST_ROWS} rows are needed to compare anything; it has {len(table.rows)}")
    return table


def columns(
    tables: Tables, apart: Sequence[str], named: Sequence[str] = (), names: Sequence[str] = ()
) -> tuple[list[Column], list[str]]:
    """Return the columns to compare, and notes on columns left out and on empty cells. Raises TableError.

    apart: columns that order or group the rows and are not compared; named: compare these alone
    names: columns whose numbers name something, such as a camera
    """
    for name in (*apart, *named):
        for table in tables:
            has_column(table, name)
    reference = tables[0]
    if not named:
        _same_columns(tables)
    chosen = [str(name) for name in (named or reference.rows.columns) if name not in apart]
    if not chosen:
        raise TableError(f"{reference.name}: has no column to compare")
    nested = {name: kind for table in tables for name, kind in table.nested.items()}
    found, notes = list[Column](), list[str](phrase("columns.nested", column=name, kind=kind) for name, kind in nested.items())
    for name in chosen:
        column = _column(name, tables, name in names)
        if column.kind == "words" and (words := pd.concat([column.reference, column.production]).nunique()) > MOST_WORDS:
            notes.append(phrase("columns.many_words", column=name, words=words, most=MOST_WORDS))
            continue
        found.append(column)
        if emptiness := _emptiness(column):
            found.append(emptiness[0])
            notes.append(emptiness[1])
    if not found:
        raise TableError(f"{reference.name}: nothing can be compared: {'; '.join(notes)}")
    return found, notes


def has_column(table: MonitoredTable, name: str) -> None:
    """Raise TableError for a column that the table lacks, with the nearest name."""
    if name in table.nested:
        raise TableError(f"{table.name}: column '{name}' holds {table.nested[name]}; expected numbers, words or times")
    if name not in table.rows.columns:
        raise TableError(f"{table.name}: there is no column '{name}'; {suggest(name, table.rows.columns)}")


def _same_columns(tables: Tables) -> None:
    differences = []
    for table, other in (tables, tables[::-1]):
        alone = [f"'{name}'" for name in table.rows.columns if name not in other.rows.columns]
        if alone:
            differences.append(f"only {table.name} has {', '.join(alone)}")
    if differences:
        raise TableError(f"{'; '.join(differences)}: both files need the same columns; --columns names those to compare")


def _column(name: str, tables: Tables, as_names: bool) -> Column:
    values = [table.rows[name].reset_index(drop=True) for table in tables]
    for table, one in zip(tables, values, strict=True):
        if one.isna().all():
            raise TableError(f"{table.name}: column '{name}' is empty in all {len(one):,} rows")
    if as_names or not any(map(_is_numeric, values)):
        return Column(name, "words", *(value.map(str, na_action="ignore") for value in values))
    numbers = [_numbers(table, name, value) for table, value in zip(tables, values, strict=True)]
    together = pd.concat(numbers).dropna()
    few = bool((together == together.round()).all()) and together.nunique() <= MOST_COUNTS
    return Column(name, "counts" if few else "numbers", *numbers)


def _is_numeric(values: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
        return False
    there = values.dropna()
    return bool(pd.to_numeric(there, errors="coerce").notna().mean() >= _NUMERIC)


def numbers_of(table: MonitoredTable, name: str) -> pd.Series:
    """Return a column of numbers, NaN where a cell is empty. Raises TableError."""
    has_column(table, name)
    return _numbers(table, name, table.rows[name].reset_index(drop=True))


def _numbers(table: MonitoredTable, name: str, values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    faults = (
        (numbers.isna() & values.notna(), "a number, or nothing"),
        (np.isinf(numbers), "a finite number, or nothing"),
        (numbers.abs() > _LARGEST, f"a number of at most {_LARGEST:.0e}, or nothing"),
    )
    for faulty, expected in faults:
        refuse(table, name, faulty, expected, values)
    return numbers


def refuse(table: MonitoredTable, name: str, faulty: pd.Series | NDArray[np.bool_], expected: str, values: pd.Series) -> None:
    """Raise TableError for the first faulty cell of a column, shape (n,); expected: what would be right."""
    if faulty.any():
        row = int(np.asarray(faulty).argmax())
        got = "nothing" if pd.isna(values.iloc[row]) else f"'{values.iloc[row]}'"
        raise TableError(f"{table.at(row)}, column '{name}': expected {expected}, got {got}")


def _emptiness(column: Column) -> tuple[Column, str] | None:
    """Return the emptiness of a column's cells as a column, and a note on it; None where no cell is empty."""
    empty = [values.isna() for values in (column.reference, column.production)]
    if not any(cells.any() for cells in empty):
        return None
    reference, production = (f"{cells.sum():,} of {len(cells):,}" for cells in empty)
    by_itself = Column(f"{column.name} is empty", "words", *(cells.map({True: "yes", False: "no"}) for cells in empty))
    return by_itself, phrase("columns.empty_cells", column=column.name, reference=reference, production=production)


def times(table: MonitoredTable, name: str) -> Floats:
    """Return hours since 1970, or since the file's own zero where times are seconds, shape (n,). Raises TableError.

    Numbers of the size of milliseconds since 1970 count as those.
    """
    has_column(table, name)
    values = table.rows[name].reset_index(drop=True)
    if _is_numeric(values):
        numbers = _numbers(table, name, values)
        hours = numbers / (3_600_000 if numbers.between(*_MILLISECONDS).all() else 3600)
    else:
        stamps = pd.to_datetime(values, errors="coerce", utc=True, format=None if values.dtype.kind == "M" else "ISO8601")
        hours = (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(hours=1)
    refuse(table, name, hours.isna(), "seconds, or a time as 2026-01-31T12:00", values)
    return hours.to_numpy(float)


def words(table: MonitoredTable, name: str) -> NDArray[np.str_]:
    """Return a column that groups or slices rows, shape (n,). Raises TableError for an empty cell."""
    has_column(table, name)
    values = table.rows[name].reset_index(drop=True)
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise TableError(f"{table.at(row)}, column '{name}': is empty; every row needs one, since the column groups the rows")
    return _short(table, name, values.astype(str)).to_numpy(str)


def _short(table: MonitoredTable, name: str, values: pd.Series) -> pd.Series:
    """Return the words, or raise TableError for one that is too long; each row then takes the memory of the longest."""
    most = min(MONITORED_WORD.most, MONITORED_BYTES.most // (4 * len(values)))
    if (long := values.map(len) > most).any():
        row = int(long.to_numpy().argmax())
        size = f"a word of {len(values.iloc[row]):,} characters"
        raise TableError(f"{table.at(row)}, column '{name}': expected at most {most:,} characters, got {size}")
    return values


def shown_time(table: MonitoredTable, name: str, row: int) -> str:
    value = table.rows[name].iloc[row]
    return f"{value:g} s" if isinstance(value, float | int | np.number) else str(value)


def shown_instant(hours: float, stamped: bool) -> str:
    """Return an instant in words: a date and time where the file has them, else an hour of the file."""
    return pd.Timestamp(round(hours * 3600), unit="s").strftime("%Y-%m-%d %H:%M") if stamped else f"hour {hours:.4g}"
