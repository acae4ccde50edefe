"""`casesim sweep` and `casesim pareto`, and what the other commands over many designs share with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.cli import options as cli
from simulator.cli.exits import UsageError, answer, counting_bar, err
from simulator.engine.plan import compile_plan
from simulator.phrases import phrase
from simulator.sweeps.design_space import METHODS, axis_of
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache
from simulator.sweeps.sweep import REPLICATIONS, Submit, Sweep, SweepRequest, check_file, sweep_request, swept, write_table
from simulator.tradeoffs.best_design import usual_goals
from simulator.tradeoffs.front import Conflict, Front, Regret, goals_of, regret_of, strongest_conflict
from simulator.units import counted, spoken_within

Word = TypeVar("Word", bound=str)
Report = TypeVar("Report")
Names = Sequence[str]


def read_word(option: str, text: str, words: Sequence[Word]) -> Word:
    """Read an option that takes one of a few words; raises UsageError."""
    for word in words:
        if text == word:
            return word
    raise UsageError(f"{option} {text}: expected one of: {', '.join(words)}")


@dataclass(frozen=True)
class DesignOptions:
    """The design that a study is about."""

    picks: cli.Picks = None
    figures: cli.Figures = None
    strikes: cli.Strikes = None

    def read(self, scenario: Scenario) -> dict[str, Any]:
        """Return the design by the names that `sweep_request` takes; raises UsageError."""
        picks, figures = cli.read_picks(self.picks, scenario), cli.read_figures(self.figures)
        return {"picks": picks, "figures": figures, "strikes": cli.read_strikes(self.strikes)}

    def around(self, scenario: Scenario, over: Names, metrics: Names, seed: int, replications: int) -> SweepRequest:
        """Request runs of the design with axes around it and no points yet. Raises ScenarioError where it cannot run."""
        design = self.read(scenario)
        plan = compile_plan(scenario, **design)
        if over and plan.outside_brief:  # a study without axes refuses such a design
            err.print(plan.outside_brief, markup=False)
        axes = [axis_of(scenario, axis) for axis in over]
        return SweepRequest(scenario, axes, metrics, [], **design, seed=seed, replications=replications)


@contextmanager
def running(scheduler: str | None, bar: AbstractContextManager[Report]) -> Iterator[tuple[Submit, OutcomeCache, Report]]:
    """Run points under a bar, and keep their outcomes; name those that were damaged, and a folder that takes none."""
    cache = OutcomeCache()
    with cli.workers(scheduler) as submit, bar as report:
        yield submit, cache, report
    for file in cache.damaged:
        err.print(f"{file}: was damaged; its point has run again", markup=False)
    if cache.folder in cache.refusing:
        words = "no result could be kept there; free the disk, or let only your user write to it"
        err.print(f"{cache.folder}: {words}", markup=False)


@dataclass(frozen=True, kw_only=True)
class Sweeping:
    """A sweep of designs: its axes and points, their runs, and the file for their table."""

    case: cli.Case
    over: cli.Over = None
    design: DesignOptions
    metrics: cli.Metrics = None
    method: Annotated[str, "|".join(METHODS), "placing of the points"] = "grid"
    points: Annotated[int | None, typer.Option(min=2, help="number of points, except on a grid")] = None
    seed: cli.Seed = 1
    replications: cli.DesignReplications = REPLICATIONS
    scheduler: cli.Scheduler = None
    out: cli.TableFile = None

    def request(self, scenario: Scenario, metrics: Sequence[str]) -> SweepRequest:
        """Return the request for these metrics; raises UsageError, and InputError for a file that takes no table."""
        check_file(self.out)
        how: dict[str, Any] = {"method": read_word("--method", self.method, METHODS), "points": self.points}
        how |= {"seed": self.seed, "replications": self.replications}
        return sweep_request(scenario, self.over or [], metrics=metrics, **self.design.read(scenario), **how)


#: The most rows and reasons that are printed of a long table; a file holds all.
SHOWN, REASONS = 40, 3


@dataclass(frozen=True, kw_only=True)
class SweepCommand(Sweeping):
    """Run many designs of a case, over any of its choices and figures, and print their results."""

    as_json: cli.AsJson = False

    def run(self) -> None:
        request = self.request(load(self.case), self.metrics or [])
        with running(self.scheduler, counting_bar("points", len(request.points))) as (submit, cache, report):
            outcomes = swept(Sweep(request, submit, cache), report)
        table, provenance = request.table(outcomes), request.provenance(outcomes)
        if self.out:
            write_table(table, provenance, self.out)
        rows = json.loads(table.to_json(orient="records"))
        answer(self.as_json, provenance | {"rows": rows}, _sweep_parts(request, outcomes))


def _sweep_parts(request: SweepRequest, outcomes: list[DesignOutcome]) -> Iterator[Any]:
    yield escape(request.sentence)
    table = Table(*(axis.name for axis in request.axes), *request.metrics, "objectives met", box=None)
    for point, outcome in list(zip(request.points, outcomes, strict=True))[:SHOWN]:
        cells = (_metric_cell(request, outcome, name) for name in request.metrics)
        table.add_row(*_axis_values(point.on(request.axes)), *cells, _met(request, outcome))
    yield table
    yield from _more(outcomes)
    yield f"[dim]{escape(_sums(request, outcomes))}[/dim]"


def _more(rows: Sequence[object]) -> Iterator[str]:
    if len(rows) > SHOWN:
        yield f"[dim]… {phrase('sweep.more', more=len(rows) - SHOWN)}[/dim]"


def _axis_values(on: dict[str, Any]) -> list[str]:
    return [f"{value:g}" if isinstance(value, int | float) else escape(str(value)) for value in on.values()]


def _metric_cell(request: SweepRequest, outcome: DesignOutcome, name: str) -> str:
    if outcome.refused:
        return "[dim]cannot run[/dim]"
    estimate = outcome.metrics.get(name)
    if estimate is None:
        return f"[dim]{escape(outcome.missing_reasons.get(name, 'no figure'))}[/dim]"
    bound = next(
        (verdict.deciding_bound for verdict in outcome.verdicts(request.scenario) if verdict.metric.name == name), None
    )
    bounds = (estimate.value, estimate.low, estimate.high)
    return "{} [dim]({})[/dim]".format(*spoken_within(*bounds, request.scenario.metrics[name].unit, bound))


def _met(request: SweepRequest, outcome: DesignOutcome) -> str:
    verdicts = [verdict for verdict in outcome.verdicts(request.scenario) if verdict.objective.metric in request.metrics]
    return "–" if outcome.refused else f"{sum(verdict.met and not verdict.void for verdict in verdicts)} of {len(verdicts)}"


def _sums(request: SweepRequest, outcomes: list[DesignOutcome]) -> str:
    refused = sum(bool(outcome.refused) for outcome in outcomes)
    verdicts = [outcome.verdicts(request.scenario) for outcome in outcomes if not outcome.refused]
    every = sum(all(verdict.met and not verdict.void for verdict in of_design) for of_design in verdicts)
    met = f"{every} of {counted(len(outcomes), 'design')} {'meets' if every == 1 else 'meet'} every objective."
    sentence = met if request.scenario.objectives else ""
    reasons = Counter(outcome.refused for outcome in outcomes if outcome.refused).most_common(REASONS)
    why = "; ".join(f"{count} because {reason}" for reason, count in reasons)
    return f"{sentence} {refused} cannot run: {why}.".strip() if refused else sentence


@dataclass(frozen=True, kw_only=True)
class ParetoCommand(Sweeping):
    """Print the designs of a sweep that no other is known to beat in two to four metrics, and the gap to your own."""

    chart: cli.ChartFile = None
    as_json: cli.AsJson = False

    def run(self) -> None:
        cli.check_chart(self.chart)
        scenario, metrics = load(self.case), self.metrics
        request = self.request(scenario, metrics or [goal.metric.name for goal in usual_goals(scenario)])
        goals = goals_of(scenario, request.metrics) if metrics else usual_goals(scenario)
        with running(self.scheduler, counting_bar("points", len(request.points))) as (submit, cache, report):
            outcomes = swept(Sweep(request, submit, cache), report)
            conflict = None if metrics else strongest_conflict(goals, outcomes)
            front = Front(conflict.goals if conflict else goals, outcomes)
            regret = regret_of(request, request.points, front, submit, cache)
        table = request.table(outcomes)
        if self.out:
            write_table(table.iloc[front.places], request.provenance(outcomes), self.out)
        if self.chart:
            from simulator.tradeoffs.tradeoff_charts import front_chart

            names, over = [request.words(point) for point in request.points], (front.goals[0], front.goals[1])
            cli.write_chart(front_chart(front, names, regret.own, scenario, over, table), self.chart)
        record = {"rows": json.loads(table.to_json(orient="records"))} | front.to_json() | {"regret": regret.to_json()}
        answer(self.as_json, request.provenance(outcomes) | record, _front_parts(request, front, regret, conflict))


def _front_parts(request: SweepRequest, front: Front, regret: Regret, conflict: Conflict | None) -> Iterator[Any]:
    yield escape(request.sentence)
    if conflict:
        yield escape(conflict.sentence)
    yield escape(front.sentence)
    table = Table(*(axis.name for axis in request.axes), *(goal.title for goal in front.goals), "", box=None)
    best = set(front.by_value)
    for place in sorted(front.places, key=lambda place: (place not in best, place))[:SHOWN]:
        point, outcome = request.points[place], front.outcomes[place]
        cells = (_metric_cell(request, outcome, goal.metric.name) for goal in front.goals)
        table.add_row(*_axis_values(point.on(request.axes)), *cells, "" if place in best else "[dim]may be as good[/dim]")
    yield table
    yield from _more(front.places)
    yield from map(escape, regret.sentences)
