"""What `casesim run` prints: verdicts, figures, differences, one request's path."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Column, Table

from simulator.analysis.run.compare import Comparison, OneSided, undecided
from simulator.analysis.run.request_path import RequestPath
from simulator.analysis.run.result import Result
from simulator.analysis.run.scorecard import Standing, Verdict
from simulator.analysis.statistics import Interval
from simulator.commands.outcome import VisibleConsole
from simulator.serving.plan import changes_of
from simulator.units import duration, spoken

out = VisibleConsole()

_COLOURS: dict[Standing, str] = {"met": "green", "not met": "red", "not proven": "yellow", "no figure": "bright_black"}


def print_summary(summary: Result) -> None:
    """Print verdicts, metrics, why objectives are not met and how far to trust all that."""
    scenario, design = summary.plan.scenario, summary.plan.design
    count = f"{summary.replications} replications, {scenario.unit.counted(summary.requests)}"
    out.print(f"[bold]{escape(scenario.title)}[/bold], {count}, seed {summary.seed}")
    out.print(", ".join(f"{name}={option}" for name, option in design.items()), style="dim")
    for name, at_s in summary.plan.strikes.items():
        out.print(f"[yellow]strikes[/yellow] {escape(summary.plan.scenario.curveballs[name].label)}, at {spoken(at_s, 's')}")
    for at_s, picks in changes_of(summary.plan):
        changed = ", ".join(f"{name}={pick}" for name, pick in picks.items())
        out.print(f"[yellow]changes[/yellow] {escape(changed)}, at {spoken(at_s, 's')}")
    verdicts = Table("objective", "target", "reached", "95% interval", "verdict", box=None)
    for verdict in summary.verdicts:
        verdicts.add_row(*_verdict_row(verdict))
    out.print(verdicts)
    metrics = Table(Column("metric", overflow="fold"), "value", "95% interval", "half-widths", box=None)
    for name, found in summary.metrics.items():
        unit = summary.metric(name).unit
        metrics.add_row(name, spoken(found.value, unit), _interval(found, unit), summary.doubts(name))
    out.print(metrics)
    out.print(summary.sense, style="dim")
    print_reasons(summary)
    for warning in summary.warnings:
        out.print(f"[yellow]note[/yellow] {escape(warning)}")
    doubts = [note for note in summary.trust if note.level != "good"]
    for note in doubts:
        out.print(f"[yellow]trust: {note.level}[/yellow] {escape(note.sentence)}")
    out.print(
        f"trust: {len(summary.trust) - len(doubts)} of {len(summary.trust)} points are good; --json lists them", style="dim"
    )
    out.print(f"run hash {summary.run_hash}; --json adds the source of every number", style="dim")


def print_reasons(summary: Result) -> None:
    """Print why each objective is not met, and a step that helps; the bottleneck, unless a reason names that stage."""
    for place, reason in summary.reasons.items():
        verdict = summary.verdicts[place]
        out.print(f"[bold]why[/bold] “{escape(verdict.objective.label)}”, {verdict.standing}: {escape(reason.sentence)}")
        out.print(f"    {escape(reason.advice.sentence)}")
    bottleneck, named = summary.bottleneck, {reason.stage for reason in summary.reasons.values()}
    if bottleneck and bottleneck.stage not in named:
        out.print(f"[bold]bottleneck[/bold] {escape(bottleneck.sentence)}")


def print_differences(compared: Comparison) -> None:
    """Print what changes against another design: what only one of the two can quote first, then the largest change."""
    design, other = compared.after.plan.design, compared.before.plan.design
    changed = [f"{name}={pick} against {other[name]}" for name, pick in design.items() if pick != other[name]]
    out.print(f"[bold]differences[/bold], this design minus the other: {escape(', '.join(changed) or 'the same design')}")
    table = Table(Column("metric", overflow="fold"), "difference", "95% interval", "half-widths", "", box=None)
    for one in compared.all:
        if isinstance(one, OneSided):
            table.add_row(one.metric.name, one.words, "", "", one.verdict)
        else:
            told = "" if one.significant or one.change.value == 0 else one.verdict
            table.add_row(one.metric.name, one.size, one.interval, one.doubts, told)
    out.print(table)
    asked = {objective.metric for objective in compared.after.plan.scenario.objectives}
    if words := undecided([change for change in compared.moved if change.metric.name in asked]):
        out.print(escape(words))


def print_path(path: RequestPath) -> None:
    """Print one request, a row a visit."""
    out.print(f"[bold]request {path.request}[/bold] of replication {path.replication}: {escape(path.sentence)}")
    table = Table("step", "entered after", "waiting", "served", "batch", "server", "outcome", box=None)
    for step in path.steps:
        after, waited = duration(step.entered_s - path.start_s), duration(step.queued_s + step.held_s)
        servers = [str(number) if number else "" for number in (step.batch_size, step.server)]
        table.add_row(escape(step.label), after, waited, duration(step.served_s), *servers, step.outcome.replace("_", " "))
    out.print(table)


def _verdict_row(verdict: Verdict) -> tuple[str, ...]:
    colour = _COLOURS[verdict.standing]
    label, words = escape(verdict.objective.label), f"[{colour}]{verdict.standing}[/{colour}]"
    reached = verdict.reached if verdict.estimate else "none to quote"
    return label, verdict.asked, reached, verdict.interval, words


def _interval(estimate: Interval, unit: str) -> str:
    return f"{spoken(estimate.low, unit)} to {spoken(estimate.high, unit)}"
