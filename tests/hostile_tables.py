"""Tables that a stranger might bring: small files that stand for much more once they are decoded."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet


def one_word(path: Path, rows: int, length: int = 200_000) -> Path:
    """A Parquet file with one word of `length` bytes, repeated in each row: it stores the word once."""
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["x" * length]))
    parquet.write_table(pa.table({"word": words}), path, compression="none", store_schema=False, row_group_size=rows)
    return path


def squeezed(path: Path, rows: int, length: int) -> Path:
    """A Parquet file with another word in each row, which compression makes small."""
    words = ["x" * length + str(row) for row in range(rows)]
    parquet.write_table(pa.table({"word": words}), path, compression="zstd")
    return path


def wide(path: Path, columns: int, lines: int) -> Path:
    """A CSV file with empty names of columns, and empty lines."""
    path.write_bytes(b"," * (columns - 1) + b"\n" * (lines + 1))
    return path


def noted(path: Path, notes: bytes | None) -> Path:
    """A sound Parquet file with these notes of pandas in its schema."""
    table = pa.table({"score": np.linspace(0, 1, 30), "site": ["a", "b", "c"] * 10})
    parquet.write_table(table.replace_schema_metadata({} if notes is None else {b"pandas": notes}), path)
    return path


def peak_bytes() -> int:
    """The most memory that this process has had, on Linux. (`getrusage` counts that of the process that started it as well.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024 * int(found[1]) if found else 0
