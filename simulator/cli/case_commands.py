"""`casesim cases`."""

from __future__ import annotations

from typing import Annotated, Any

from rich.markup import escape
from rich.table import Column

from simulator.case.document import Fault, ScenarioError
from simulator.case.installed_packs import remove_installed
from simulator.case.load import Origin, case_origins, installed_cases, load_all
from simulator.case.schema import Scenario
from simulator.cli.exits import UsageError, answer, say, table_of
from simulator.cli.options import AsJsonList
from simulator.engine.plan import compile_plan
from simulator.units import counted

Remove = Annotated[str | None, "ID", "remove an installed case, and its evidence that no other one uses"]


def cases(as_json: AsJsonList = False, remove: Remove = None) -> None:
    """List the cases; then, with exit status 2, print what is wrong with those that cannot be used."""
    if remove is not None:
        _remove(remove)
        return
    scenarios, faults = load_all()
    faults += (fault for scenario in scenarios for fault in _faults_of_default(scenario))
    cells = ((case.id, escape(case.title), str(case.minutes), _FROM[_origin(case.id)]) for case in scenarios)
    table = table_of(cells, Column("case", overflow="fold"), "title", "minutes", "from")
    answer(as_json, [_case_row(scenario) for scenario in scenarios], [table])
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


def _remove(case: str) -> None:
    """Remove an installed case; raises UsageError for one that comes with CaseSim, or that is the user's own file."""
    origin, file = case_origins().get(case, (None, None))
    if origin == "shipped":
        raise UsageError(f"'{case}' comes with CaseSim and stays; --remove is for cases that `casesim install` installed")
    if origin == "own" and case not in installed_cases():
        raise UsageError(f"'{case}' is your own file, {file}; delete it yourself")
    gone = remove_installed(case)
    say(f"{case}: removed, with {counted(len(gone), 'file')} in all")
