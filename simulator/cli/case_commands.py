"""`casesim cases`: lists the cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.document import ScenarioError
from simulator.case.load import find, load, load_all
from simulator.case.schema import Scenario
from simulator.cli.exits import Status, UsageError, err, say, table_console, tell
from simulator.cli.options import Case, Picks, Seed, Strikes
from simulator.cli.run_command import read_picks, read_strikes, run_in_processes
from simulator.engine.plan import compile_plan, read_whole
from simulator.engine.run import simulate
from simulator.evidence.evidence_files import in_one_step
from simulator.explain.result import result_of


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


def check(
    case: Annotated[str, typer.Argument(help="the id of a case, or the path to a YAML file", show_default=False)],
) -> None:
    """Look for every fault of a case, also in what its options refer to, and print cautions; exit status 1 for a fault."""
    try:
        scenario = read_whole(lambda: load(case))
    except ScenarioError as error:
        if not find(case).is_file():
            raise  # nothing is there to be checked: wrong use, not a fault of a case
        tell(error)
        raise typer.Exit(Status.NO) from None
    for caution in compile_plan(scenario).warnings:
        say(caution)
    say(f"{scenario.id}: no faults")


def report(
    case: Case,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.html", help="where to write it")],
    picks: Picks = None,
    strikes: Strikes = None,
    seed: Seed = 1,
    replications: Annotated[
        int | None, typer.Option(min=2, max=1000, help="number of replications; default: the case's")
    ] = None,
) -> None:
    """Run a design and write brief, design, verdicts, charts, sources and command into one HTML file that needs no other."""
    if out.suffix not in (".html", ".htm"):
        raise UsageError(f"--out {out}: should end in .html")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}; make it first, or name another")
    plan = compile_plan(load(case), read_picks(picks or [], "--set"), read_strikes(strikes or []))
    result = result_of(plan, seed, run_in_processes(plan, seed, replications))
    from simulator.practice.report import report as page

    with in_one_step(out) as part:
        part.write_text(page(result, simulate(plan, seed)), encoding="utf-8")
    err.print(f"{out}: written", markup=False)
