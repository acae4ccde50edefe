"""Rows of plain data as a table that reads well on a terminal of 80 columns and in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

#: Columns whose cells are numbers.
_NUMBERS = frozenset({"usd", "detected", "items", "positives", "projected on"})

#: A name of at most this length stands in one line, however narrow the terminal.
_WHOLE = 40


def table_of_rows(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    """Return a table with a column for each key; the first column keeps its names whole."""
    first, *_ = rows[0]
    longest = max(len(cell_of(row[first])) for row in rows)
    columns = [Column(name, overflow="fold", justify="right" if name in _NUMBERS else "left") for name in rows[0]]
    columns[0].no_wrap = longest <= _WHOLE
    table = Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(escape(cell_of(value)) for value in row.values()))
    return table


def cell_of(value: Any) -> str:
    """Return a value as it is read in a table: a list by commas, nothing for None."""
    if isinstance(value, list):
        return ", ".join(map(cell_of, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
