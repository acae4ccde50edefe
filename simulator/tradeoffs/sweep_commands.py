"""Options that sweeps, fronts and searches share, and how they show what is under way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.cli.exits import UsageError, err, table_console
from simulator.cli.options import (
    AsJson,
    Case,
    ChartFile,
    DesignReplications,
    Figures,
    Metrics,
    Over,
    Picks,
    Scheduler,
    Seed,
    Strikes,
    TableFile,
    check_chart,
    read_figures,
    read_picks,
    read_strikes,
    write_chart,
)
from simulator.cli.progress import counting_bar
from simulator.engine.plan import compile_plan, fingerprint
from simulator.processes import ProcessPool
from simulator.tradeoffs.best_design import Regret, cost_goal, regret_of
from simulator.tradeoffs.design_outcomes import DesignOutcome
from simulator.tradeoffs.design_space import METHODS, Method, axis_of
from simulator.tradeoffs.front import Front, goals_of
from simulator.tradeoffs.outcome_cache import OutcomeCache
from simulator.tradeoffs.sweep import REPLICATIONS, Submit, Sweep, SweepRequest, asked_for, check_file, swept, write_table
from simulator.units import spoken

How = Annotated[str, typer.Option("--method", metavar="|".join(METHODS), help="placing of the points")]
Count = Annotated[int | None, typer.Option("--points", min=2, help="number of points, except on a grid")]


def read_method(method: str) -> Method:
    """Read `--method`; raises UsageError."""
    for known in METHODS:
        if method == known:
            return known
    raise UsageError(f"--method {method}: expected one of: {', '.join(METHODS)}")


@contextmanager
def workers(scheduler: str | None) -> Iterator[Submit]:
    """What runs points: the processes of this machine, or the workers of a Dask scheduler."""
    if scheduler is None:
        with ProcessPool() as pool:
            yield pool.submit
        return
    from simulator.tradeoffs.dask_cluster import Cluster

    with Cluster(scheduler) as cluster:
        yield cluster.submit


def run_points(sweep: Sweep, what: str = "points") -> list[DesignOutcome]:
    """Run a sweep to its end, with a bar; says which files were damaged."""
    with counting_bar(what, len(sweep.points)) as report:
        outcomes = swept(sweep, report)
    tell_damaged(sweep.kept)
    return outcomes


def tell_damaged(kept: OutcomeCache | None) -> None:
    """Say which kept outcomes did not say what they were written with, and were made anew."""
    for file in kept.damaged if kept else []:
        err.print(f"{file}: was damaged; its point has run again", markup=False)
    if kept:
        kept.damaged.clear()


def around(
    scenario: Scenario,
    over: Sequence[str],
    metrics: Sequence[str],
    seed: int,
    replications: int,
    picks: list[str] | None,
    figures: list[str] | None,
    strikes: list[str] | None,
) -> SweepRequest:
    """A design with axes around it, and no points yet. Raises ScenarioError where the design cannot run."""
    picked, numbers, struck = read_picks(picks), read_figures(figures), read_strikes(strikes)
    compile_plan(scenario, picked, struck, numbers)
    axes = [axis_of(scenario, told) for told in over]
    return SweepRequest(scenario, axes, metrics, [], picked, numbers, struck, "grid", seed, replications)


def head(asked: SweepRequest) -> dict[str, Any]:
    """What identifies an answer in JSON."""
    return {
        "scenario": asked.scenario.id,
        "scenario_hash": fingerprint(asked.scenario.document.data),
        "design": asked.scenario.defaults() | dict(asked.picks),
        **({"figures": dict(asked.figures)} if asked.figures else {}),
        **({"strikes": dict(asked.strikes)} if asked.strikes else {}),
        "seed": asked.seed,
        "replications": asked.replications,
    }


#: Rows that are printed of a long table, and reasons why designs cannot run; a file holds all.
SHOWN, REASONS = 40, 3


def sweep(
    case: Case,
    over: Over = None,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    metrics: Metrics = None,
    method: How = "grid",
    points: Count = None,
    seed: Seed = 1,
    replications: DesignReplications = REPLICATIONS,
    scheduler: Scheduler = None,
    out: TableFile = None,
    as_json: AsJson = False,
) -> None:
    """Run many designs of a case, over any of its choices and figures, and print what each comes to."""
    check_file(out)
    asked = _asked(load(case), over, picks, figures, strikes, metrics, method, points, seed, replications)
    with workers(scheduler) as submit:
        outcomes = run_points(Sweep(asked, submit, OutcomeCache()))
    table, told = asked.table(outcomes), asked.provenance(outcomes)
    if out:
        write_table(table, told, out)
    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        print(json.dumps(told | {"rows": rows}, indent=2, allow_nan=False))
        return
    console = table_console()
    console.print(escape(asked.sentence))
    console.print(_table(asked, outcomes))
    if len(outcomes) > SHOWN:
        console.print(f"… {len(outcomes) - SHOWN} more; --out FILE writes all, --json prints them", style="dim")
    console.print(escape(_sums(asked, outcomes)), style="dim")


def _asked(
    scenario: Scenario,
    over: list[str] | None,
    picks: list[str] | None,
    figures: list[str] | None,
    strikes: list[str] | None,
    metrics: list[str] | None,
    method: str,
    points: int | None,
    seed: int,
    replications: int,
) -> SweepRequest:
    """A sweep in the words of a command line."""
    return asked_for(
        scenario,
        over or [],
        picks=read_picks(picks),
        figures=read_figures(figures),
        strikes=read_strikes(strikes),
        metrics=metrics or [],
        method=read_method(method),
        points=points,
        seed=seed,
        replications=replications,
    )


def _table(asked: SweepRequest, outcomes: list[DesignOutcome]) -> Table:
    table = Table(*(axis.name for axis in asked.axes), *asked.metrics, "objectives met", box=None)
    for point, outcome in list(zip(asked.points, outcomes, strict=True))[:SHOWN]:
        cells = (_cell(asked, outcome, name) for name in asked.metrics)
        table.add_row(*_values(point.on(asked.axes)), *cells, _met(asked, outcome))
    return table


def _values(on: dict[str, Any]) -> list[str]:
    return [f"{value:g}" if isinstance(value, int | float) else escape(str(value)) for value in on.values()]


def _cell(asked: SweepRequest, outcome: DesignOutcome, name: str) -> str:
    if outcome.refused:
        return "[dim]cannot run[/dim]"
    found = outcome.metrics.get(name)
    if found is None:
        return f"[dim]{escape(outcome.untold.get(name, 'no figure'))}[/dim]"
    unit = asked.scenario.metrics[name].unit
    return f"{spoken(found.value, unit)} [dim]({spoken(found.low, unit)} to {spoken(found.high, unit)})[/dim]"


def _met(asked: SweepRequest, outcome: DesignOutcome) -> str:
    verdicts = [one for one in outcome.verdicts(asked.scenario) if one.objective.metric in asked.metrics]
    return "–" if outcome.refused else f"{sum(one.met for one in verdicts)} of {len(verdicts)}"


def _sums(asked: SweepRequest, outcomes: list[DesignOutcome]) -> str:
    refused = sum(bool(one.refused) for one in outcomes)
    verdicts = [one.verdicts(asked.scenario) for one in outcomes if not one.refused]
    every = sum(all(verdict.met for verdict in one) for one in verdicts)
    told = f"{every} of {len(outcomes)} designs meet every objective." if asked.scenario.objectives else ""
    reasons = Counter(one.refused for one in outcomes if one.refused).most_common(REASONS)
    why = "; ".join(f"{count} because {reason}" for reason, count in reasons)
    return f"{told} {refused} cannot run: {why}.".strip() if refused else told


def pareto(
    case: Case,
    over: Over = None,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    metrics: Metrics = None,
    method: How = "grid",
    points: Count = None,
    seed: Seed = 1,
    replications: DesignReplications = REPLICATIONS,
    scheduler: Scheduler = None,
    out: TableFile = None,
    chart: ChartFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the designs of a sweep that no other is known to beat in two to four metrics, and what your own leaves lying."""
    check_file(out)
    check_chart(chart)
    scenario = load(case)
    named = metrics or _usual(scenario)
    asked = _asked(scenario, over, picks, figures, strikes, named, method, points, seed, replications)
    goals = goals_of(scenario, asked.metrics)
    with workers(scheduler) as submit:
        front = Front(goals, run_points(Sweep(asked, submit, OutcomeCache())))
        regret = regret_of(asked, asked.points, front, submit, OutcomeCache())
    if out:
        write_table(asked.table(front.outcomes).iloc[front.places], asked.provenance(front.outcomes), out)
    if chart:
        _draw(asked, front, regret.own, chart)
    if as_json:
        print(json.dumps(asked.provenance(front.outcomes) | _front_json(asked, front, regret), indent=2, allow_nan=False))
    else:
        _print_front(asked, front, regret)


def _draw(asked: SweepRequest, front: Front, own: DesignOutcome, file: Path) -> None:
    from simulator.tradeoffs.tradeoff_charts import front_chart

    names = [asked.words(point) for point in asked.points]
    over = front.goals[0], front.goals[1]
    write_chart(front_chart(front, names, own, asked.scenario, over, asked.table(front.outcomes)), file)


def _usual(scenario: Scenario) -> list[str]:
    """The metrics of a front where nobody says which: the first objective that is not the cost, and the cost."""
    cost = cost_goal(scenario).metric.name
    return [*[one.metric for one in scenario.objectives if one.metric != cost][:1], cost]


def _front_json(asked: SweepRequest, front: Front, regret: Regret) -> dict[str, Any]:
    rows = json.loads(asked.table(front.outcomes).to_json(orient="records"))
    dominated = [
        {"place": place, "by": found.by, "changes": {goal.metric.name: {"value": one.value, "low": one.low, "high": one.high}
         for goal, one in zip(front.goals, found.changes, strict=True)}}
        for place, found in front.dominated.items()
    ]  # fmt: skip
    return {"rows": rows, "front": front.places, "front_by_value": front.by_value, "dominated": dominated,
            "untold": [place for place in range(len(rows)) if place not in front.told], "regret": regret.to_json()}  # fmt: skip


def _print_front(asked: SweepRequest, front: Front, regret: Regret) -> None:
    console = table_console()
    console.print(escape(asked.sentence))
    console.print(escape(front.sentence))
    table = Table(*(axis.name for axis in asked.axes), *(goal.title for goal in front.goals), "", box=None)
    best = set(front.by_value)
    for place in sorted(front.places, key=lambda one: (one not in best, one))[:SHOWN]:
        point, outcome = asked.points[place], front.outcomes[place]
        cells = (_cell(asked, outcome, goal.metric.name) for goal in front.goals)
        table.add_row(*_values(point.on(asked.axes)), *cells, "" if place in best else "[dim]not told apart[/dim]")
    console.print(table)
    if len(front.places) > SHOWN:
        console.print(f"… {len(front.places) - SHOWN} more; --out FILE writes all, --json prints them", style="dim")
    for sentence in regret.sentences:
        console.print(escape(sentence))
