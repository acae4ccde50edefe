"""`casesim check`, `casesim lint` and `casesim explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from simulator.authoring.case_checker import CheckedCase, check_case
from simulator.authoring.finding_codes import FINDINGS, explanation, severity_of
from simulator.authoring.finding_formats import Format, lines_of
from simulator.cli.exits import Status, known, say

CaseFile = Annotated[
    str, typer.Argument(metavar="CASE", help="the id of a case, or the path to a YAML file", show_default=False)
]
AsFormat = Annotated[
    Format, typer.Option("--format", help="text for a person, json for a program, github for annotations of a workflow")
]


def check(case: CaseFile, form: AsFormat = "text") -> None:
    """Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault."""
    checked = _printed(case, form)
    if checked.faults:
        raise typer.Exit(Status.NO)


def lint(case: CaseFile, form: AsFormat = "text") -> None:
    """Check a case as `casesim check` does; exit status 1 also for a caution."""
    checked = _printed(case, form)
    if any(severity_of(fault.code) != "note" for fault in (*checked.faults, *checked.cautions)):
        raise typer.Exit(Status.NO)


def _printed(case: str, form: Format) -> CheckedCase:
    checked = check_case(case)
    for line in lines_of(checked, form):
        say(line)
    return checked


def explain(
    code: Annotated[
        str | None, typer.Argument(help="a code, as `casesim check` prints it in brackets", show_default=False)
    ] = None,
) -> None:
    """Explain a code of `casesim check` with a wrong and a right example; without a code, list all codes."""
    if code is None:
        widest = max(map(len, FINDINGS))
        for name, finding in FINDINGS.items():
            say(f"{name:{widest}}  {finding.severity:7}  {finding.title}")
        return
    say(explanation(known("code", code.strip("[]"), FINDINGS)))
