"""`casesim show` and `casesim schema`: print what an author can name in a case, as tables that read well on a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.authoring.case_overview import SECTIONS
from simulator.authoring.case_schema import case_schema
from simulator.case.load import load
from simulator.cli.exits import UsageError, table_console
from simulator.cli.options import AsJson, Case
from simulator.errors import suggest

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


def show(
    case: Case,
    sections: Annotated[
        list[str] | None,
        typer.Argument(help=f"what to print: {', '.join(SECTIONS)}; default: all of them", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the names in a case: metrics with units, stages, ends, choices, places to write, figures, curveballs, exhibits."""
    for name in sections or ():
        if name not in SECTIONS:
            raise UsageError(f"there is no section '{name}'; {suggest(name, SECTIONS)}")
    scenario = load(case)
    rows = {name: list(SECTIONS[name](scenario)) for name in sections or SECTIONS}
    if as_json:
        print(json.dumps({"case": scenario.id, **rows}, indent=2))
        return
    out = table_console()
    for number, (name, found) in enumerate(rows.items()):
        out.print(*([""] if number else []), table_of_rows(name.capitalize(), found) if found else f"{name.capitalize()}: none")


def schema() -> None:
    """Print the JSON Schema (draft 7) of a case. An editor completes and explains keys by it, and marks wrong ones."""
    print(json.dumps(case_schema(), indent=2))
