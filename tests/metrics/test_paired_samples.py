"""What is kept of a metric tells of two designs what the runs themselves tell, and how likely a change is by chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t, ttest_rel

from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.intervals import Estimate, Interval, batch_interval, estimate, ratio_interval
from simulator.metrics.comparisons import Difference, differences
from simulator.metrics.paired_samples import PairedSample, chance_of, change, readings_of
from tests.case.texts import SMALL


def readings(run):
    return readings_of(run.plan, run.warm_up, run.measures, run.metrics)


def test_two_readings_tell_the_change_that_the_two_runs_tell(evidence):
    scenario = loads(SMALL)
    runs = [replicate(compile_plan(scenario, picks), 1, 4) for picks in ({}, {"point": 1.0, "reading": "expert"})]
    before, after = (readings(run) for run in runs)
    told = {one.metric.name: one.change for one in differences(*runs, every=True)}
    assert {"sensitivity", "latency_p95_s", "cost_per_1000_usd"} <= told.keys()
    for name, expected in told.items():
        found = change(scenario.metrics[name], before[name], after[name])
        assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)


def test_a_change_where_one_design_has_no_figure_is_refused(evidence):
    run = replicate(compile_plan(loads(SMALL)), 1, 2)
    with pytest.raises(ValueError, match="one of the two designs has no such figure"):
        change(run.metric("sensitivity"), readings(run)["sensitivity"], [None])


def test_the_chance_of_a_change_of_runs_alone_is_that_of_students_paired_test():
    rng = np.random.default_rng(3)
    before, after = rng.normal(10, 1, 6), rng.normal(11, 1, 6)
    found = estimate(batch_interval(float((after - before).mean()), after - before))
    assert chance_of(found, 5) == pytest.approx(ttest_rel(after, before).pvalue, rel=1e-6)


def test_the_chance_of_a_change_whose_doubt_is_who_was_labelled_is_that_of_the_normal_test():
    half = norm.ppf(0.975) * 2.0
    found = estimate(Interval(5.0, 5.0, 5.0), Interval(5.0, 5.0 - half, 5.0 + half))
    assert chance_of(found, 3) == pytest.approx(2 * norm.sf(5.0 / 2.0), rel=1e-6)


@given(
    value=st.floats(-10, 10).filter(lambda one: abs(one) > 1e-3),
    run=st.floats(0.001, 10),
    labels=st.floats(0, 10),
    freedom=st.integers(1, 30),
)
def test_a_chance_is_below_five_percent_just_where_the_interval_leaves_out_zero(value, run, labels, freedom):
    found = estimate(Interval(value, value - run, value + run), Interval(value, value - labels, value + labels))
    leaves_out = found.low > 1e-9 or found.high < -1e-9
    includes = found.low < -1e-9 and found.high > 1e-9
    chance = chance_of(found, freedom)
    assert 0 <= chance <= 1
    assert not leaves_out or chance < 0.05 + 1e-9
    assert not includes or chance > 0.05 - 1e-9


def test_the_chance_is_the_level_at_which_the_interval_would_just_reach_zero():
    run, labels, freedom = 2.0, 3.0, 4
    found = estimate(Interval(8.0, 6.0, 10.0), Interval(8.0, 5.0, 11.0))
    level = chance_of(found, freedom)
    halves = (
        run * t.isf(level / 2, freedom) / t.isf(0.025, freedom),
        labels * norm.isf(level / 2) / norm.isf(0.025),
    )
    assert np.hypot(*halves) == pytest.approx(8.0, rel=1e-6)


def test_what_projections_leave_open_makes_a_change_less_sure():
    sure = estimate(Interval(5.0, 4.0, 6.0))
    wider = Estimate(5.0, -1.0, 11.0, sure.run, None, Interval(5.0, 0.0, 10.0))
    assert chance_of(sure, 3) < 0.05 < chance_of(wider, 3)


def test_no_change_at_all_is_chance_and_one_without_any_doubt_is_none():
    assert chance_of(estimate(Interval(0.0, 0.0, 0.0)), 3) == 1.0
    assert chance_of(estimate(Interval(2.0, 2.0, 2.0)), 3) == 0.0


@pytest.mark.parametrize("value", [1e-17, -1e-17, 1e-14])
def test_a_difference_of_rounding_alone_is_chance(value):
    assert chance_of(estimate(Interval(value, -0.01, 0.01)), 3) == pytest.approx(1.0)


def test_a_difference_that_comes_from_the_order_of_sums_is_none():
    """Two designs whose figures differ in the last bits of a double, in the run and in each draw of the labelled."""
    rng = np.random.default_rng(1)
    metric = load("skin-cancer-triage").metrics["cost_per_1000_usd"]
    parts = np.stack([rng.normal(117e3, 1e3, 4), np.ones(4)])
    draws = rng.normal(0, 4e3, (3, 200))
    run = ratio_interval(*parts)
    noise = 1.2e-11 * rng.choice([-1, 1], (3, 200))
    one, other = PairedSample(run, parts, draws), PairedSample(run, parts + np.array([[1.2e-11], [0]]), draws + noise)
    moved = change(metric, [one], [other])
    assert (moved.value, moved.low, moved.high) == (0, 0, 0)
    assert Difference(metric, run, run, moved).verdict == "the same"
