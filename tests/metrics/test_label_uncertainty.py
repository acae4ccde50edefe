"""The luck of who was labelled: resampled thresholds against the table's own, ways against the engine, sums against re-runs."""

import gc
from dataclasses import replace
from weakref import ref

import numpy as np
import pytest
from scipy.stats import beta

from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.intervals import share_interval
from simulator.metrics.estimates import Estimator
from simulator.metrics.label_uncertainty import codes_of, downstream, plain_ways, ways_of
from simulator.metrics.measures import measure
from simulator.metrics.replications import needs_runs, resampled_plan
from simulator.metrics.resampled_labels import RESAMPLES, threshold_checks
from tests.builders import assumed, end, gate, link, people, plan, pool, population, score_table

ENDS = {"clinic": end(escalated=True, detected=assumed(1), usd=assumed(100)), "cleared": end(), "done": end()}
RNG = np.random.default_rng(3)
TABLE = score_table(RNG.normal(0.6, 0.15, 120).clip(0, 1), RNG.normal(0.4, 0.15, 180).clip(0, 1))


def screened(*routes, table=TABLE, reader=False, holds="labelled", ill=0.3, **fields):
    """A model, a gate, and behind it the clinic or a reader."""
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes, {"to": "cleared"}, holds=holds)}
    if reader:
        reads = {"sensitivity": assumed(0.9), "specificity": assumed(0.7)}
        stages["r"] = people(("00:00", "24:00", 500), positive_to="clinic", negative_to="cleared", minutes=1, **reads)
    shape = {"seconds": 1000, "rate": 10} | fields
    return plan(stages, constant(1e-4), table, ends=ENDS, population=population(ill), **shape)


def test_an_item_takes_the_way_that_the_engine_sends_it():
    routes = {"at_specificity": 0.9, "to": "clinic", "tag": "sure"}, {"at_sensitivity": 0.8, "to": "clinic", "tag": "perhaps"}
    made = screened(*routes)
    trace = simulate(made, 1)
    tags = np.array([1, 2, 0])[codes_of(made)[0][trace.columns.item]]
    assert (tags == trace.columns.tag).all()
    assert set(tags) == {0, 1, 2}


def test_shares_of_ways_add_up_to_one_class_by_class():
    ways = ways_of(screened({"at_sensitivity": 0.5, "to": "clinic"}, {"at_sensitivity": 0.9, "to": "clinic"}))
    assert ways.original.sum(1) == pytest.approx([1, 1])
    assert ways.drawn.sum(-1) == pytest.approx(np.ones((RESAMPLES, 2)))


def test_few_levels_are_judged_as_the_same_cut_by_hand_is():
    """Of 100 positives 95 reach grade 2, so that 90% of them and a cut at 0.4 are the same cut."""
    grades = score_table(np.repeat([0.2, 0.4, 1.0], [5, 55, 40]), np.repeat([0.0, 0.2, 0.4], [60, 80, 60]))
    exact = share_interval(95, 100)
    for route in ({"at_sensitivity": 0.9}, {"at_least": 0.4}):
        found = replicate(screened(route | {"to": "clinic"}, table=grades, seconds=50), 0, 3).metrics["sensitivity"].labels
        of_labels = found.low - found.value, found.high - found.value
        assert of_labels == pytest.approx((exact.low - 0.95, exact.high - 0.95), abs=0.002)


def test_sums_over_people_change_as_real_runs_on_resampled_tables_do():
    """Shares, cost and load: what follows a way is kept, and its share is that of the resample; 25 run for comparison."""
    made = screened({"at_sensitivity": 0.9, "to": "r"}, reader=True, ill=0.02)
    base = measure(simulate(made, 5))
    estimator, metrics = Estimator([base], ways_of(made)), made.scenario.metrics
    others = [resampled_plan(made, index) for index in range(25)]
    again = [measure(simulate(one, 5)).totals for one in others]
    for name in ("escalated_share", "cost_per_1000_usd", "specificity", "utilization.r"):
        plain = estimator.rerouted(metrics[name], ways_of(made))
        predicted = np.array([estimator.rerouted(metrics[name], plain_ways(made, one)) for one in others]) - plain
        really = np.array([totals[name].ratio for totals in again]) - base.totals[name].ratio
        assert np.corrcoef(predicted, really)[0, 1] > 0.98, name
        assert np.sqrt(np.mean((predicted - really) ** 2)) < 0.15 * np.sqrt(np.mean(really**2)), name


def test_more_replications_lessen_the_luck_of_the_run_and_not_that_of_the_labels():
    made = screened({"at_sensitivity": 0.9, "to": "clinic"}, seconds=100)
    few, many = (replicate(made, 0, count).metrics["escalated_share"] for count in (8, 72))
    width = lambda interval: interval.high - interval.low  # noqa: E731
    assert width(many.run) < width(few.run) / 2
    assert width(many.labels) == pytest.approx(width(few.labels), rel=0.1)
    assert width(many) >= width(many.labels) * 0.99


def test_replications_run_again_only_where_queues_answer_to_the_threshold():
    assert not needs_runs(screened({"at_sensitivity": 0.9, "to": "clinic"}))
    read = screened({"at_sensitivity": 0.9, "to": "r"}, reader=True, seconds=20)
    assert needs_runs(read)
    assert downstream(read) == {"r"}
    plain = plan({"p": link("q", 1), "q": pool()}, constant(0.1), seconds=20)
    assert not needs_runs(plain)
    assert replicate(plain, 0, 3).metrics["wait_p50_s.q"].labels is None


def test_waits_behind_a_threshold_carry_the_luck_of_the_labels():
    routes = {"at_sensitivity": 0.9, "to": "r"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", routes, {"to": "cleared"}),
              "r": people(("00:00", "24:00", 8), positive_to="clinic", negative_to="cleared", minutes=0.018)}  # fmt: skip
    made = plan(stages, constant(1e-4), TABLE, ends=ENDS, population=population(0.3), seconds=1000, rate=10)
    found = replicate(made, 0, 20).metrics
    assert found["wait_p95_s.r"].labels.high > found["wait_p95_s.r"].run.high
    assert found["wait_p95_s.p"].labels is None


def test_a_median_wait_of_nothing_may_begin_with_other_labels():
    """The readers are busy for 72% of the time by these labels, and for up to 92% by others."""
    routes = {"at_sensitivity": 0.9, "to": "r"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", routes, {"to": "cleared"}),
              "r": people(("00:00", "24:00", 8), positive_to="clinic", negative_to="cleared", minutes=0.014)}  # fmt: skip
    made = plan(stages, constant(1e-4), TABLE, ends=ENDS, population=population(0.3), seconds=1000, rate=10)
    found = replicate(made, 0, 8).metrics["wait_p50_s.r"]
    assert found.value == 0
    assert found.high == found.labels.high > 0


def test_a_resampled_plan_keeps_scores_of_several_models_together():
    two = {"a": TABLE, "b": replace(TABLE, name="other", positives=1 - TABLE.positives, negatives=1 - TABLE.negatives)}
    stages = {"a": pool(to="b", scores="x"), "b": pool(to="g", scores="y"),
              "g": gate("score", {"at_sensitivity": 0.9, "to": "clinic"}, {"to": "cleared"}, of="b")}  # fmt: skip
    made = plan(stages, constant(1e-4), two, ends=ENDS, population=population(0.3))
    tables = resampled_plan(made, 4).tables
    assert tables["a"].positives == pytest.approx(1 - tables["b"].positives)
    assert sorted(tables["a"].positives) != sorted(TABLE.positives)


@pytest.mark.long
def test_a_warm_up_is_cut_off_the_replications_that_ran_again_too():
    """A rush at the front that the warm-up leaves out must not look like the luck of the labels."""
    routes = {"at_sensitivity": 0.9, "to": "r"}, {"to": "cleared"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", *routes),
              "r": people(("00:00", "24:00", 400), positive_to="clinic", negative_to="cleared", minutes=0.1)}  # fmt: skip
    run = {"days": 1000 / 86_400, "drain_days": 0.1, "replications": 10, "warm_up": "mser5"}
    rush = {"kind": "poisson", "rate_per_s": assumed(4), "spikes": [{"at_s": 0, "seconds": 50, "times": 40}]}
    made = plan(stages, constant(0.02), TABLE, ends=ENDS, population=population(0.3), run=run, arrivals=rush)
    summary = replicate(made, 0, 10)
    assert summary.warm_up.cut_s > 0
    found = summary.metrics["latency_mean_s"]
    assert found.labels.high - found.labels.low < found.value


def drifting(at_s: float, *routes, **fields):
    drift = {"kind": "drift", "label": "Drift", "scores_shift": -0.15}
    return screened(*routes, curveballs={"drift": drift}, strikes={"drift": at_s}, **fields)


def test_scores_that_shift_from_the_start_are_scores_below_a_higher_threshold():
    shifted, higher = drifting(0.0, {"at_least": 0.5, "to": "clinic"}), screened({"at_least": 0.65, "to": "clinic"})
    found, expected = ways_of(shifted), ways_of(higher)
    np.testing.assert_allclose(found.original, expected.original)
    np.testing.assert_allclose(found.drawn, expected.drawn)


def test_draws_of_a_run_with_a_shift_are_those_of_its_two_stretches():
    struck = drifting(400.0, {"at_least": 0.5, "to": "clinic"})
    trace = simulate(struck, 1)
    before, after = (ways_of(screened({"at_least": cut, "to": "clinic"})) for cut in (0.5, 0.65))
    moved = 0.0
    for late, ways in ((False, before), (True, after)):
        for positive in (False, True):
            requests = np.sum((trace.columns.positive == positive) & ((trace.columns.arrived >= 400) == late))
            to_clinic = np.flatnonzero(ways.codes == 0)
            moved += requests * (ways.drawn - ways.original)[:, int(positive), to_clinic].sum(1) / trace.columns.n
    found = Estimator([measure(trace)], ways_of(struck)).draws("escalated_share")[2]
    np.testing.assert_allclose(found, moved, atol=1e-12)


@pytest.mark.parametrize("at_s", [None, 50.0])
def test_a_plan_is_forgotten_with_its_last_run(at_s):
    """A server meets thousands of designs; what it works out for one must not keep this one alive."""
    read = {"at_sensitivity": 0.9, "to": "r"}
    made = screened(read, reader=True, seconds=100) if at_s is None else drifting(at_s, read, reader=True, seconds=100)
    alive = ref(made)
    replicate(made, 0, 2)
    del made
    gc.collect()
    assert alive() is None


def test_a_class_in_which_no_labelled_item_errs_may_err_next():
    """Forty positives above a threshold show a sensitivity of at least 91.2%, by Clopper and Pearson."""
    apart = score_table(np.linspace(0.7, 0.9, 40), np.linspace(0.1, 0.6, 60))
    exact = share_interval(40, 40)
    fixed = replicate(screened({"at_least": 0.5, "to": "clinic"}, table=apart, seconds=100), 0, 4).metrics["sensitivity"]
    assert (fixed.value, fixed.high) == (1, 1)
    assert fixed.labels.low == pytest.approx(exact.low, abs=0.005)
    [kept] = threshold_checks(screened({"at_sensitivity": 0.999, "to": "clinic"}, table=apart))
    assert kept.reached == 1
    assert kept.next.value < 1
    assert kept.next.low < 0.95
    alone = score_table([0.8], [0.1, 0.2])
    assert threshold_checks(screened({"at_sensitivity": 0.9, "to": "clinic"}, table=alone))[0].next.low < 0.1


def test_a_gate_that_is_open_to_all_leaves_no_doubt():
    found = replicate(screened({"at_sensitivity": 1.0, "to": "clinic"}, seconds=50), 0, 3).metrics["sensitivity"]
    assert (found.value, found.labels.low) == (1, 1)


def test_what_no_positive_met_in_the_run_is_told_by_negatives_that_took_the_way():
    """At 99.9% every labelled positive passes; the next one may be cleared, and is missed then: Beta(120, 1)."""
    made = screened({"at_sensitivity": 0.999, "to": "clinic"}, seconds=300, costs={"missed_positive_usd": assumed(1000)})
    summary = replicate(made, 0, 6)
    assert summary.metrics["sensitivity"].value == 1
    assert summary.metrics["sensitivity"].labels.low == pytest.approx(beta(120, 1).ppf(0.05), abs=0.012)
    assert summary.metrics["missed_per_1000"].labels.high == pytest.approx(
        300 * (1 - summary.metrics["sensitivity"].labels.low), rel=0.05
    )
    assert summary.costs["missed"].labels.high > 0


def lowest_at(score, *routes):
    """Sixty positives, the lowest of them at a score and the next at 0.3, and ninety negatives from 0.1 to 0.9."""
    table = score_table(np.append(score, np.linspace(0.3, 0.99, 59)), np.linspace(0.1, 0.9, 90))
    costs = {"missed_positive_usd": assumed(15_516)}
    return screened(*(routes or [{"at_sensitivity": 0.99, "to": "clinic"}]), table=table, ill=0.1, seconds=200, costs=costs)


@pytest.mark.parametrize("score", [0.05, 0.15])
def test_a_threshold_below_every_labelled_negative_is_as_open_as_one_above_some(score):
    """Of 60 positives 59 lie at 0.3 or above, so that a threshold for everybody may lie there: above 24% of the negatives."""
    summary = replicate(lowest_at(score), 0, 6)
    specificity, missed = (summary.metrics[name] for name in ("specificity", "missed_per_1000"))
    below = 1 - share_interval(60, 60).low
    assert specificity.low == 0
    assert 0.2 < specificity.high < 0.4
    assert missed.high == pytest.approx(100 * below, rel=0.15)
    assert summary.costs["missed"].high == pytest.approx(15_516 * missed.high, rel=0.05)


def test_where_nobody_takes_a_route_the_next_may_as_rarely_as_none_of_so_many_tells():
    """None of 60 positives and none of 90 negatives scores below 0.01, or from 1 on."""
    ill, well = (1 - share_interval(count, count).low for count in (60, 90))
    below = replicate(lowest_at(0.2, {"at_least": 0.01, "to": "clinic"}), 0, 6).metrics
    above = replicate(lowest_at(0.2, {"at_least": 1.01, "to": "clinic"}), 0, 6).metrics
    assert 1 - below["sensitivity"].low == pytest.approx(ill, rel=0.05)
    assert below["specificity"].high == pytest.approx(well, rel=0.05)
    assert above["sensitivity"].high == pytest.approx(ill, rel=0.05)
    assert 1 - above["specificity"].low == pytest.approx(well, rel=0.05)


@pytest.mark.parametrize("targets", [[0.5], [0.3, 0.6], [0.2, 0.4, 0.6, 0.8]])
def test_the_next_negative_takes_one_of_many_ways_no_more_often_than_none_of_so_many_tells(targets):
    """Of 180 negatives none scores as high as any of the positives."""
    apart = score_table(np.linspace(0.6, 0.9, 120), np.linspace(0.1, 0.5, 180))
    ways = ways_of(screened(*[{"at_sensitivity": target, "to": "clinic"} for target in targets], table=apart))
    invited = 1 - ways.drawn[:, 0, -1]
    assert ways.drawn.sum(-1) == pytest.approx(np.ones((RESAMPLES, 2)))
    assert np.quantile(invited, 0.975) == pytest.approx(1 - share_interval(180, 180).low, rel=0.05)
