"""`casesim test`: the checks of a case, as a test runner prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from simulator.authoring.case_test import case_results
from simulator.authoring.check_results import CheckResult, KeptResults, as_annotation, as_json, summary_line
from simulator.authoring.tested_designs import DesignRunner
from simulator.case.load import load
from simulator.cli.exits import Status, UsageError, table_console, working_bar
from simulator.cli.options import AsJson, Case, Scheduler, workers
from simulator.engine.plan import read_whole
from simulator.sweeps.outcome_cache import OutcomeCache

FORMATS = ("text", "json", "github")

_MARKS = {"pass": "ok  ", "fail": "FAIL", "cannot be told": "OPEN", "caution": "note", "skipped": "skip"}
_COLOURS = {"pass": "green", "fail": "bold red", "cannot be told": "bold yellow", "caution": "yellow", "skipped": "dim"}

Minutes = Annotated[float | None, typer.Option(min=0.0, help="begin no further check after N minutes")]
OutputFormat = Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="text, JSON, or annotations of GitHub")]
Whole = Annotated[bool, typer.Option("--verbose", "-v", help="print the checks that pass too, with what they found")]
Fresh = Annotated[bool, typer.Option("--fresh", help="run all checks again, also those whose results are kept")]
KeepIn = Annotated[Path | None, typer.Option("--keep", metavar="FILE", help="write the results to this file")]


def test(
    case: Case,
    minutes: Minutes = 10,
    output: OutputFormat = "text",
    as_json_too: AsJson = False,
    verbose: Whole = False,
    fresh: Fresh = False,
    keep: KeepIn = None,
    scheduler: Scheduler = None,
) -> None:
    """Test a case: can it be won and not by accident, does each option have its use, and do its claims hold?

    Exit status 1 if a check fails or cannot be told.
    """
    form = "json" if as_json_too else output
    if form not in FORMATS:
        raise UsageError(f"--format {output}: expected one of: {', '.join(FORMATS)}")
    scenario = read_whole(lambda: load(case))
    kept, begun = KeptResults(scenario, keep), monotonic()
    if fresh:
        kept.known.clear()
    with workers(scheduler) as submit, working_bar() as report:
        runner = DesignRunner(scenario, submit, OutcomeCache(), report)
        found = list(_as_they_come(case_results(scenario, runner, kept, minutes), form, verbose, scenario.document.file))
    kept.write()
    if form == "json":
        print(as_json(scenario, found))
    elif form == "text":
        table_console().print(summary_line(found, monotonic() - begun), markup=False)
    if any(result.failed for result in found):
        raise typer.Exit(Status.NO)


def _as_they_come(results: Iterable[CheckResult], form: str, verbose: bool, file: str) -> Iterator[CheckResult]:
    """Pass results on, and print each as soon as it is there."""
    console = table_console()
    for result in results:
        if form == "github" and result.failed:
            print(as_annotation(file, result), flush=True)
        elif form == "text":
            whole = verbose or result.outcome != "pass"
            line = (
                f"{file}:{result.line}: {result.check}: {result.subject}: {result.says}"
                if whole
                else f"{result.check}: {result.subject}"
            )
            style = _COLOURS[result.outcome]
            console.print(f"{_MARKS[result.outcome]} {line}", style=style, markup=False, highlight=False, soft_wrap=True)
        yield result
