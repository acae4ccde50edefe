"""`casesim best`: the cheapest design that meets every objective, or the nearest misses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.cli.exits import UsageError, err, table_console
from simulator.cli.options import (
    Against,
    AsJson,
    Case,
    ChartFile,
    DesignReplications,
    Figures,
    Metrics,
    Objectives,
    Over,
    Picks,
    Scheduler,
    Seed,
    Strikes,
    check_chart,
    read_picks,
    write_chart,
)
from simulator.cli.progress import counting_bar, working_bar
from simulator.errors import InputError, suggest
from simulator.tradeoffs.best_design import FEW, BestDesigns, Search, TriedDesign, cost_goal
from simulator.tradeoffs.breakeven import (
    TOGETHER,
    BreakevenClaim,
    BreakevenResult,
    BreakevenSearch,
    Doubt,
    answers_of,
    doubts_of,
)
from simulator.tradeoffs.capacity import Capacity, Loading
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import DesignPoint
from simulator.tradeoffs.front import goal_of, label_of
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sensitivity import WAYS, Influence, Ranking, Way, sample_of
from simulator.tradeoffs.sweep import REPLICATIONS, Sweep, SweepRequest, asked_metrics, swept
from simulator.tradeoffs.sweep_commands import around, head, run_points, tell_damaged, workers
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
    kept = OutcomeCache()
    with workers(scheduler) as submit:

        def evaluate(points: Sequence[DesignPoint], replications: int) -> list[DesignOutcome]:
            return swept(Sweep(asked, submit, kept, points, replications=replications))

        search = Search(asked.axes, asked.base, answers, cost, evaluate, seed)
        with counting_bar("designs", budget) as report:
            found = search.find(budget, progress=report)
    tell_damaged(kept)
    if as_json:
        print(json.dumps(head(asked) | _best_json(found, search), indent=2, allow_nan=False))
    else:
        _print_best(found, search)


def _best_json(found: BestDesigns, search: Search) -> dict[str, Any]:
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


def _tried_json(one: TriedDesign, search: Search) -> dict[str, Any]:
    metrics = {name: {"value": e.value, "low": e.low, "high": e.high} for name, e in one.outcome.metrics.items()}
    return {"picks": {axis.name: one.point.picks[axis.name] for axis in search.axes}, "metrics": metrics}


def _print_best(found: BestDesigns, search: Search) -> None:
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


def _hopeless(found: BestDesigns, search: Search) -> str:
    missed = [escape(answer.words) for answer, part in zip(search.answers, found.best.short, strict=True) if part]
    return (
        f"No design that was tried meets all objectives, or all but one. The nearest misses {len(missed)}: {'; '.join(missed)}"
    )


def _design(one: TriedDesign, search: Search) -> str:
    return ", ".join(f"{axis.name}={one.point.picks[axis.name]}" for axis in search.axes)


def capacity(
    case: Case,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    objectives: Objectives = None,
    seed: Seed = 1,
    replications: DesignReplications = REPLICATIONS,
    scheduler: Scheduler = None,
    chart: ChartFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the most traffic within the objectives, the fewest servers for it, and the cost against the load."""
    check_chart(chart)
    scenario = load(case)
    answers = answers_of(scenario, objectives or [])
    cost = cost_goal(scenario)
    metrics = list(dict.fromkeys([*(answer.metric.name for answer in answers), cost.metric.name]))
    asked = around(scenario, [], metrics, seed, replications, picks, figures, strikes)
    kept = OutcomeCache()
    with workers(scheduler) as submit, working_bar() as report:
        found = Loading(asked, answers, submit, kept).find(report)
    tell_damaged(kept)
    if chart:
        from simulator.tradeoffs.tradeoff_charts import load_chart

        write_chart(load_chart(found, cost), chart)
    if as_json:
        print(json.dumps(head(asked) | found.to_json(), indent=2, allow_nan=False))
    else:
        _print_capacity(found, cost.metric.name)


def _print_capacity(found: Capacity, cost: str) -> None:
    out, scenario = table_console(), found.asked.scenario
    for sentence in found.sentences:
        out.print(escape(sentence))
    table = Table(
        "traffic, times", f"{scenario.unit.many} a day", scenario.metrics[cost].label, "objectives that fail", box=None
    )
    for load_ in found.loads:
        one = load_.outcome.metrics.get(cost)
        failing = [limit.answer.words for limit in found.limits if not limit.answer.gap([load_.outcome]).holds]
        usd = "no figure" if one is None else spoken(one.value, scenario.metrics[cost].unit)
        table.add_row(
            f"{load_.times:.3g}", f"{load_.times * found.rate * 86_400:,.0f}", usd, escape("; ".join(failing) or "none")
        )
    out.print(table)
    for fewest in found.fewest:
        out.print(escape(fewest.sentence))


#: Replications of each design: all of them meet the same requests, so that few do.
FEW_TRAJECTORIES = 2


def sensitivity(
    case: Case,
    over: Over = None,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    metrics: Metrics = None,
    way: Annotated[str, typer.Option("--way", metavar="|".join(WAYS), help="Morris screening, or Sobol indices")] = "morris",
    count: Annotated[int, typer.Option("--points", min=2, help="trajectories of Morris, or base points of Sobol")] = 16,
    seed: Seed = 1,
    replications: DesignReplications = FEW_TRAJECTORIES,
    scheduler: Scheduler = None,
    chart: ChartFile = None,
    as_json: AsJson = False,
) -> None:
    """Rank choices and figures by how far they move each metric (parametric sensitivity, by SALib)."""
    scenario = load(case)
    told = over or [name for name, choice in scenario.choices.items() if not choice.situation and not choice.folded]
    names = asked_metrics(scenario, metrics or [])
    check_chart(chart)
    if chart and len(names) > 1:
        raise UsageError(f"--chart {chart}: draws one metric; say which, such as --metric {names[0]}")
    asked = around(scenario, told, names, seed, replications, picks, figures, strikes)
    sample = sample_of(asked.axes, _way(way), count, seed)
    points = sample.points(asked.base)
    alone = {repr(point): point for point in points}
    with workers(scheduler) as submit:
        found = dict(zip(alone, run_points(Sweep(asked, submit, OutcomeCache(), list(alone.values()))), strict=True))
    outcomes = [found[repr(point)] for point in points]
    ranked = sample.ranked(outcomes, names)
    if chart:
        _draw(asked, ranked[names[0]], chart)
    if as_json:
        print(json.dumps(head(asked) | _influence_json(asked, ranked, way, len(alone)), indent=2, allow_nan=False))
    else:
        _print_influences(asked, ranked, len(alone))


def _draw(asked: SweepRequest, found: Ranking | str, file: Path) -> None:
    name = asked.metrics[0]
    if isinstance(found, str):
        raise InputError(f"--chart {file}: not written, as {name} {found}")
    from simulator.tradeoffs.tradeoff_charts import influence_chart

    write_chart(influence_chart(label_of(asked.scenario, name), asked.scenario.metrics[name], found), file)


def _way(told: str) -> Way:
    for way in WAYS:
        if told == way:
            return way
    raise UsageError(f"--way {told}: expected one of: {', '.join(WAYS)}")


def _influence_json(asked: SweepRequest, ranked: Mapping[str, Ranking | str], way: str, designs: int) -> dict[str, Any]:
    told = {name: {"untold": found} if isinstance(found, str) else found.to_json() for name, found in ranked.items()}
    return {"way": way, "designs": designs, "axes": [axis.to_json() for axis in asked.axes], "metrics": told}


def _print_influences(asked: SweepRequest, ranked: Mapping[str, Ranking | str], designs: int) -> None:
    out = table_console()
    out.print(f"{designs} designs, {asked.replications} replications each, seed {asked.seed}; all met the same requests")
    for name, found in ranked.items():
        metric = asked.scenario.metrics[name]
        out.print(f"[bold]{escape(metric.label)}[/bold]")
        if isinstance(found, str):
            out.print(f"  {escape(found)}: leave out what keeps it from having one, or ask for another metric", style="yellow")
            continue
        table = Table("axis", *_columns(found.ranked), "", box=None)
        for one in found.ranked:
            table.add_row(
                escape(one.axis.label), *_numbers(one, metric.unit), "[yellow]too wide to rank[/yellow]" if one.too_wide else ""
            )
        out.print(table)
        out.print(f"  {escape(found.words[0].upper() + found.words[1:])}.")
        if found.caution:
            out.print(f"  {escape(found.caution)}", style="dim")


def _columns(found: Sequence[Influence]) -> tuple[str, ...]:
    if found and found[0].total is not None:
        return "total index", "± 95%", "first index", "± 95%"
    return "mean effect", "± 95%", "spread of effects"


def _numbers(one: Influence, unit: str) -> tuple[str, ...]:
    if one.total is not None:
        return tuple(f"{value or 0.0:.2f}" for value in (one.total, one.total_half, one.first, one.first_half))
    return tuple(_size(value or 0.0, unit) for value in (one.elementary, one.elementary_half, one.spread))


def _size(value: float, unit: str) -> str:
    return f"{100 * value:.3g} points" if unit == "share" else spoken(value, unit)


def breakeven(
    case: Case,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    objectives: Objectives = None,
    against: Against = None,
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
    replications: DesignReplications = REPLICATIONS,
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
    kept = OutcomeCache()
    with workers(scheduler) as submit, working_bar() as report:
        found = BreakevenSearch(asked, submit, kept).find(doubts, answers, together, report)
    tell_damaged(kept)
    if chart:
        _breakeven_draw(found, chart)
    if as_json:
        print(json.dumps(head(asked) | _doubted_json(found), indent=2, allow_nan=False))
    else:
        _print_doubted(found)


def _answers(
    scenario: Scenario, objectives: list[str] | None, against: list[str] | None, metrics: list[str] | None
) -> list[BreakevenClaim]:
    if not against:
        return answers_of(scenario, objectives or [])
    others = read_picks(against, "--against")
    names = asked_metrics(scenario, metrics or [cost_goal(scenario).metric.name])
    goals = [goal_of(scenario, name) for name in names]
    return [BreakevenClaim(goal.metric, None, goal.higher, others) for goal in goals]


def _doubts(asked: SweepRequest, places: list[str] | None) -> list[Doubt]:
    every = {doubt.place: doubt for doubt in doubts_of(asked.plan(asked.base))}
    for place in places or []:
        if place not in every:
            raise UsageError(f"--doubt {place}: is no assumed or projected figure of this design; {suggest(place, every)}")
    return [every[place] for place in places or every]


def _doubted_json(found: BreakevenResult) -> dict[str, Any]:
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


def _breakeven_draw(found: BreakevenResult, file: Path) -> None:
    if not found.flips:
        err.print(f"{file}: not written, as no answer turns within the range of a figure", markup=False)
        return
    from simulator.tradeoffs.tradeoff_charts import flip_chart

    write_chart(flip_chart(found.flips), file)


def _print_doubted(found: BreakevenResult) -> None:
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
