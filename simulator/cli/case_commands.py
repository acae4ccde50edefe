"""`casesim cases`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.document import Fault, ScenarioError
from simulator.case.installed_packs import remove_installed
from simulator.case.load import Origin, case_origins, installed_cases, load_all
from simulator.case.schema import Scenario
from simulator.cli.exits import UsageError, say, table_console
from simulator.engine.plan import compile_plan
from simulator.units import counted


def cases(
    as_json: Annotated[bool, typer.Option("--json", help="print a list of objects")] = False,
    remove: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="remove an installed case, and its evidence that no other one uses", show_default=False
        ),
    ] = None,
) -> None:
    """List the cases; then, with exit status 2, print what is wrong with those that cannot be used."""
    if remove is not None:
        _remove(remove)
        return
    scenarios, faults = load_all()
    faults += (fault for scenario in scenarios for fault in _faults_of_default(scenario))
    if as_json:
        print(json.dumps([_case_row(scenario) for scenario in scenarios], indent=2))
    else:
        _print_cases(scenarios)
    if faults:
        raise ScenarioError(faults)


def _faults_of_default(scenario: Scenario) -> list[Fault]:
    """Return the reasons why the default design cannot run, such as evidence that is not installed."""
    try:
        compile_plan(scenario)
    except ScenarioError as error:
        return error.faults
    return []


def _case_row(scenario: Scenario) -> dict[str, Any]:
    fields = {name: getattr(scenario, name) for name in ("id", "version", "title", "summary")}
    return fields | {"origin": _origin(scenario.id)}


def _origin(case: str) -> Origin | None:
    """Return the origin of a case; None for a case whose file has another name, which no id finds."""
    return case_origins().get(case, (None,))[0]


#: Words of the list for each origin.
_FROM: dict[Origin | None, str] = {"own": "your folder", "installed": "installed", "shipped": "CaseSim", None: ""}


def _print_cases(scenarios: list[Scenario]) -> None:
    table = Table(Column("case", overflow="fold"), "title", "minutes", "from", box=None)
    for scenario in scenarios:
        table.add_row(scenario.id, escape(scenario.title), str(scenario.minutes), _FROM[_origin(scenario.id)])
    table_console().print(table)


def _remove(case: str) -> None:
    """Remove an installed case; raises UsageError for one that comes with CaseSim, or that is the user's own file."""
    origin, file = case_origins().get(case, (None, None))
    if origin == "shipped":
        raise UsageError(f"'{case}' comes with CaseSim and stays; --remove is for cases that `casesim install` installed")
    if origin == "own" and case not in installed_cases():
        raise UsageError(f"'{case}' is your own file, {file}; delete it yourself")
    gone = remove_installed(case)
    say(f"{case}: removed, with {counted(len(gone), 'file')} in all")
