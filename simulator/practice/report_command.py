"""`casesim report`: writes the run of a design into one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from simulator.case.load import load
from simulator.cli.exits import UsageError, err
from simulator.cli.options import Case, Picks, Seed, Strikes
from simulator.cli.run_command import read_picks, read_strikes, run_in_processes
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.evidence.evidence_files import in_one_step
from simulator.explain.replications import result_of
from simulator.practice.report import report as page


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
    with in_one_step(out) as part:
        part.write_text(page(result, simulate(plan, seed)), encoding="utf-8")
    err.print(f"{out}: written", markup=False)
