"""`casesim best`: the cheapest design that meets every objective, or the nearest misses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from simulator.analysis.sweeps.best import FEW, Found, Search, Tried, cost_goal
from simulator.analysis.sweeps.doubts import answers_of
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.space import Point
from simulator.analysis.sweeps.sweep import Sweep, swept
from simulator.commands.options import AsJson, Case, Picks, Seed, Strikes
from simulator.commands.outcome import err, table_console
from simulator.commands.sweep_options import Figures, Objectives, Over, Scheduler, around, head, tell_damaged, workers
from simulator.errors import InputError
from simulator.scenario import load
from simulator.units import spoken


def best(
    case: Case,
    over: Over = None,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    objectives: Objectives = None,
    least: Annotated[
        str | None, typer.Option("--least", metavar="METRIC", help="what is to be least; default: the cost")
    ] = None,
    budget: Annotated[int, typer.Option("--designs", min=8, max=10_000, help="designs to try before the race")] = 96,
    seed: Seed = 1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Search for the cheapest design that meets every objective; where none does, name the nearest misses."""
    scenario = load(case)
    answers, cost = answers_of(scenario, objectives or []), cost_goal(scenario, least)
    if not answers:
        raise InputError("the case has no objectives, so no design is better than another")
    metrics = list(dict.fromkeys([*(answer.metric.name for answer in answers), cost.metric.name]))
    told = over or [name for name, choice in scenario.choices.items() if not choice.situation]
    asked = around(scenario, told, metrics, seed, FEW, picks, figures, strikes)
    kept = Kept()
    with workers(scheduler) as submit:

        def evaluate(points: Sequence[Point], replications: int) -> list[Outcome]:
            return swept(Sweep(asked, submit, kept, points, replications=replications))

        search = Search(asked.axes, asked.base, answers, cost, evaluate, seed)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("designs", total=budget)
            found = search.find(budget, progress=lambda done, _: bar.update(task, completed=done))
    tell_damaged(kept)
    if as_json:
        print(json.dumps(head(asked) | _best_json(found, search), indent=2, allow_nan=False))
    else:
        _print_best(found, search)


def _best_json(found: Found, search: Search) -> dict[str, Any]:
    return {
        "meets_all": found.best.meets,
        "best": _tried_json(found.best, search),
        "not_told_apart": [_tried_json(one, search) for one in found.undecided],
        "misses": [
            {"metric": miss.answer.metric.name, "short": miss.short, "words": miss.words} | _tried_json(miss.tried, search)
            for miss in found.misses
            if abs(miss.short) < float("inf")
        ],
        "designs": found.runs,
        "replications_in_all": found.replications,
        "path": [one.cost if one.meets else None for one in found.path],
    }


def _tried_json(one: Tried, search: Search) -> dict[str, Any]:
    metrics = {name: {"value": e.value, "low": e.low, "high": e.high} for name, e in one.outcome.metrics.items()}
    return {"picks": {axis.name: one.point.picks[axis.name] for axis in search.axes}, "metrics": metrics}


def _print_best(found: Found, search: Search) -> None:
    out, cost = table_console(), search.cost.metric
    out.print(f"{found.runs} designs tried, {found.replications} replications in all")
    if found.best.meets:
        out.print(f"[bold]Best:[/bold] {escape(_design(found.best, search))}")
        table = Table("objective", "reached", "95% interval", box=None)
        for answer in search.answers:
            one = found.best.outcome.metrics[answer.metric.name]
            cells = [spoken(value, answer.metric.unit) for value in (one.value, one.low, one.high)]
            table.add_row(escape(answer.words), cells[0], f"{cells[1]} to {cells[2]}")
        out.print(table)
        for other in found.undecided:
            out.print(f"not told apart from it: {escape(_design(other, search))}", style="dim")
        return
    out.print(
        "No design that was tried meets all objectives. The nearest misses:" if found.misses else _hopeless(found, search)
    )
    for miss in found.misses:
        usd = "" if miss.tried.cost == float("inf") else f"; {cost.label}: {spoken(abs(miss.tried.cost), cost.unit)}"
        out.print(f"misses only {escape(miss.words)}{escape(usd)}: {escape(_design(miss.tried, search))}")


def _hopeless(found: Found, search: Search) -> str:
    missed = [escape(answer.words) for answer, part in zip(search.answers, found.best.short, strict=True) if part]
    return (
        f"No design that was tried meets all objectives, or all but one. The nearest misses {len(missed)}: {'; '.join(missed)}"
    )


def _design(one: Tried, search: Search) -> str:
    return ", ".join(f"{axis.name}={one.point.picks[axis.name]}" for axis in search.axes)
