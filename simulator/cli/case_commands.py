"""`casesim cases` and `casesim check`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.document import Fault, ScenarioError
from simulator.case.load import find, load, load_all
from simulator.case.schema import Scenario
from simulator.cli.exits import Status, say, table_console, tell
from simulator.engine.plan import compile_plan, read_whole


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


def check(
    case: Annotated[str, typer.Argument(help="the id of a case, or the path to a YAML file", show_default=False)],
) -> None:
    """Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault."""
    try:
        scenario = read_whole(lambda: load(case))
    except ScenarioError as error:
        if not find(case).is_file():
            raise  # there is no file to check: wrong use, not a fault of a case
        tell(error)
        raise typer.Exit(Status.NO) from None
    for caution in compile_plan(scenario).warnings:
        say(caution)
    say(f"{scenario.id}: no faults")
