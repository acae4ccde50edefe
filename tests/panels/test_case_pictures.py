"""The pictures of the first page: the figure to remember is the one that another computation gives."""

import re

import numpy as np
import pandas as pd
import pytest

from simulator.case.load import load
from simulator.case.outputs import Metric
from simulator.case.scenario_parts import Objective
from simulator.charts.queue_charts import goodput_over_time
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.intervals import Estimate, Interval
from simulator.metrics.overload import goodput
from simulator.metrics.summary import Verdict
from simulator.panels.case_picture import objectives
from simulator.panels.case_pictures import collapse, flagged
from simulator.vehicle.sight_charts import braking


def test_the_share_flagged_is_counted_on_the_table_at_the_sensitivity_that_is_asked():
    plan = compile_plan(load("skin-cancer-triage"))
    made = flagged(plan)
    cut = np.quantile(plan.scores.positives, 0.16, method="inverted_cdf")
    ill = plan.scenario.population.prevalence.value
    share = ill * np.mean(plan.scores.positives >= cut) + (1 - ill) * np.mean(plan.scores.negatives >= cut)
    assert made.value == f"{share:.0%}"
    assert made.chart.takeaway == f"{share:.0%} of all people must be flagged by score to have 84% of the cancers among them."
    assert made.chart.table.iloc[:, 1].is_monotonic_increasing


def minutes(served: list[float], asked: list[float]) -> pd.DataFrame:
    """A frame as `goodput` gives it, a row a minute."""
    useful = [share * rate for share, rate in zip(served, asked, strict=True)]
    columns = {"fresh": asked, "retries": [0.0] * len(asked), "useful": useful, "served_share": served}
    return pd.DataFrame({"time_s": 60.0 * np.arange(len(asked))} | columns)


@pytest.mark.parametrize(
    ("served", "value", "meaning"),
    [
        ([1, 0, 0, 0, 0, 0], "0%", "of the photos that come after the surge are served in time"),
        ([1, 0, 0, 0.5, 1, 1], "2 min", "until the service recovers after the surge"),
        ([1, 0.95, 1, 1, 1, 1], "95%", "of the photos are served in time even in the worst seconds"),
    ],
)
def test_a_service_stays_down_recovers_or_holds(served, value, meaning):
    plan = compile_plan(load("retry-storm"))
    made = collapse(plan, minutes(served, [10, 40, 10, 10, 10, 10]))
    assert (made.value, made.meaning) == (value, meaning)


def test_the_lines_of_a_collapse_have_the_names_of_the_page_practice():
    plan = compile_plan(load("retry-storm"))
    run = simulate(plan, seed=1)
    here, there = collapse(plan, goodput(run)).chart.figure, goodput_over_time(run).figure
    assert [(line.name, line.line.color) for line in here.data] == [(line.name, line.line.color) for line in there.data]


def test_the_distance_ahead_is_the_least_that_it_takes_to_stop():
    """At 50 km/h it is v t + v^2 / 2a, with the network's time, half a tick of the planner and the delay of the brakes as t."""
    plan = compile_plan(load("av-perception"))
    speed, rule = 50 / 3.6, plan.scenario.encounters.braking
    least_s = plan.latencies["detector"].mean_s(1) + 0.5 / rule.planner_hz.value + rule.actuation_s.value
    metres = speed * least_s + speed**2 / (2 * rule.deceleration_mps2.value)
    meaning = braking(plan).meaning
    assert f"pedestrians {metres:.0f} m ahead are found in a frame (" in meaning
    low, high = map(int, re.findall(r"(\d+)%", meaning))
    assert low < int(braking(plan).value.rstrip("%")) < high
    assert "it takes at least that far to stop" in braking(plan).meaning


def verdict(label: str, value: float | None, **bound: float) -> Verdict:
    metric = Metric("x", label, "USD", "lower", "mean", "x")
    found = None if value is None else Estimate(value, value, value, Interval(value, value, value))
    return Verdict(Objective(metric="x", label=label, **bound), metric, found)


def test_objectives_stand_as_many_times_better_or_worse_as_they_are():
    told = [verdict("Cost", 20, at_most=10), verdict("Found", 3, at_least=2), verdict("Wait", None, at_most=1)]
    made = objectives(compile_plan(load("retry-storm")), told)
    assert dict(zip(made.chart.figure.data[0].y, made.chart.figure.data[0].x, strict=True)) == {
        "Cost": 0.5, "Found": 1.5, "Wait": 1 / 8}  # fmt: skip
    assert made.value == "1 of 3"
    assert made.meaning == "objectives are met by the default design"


def test_a_picture_names_the_kinds_of_evidence_behind_its_figure():
    """Cars of drives are measured, pedestrians are found as cars and brakes are assumed; scores are measured, the share of
    cancers is assumed."""
    assert braking(compile_plan(load("av-perception"))).kinds == ["projected", "assumed"]
    assert flagged(compile_plan(load("skin-cancer-triage"))).kinds == ["measured", "assumed"]
    assert objectives(compile_plan(load("retry-storm")), []).kinds == ["measured", "assumed"]
