"""`casesim levers`: every choice one step either way, with its effect on the objectives."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_COMPLETED, wait
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.case.load import load
from simulator.cli.exits import table_console
from simulator.cli.options import AsJson, Case, Picks, Replications, Seed, Strikes, read_picks, read_strikes
from simulator.cli.progress_bars import counting_bar
from simulator.engine.plan import Plan, compile_plan
from simulator.explain.lever_search import TRIALS, LeverSearch
from simulator.explain.levers import Levers, ObjectiveEffect
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import Verdict, summary_of
from simulator.processes import ProcessPool
from simulator.units import spoken


def levers(
    case: Case,
    picks: Picks = None,
    strikes: Strikes = None,
    seed: Seed = 1,
    replications: Replications = None,
    trials: Annotated[
        int, typer.Option(min=2, max=1000, help="replications of each step, at most those of the design")
    ] = TRIALS,
    as_json: AsJson = False,
) -> None:
    """Try every choice one step either way from a design, and print what moves its objectives."""
    scenario = load(case)
    plan = compile_plan(scenario, read_picks(picks, scenario), read_strikes(strikes))
    tried = _tried(plan, seed, replications, trials)
    if as_json:
        print(json.dumps(tried.to_json(), indent=2, allow_nan=False))
    else:
        print_levers(tried)


def _tried(plan: Plan, seed: int, replications: int | None, trials: int) -> Levers:
    with ProcessPool() as pool:
        with counting_bar("replications", replications or plan.scenario.run.replications) as report:
            base = summary_of(plan, seed, run_replications(plan, seed, replications, pool, report))
        search = LeverSearch(base, pool.submit, trials)
        with counting_bar("steps", len(search.steps)) as report:
            while search.running:
                wait([one for one in search.futures if not one.done()], return_when=FIRST_COMPLETED)
                search.so_far()
                report(search.settled, len(search.steps))
    return search.so_far()


def print_levers(levers: Levers) -> None:
    """Print the design's verdicts, then a row a step with a column an objective."""
    out, base = table_console(), levers.base
    out.print(
        f"[bold]{escape(base.plan.scenario.title)}[/bold], {base.replications} replications, {levers.trials} of each step, "
        f"seed {base.seed}"
    )
    out.print(", ".join(f"{name}={option}" for name, option in base.plan.design.items()), style="dim")
    table = Table("step", *(Column(verdict.objective.label, overflow="fold") for verdict in base.verdicts), "", box=None)
    table.add_row("[bold]this design[/bold]", *(_now(verdict) for verdict in base.verdicts))
    for lever in levers.rows:
        table.add_row(escape(lever.step.words), *(_cell(effect) for effect in lever.effects), lever.words)
    out.print(table)
    for step in levers.refused:
        out.print(f"[yellow]cannot run[/yellow] {escape(f'{step.words}: {step.refused}')}")
    out.print(escape(levers.sense), style="dim")


def _now(verdict: Verdict) -> str:
    value = "no figure" if verdict.estimate is None else spoken(verdict.estimate.value, verdict.metric.unit)
    return escape(value if verdict.estimate is None else f"{value}, {verdict.standing}")


def _cell(effect: ObjectiveEffect) -> str:
    words = escape(effect.words)
    if effect.change and effect.outcome == "changes":
        words += escape(f" ({effect.change.interval})")
    words += f", {effect.before.standing} → {effect.standing}" if effect.turns else ""
    return words if effect.real else f"[dim]{words}[/dim]"
