"""`casesim cases`: lists the cases."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.commands.outcome import table_console
from simulator.scenario import Scenario, ScenarioError, load_all


def cases(as_json: Annotated[bool, typer.Option("--json", help="print a list of objects")] = False) -> None:
    """List the cases; then, with exit status 2, print what is wrong with those that cannot be used."""
    scenarios, faults = load_all()
    if as_json:
        told = [{"id": one.id, "version": one.version, "title": one.title, "summary": one.summary} for one in scenarios]
        print(json.dumps(told, indent=2))
    else:
        _print_table(scenarios)
    if faults:
        raise ScenarioError(faults)


def _print_table(scenarios: list[Scenario]) -> None:
    table = Table(Column("case", overflow="fold"), "title", "minutes", box=None)
    for scenario in scenarios:
        table.add_row(scenario.id, escape(scenario.title), str(scenario.minutes))
    table_console().print(table)
