"""`casesim test`: the checks of a case, as a test runner prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class TestCommand:
    """Test a case: can it be won and not by accident, does each option have its use, and do its claims hold?

    Exit status 1 if a check fails or cannot be told.
    """

    case: Case
    minutes: Annotated[float | None, typer.Option(min=0.0, help="begin no further check after N minutes")] = 10
    output: Annotated[str, f"--format {'|'.join(FORMATS)}", "text, JSON, or annotations of GitHub"] = "text"
    as_json: AsJson = False
    verbose: Annotated[bool, "--verbose -v", "print the checks that pass too, with what they found"] = False
    fresh: Annotated[bool, "run all checks again, also those whose results are kept"] = False
    keep: Annotated[Path | None, "FILE", "write the results to this file"] = None
    scheduler: Scheduler = None

    def run(self) -> None:
        form = "json" if self.as_json else self.output
        if form not in FORMATS:
            raise UsageError(f"--format {self.output}: expected one of: {', '.join(FORMATS)}")
        scenario = read_whole(lambda: load(self.case))
        kept, begun = KeptResults(scenario, self.keep), monotonic()
        if self.fresh:
            kept.known.clear()
        with workers(self.scheduler) as submit, working_bar() as report:
            runner = DesignRunner(scenario, submit, OutcomeCache(), report)
            results = case_results(scenario, runner, kept, self.minutes)
            found = list(_as_they_come(results, form, self.verbose, scenario.document.file))
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
