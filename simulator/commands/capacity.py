"""`casesim capacity`: how much traffic a design carries, with how few servers, and at what cost."""

from __future__ import annotations

import json

from rich.markup import escape
from rich.table import Table

from simulator.analysis.sweeps.best import cost_goal
from simulator.analysis.sweeps.capacity import Capacity, Loading
from simulator.analysis.sweeps.doubts import answers_of
from simulator.analysis.sweeps.kept import Kept
from simulator.analysis.sweeps.told import REPLICATIONS
from simulator.commands.chart_option import ChartFile, check_chart, write_chart
from simulator.commands.options import AsJson, Case, Picks, Seed, Strikes
from simulator.commands.outcome import table_console
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
from simulator.scenario import load
from simulator.units import spoken


def capacity(
    case: Case,
    picks: Picks = None,
    figures: Figures = None,
    strikes: Strikes = None,
    objectives: Objectives = None,
    seed: Seed = 1,
    replications: Trials = REPLICATIONS,
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
    kept = Kept()
    with workers(scheduler) as submit, working() as tell:
        found = Loading(asked, answers, submit, kept).find(tell)
    tell_damaged(kept)
    if chart:
        from simulator.ui.charts import load_chart

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
