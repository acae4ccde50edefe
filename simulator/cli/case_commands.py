"""`casesim cases`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.document import Fault, ScenarioError
from simulator.case.load import load_all
from simulator.case.schema import Scenario
from simulator.cli.exits import table_console
from simulator.engine.plan import compile_plan


def cases(as_json: Annotated[bool, typer.Option("--json", help="print a list of objects")] = False) -> None:
    """List the cases; then, with exit status 2, print what is wrong with those that cannot be used."""
    scenarios, faults = load_all()
    faults += (fault for scenario in scenarios for fault in _faults_of_default(scenario))
    if as_json:
        rows = [{"id": one.id, "version": one.version, "title": one.title, "summary": one.summary} for one in scenarios]
        print(json.dumps(rows, indent=2))
    else:
        _print_table(scenarios)
    if faults:
        raise ScenarioError(faults)


def _faults_of_default(scenario: Scenario) -> list[Fault]:
    """Return the reasons why the default design cannot run, such as evidence that is not installed."""
    try:
        compile_plan(scenario)
    except ScenarioError as error:
        return error.faults
    return []


def _print_table(scenarios: list[Scenario]) -> None:
    table = Table(Column("case", overflow="fold"), "title", "minutes", box=None)
    for scenario in scenarios:
        table.add_row(scenario.id, escape(scenario.title), str(scenario.minutes))
    table_console().print(table)
