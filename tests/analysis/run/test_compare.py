"""Differences of two designs that met the same requests."""

from dataclasses import replace

import numpy as np
import pytest

from simulator import compile_plan, load
from simulator.analysis.run.compare import Difference, comparable, difference_rows, differences, undecided
from simulator.analysis.run.replicate import run_one
from simulator.analysis.run.summary import summary_of
from simulator.analysis.statistics import Estimate, Interval
from simulator.serving.latency import constant
from tests.builders import assumed, end, pool, population
from tests.builders import plan as plan_of

REPLICATIONS = 3


def run(picks, seed=1):
    plan = compile_plan(load("skin-cancer-triage"), picks)
    measures = [run_one(plan, seed, replication) for replication in range(REPLICATIONS)]
    return measures, summary_of(plan, seed, measures)


@pytest.fixture(scope="module")
def base():
    return run({})


@pytest.fixture(scope="module")
def wider():
    return run({"operating_point": 0.98})


def moved(before, after):
    return {d.metric.name: d for d in differences(before[0], after[0], (before[1], after[1]))}


def told(metric, label, *bounds):
    """A difference of a metric of the skin-cancer case."""
    change = Interval(*bounds)
    return Difference(load("skin-cancer-triage").metrics[metric], label, Estimate(*bounds, run=change))


def test_a_design_does_not_differ_from_itself(base):
    for difference in moved(base, base).values():
        assert (difference.change.value, difference.change.low, difference.change.high) == (0, 0, 0)
        assert difference.words == "no change"


def test_a_change_is_that_of_the_summaries(base, wider):
    for name, difference in moved(base, wider).items():
        assert difference.change.value == pytest.approx(wider[1].metrics[name].value - base[1].metrics[name].value)
        assert difference.change.low <= difference.change.value <= difference.change.high


def test_every_metric_that_both_can_quote_is_compared_when_asked_for(base, wider):
    found = differences(base[0], wider[0], (base[1], wider[1]), every=True)
    names = [difference.metric.name for difference in found]
    assert names == [name for name in wider[1].metrics if name in base[1].metrics]
    for name, difference in zip(names, found, strict=True):
        change = wider[1].metrics[name].value - base[1].metrics[name].value
        assert difference.change.value == pytest.approx(change, abs=1e-6), name


def test_what_may_be_chance_is_told_in_one_sentence():
    found = [
        told("sensitivity", "Cancers found", -0.003, -0.02, 0.014),
        told("latency_p95_s", "Answers", 2.0, 1.0, 3.0),
        told("specificity", "Healthy sent home", 0.01, -0.01, 0.03),
        told("cost_per_1000_usd", "Cost", 0.0, 0.0, 0.0),
    ]
    assert undecided(found) == (
        "Not significantly different: Cancers found (−0.300 points, −2.00 points to +1.40 points) and Healthy sent home "
        "(+1.00 points, −1.00 points to +3.00 points). Each interval includes zero, so chance alone may explain it."
    )
    assert undecided(found[1:2]) == ""
    verdicts = ["not significantly different", "differs", "not significantly different", "the same"]
    assert difference_rows(found)["verdict"].tolist() == verdicts


def test_pairing_narrows_the_interval(base, wider):
    change = moved(base, wider)["sensitivity"].change
    alone = [summary.metrics["sensitivity"] for _, summary in (base, wider)]
    assert change.high - change.low < sum(metric.high - metric.low for metric in alone)


def test_a_lower_threshold_finds_significantly_more(base, wider):
    difference = moved(base, wider)["sensitivity"]
    assert difference.significant
    assert difference.words.startswith("+")
    assert difference.words.endswith("points")


def test_a_time_is_paired_by_replication(base):
    def later(one):
        return replace(one, values=one.values + np.float32(2))

    usual = [replace(m, resampled=None) for m in base[0]]
    slower = [replace(m, samples=m.samples | {"served": later(m.samples["served"])}) for m in usual]
    change = moved((usual, base[1]), (slower, base[1]))["latency_served_p95_s"].change
    assert (change.value, change.low, change.high) == pytest.approx((2, 2, 2), abs=1e-5)


def test_the_luck_of_who_was_labelled_is_in_the_interval_of_a_difference(base, wider):
    for difference in moved(base, wider).values():
        assert (difference.change.labels is None) == (difference.metric.name == "latency_served_p95_s"), difference.metric.name
    other = run({"precision": "int8_dynamic"})
    every = differences(base[0], other[0], (base[1], other[1]), every=True)
    found = next(difference.change for difference in every if difference.metric.name == "specificity")
    assert found.labels.high - found.labels.low > 5 * (found.run.high - found.run.low)


def test_two_designs_of_a_case_whose_population_has_no_scores_are_compared():
    plans = [
        plan_of({"p": pool()}, constant(0.1), population=population(0.5), ends={"done": end(detected=assumed(share))})
        for share in (0.2, 0.4)
    ]
    both = [[run_one(made, 0, number) for number in range(5)] for made in plans]
    found = {
        d.metric.name: d
        for d in differences(*both, tuple(summary_of(made, 0, m) for made, m in zip(plans, both, strict=True)), every=True)
    }
    assert found["sensitivity"].change.value == pytest.approx(0.2, abs=0.1)
    assert found["sensitivity"].change.labels is None


def test_other_requests_are_not_compared(base):
    other = replace(base[1], seed=2)
    assert comparable(base[1], base[1])
    assert not comparable(base[1], other)


@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        ("sensitivity", (0.021, 0.01, 0.03), "+2.10 points"),
        ("cost_per_1000_usd", (-3100, -4000, -2000), "−3,100 USD"),
        ("latency_p95_s", (0.5, -0.1, 1.1), "+500 ms (not significantly different)"),
    ],
)
def test_a_change_is_told_with_its_unit(metric, change, words):
    difference = told(metric, "", *change)
    assert difference.words == words
    assert difference.size == words.removesuffix(" (not significantly different)")


def test_the_bounds_of_a_change_have_their_own_signs():
    assert told("latency_p95_s", "", 0.5, -0.1, 1.1).interval == "−100 ms to +1.10 s"
