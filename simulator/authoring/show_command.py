"""`casesim show`: prints what an author can name in a case."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from simulator.authoring.case_overview import SECTIONS
from simulator.authoring.row_tables import table_of_rows
from simulator.case.load import load
from simulator.cli.exits import UsageError, table_console
from simulator.cli.options import AsJson, Case
from simulator.errors import suggest


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
