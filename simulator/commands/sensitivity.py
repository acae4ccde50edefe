"""`casesim sensitivity`: which choices and figures move a metric most."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from simulator.analysis.sweeps.influence import WAYS, Influence, Ranking, Way, sample_of
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.pareto import label_of
from simulator.analysis.sweeps.sweep import Sweep
from simulator.analysis.sweeps.told import Asked, asked_metrics
from simulator.commands.chart_option import ChartFile, check_chart, write_chart
from simulator.commands.options import AsJson, Case, Picks, Seed, Strikes
from simulator.commands.outcome import UsageError, table_console
from simulator.commands.sweep_options import Figures, Metrics, Over, Scheduler, Trials, around, head, run_points, workers
from simulator.errors import InputError
from simulator.scenario import load
from simulator.units import spoken

#: Replications of each design: all of them meet the same requests, so that few do.
FEW = 2


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
    replications: Trials = FEW,
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
        found = dict(zip(alone, run_points(Sweep(asked, submit, Kept(), list(alone.values()))), strict=True))
    outcomes = [found[repr(point)] for point in points]
    ranked = sample.ranked(outcomes, names)
    if chart:
        _draw(asked, ranked[names[0]], chart)
    if as_json:
        print(json.dumps(head(asked) | _influence_json(asked, ranked, way, len(alone)), indent=2, allow_nan=False))
    else:
        _print_influences(asked, ranked, len(alone))


def _draw(asked: Asked, found: Ranking | str, file: Path) -> None:
    name = asked.metrics[0]
    if isinstance(found, str):
        raise InputError(f"--chart {file}: not written, as {name} {found}")
    from simulator.ui.charts import influence_chart

    write_chart(influence_chart(label_of(asked.scenario, name), asked.scenario.metrics[name], found), file)


def _way(told: str) -> Way:
    for way in WAYS:
        if told == way:
            return way
    raise UsageError(f"--way {told}: expected one of: {', '.join(WAYS)}")


def _influence_json(asked: Asked, ranked: Mapping[str, Ranking | str], way: str, designs: int) -> dict[str, Any]:
    told = {name: {"untold": found} if isinstance(found, str) else found.to_json() for name, found in ranked.items()}
    return {"way": way, "designs": designs, "axes": [axis.to_json() for axis in asked.axes], "metrics": told}


def _print_influences(asked: Asked, ranked: Mapping[str, Ranking | str], designs: int) -> None:
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
