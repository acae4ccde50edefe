"""The command `casesim`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from simulator.analysis.run.chrome import TraceFileError, check_target, write_trace
from simulator.analysis.run.compare import Difference, differences, undecided
from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import measured
from simulator.analysis.run.request_path import Way, answers_early, percentile, way_of
from simulator.analysis.run.scorecard import Standing, Verdict
from simulator.analysis.run.summary import Summary, summary_of
from simulator.analysis.statistics import Interval
from simulator.commands.detections import detect_eval, detect_tables
from simulator.commands.fidelity import fidelity
from simulator.commands.profile import profile
from simulator.commands.projection import projection
from simulator.commands.scores import scores
from simulator.commands.train import train
from simulator.evidence.catalogue import CatalogueError
from simulator.evidence.profiles import ProfileError
from simulator.evidence.scores import ScoreError
from simulator.paths import APP
from simulator.scenario import ScenarioError, load, scenario_ids
from simulator.scenario.faults import Fault
from simulator.serving.engine import ENGINE_VERSION, simulate
from simulator.serving.plan import Plan, compile_plan
from simulator.serving.trace import Trace
from simulator.units import duration, spoken

app = typer.Typer(
    help="Run an ML system design for computer vision. Without a command it opens the app.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console()
err = Console(stderr=True)


#: What the command says by its exit status beside 0 (done) and 1 (the answer is no), as in BSD's sysexits.h and in shells.
_WRONG_USE, _OWN_FAULT, _STOPPED = 2, 70, 130

_COLOURS: dict[Standing, str] = {"met": "green", "missed": "red", "open": "yellow", "none": "bright_black"}


class UsageError(Exception):
    """The command was called in a way, or with an input, that cannot work; the message says what would."""


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"casesim {version('casesim')}, engine {ENGINE_VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def casesim(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="print the versions and stop")
    ] = False,
) -> None:
    """Open the app when no command is given."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535, help="the port to serve on")] = 8501) -> None:
    """Open the app in a browser."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]))  # noqa: S603


@app.command()
def cases(as_json: Annotated[bool, typer.Option("--json", help="print a list of objects")] = False) -> None:
    """List the cases there are."""
    scenarios = [load(name) for name in scenario_ids()]
    if as_json:
        print(
            json.dumps(
                [{"id": s.id, "version": s.version, "title": s.title, "summary": s.summary} for s in scenarios], indent=2
            )
        )
        return
    table = Table("case", "title", "minutes", box=None)
    for scenario in scenarios:
        table.add_row(scenario.id, escape(scenario.title), str(scenario.minutes))
    out.print(table)


@app.command()
def run(
    case: Annotated[str, typer.Argument(help="the id of a case, or the path of a YAML file")],
    picks: Annotated[list[str] | None, typer.Option("--set", metavar="CHOICE=OPTION", help="pick an option; repeat")] = None,
    strikes: Annotated[
        list[str] | None,
        typer.Option(
            "--strike", metavar="CURVEBALL[@SECONDS]", help="let a curveball strike, at its own time or this one; repeat"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="the seed of every random stream")] = 1,
    replications: Annotated[
        int | None, typer.Option(min=2, max=1000, help="how many replications; the case says how many by default")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", metavar="CHOICE=OPTION", help="compare with this pick instead; repeat")
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="PERCENTILE", help="follow one request: p50, p99, p99.9 or slowest")
    ] = None,
    trace_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the first replication for Perfetto, as .json or .json.gz")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="exit with 1 when an objective is missed")] = False,
) -> None:
    """Run a design and print what it costs in misses, waiting time and money."""
    scenario, picked, struck = load(case), _read_picks(picks or [], "--set"), _read_strikes(strikes or [])
    plan = compile_plan(scenario, picked, struck)
    other = compile_plan(scenario, picked | _read_picks(against, "--against"), struck) if against else None
    share = _read_percentile(explain or "p99")
    if trace_out:
        check_target(trace_out)
    measures = _run(plan, seed, replications)
    summary = summary_of(plan, seed, measures)
    moved = _against(other, measures, summary) if other else []
    first = simulate(plan, seed) if as_json or explain or trace_out else None
    if first and trace_out:
        write_trace(first, trace_out)
    if as_json and first:
        compared = {"against": other.design, "differences": [change.to_json() for change in moved]} if other else {}
        print(json.dumps(summary.to_json() | _requests(first, share) | compared, indent=2, allow_nan=False))
    else:
        _print(summary)
        _print_differences(moved, plan, other)
        for way in _ways(first, share) if first and explain else []:
            _print_way(way)
    if strict and not all(verdict.met for verdict in summary.verdicts):
        raise typer.Exit(1)


app.command()(profile)
app.command()(fidelity)
app.command()(projection)
scores.command()(train)
app.add_typer(scores, name="scores")
app.command()(detect_eval)
app.command()(detect_tables)


def _read_picks(picks: list[str], option: str) -> dict[str, str]:
    for pick in picks:
        if "=" not in pick:
            raise UsageError(f"{option} {pick}: write it as CHOICE=OPTION, such as {option} replicas=4")
    return {name.strip(): value.strip() for name, value in (pick.split("=", 1) for pick in picks)}


def _read_percentile(text: str) -> float:
    try:
        return percentile(text)
    except ValueError as error:
        raise UsageError(f"--explain {error}") from error


def _read_strikes(strikes: list[str]) -> dict[str, float | None]:
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


def _run(plan: Plan, seed: int, replications: int | None) -> list[Measures]:
    columns = (TextColumn("replications"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # An interrupt reaches workers too, and is the command's own to answer.
    executor = ProcessPoolExecutor(initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    try:
        executor.submit(int).result()  # workers are forked before the progress bar starts its thread
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("run", total=replications or plan.scenario.run.replications)
            return measured(plan, seed, replications, executor, lambda done, _: bar.update(task, completed=done))
    except BrokenProcessPool as error:
        raise UsageError("a worker process was killed, perhaps for want of memory; ask for fewer requests") from error
    finally:
        executor.shutdown(cancel_futures=True)


def _against(other: Plan, measures: list[Measures], summary: Summary) -> list[Difference]:
    """What the design changes against another one that meets the same requests."""
    before = _run(other, summary.seed, summary.replications)
    return differences(before, measures, (summary_of(other, summary.seed, before), summary), every=True)


def _ways(trace: Trace, share: float) -> list[Way]:
    """The request at a percentile of the time to the answer and, where that is not all, of the time to the end."""
    found = [way_of(trace, share, "answer"), way_of(trace, share, "end") if answers_early(trace) else None]
    return [way for way in found if way]


def _requests(trace: Trace, share: float) -> dict[str, Any]:
    ways = {f"to_{way.until}": way.to_json() for way in _ways(trace, share)}
    return {"request": ways} if ways else {}


def _print(summary: Summary) -> None:
    title, design = summary.plan.scenario.title, summary.plan.design
    count = f"{summary.replications} replications, {summary.requests:,} requests"
    out.print(f"[bold]{escape(title)}[/bold], {count}, seed {summary.seed}")
    out.print(", ".join(f"{name}={option}" for name, option in design.items()), style="dim")
    for name, at_s in summary.plan.strikes.items():
        out.print(f"[yellow]strikes[/yellow] {escape(summary.plan.scenario.curveballs[name].label)}, at {spoken(at_s, 's')}")
    verdicts = Table("objective", "asked", "reached", "95% interval", "verdict", box=None)
    for verdict in summary.verdicts:
        verdicts.add_row(*_verdict_row(verdict, verdict.metric.unit))
    out.print(verdicts)
    metrics = Table(Column("metric", overflow="fold"), "value", "95% interval", "half-widths", box=None)
    for name, found in summary.metrics.items():
        unit = summary.metric(name).unit
        metrics.add_row(name, spoken(found.value, unit), _interval(found, unit), summary.doubts(name))
    out.print(metrics)
    out.print(summary.sense, style="dim")
    if summary.bottleneck:
        out.print(f"[bold]bottleneck[/bold] {escape(summary.bottleneck.sentence)}")
    for warning in summary.warnings:
        out.print(f"[yellow]note[/yellow] {escape(warning)}")
    doubts = [note for note in summary.trust if note.level != "good"]
    for note in doubts:
        out.print(f"[yellow]trust: {note.level}[/yellow] {escape(note.sentence)}")
    out.print(f"trust: good on {len(summary.trust) - len(doubts)} of {len(summary.trust)} points; --json has them", style="dim")
    out.print(f"run hash {summary.run_hash}; --json adds the source of every number", style="dim")


def _print_differences(moved: list[Difference], plan: Plan, other: Plan | None) -> None:
    if other is None:
        return
    changed = [
        f"{name}={pick} against {other.design[name]}" for name, pick in plan.design.items() if pick != other.design[name]
    ]
    out.print(f"[bold]differences[/bold] {escape(', '.join(changed) or 'the same design')}")
    table = Table(Column("metric", overflow="fold"), "change", "95% interval", "half-widths", "", box=None)
    for change in moved:
        told = "" if change.significant or change.change.value == 0 else "not significantly different"
        table.add_row(change.metric.name, change.size, change.interval, change.doubts, told)
    out.print(table)
    if words := undecided([change for change in moved if change.label != change.metric.name]):
        out.print(escape(words))


def _print_way(way: Way) -> None:
    out.print(f"[bold]request {way.request}[/bold] of replication {way.replication}: {escape(way.sentence)}")
    table = Table("step", "entered after", "waiting", "served", "batch", "server", "outcome", box=None)
    for step in way.steps:
        after, waited = duration(step.entered_s - way.start_s), duration(step.queued_s + step.held_s)
        servers = [str(number) if number else "" for number in (step.batch_size, step.server)]
        table.add_row(escape(step.label), after, waited, duration(step.served_s), *servers, step.outcome.replace("_", " "))
    out.print(table)


def _verdict_row(verdict: Verdict, unit: str) -> tuple[str, ...]:
    asked = ("at least " if verdict.objective.at_least is not None else "at most ") + spoken(verdict.bound, unit)
    colour = _COLOURS[verdict.standing]
    label, words = escape(verdict.objective.label), f"[{colour}]{verdict.words}[/{colour}]"
    if verdict.estimate is None:
        return label, asked, "none to quote", "", words
    return label, asked, spoken(verdict.estimate.value, unit), _interval(verdict.estimate, unit), words


def _interval(estimate: Interval, unit: str) -> str:
    return f"{spoken(estimate.low, unit)} to {spoken(estimate.high, unit)}"


def report(faults: list[Fault]) -> None:
    """Print every fault, a line each, as `file:line:col: field: message`."""
    for fault in faults:
        print(fault, file=sys.stderr)
    count = len(faults)
    print(f"{count} fault{'s' if count > 1 else ''}", file=sys.stderr)


def main() -> None:
    """Run the command; exit with 2 for wrong use or input and with 70 for a fault of CaseSim's own, each told in a sentence."""
    try:
        app()
    except ScenarioError as error:
        report(error.faults)
    except (UsageError, TraceFileError, CatalogueError, ProfileError, ScoreError, OSError) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        sys.exit(_STOPPED)
    except Exception as error:
        _tell_own_fault(error)
        sys.exit(_OWN_FAULT)
    sys.exit(_WRONG_USE)


def _tell_own_fault(error: Exception) -> None:
    if os.environ.get("CASESIM_DEBUG"):
        traceback.print_exception(error)
        return
    told = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"this is a fault of CaseSim, not of what it was given: {told[:200]}; CASESIM_DEBUG=1 in the environment shows where",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
