"""Tables of evidence: each is described once, by its file and by its columns with the values that they may hold.

A single table is a constant, `Table("weather.csv", columns("seen_by condition") | columns("times", COUNT))`. Tables that belong
together are attributes of a `TableGroup`: `recall = Table("recall.csv", ...)`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Self, overload

import numpy as np
import pandas as pd

from simulator.evidence.evidence_files import EvidenceError, read_evidence


class Range(NamedTuple):
    """The smallest and the largest that a figure may be. unknown: whether it may be absent."""

    low: float
    high: float
    unknown: bool = False

    @property
    def expected(self) -> str:
        return "a finite number" if self[:2] == NUMBER[:2] else f"a number from {self.low:g} to {self.high:g}"

    def holds(self, values: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(values, errors="coerce").astype(float)  # 64 bits hold all bounds
        return numbers.between(self.low, self.high) | (self.unknown & values.isna())


NUMBER = Range(-sys.float_info.max, sys.float_info.max)
SHARE = Range(0, 1)
CHANGE = Range(-1, 1)
COUNT = Range(0, 1e9)
SECONDS = Range(1e-9, 3600)

#: Resamples of the drives, or of the images, that a curve or a shift carries along, a column each.
DRAWS = 40
DRAW_COLUMNS = [f"d{number:02d}" for number in range(DRAWS)]


@dataclass(frozen=True)
class CellWords:
    """Texts; without `allowed`, any that are not absent."""

    allowed: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return f"one of {', '.join(self.allowed)}" if self.allowed else "a value"

    def holds(self, values: pd.Series) -> pd.Series:
        return values.isin(self.allowed) if self.allowed else values.notna()


Columns = Mapping[str, Range | CellWords | None]


def columns(names: str | Iterable[str], values: Range | CellWords | None = None) -> dict[str, Range | CellWords | None]:
    """Describe columns that may hold the same values, or any; names: several, with blanks between them in a text."""
    return dict.fromkeys(names.split() if isinstance(names, str) else names, values)


@dataclass(frozen=True)
class Table:
    """A table of a folder, as a .csv or .parquet file.

    key: the columns that name a row; bounded: a figure, its lower and its upper bound; options: of pandas' reader
    """

    file: str
    columns: Columns
    key: tuple[str, ...] = ()
    bounded: tuple[tuple[str, str, str], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    @overload
    def __get__(self, group: None, kind: type) -> Table: ...

    @overload
    def __get__(self, group: TableGroup, kind: type) -> pd.DataFrame: ...

    def __get__(self, group: TableGroup | None, kind: type) -> Table | pd.DataFrame:
        return self  # the rows lie in the instance, under the same name

    def read(self, folder: Path, made_by: str = "") -> pd.DataFrame:
        """Read and check the rows; raises EvidenceError with the file, the line, the column, the value, and a right one.

        made_by: the command that writes the file, named where it is missing
        """
        path = folder / self.file
        rows = self.parse(path, read_evidence(path, made_by))
        self.check(path, rows)
        return rows

    def parse(self, path: Path, content: bytes) -> pd.DataFrame:
        """Return the rows as they are written; raises EvidenceError unless all columns are there."""
        read = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        try:
            rows: pd.DataFrame = read(BytesIO(content), **self.options)
        except Exception as error:  # pyarrow's and pandas's errors have no base class in common
            raise EvidenceError(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from error
        lacking = [name for name in self.columns if name not in rows]
        if lacking:
            raise EvidenceError(f"{path}: lacks the column {lacking[0]}")
        return rows

    def check(self, path: Path, rows: pd.DataFrame) -> None:
        """Raise EvidenceError for the first value that a column, the key or a pair of bounds does not allow."""
        for name, values in self.columns.items():
            if values is not None:
                refuse(path, rows, name, ~values.holds(rows[name]), f"expected {values.expected}")
        for name, low, high in self.bounded:
            outside = ~rows[name].between(rows[low], rows[high])
            refuse(path, rows, name, outside, f"expected a figure between {low} and {high}")
        if self.key:
            twice = rows.duplicated([*self.key])
            refuse(path, rows, self.key[-1], twice, f"expected one row per {', '.join(self.key)}")


def refuse(path: Path, rows: pd.DataFrame, column: str, faulty: pd.Series, expected: str) -> None:
    """Raise EvidenceError for the first faulty row: by its line in a CSV, by its number from 0 otherwise."""
    if faulty.any():
        place = int(np.flatnonzero(faulty)[0])
        where = f"line {place + 2}" if path.suffix == ".csv" else f"row {place}"
        raise EvidenceError(f"{path}: {where}: {column}: {expected}, got {str(rows[column].iloc[place])[:40]}")


def rows_with(rows: pd.DataFrame, file: str, **wanted: object) -> pd.DataFrame:
    """Return the rows with these values; raises EvidenceError that names the first missing value and lists those that exist."""
    for column, value in wanted.items():
        matches = rows[rows[column] == value]
        if matches.empty:
            there = ", ".join(map(str, rows[column].drop_duplicates()))
            raise EvidenceError(f"{file}: {column}: holds no '{value}'; there are: {there}")
        rows = matches
    return rows


class TableGroup:
    """Tables of one folder, each an attribute that a subclass describes; of an instance, the attribute gives the rows.

    about: the origin of the tables, or their name
    """

    def __init__(self, about: Any, **frames: pd.DataFrame) -> None:
        self.about = about
        vars(self).update(frames)

    @classmethod
    def tables(cls) -> dict[str, Table]:
        return {name: table for name, table in vars(cls).items() if isinstance(table, Table)}

    @classmethod
    def read(cls, about: Any, folder: Path, made_by: str = "") -> Self:
        """Read all tables; raises EvidenceError as `Table.read` does."""
        return cls(about, **{name: table.read(folder, made_by) for name, table in cls.tables().items()})
