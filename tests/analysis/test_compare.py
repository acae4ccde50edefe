"""Differences of two designs that met the same requests."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulator import compile_plan, load
from simulator.analysis.compare import Difference, comparable, difference_rows, differences, undecided
from simulator.analysis.replicate import one
from simulator.analysis.statistics import Interval
from simulator.analysis.summary import summary_of

REPLICATIONS = 3


def run(picks, seed=1):
    plan = compile_plan(load("skin-cancer-triage"), picks)
    measures = [one(plan, seed, replication) for replication in range(REPLICATIONS)]
    return measures, summary_of(plan, seed, measures)


@pytest.fixture(scope="module")
def base():
    return run({})


@pytest.fixture(scope="module")
def wider():
    return run({"operating_point": 0.98})


def moved(before, after):
    return {d.metric: d for d in differences(before[0], after[0], (before[1], after[1]))}


def test_a_design_does_not_differ_from_itself(base):
    for difference in moved(base, base).values():
        assert difference.change == Interval(0, 0, 0)
        assert difference.words == "no change"


def test_a_change_is_that_of_the_summaries(base, wider):
    for name, difference in moved(base, wider).items():
        assert difference.change.value == pytest.approx(wider[1].metrics[name].value - base[1].metrics[name].value)
        assert difference.change.low <= difference.change.value <= difference.change.high


def test_every_metric_that_both_can_quote_is_compared_when_asked_for(base, wider):
    found = differences(base[0], wider[0], (base[1], wider[1]), every=True)
    assert [difference.metric for difference in found] == list(wider[1].metrics)
    for difference in found:
        change = wider[1].metrics[difference.metric].value - base[1].metrics[difference.metric].value
        assert difference.change.value == pytest.approx(change, abs=1e-9), difference.metric


def test_what_may_be_chance_is_told_in_one_sentence():
    told = [
        Difference("sensitivity", "Cancers found", Interval(-0.003, -0.02, 0.014)),
        Difference("latency_p95_s", "Answers", Interval(2.0, 1.0, 3.0)),
        Difference("specificity", "Healthy sent home", Interval(0.01, -0.01, 0.03)),
        Difference("cost_per_1000_usd", "Cost", Interval(0.0, 0.0, 0.0)),
    ]
    assert undecided(told) == (
        "Not significantly different: Cancers found (−0.300 points, −2.00 points to +1.40 points) and Healthy sent home "
        "(+1.00 points, −1.00 points to +3.00 points). Each interval holds zero, so that chance alone may explain it."
    )
    assert undecided(told[1:2]) == ""
    verdicts = ["not significantly different", "differs", "not significantly different", "the same"]
    assert difference_rows(told)["verdict"].tolist() == verdicts


def test_pairing_narrows_the_interval(base, wider):
    change = moved(base, wider)["sensitivity"].change
    alone = [summary.metrics["sensitivity"] for _, summary in (base, wider)]
    assert change.high - change.low < sum(metric.high - metric.low for metric in alone)


def test_a_lower_threshold_finds_significantly_more(base, wider):
    difference = moved(base, wider)["sensitivity"]
    assert difference.significant
    assert difference.words.startswith("+")
    assert difference.words.endswith("points")


def test_a_plain_metric_is_paired_by_replication(base):
    slower = [replace(m, metrics=m.metrics | {"latency_p95_s": m.metrics["latency_p95_s"] + 2}) for m in base[0]]
    change = moved(base, (slower, base[1]))["latency_p95_s"].change
    assert (change.value, change.low, change.high) == pytest.approx((2, 2, 2))


def test_few_labelled_patients_leave_a_change_unproven(base):
    """One patient who is found now, whatever the number of replications, proves nothing."""
    patient = base[0][0].positives["patient"].iloc[0]
    before, after = ([replace(m, positives=with_hits(m.positives, patient, hit)) for m in base[0]] for hit in (0, 1))
    difference = moved((before, base[1]), (after, base[1]))["sensitivity"]
    assert difference.change.value > 0
    assert not difference.significant


def with_hits(positives, patient, hit):
    hits = np.where(positives["patient"] == patient, hit * positives["trials"], positives["hits"])
    return pd.DataFrame(positives.assign(hits=hits))


def test_other_requests_are_not_compared(base):
    other = replace(base[1], seed=2)
    assert comparable(base[1], base[1])
    assert not comparable(base[1], other)


@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        ("sensitivity", Interval(0.021, 0.01, 0.03), "+2.10 points"),
        ("cost_per_1000_usd", Interval(-3100, -4000, -2000), "−3,100 USD"),
        ("latency_p95_s", Interval(0.5, -0.1, 1.1), "+500 ms (not significantly different)"),
    ],
)
def test_a_change_is_told_with_its_unit(metric, change, words):
    difference = Difference(metric, "", change)
    assert difference.words == words
    assert difference.size == words.removesuffix(" (not significantly different)")


def test_the_bounds_of_a_change_have_their_own_signs():
    assert Difference("latency_p95_s", "", Interval(0.5, -0.1, 1.1)).interval == "−100 ms to +1.10 s"
