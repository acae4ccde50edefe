"""A quantity that a file beside the case has measured: one of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from simulator.case.case_contract import CaseGatherer
from simulator.case.fields import AnyQuantity, Draws, LocalFile, Shape, Sourced
from simulator.evidence.evidence_files import content_hash
from simulator.evidence.row_files import RecordingError, read_numbers
from simulator.files import remembered


@dataclass(frozen=True)
class FileColumn:
    """The values of a column in ascending order, shape (n,), and the hash of their file; equal hashes make two equal."""

    content: str = ""
    values: NDArray[np.float64] = field(default_factory=lambda: np.ones(1), compare=False, repr=False)


@remembered()
def _numbered(file: Path) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a file that have been read so far; empty again once the file changes."""
    return {}


class ColumnSamples(Sourced, AnyQuantity):
    """A quantity that takes each value in a column of a CSV or Parquet file equally often."""

    key: ClassVar[str] = "column"
    written: ClassVar[str] = "{column: ms, file: lookups.csv, measured: a log of May}"

    column: Annotated[str, Field(min_length=1, max_length=120)]
    """the name of the column; its values are above 0"""
    file: LocalFile
    """a CSV or Parquet file beside the case"""

    #: A single 1 until a plan has read the file.
    _read: FileColumn = PrivateAttr(default_factory=FileColumn)

    def read(self, gather: CaseGatherer) -> None:
        """Read the column for a plan; raises RecordingError."""
        file = gather.beside(self.file)
        columns = _numbered(file)
        if self.column not in columns:
            columns[self.column] = np.sort(read_numbers(file, self.column))
        values = columns[self.column]
        if values[0] <= 0:
            raise RecordingError(f"{file.name}: column '{self.column}' holds {values[0]:g}; its values should be above 0")
        self._read = FileColumn(content_hash(file), values)
        gather.note_beside(file)

    def __repr_args__(self) -> Any:
        """Draws are known by this text: it differs for another content of the file."""
        yield from super().__repr_args__()
        yield "content", self._read.content

    @property
    def mean(self) -> float:
        return float(self._read.values.mean())

    @property
    def words(self) -> str:
        return f"{len(self._read.values):,} values, {self.mean:.3g} on average"

    def draw(self, rng: np.random.Generator, shape: Shape, dtype: Any = np.float32) -> Draws:
        return self._read.values.astype(dtype)[(rng.random(shape) * len(self._read.values)).astype(np.intp)]

    def share_below(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.searchsorted(self._read.values, values, side="left") / len(self._read.values)
