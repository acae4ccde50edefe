"""`casesim breakeven`: which doubtful figures turn an answer, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from simulator.analysis.sweeps.best import cost_goal
from simulator.analysis.sweeps.doubts import TOGETHER, Answer, Doubt, Doubted, Doubting, answers_of, doubts_of
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.pareto import goal_of
from simulator.analysis.sweeps.told import REPLICATIONS, Asked, asked_metrics
from simulator.commands.chart_option import ChartFile, check_chart, write_chart
from simulator.commands.options import AsJson, Case, Picks, Seed, Strikes
from simulator.commands.outcome import UsageError, err, table_console
from simulator.commands.run import read_picks
from simulator.commands.sweep_options import (
    Figures,
    Objectives,
    Scheduler,
    Trials,
    around,
    head,
    tell_damaged,
    workers,
    working,
)
from simulator.errors import suggest
from simulator.scenario import Scenario, load


def breakeven(
    case: Case,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    objectives: Objectives = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against", metavar="CHOICE=OPTION", help="compare with the design of this pick instead; may be repeated"
        ),
    ] = None,
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME", help="what to compare with --against; default: the cost")
    ] = None,
    doubted: Annotated[
        list[str] | None,
        typer.Option(
            "--doubt", metavar="PLACE", help="doubt this figure alone; may be repeated; default: all assumed or projected"
        ),
    ] = None,
    together: Annotated[int, typer.Option(min=0, max=10_000, help="draws of all doubtful figures at once")] = TOGETHER,
    seed: Seed = 1,
    replications: Trials = REPLICATIONS,
    scheduler: Scheduler = None,
    chart: ChartFile = None,
    as_json: AsJson = False,
) -> None:
    """Find which assumed or projected figures turn an answer within their range, and where it turns."""
    check_chart(chart)
    scenario = load(case)
    answers = _answers(scenario, objectives, against, metrics)
    names = list(dict.fromkeys(answer.metric.name for answer in answers))
    asked = around(scenario, [], names, seed, replications, picks, figures, strikes)
    for answer in answers:
        for point in answer.points(asked.base):
            asked.plan(point)  # whatever is wrong with the other design is told at once
    doubts = _doubts(asked, doubted)
    kept = Kept()
    with workers(scheduler) as submit, working() as tell:
        found = Doubting(asked, submit, kept).find(doubts, answers, together, tell)
    tell_damaged(kept)
    if chart:
        _draw(found, chart)
    if as_json:
        print(json.dumps(head(asked) | _doubted_json(found), indent=2, allow_nan=False))
    else:
        _print_doubted(found)


def _answers(
    scenario: Scenario, objectives: list[str] | None, against: list[str] | None, metrics: list[str] | None
) -> list[Answer]:
    if not against:
        return answers_of(scenario, objectives or [])
    others = read_picks(against, "--against")
    names = asked_metrics(scenario, metrics or [cost_goal(scenario).metric.name])
    goals = [goal_of(scenario, name) for name in names]
    return [Answer(goal.metric, None, goal.higher, others) for goal in goals]


def _doubts(asked: Asked, places: list[str] | None) -> list[Doubt]:
    every = {doubt.place: doubt for doubt in doubts_of(asked.plan(asked.base))}
    for place in places or []:
        if place not in every:
            raise UsageError(f"--doubt {place}: is no assumed or projected figure of this design; {suggest(place, every)}")
    return [every[place] for place in places or every]


def _doubted_json(found: Doubted) -> dict[str, Any]:
    return {
        "doubted": [
            {"figure": one.place, "value": one.figure.value, "range": [one.low, one.high], "range_given": one.own,
             "kind": one.figure.kind, "source": one.figure.source}
            for one in found.doubts
        ],
        "flips": [flip.to_json() for flip in found.flips],
        "steady": found.steady,
        "without_effect": [one.place for one in found.idle],
        "not_varied": dict(found.unvaried),
        "together": [
            {"metric": one.answer.metric.name, "answer": one.answer.words, "holds": one.holds, "same": one.same, "of": one.of,
             "low": one.share.low, "high": one.share.high}
            for one in found.together
        ],
    }  # fmt: skip


def _draw(found: Doubted, file: Path) -> None:
    if not found.flips:
        err.print(f"{file}: not written, as no answer turns within the range of a figure", markup=False)
        return
    from simulator.ui.charts import flip_chart

    write_chart(flip_chart(found.flips), file)


def _print_doubted(found: Doubted) -> None:
    out = table_console()
    for flip in found.flips:
        out.print(escape(flip.sentence))
        where = flip.crossing
        sides = [f"below it {flip.answer.told(where.below)}", f"above it {flip.answer.told(where.above)}"]
        again = "; on other requests too" if where.is_bounded else ""
        out.print(f"    {escape(', '.join(sides))}{again}; {escape(flip.doubt.words)}", style="dim")
    out.print(escape(found.rest))
    for place, why in found.unvaried.items():
        out.print(f"not varied alone: {escape(place)}: {escape(why)}", style="dim")
    for one in found.together:
        out.print(escape(one.sentence))
