"""`casesim run` and `casesim report`: one design, printed with verdicts, figures and differences, or written as a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.cli.exits import Status, UsageError, VisibleConsole, err, table_console
from simulator.cli.options import Against, AsJson, Case, RunOptions, UntilDecided, read_picks, result_in_processes
from simulator.engine.actions import Action, with_actions
from simulator.engine.compiled_plan import changes_of, without_curveballs
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.evidence.evidence_files import in_one_step
from simulator.explain.claims import claims_json, difference_claims, open_claims, said
from simulator.explain.notes import good_of
from simulator.explain.request_path import RequestPath, answers_early, percentile, request_path
from simulator.explain.result import Result
from simulator.intervals import Interval
from simulator.metrics.comparisons import Comparison, OneSided, compare
from simulator.phrases import phrase
from simulator.practice.chrome_trace import check_target, write_trace
from simulator.practice.curveball_effects import summed_up, tolls
from simulator.practice.run_page import difference_page, objectives_table, print_page, run_page
from simulator.units import duration, spoken, spoken_within


def print_summary(out: VisibleConsole, summary: Result) -> None:
    """Print verdicts, metrics, the reasons why objectives are not met, and limits of trust."""
    scenario, design = summary.plan.scenario, summary.plan.design
    out.paragraph(f"[bold]{escape(scenario.title)}[/bold], {escape(summary.size)}")
    out.paragraph(escape(", ".join(f"{name}={option}" for name, option in design.items())), style="dim")
    for name, at_s in summary.plan.strikes.items():
        out.paragraph(f"[yellow]strikes[/yellow] {escape(scenario.curveballs[name].label)}, at {spoken(at_s, 's')}")
    for at_s, picks in changes_of(summary.plan):
        changed = ", ".join(f"{name}={pick}" for name, pick in picks.items())
        out.paragraph(f"[yellow]changes[/yellow] {escape(changed)}, at {spoken(at_s, 's')}")
    if summary.outside_brief:
        out.paragraph(f"[yellow]{escape(summary.outside_brief)}[/yellow]")
    out.print(objectives_table(summary.verdicts))
    out.print(_metrics_table(out, summary))
    out.paragraph(escape(summary.sense), style="dim")
    print_reasons(out, summary)
    for warning in summary.warnings[bool(summary.outside_brief) :]:
        out.paragraph(f"[yellow]note[/yellow] {escape(warning)}")
    doubtful = [note for note in summary.trust if note.level != "good"]
    for note in doubtful:
        out.paragraph(f"[yellow]trust: {note.level}[/yellow] {escape(note.sentence)}")
    out.print(f"trust: {good_of(summary.trust)}; --json lists them", style="dim")
    out.print(f"run hash {summary.run_hash}; --json adds the source of every number", style="dim")


#: Columns of a cell that may hold a sentence.
_WIDEST_CELL = 40

#: A terminal of fewer columns has no room for the parts of an interval beside a name in one piece; --json has them.
_ROOMY = 110


def _metrics_table(out: Console, summary: Result) -> Table:
    columns: dict[str, Callable[[str], str]] = {
        "value": lambda name: summary.shown(name)[0],
        "95% interval": lambda name: summary.shown(name)[1],
    }
    if out.width >= _ROOMY:
        columns["half-widths"] = summary.doubts
    if summary.one_runs:
        columns["one run"] = lambda name: _figure_within(summary, name, summary.one_runs.get(name))[1]
    table = Table(Column("metric", no_wrap=True), *columns, box=None, pad_edge=False)
    for name in summary.metrics:
        table.add_row(name, *(cell(name) for cell in columns.values()))
    return table


def _figure_within(summary: Result, name: str, bounds: Interval | None) -> tuple[str, str]:
    """Write a figure, and bounds in the figure's unit, as the page does; without bounds, the second is empty."""
    if bounds is None:
        return spoken(summary.metrics[name].value, summary.metric(name).unit), ""
    return spoken_within(summary.metrics[name].value, bounds.low, bounds.high, summary.metric(name).unit)


def print_reasons(out: VisibleConsole, summary: Result) -> None:
    """Print each reason once, with a step that helps; the bottleneck, unless a reason names it."""
    causes = summary.shown_reasons
    for place, reason in summary.reasons.items():
        verdict = summary.verdicts[place]
        out.paragraph(f"[bold]why[/bold] “{escape(verdict.objective.label)}”, {verdict.standing}: {escape(causes[place])}")
        out.paragraph(escape(reason.advice.sentence), indent=4)
    bottleneck, named = summary.bottleneck, {reason.stage for reason in summary.reasons.values()}
    if bottleneck and bottleneck.stage not in named:
        out.paragraph(f"[bold]bottleneck[/bold] {escape(bottleneck.sentence)}")


def print_differences(out: VisibleConsole, compared: Comparison) -> None:
    """Print the differences from another design: figures that only one of the two has first, then the largest difference."""
    design, other = compared.after.plan.design, compared.before.plan.design
    changed = [f"{name}={pick} against {other[name]}" for name, pick in design.items() if pick != other[name]]
    out.paragraph(f"[bold]differences[/bold], this design minus the other: {escape(', '.join(changed) or 'the same design')}")
    change = Column("difference", max_width=_WIDEST_CELL)
    table = Table(Column("metric", overflow="fold"), change, "95% interval", "half-widths", "", box=None, pad_edge=False)
    for difference in compared.all:
        if isinstance(difference, OneSided):
            table.add_row(difference.metric.name, difference.words, "", "", difference.verdict)
        else:
            note = "" if difference.significant or difference.change.value == 0 else difference.verdict
            table.add_row(difference.metric.name, *difference.cells, note)
    out.print(table)
    judged = {objective.metric for objective in compared.after.plan.scenario.objectives}
    if words := said(open_claims(compared, judged)):
        out.paragraph(escape(words))


def print_path(out: Console, path: RequestPath) -> None:
    """Print one request, a row a visit."""
    out.print(f"[bold]request {path.request}[/bold] of replication {path.replication}: {escape(path.sentence)}")
    table = Table("step", "entered after", "waiting", "served", "batch", "server", "outcome", box=None)
    for step in path.steps:
        after, waited = duration(step.entered_s - path.start_s), duration(step.queued_s + step.held_s)
        servers = [str(number) if number else "" for number in (step.batch_size, step.server)]
        table.add_row(escape(step.label), after, waited, duration(step.served_s), *servers, step.outcome.replace("_", " "))
    out.print(table)


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Run a design and print its misses, waiting times and costs."""

    case: Case
    options: RunOptions
    until_decided: UntilDecided = False
    changes: Annotated[list[str] | None, "--change CHOICE=OPTION@SECONDS", "change a pick during the run; may be repeated"] = (
        None
    )
    against: Against = None
    explain: Annotated[str | None, "PERCENTILE", "follow one request: p50, p99, p99.9 or slowest"] = None
    trace_out: Annotated[Path | None, "FILE", "write the first replication for Perfetto, as .json or .json.gz"] = None
    show_all: Annotated[bool, "--all", "print every figure, reason and note, not one page"] = False
    as_json: AsJson = False
    strict: Annotated[bool, "exit with 1 when an objective is not met"] = False

    def run(self) -> None:
        scenario = load(self.case)
        picks, strikes = self.options.design(scenario)
        actions = _read_changes(self.changes or [], scenario)
        designs = [picks, picks | read_picks(self.against, scenario, "--against")] if self.against else [picks]
        plans = [compile_plan(scenario, design, strikes) for design in designs]
        plans = [with_actions(plan, actions) for plan in plans] if actions else plans
        share = percentile(self.explain) if self.explain else 0.99
        if self.trace_out:
            check_target(self.trace_out)
        seed = self.options.seed
        summary = result_in_processes(plans[0], seed, self.options.replications, self.until_decided)
        befores = [result_in_processes(plan, seed, summary.replications) for plan in plans[1:]]
        compared = compare(befores[0], summary, every=True) if befores else None
        first = simulate(plans[0], seed) if self.as_json or self.explain or self.trace_out else None
        if first and self.trace_out:
            write_trace(first, self.trace_out)
        paths = _paths(first, share) if first else []
        if self.as_json:
            print(json.dumps(_record(summary, compared, paths), indent=2, allow_nan=False))
        else:
            _print_run(summary, compared, self.show_all)
            for path in paths if self.explain else []:
                print_path(table_console(), path)
        if self.strict and not all(verdict.met and not verdict.void for verdict in summary.verdicts):
            raise typer.Exit(Status.NO)


def _record(summary: Result, compared: Comparison | None, paths: list[RequestPath]) -> dict[str, Any]:
    record = summary.to_json()
    record |= {"request": {f"to_{path.until}": path.to_json() for path in paths}} if paths else {}
    if compared:
        record |= {"against": compared.before.plan.design, "differences": compared.to_json()}
        record["claims"] += claims_json(difference_claims(compared))
    return record


def _print_run(summary: Result, compared: Comparison | None, show_all: bool) -> None:
    """Print one page, or everything; a run with curveballs is compared with the calm run of its design."""
    out = table_console()
    if not show_all:
        print_page(out, difference_page(summary, compared) if compared else run_page(summary, _calm(summary)))
        return
    print_summary(out, summary)
    if calm := _calm(summary):
        out.paragraph(escape(summed_up(summary, tolls(calm, summary))))
    if compared:
        print_differences(out, compared)


def _calm(struck: Result) -> Result | None:
    if not struck.plan.strikes:
        return None
    plan = without_curveballs(struck.plan)
    return result_in_processes(plan, struck.seed, struck.replications)


def _read_changes(changes: list[str], scenario: Scenario) -> list[Action]:
    actions: list[Action] = []
    for change in changes:
        pick, _, seconds = change.rpartition("@")
        try:
            at_s = float(seconds if "=" in pick else "")
        except ValueError:
            raise UsageError(phrase("misuse.change", change=change)) from None
        actions.append((at_s, read_picks([pick], scenario, "--change")))
    return actions


def _paths(trace: Trace, share: float) -> list[RequestPath]:
    # to the answer and, if the path goes on, to the end
    paths = [request_path(trace, share, "answer"), request_path(trace, share, "end") if answers_early(trace) else None]
    return [path for path in paths if path]


@dataclass(frozen=True, kw_only=True)
class ReportCommand:
    """Run a design and write brief, design, verdicts, charts, debrief, sources and command into one HTML file."""

    case: Case
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="where to write it")]
    options: RunOptions
    until_decided: UntilDecided = False

    def run(self) -> None:
        out, options = self.out, self.options
        if out.suffix not in (".html", ".htm"):
            raise UsageError(f"--out {out}: should end in .html")
        if not out.absolute().parent.is_dir():
            raise UsageError(f"--out {out}: there is no folder {out.parent}; make it first, or name another")
        scenario = load(self.case)
        plan = compile_plan(scenario, *options.design(scenario))
        result = result_in_processes(plan, options.seed, options.replications, self.until_decided)
        from streamlit.logger import set_log_level

        set_log_level("ERROR")  # the panels are read without a server: Streamlit would warn of its caches among the lines here
        from simulator.practice.report import report

        with in_one_step(out) as part:
            part.write_text(report(result, simulate(plan, options.seed)), encoding="utf-8")
        err.print(f"{out}: written", markup=False)
