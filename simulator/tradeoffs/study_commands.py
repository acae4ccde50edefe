"""`casesim best`, `capacity`, `sensitivity` and `breakeven`: studies of one design and those around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from textwrap import wrap
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from simulator.case.choices import Pick
from simulator.case.load import load
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.cli import options as cli
from simulator.cli.exits import Line, UsageError, answer, counting_bar, err, table_console, working_bar
from simulator.errors import InputError, suggest
from simulator.explain.claims import Claim
from simulator.intervals import Interval
from simulator.sweeps.sweep import REPLICATIONS, SweepRequest, metric_names, outcomes_at
from simulator.tradeoffs.best_design import FEW, cost_goal, search_over
from simulator.tradeoffs.breakeven import TOGETHER, BreakevenResult, BreakevenSearch, Doubt, doubts_of
from simulator.tradeoffs.breakeven_claims import BreakevenClaim, claims_of
from simulator.tradeoffs.capacity import UNMET, Capacity, Loading
from simulator.tradeoffs.front import Goal, goal_of
from simulator.tradeoffs.sensitivity import WAYS, Influence, Ranking, Way, runnable, sample_of
from simulator.tradeoffs.sweep_commands import DesignOptions, read_word, running
from simulator.tradeoffs.tried_designs import BestDesigns
from simulator.units import signed_within, significant, spoken_size, spoken_within, upper_first


@dataclass(frozen=True, kw_only=True)
class BestCommand:
    """Search for the cheapest design that meets every objective; where none does, name the nearest misses."""

    case: cli.Case
    over: cli.Over = None
    design: DesignOptions
    objectives: cli.Objectives = None
    least: Annotated[str | None, "METRIC", "the metric to minimise; default: the cost"] = None
    budget: Annotated[int, typer.Option("--designs", min=8, max=10_000, help="designs to try before the race")] = 96
    seed: cli.Seed = 1
    scheduler: cli.Scheduler = None
    as_json: cli.AsJson = False

    def run(self) -> None:
        scenario = load(self.case)
        claims, cost = claims_of(scenario, self.objectives or []), cost_goal(scenario, self.least)
        if not claims:
            raise InputError("the case has no objectives, so no design is better than another")
        names = self.over or [name for name, choice in scenario.choices.items() if not choice.situation]
        request = self.design.around(scenario, names, judged(claims, cost), self.seed, FEW)
        with running(self.scheduler, working_bar()) as (submit, cache, report):
            search = search_over(request, claims, cost, submit, cache)
            result = search.find(self.budget, report)
        answer(self.as_json, request.head | result.to_json(search.axes), self._parts(result, cost, scenario.defaults()))

    def _parts(self, result: BestDesigns, cost: Goal, usual: Mapping[str, Pick]) -> Iterator[Any]:
        """Yield the outcome of a search, with the command that runs each design. usual: the picks that it need not name"""
        run = ["casesim run", self.case, *(f"--strike {strike}" for strike in self.design.strikes or [])]
        yield f"{upper_first(result.of_all)}. {result.replications:,} replications were run in all."
        yield escape(" ".join(filter(None, [result.headline, result.obstacle])))
        for words, tried in result.offers:
            yield f"[bold]{escape(upper_first(words))}[/bold]"
            yield from (f"  {escape(reached)}" for reached in tried.reached(cost.metric))
            picks = (f"--set {name}={quote(str(pick))}" for name, pick in tried.point.picks.items() if pick != usual[name])
            width = table_console().width - 4
            lines = wrap(" ".join([*run, *picks]), width, break_long_words=False, break_on_hyphens=False)
            yield Line(" \\\n  ".join(lines), "dim")


def judged(claims: Sequence[BreakevenClaim], cost: Goal) -> list[str]:
    """Return the metrics of the objectives and of the cost, each once."""
    return list(dict.fromkeys([*(claim.metric.name for claim in claims), cost.metric.name]))


@dataclass(frozen=True)
class StudyOptions:
    """The runs of a study, and the form of its answer."""

    seed: cli.Seed = 1
    replications: cli.DesignReplications = REPLICATIONS
    scheduler: cli.Scheduler = None
    chart: cli.ChartFile = None
    as_json: cli.AsJson = False


@dataclass(frozen=True, kw_only=True)
class CapacityCommand:
    """Print the most traffic within the objectives, the fewest servers for it, and the cost against the load."""

    case: cli.Case
    design: DesignOptions
    objectives: cli.Objectives = None
    options: StudyOptions

    def run(self) -> None:
        cli.check_chart(self.options.chart)
        scenario, options = load(self.case), self.options
        claims, cost = claims_of(scenario, self.objectives or []), cost_goal(scenario)
        request = self.design.around(scenario, [], judged(claims, cost), options.seed, options.replications)
        with running(options.scheduler, working_bar()) as (submit, cache, report):
            result = Loading(request, claims, submit, cache).find(report)
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


@dataclass(frozen=True, kw_only=True)
class SensitivityCommand:
    """Rank choices and figures by how far they move each metric (parametric sensitivity)."""

    case: cli.Case
    over: cli.Over = None
    design: DesignOptions
    metrics: cli.Metrics = None
    way: Annotated[str, "|".join(WAYS), "Morris screening, or Sobol indices"] = "morris"
    points: Annotated[int, typer.Option(min=2, help="trajectories of Morris, or base points of Sobol")] = 16
    options: ScreeningOptions

    def run(self) -> None:
        cli.check_chart(self.options.chart)
        scenario, options = load(self.case), self.options
        axes = self.over or [name for name, choice in scenario.choices.items() if not choice.situation and not choice.folded]
        names = metric_names(scenario, self.metrics or [])
        if options.chart and len(names) > 1:
            raise UsageError(f"--chart {options.chart}: draws one metric; say which, such as --metric {names[0]}")
        request = self.design.around(scenario, axes, names, options.seed, options.replications)
        kind: Way = read_word("--way", self.way, WAYS)
        with working_bar() as say:
            request, left_out = runnable(request, kind, self.points, say)
        sample = sample_of(request.axes, kind, self.points, options.seed)
        points = sample.points(request.base)
        designs = len({repr(point) for point in points})
        with running(options.scheduler, counting_bar("points", designs)) as (submit, cache, report):
            outcomes = outcomes_at(request, submit, cache, points, progress=report)
        ranked = sample.ranked(outcomes, names)
        if options.chart:
            _draw_influence(scenario.metrics[names[0]], ranked[names[0]], options.chart)
        rankings = {
            name: {"untold": each.words} if isinstance(each, Claim) else each.to_json() for name, each in ranked.items()
        }
        record = request.head | {"way": kind, "designs": designs, "axes": [axis.to_json() for axis in request.axes]}
        record["metrics"] = rankings
        record |= {"left_out": left_out} if left_out else {}
        answer(options.as_json, record, _influence_parts(request, ranked, designs, left_out))


def _draw_influence(metric: Metric, ranking: Ranking | Claim, file: Path) -> None:
    if isinstance(ranking, Claim):
        raise InputError(f"--chart {file}: not written, as {metric.name} {ranking.words}")
    from simulator.tradeoffs.tradeoff_charts import influence_chart

    cli.write_chart(influence_chart(metric, ranking), file)


Ranked = Mapping[str, Ranking | Claim]


def _influence_parts(request: SweepRequest, ranked: Ranked, designs: int, left_out: str) -> Iterator[Any]:
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


@dataclass(frozen=True, kw_only=True)
class BreakevenCommand:
    """Find which assumed or projected figures turn an answer within their range, and where it turns."""

    case: cli.Case
    design: DesignOptions
    objectives: cli.Objectives = None
    against: cli.Against = None
    metrics: Annotated[
        list[str] | None,
        "--metric NAME",
        "the metric to compare with --against; default: the cost",
    ] = None
    doubt: Annotated[
        list[str] | None, "PLACE", "vary only this figure; may be repeated; default: all assumed or projected figures"
    ] = None
    together: Annotated[int, typer.Option(min=0, max=10_000, help="draws of all doubtful figures at once")] = TOGETHER
    options: StudyOptions

    def run(self) -> None:
        cli.check_chart(self.options.chart)
        scenario, options = load(self.case), self.options
        claims = self._claims(scenario)
        names = list(dict.fromkeys(claim.metric.name for claim in claims))
        request = self.design.around(scenario, [], names, options.seed, options.replications)
        for claim in claims:
            for point in claim.points(request.base):
                request.plan(point)  # any fault of the other design is reported at once
        doubts = self._doubts(request)
        with running(options.scheduler, working_bar()) as (submit, cache, report):
            result = BreakevenSearch(request, submit, cache).find(doubts, claims, self.together, report)
        if options.chart and not result.flips:
            err.print(f"{options.chart}: not written, as no answer turns within the range of a figure", markup=False)
        elif options.chart:
            from simulator.tradeoffs.tradeoff_charts import flip_chart

            cli.write_chart(flip_chart(result.flips), options.chart)
        answer(options.as_json, request.head | result.to_json(), _breakeven_parts(result))

    def _claims(self, scenario: Scenario) -> list[BreakevenClaim]:
        if not self.against:
            return claims_of(scenario, self.objectives or [])
        others = cli.read_picks(self.against, scenario, "--against")
        names = metric_names(scenario, self.metrics or [cost_goal(scenario).metric.name])
        goals = [goal_of(scenario, name) for name in names]
        return [BreakevenClaim(goal.metric, None, goal.higher, others) for goal in goals]

    def _doubts(self, request: SweepRequest) -> list[Doubt]:
        every = {doubt.place: doubt for doubt in doubts_of(request.plan(request.base))}
        for place in self.doubt or []:
            if place not in every:
                raise UsageError(
                    f"--doubt {place}: this design has no assumed or projected figure of that name; {suggest(place, every)}"
                )
        return [every[place] for place in self.doubt or every]


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
