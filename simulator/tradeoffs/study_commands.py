"""`casesim best`, `capacity`, `sensitivity` and `breakeven`: studies of one design and those around it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from textwrap import wrap
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.cli import options as cli
from simulator.cli.exits import UsageError, answer, counting_bar, err, table_console, working_bar
from simulator.errors import InputError, suggest
from simulator.explain.claims import Claim, claims_json
from simulator.intervals import Interval
from simulator.sweeps.outcome_cache import OutcomeCache
from simulator.sweeps.sweep import REPLICATIONS, SweepRequest, metric_names, outcomes_at
from simulator.tradeoffs.best_design import FEW, Search, cost_goal, search_over
from simulator.tradeoffs.breakeven import TOGETHER, BreakevenResult, BreakevenSearch, Doubt, doubts_of
from simulator.tradeoffs.breakeven_claims import BreakevenClaim, claims_of
from simulator.tradeoffs.capacity import UNMET, Capacity, Loading
from simulator.tradeoffs.front import goal_of
from simulator.tradeoffs.sensitivity import WAYS, Influence, Ranking, Way, runnable, sample_of
from simulator.tradeoffs.sweep_commands import DesignOptions, around, read_word, report_damaged
from simulator.tradeoffs.tried_designs import BestDesigns, TriedDesign
from simulator.units import signed_within, significant, spoken_size, spoken_within, upper_first


def best(
    case: cli.Case,
    *,
    over: cli.Over = None,
    design: DesignOptions,
    objectives: cli.Objectives = None,
    least: Annotated[
        str | None, typer.Option("--least", metavar="METRIC", help="the metric to minimise; default: the cost")
    ] = None,
    budget: Annotated[int, typer.Option("--designs", min=8, max=10_000, help="designs to try before the race")] = 96,
    seed: cli.Seed = 1,
    scheduler: cli.Scheduler = None,
    as_json: cli.AsJson = False,
) -> None:
    """Search for the cheapest design that meets every objective; where none does, name the nearest misses."""
    scenario = load(case)
    claims, cost = claims_of(scenario, objectives or []), cost_goal(scenario, least)
    if not claims:
        raise InputError("the case has no objectives, so no design is better than another")
    metrics = list(dict.fromkeys([*(claim.metric.name for claim in claims), cost.metric.name]))
    names = over or [name for name, choice in scenario.choices.items() if not choice.situation]
    request = around(scenario, design, names, metrics, seed, FEW)
    cache = OutcomeCache()
    with cli.workers(scheduler) as submit:
        search = search_over(request, claims, cost, submit, cache)
        with working_bar() as report:
            result = search.find(budget, report)
    report_damaged(cache)
    if as_json:
        print(json.dumps(request.head | _best_json(result, search), indent=2, allow_nan=False))
    else:
        _print_best(result, search, scenario, ["casesim run", case, *(f"--strike {strike}" for strike in design.strikes or [])])


def _best_json(result: BestDesigns, search: Search) -> dict[str, Any]:
    return {
        "meets_all": result.best.meets,
        "sentence": result.headline,
        **({"obstacle": result.obstacle} if result.obstacle else {}),
        "best": _tried_json(result.best, search),
        "not_told_apart": [_tried_json(design, search) for design in result.undecided],
        "misses": [
            {"metric": miss.claim.metric.name, "short": miss.short, "words": miss.words} | _tried_json(miss.tried, search)
            for miss in result.misses
            if abs(miss.short) < float("inf")
        ],
        "designs": result.runs,
        "designs_there_are": result.designs,
        "replications_in_all": result.replications,
        "path": [design.cost if design.meets else None for design in result.path],
        "claims": claims_json(result.claims),
    }


def _tried_json(design: TriedDesign, search: Search) -> dict[str, Any]:
    metrics = {name: estimate.to_json() for name, estimate in design.outcome.metrics.items()}
    verdicts = {claim.metric.name: standing for claim, standing in zip(search.claims, design.standings, strict=True)}
    return {
        "picks": {axis.name: design.point.picks[axis.name] for axis in search.axes},
        "verdicts": verdicts,
        "metrics": metrics,
    }


def _print_best(result: BestDesigns, search: Search, scenario: Scenario, run: Sequence[str]) -> None:
    """Print the outcome of a search, with the command that runs each design; run: the words that it begins with."""
    out, usual = table_console(), scenario.defaults()
    out.print(f"{upper_first(result.of_all)}. {result.replications:,} replications were run in all.")
    out.print(escape(" ".join(filter(None, [result.headline, result.obstacle]))))
    for words, tried in result.offers:
        out.print(f"[bold]{escape(upper_first(words))}[/bold]")
        for reached in tried.reached(search.cost.metric):
            out.print(f"  {escape(reached)}")
        picks = (f"--set {name}={quote(str(pick))}" for name, pick in tried.point.picks.items() if pick != usual[name])
        lines = wrap(" ".join([*run, *picks]), out.width - 4, break_long_words=False, break_on_hyphens=False)
        out.print(escape(" \\\n  ".join(lines)), style="dim", soft_wrap=True)


@dataclass(frozen=True)
class StudyOptions:
    """The runs of a study, and the form of its answer."""

    seed: cli.Seed = 1
    replications: cli.DesignReplications = REPLICATIONS
    scheduler: cli.Scheduler = None
    chart: cli.ChartFile = None
    as_json: cli.AsJson = False


def capacity(case: cli.Case, *, design: DesignOptions, objectives: cli.Objectives = None, options: StudyOptions) -> None:
    """Print the most traffic within the objectives, the fewest servers for it, and the cost against the load."""
    cli.check_chart(options.chart)
    scenario = load(case)
    claims = claims_of(scenario, objectives or [])
    cost = cost_goal(scenario)
    metrics = list(dict.fromkeys([*(claim.metric.name for claim in claims), cost.metric.name]))
    request = around(scenario, design, [], metrics, options.seed, options.replications)
    cache = OutcomeCache()
    with cli.workers(options.scheduler) as submit, working_bar() as report:
        result = Loading(request, claims, submit, cache).find(report)
    report_damaged(cache)
    if options.chart:
        from simulator.tradeoffs.tradeoff_charts import load_chart

        cli.write_chart(load_chart(result, cost), options.chart)
    answer(options.as_json, request.head | result.to_json(), _capacity_parts(result, cost.metric.name))


def _capacity_parts(result: Capacity, cost: str) -> Iterator[Any]:
    scenario = result.request.scenario
    yield from map(escape, result.sentences)
    yield f"Each load has {result.request.size}"
    numbers = {str(place): claim.words for place, claim in enumerate(result.objectives, 1)}
    for number, words in numbers.items():  # their words would fill a narrow table many times over
        yield f"[dim]{escape(f'Objective {number}: {words}')}[/dim]"
    table = Table("traffic, times", f"{scenario.unit.many} a day", scenario.metrics[cost].label, *UNMET, box=None)
    for load_ in result.loads:
        estimate = load_.outcome.metrics.get(cost)
        usd = (
            "no figure"
            if estimate is None
            else spoken_within(estimate.value, estimate.low, estimate.high, scenario.metrics[cost].unit)[0]
        )
        table.add_row(
            f"{load_.times:.3g}",
            significant(load_.times * result.rate * 86_400),
            usd,
            *(escape(words or "none") for words in load_.shortfalls(result.objectives, list(numbers))),
        )
    yield table
    yield from (escape(need.claim.words) for need in result.least_servers)


@dataclass(frozen=True)
class ScreeningOptions(StudyOptions):
    """The runs of a screening: all designs meet the same requests, so that few replications do."""

    replications: cli.DesignReplications = 2


def sensitivity(
    case: cli.Case,
    *,
    over: cli.Over = None,
    design: DesignOptions,
    metrics: cli.Metrics = None,
    way: Annotated[str, typer.Option("--way", metavar="|".join(WAYS), help="Morris screening, or Sobol indices")] = "morris",
    count: Annotated[int, typer.Option("--points", min=2, help="trajectories of Morris, or base points of Sobol")] = 16,
    options: ScreeningOptions,
) -> None:
    """Rank choices and figures by how far they move each metric (parametric sensitivity)."""
    scenario = load(case)
    axes = over or [name for name, choice in scenario.choices.items() if not choice.situation and not choice.folded]
    names = metric_names(scenario, metrics or [])
    cli.check_chart(options.chart)
    if options.chart and len(names) > 1:
        raise UsageError(f"--chart {options.chart}: draws one metric; say which, such as --metric {names[0]}")
    request = around(scenario, design, axes, names, options.seed, options.replications)
    kind: Way = read_word("--way", way, WAYS)
    with working_bar() as say:
        request, left_out = runnable(request, kind, count, say)
    sample = sample_of(request.axes, kind, count, options.seed)
    points = sample.points(request.base)
    designs, cache = len({repr(point) for point in points}), OutcomeCache()
    with cli.workers(options.scheduler) as submit, counting_bar("points", designs) as report:
        outcomes = outcomes_at(request, submit, cache, points, progress=report)
    report_damaged(cache)
    ranked = sample.ranked(outcomes, names)
    if options.chart:
        _draw_influence(request, ranked[names[0]], options.chart)
    record = request.head | _influence_json(request, ranked, way, designs) | ({"left_out": left_out} if left_out else {})
    answer(options.as_json, record, _influence_parts(request, ranked, designs, left_out))


def _draw_influence(request: SweepRequest, ranking: Ranking | Claim, file: Path) -> None:
    name = request.metrics[0]
    if isinstance(ranking, Claim):
        raise InputError(f"--chart {file}: not written, as {name} {ranking.words}")
    from simulator.tradeoffs.tradeoff_charts import influence_chart

    cli.write_chart(influence_chart(request.scenario.metrics[name], ranking), file)


def _influence_json(request: SweepRequest, ranked: Mapping[str, Ranking | Claim], way: str, designs: int) -> dict[str, Any]:
    rankings = {
        name: {"untold": ranking.words} if isinstance(ranking, Claim) else ranking.to_json() for name, ranking in ranked.items()
    }
    return {"way": way, "designs": designs, "axes": [axis.to_json() for axis in request.axes], "metrics": rankings}


def _influence_parts(
    request: SweepRequest, ranked: Mapping[str, Ranking | Claim], designs: int, left_out: str
) -> Iterator[Any]:
    if left_out:
        yield left_out
    each, same = f"{request.replications} replications each, seed {request.seed}", f"the same {request.scenario.unit.many}"
    yield f"{designs} designs, {each}; all met {same}"
    if any(isinstance(ranking, Ranking) and ranking.ranked[0].total is None for ranking in ranked.values()):
        yield "A mean effect is that of a step, up or down; the spread is that of the effects of all steps."
    for name, ranking in ranked.items():
        metric = request.scenario.metrics[name]
        yield f"[bold]{escape(metric.label)}[/bold]"
        if isinstance(ranking, Claim):
            yield f"  [yellow]{escape(ranking.words)}: vary fewer axes, or ask for another metric[/yellow]"
            continue
        if ranking.finding:
            yield f"  [yellow]{escape(upper_first(ranking.finding))}. Among the others:[/yellow]"
        table = Table("axis", *_influence_columns(ranking.ranked), "", box=None)
        for influence in ranking.ranked:
            table.add_row(
                escape(influence.axis.label),
                *_influence_numbers(influence, metric.unit),
                "[yellow]too wide to rank[/yellow]" if influence.too_wide else "",
            )
        yield table
        yield f"  {escape(upper_first(ranking.words))}."
        if ranking.caution:
            yield f"  [dim]{escape(ranking.caution)}[/dim]"


def _influence_columns(influences: Sequence[Influence]) -> tuple[str, ...]:
    if influences and influences[0].total is not None:
        return "total index", "95% interval", "first index", "95% interval"
    return "mean effect", "95% interval", "spread"


def _influence_numbers(influence: Influence, unit: str) -> tuple[str, ...]:
    if influence.total and influence.first:
        return tuple(text for each in (influence.total, influence.first) for text in _index(each))
    size, low, high = (
        text.lstrip("+") for text in signed_within(influence.size.value, influence.size.low, influence.size.high, unit)
    )
    return size, " to ".join(bound.partition(" ")[0] for bound in (low, high)), spoken_size(influence.spread or 0.0, unit)


def _index(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.2f}", f"{interval.low:.2f} to {interval.high:.2f}"


def breakeven(
    case: cli.Case,
    *,
    design: DesignOptions,
    objectives: cli.Objectives = None,
    against: cli.Against = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME", help="the metric to compare with --against; default: the cost"),
    ] = None,
    doubted: Annotated[
        list[str] | None,
        typer.Option(
            "--doubt", metavar="PLACE", help="vary only this figure; may be repeated; default: all assumed or projected figures"
        ),
    ] = None,
    together: Annotated[int, typer.Option(min=0, max=10_000, help="draws of all doubtful figures at once")] = TOGETHER,
    options: StudyOptions,
) -> None:
    """Find which assumed or projected figures turn an answer within their range, and where it turns."""
    cli.check_chart(options.chart)
    scenario = load(case)
    claims = _doubted_claims(scenario, objectives, against, metrics)
    names = list(dict.fromkeys(claim.metric.name for claim in claims))
    request = around(scenario, design, [], names, options.seed, options.replications)
    for claim in claims:
        for point in claim.points(request.base):
            request.plan(point)  # any fault of the other design is reported at once
    doubts = _doubts(request, doubted)
    cache = OutcomeCache()
    with cli.workers(options.scheduler) as submit, working_bar() as report:
        result = BreakevenSearch(request, submit, cache).find(doubts, claims, together, report)
    report_damaged(cache)
    if options.chart:
        _breakeven_draw(result, options.chart)
    answer(options.as_json, request.head | _breakeven_json(result), _breakeven_parts(result))


def _doubted_claims(
    scenario: Scenario, objectives: list[str] | None, against: list[str] | None, metrics: list[str] | None
) -> list[BreakevenClaim]:
    if not against:
        return claims_of(scenario, objectives or [])
    others = cli.read_picks(against, scenario, "--against")
    names = metric_names(scenario, metrics or [cost_goal(scenario).metric.name])
    goals = [goal_of(scenario, name) for name in names]
    return [BreakevenClaim(goal.metric, None, goal.higher, others) for goal in goals]


def _doubts(request: SweepRequest, places: list[str] | None) -> list[Doubt]:
    every = {doubt.place: doubt for doubt in doubts_of(request.plan(request.base))}
    for place in places or []:
        if place not in every:
            raise UsageError(
                f"--doubt {place}: this design has no assumed or projected figure of that name; {suggest(place, every)}"
            )
    return [every[place] for place in places or every]


def _breakeven_json(result: BreakevenResult) -> dict[str, Any]:
    return {
        "doubted": [
            {"figure": doubt.place, "value": doubt.figure.value, "range": [doubt.low, doubt.high], "range_given": doubt.own,
             "kind": doubt.figure.kind, "source": doubt.figure.source}
            for doubt in result.doubts
        ],
        "flips": [flip.to_json() for flip in result.flips],
        "steady": result.steady,
        "without_effect": [doubt.place for doubt in result.idle],
        "not_varied": dict(result.unvaried),
        "together": [answer.to_json() for answer in result.together],
        "claims": claims_json(result.claims),
    }  # fmt: skip


def _breakeven_draw(result: BreakevenResult, file: Path) -> None:
    if not result.flips:
        err.print(f"{file}: not written, as no answer turns within the range of a figure", markup=False)
        return
    from simulator.tradeoffs.tradeoff_charts import flip_chart

    cli.write_chart(flip_chart(result.flips), file)


def _breakeven_parts(result: BreakevenResult) -> Iterator[Any]:
    yield f"Each answer has {result.request.size}"
    for flip in result.flips:
        yield escape(flip.sentence)
        where = flip.crossing
        sides = [f"below it {where.below.words}", f"above it {where.above.words}"]
        again = f"; on other {result.request.scenario.unit.many} too" if where.is_bounded else ""
        yield f"[dim]    {escape(', '.join(sides))}{again}; {escape(flip.doubt.words)}[/dim]"
    yield escape(result.rest)
    yield from (f"[dim]{escape(words)}[/dim]" for words in result.not_varied)
    yield from (escape(joint.sentence) for joint in result.together)
