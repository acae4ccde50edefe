"""`casesim run`: runs a design and prints the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulator.analysis.run.chrome import check_target, write_trace
from simulator.analysis.run.compare import Comparison, compare
from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import run_replications
from simulator.analysis.run.request_path import RequestPath, answers_early, percentile, request_path
from simulator.analysis.run.result import Result, result_of
from simulator.commands.options import AsJson, Case, Picks, Seed, Strikes
from simulator.commands.outcome import Status, UsageError, err
from simulator.commands.run_report import print_differences, print_path, print_summary
from simulator.processes import Pool
from simulator.scenario import load
from simulator.serving.actions import Action, with_actions
from simulator.serving.engine import simulate
from simulator.serving.plan import Plan, compile_plan
from simulator.serving.trace import Trace


def run(
    case: Case,
    picks: Picks = None,
    strikes: Strikes = None,
    seed: Seed = 1,
    replications: Annotated[
        int | None, typer.Option(min=2, max=1000, help="number of replications; default: the case's")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--change", metavar="CHOICE=OPTION@SECONDS", help="change a pick during the run; may be repeated"),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="CHOICE=OPTION", help="compare with this pick instead; may be repeated"),
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="PERCENTILE", help="follow one request: p50, p99, p99.9 or slowest")
    ] = None,
    trace_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the first replication for Perfetto, as .json or .json.gz")
    ] = None,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="exit with 1 when an objective is not met")] = False,
) -> None:
    """Run a design and print its misses, waiting times and costs."""
    scenario, picked, struck = load(case), read_picks(picks or [], "--set"), read_strikes(strikes or [])
    actions = _read_changes(changes or [])
    plan = with_actions(compile_plan(scenario, picked, struck), actions)
    others = picked | read_picks(against, "--against") if against else picked
    other = with_actions(compile_plan(scenario, others, struck), actions) if against else None
    share = _read_percentile(explain or "p99")
    if trace_out:
        check_target(trace_out)
    summary = result_of(plan, seed, run_in_processes(plan, seed, replications))
    compared = _against(other, summary) if other else None
    first = simulate(plan, seed) if as_json or explain or trace_out else None
    if first and trace_out:
        write_trace(first, trace_out)
    if as_json and first:
        told = {"against": compared.before.plan.design, "differences": compared.to_json()} if compared else {}
        print(json.dumps(summary.to_json() | _requests(first, share) | told, indent=2, allow_nan=False))
    else:
        print_summary(summary)
        if compared:
            print_differences(compared)
        for path in _paths(first, share) if first and explain else []:
            print_path(path)
    if strict and not all(verdict.met for verdict in summary.verdicts):
        raise typer.Exit(Status.NO)


def read_picks(picks: list[str], option: str) -> dict[str, str]:
    """What an option such as `--set` says, choice to option; raises UsageError."""
    for pick in picks:
        if "=" not in pick:
            raise UsageError(f"{option} {pick}: write it as CHOICE=OPTION, such as {option} replicas=4")
    return {name.strip(): value.strip() for name, value in (pick.split("=", 1) for pick in picks)}


def _read_changes(changes: list[str]) -> list[Action]:
    found: list[Action] = []
    for change in changes:
        pick, _, seconds = change.rpartition("@")
        try:
            found.append((float(seconds), read_picks([pick], "--change")))
        except ValueError:
            raise UsageError(
                f"--change {change}: write it as CHOICE=OPTION@SECONDS, such as --change replicas=4@3600"
            ) from None
    return found


def _read_percentile(text: str) -> float:
    try:
        return percentile(text)
    except ValueError as error:
        raise UsageError(f"--explain {error}") from error


def read_strikes(strikes: list[str]) -> dict[str, float | None]:
    """What `--strike` says: curveball to its time in seconds, None for its own; raises UsageError."""
    found: dict[str, float | None] = {}
    for strike in strikes:
        name, at, seconds = strike.partition("@")
        try:
            found[name.strip()] = float(seconds) if at else None
        except ValueError:
            raise UsageError(
                f"--strike {strike}: write it as CURVEBALL or CURVEBALL@SECONDS, such as --strike {name}@3600"
            ) from None
    return found


def run_in_processes(plan: Plan, seed: int, replications: int | None) -> list[Measures]:
    """Run and measure every replication, on all cores, with a bar."""
    columns = (TextColumn("replications"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Pool() as pool, Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("run", total=replications or plan.scenario.run.replications)
        told = lambda done, _: bar.update(task, completed=done)  # noqa: E731
        return run_replications(plan, seed, replications, pool, told)


def _against(other: Plan, summary: Result) -> Comparison:
    """The differences from another design that meets the same requests."""
    before = result_of(other, summary.seed, run_in_processes(other, summary.seed, summary.replications))
    return compare(before, summary, every=True)


def _paths(trace: Trace, share: float) -> list[RequestPath]:
    """The request at a percentile of the time to the answer and, if the path goes on, of the time to the end."""
    found = [request_path(trace, share, "answer"), request_path(trace, share, "end") if answers_early(trace) else None]
    return [path for path in found if path]


def _requests(trace: Trace, share: float) -> dict[str, Any]:
    paths = {f"to_{path.until}": path.to_json() for path in _paths(trace, share)}
    return {"request": paths} if paths else {}
