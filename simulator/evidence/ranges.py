"""What a figure of a table may be: one that no measurement gives is told with its line, its column and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd


class Range(NamedTuple):
    """The smallest and the largest that a figure may be. unknown: whether it may be absent."""

    low: float
    high: float
    unknown: bool = False


SHARE = Range(0, 1)
COUNT = Range(0, 1e9)
SECONDS = Range(1e-9, 3600)
CORRELATION = Range(-1, 1, unknown=True)


def check_ranges(path: Path, rows: pd.DataFrame, ranges: Mapping[str, Range], refusal: type[Exception]) -> None:
    """Raise `refusal` that tells of the first figure out of its range: by its line in a CSV, by its row from 0 otherwise."""
    for column, right in ranges.items():
        numbers = pd.to_numeric(rows[column], errors="coerce")
        faulty = ~numbers.between(right.low, right.high) & ~(right.unknown & rows[column].isna())
        if faulty.any():
            place = int(np.flatnonzero(faulty)[0])
            where = f"line {place + 2}" if path.suffix == ".csv" else f"row {place}"
            value = str(rows[column].iloc[place])[:40]
            raise refusal(f"{path}: {where}: {column}: expected a number from {right.low:g} to {right.high:g}, got {value}")
