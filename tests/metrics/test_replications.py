"""Bounds of looks at a run against published tables, another integration, and simulated verdicts with a known truth."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, t

from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate, result_of, settled
from simulator.intervals import Interval, estimate, mean_interval, share_interval, widened
from simulator.metrics.replications import (
    SLIGHT,
    TELLING,
    bounds_of,
    chance_to_decide,
    is_out_of_reach,
    looks_of,
    run_replications,
    spent,
    widening,
)
from simulator.metrics.summary import summary_of
from tests.builders import assumed, end, exponential, gate, plan, pool, population, score_table


def obrien_fleming(part):
    """The spending function of Lan and DeMets (1983) that comes close to the bounds of O'Brien and Fleming, on both sides."""
    return 4 * norm.sf(norm.isf(0.0125) / np.sqrt(part)) if part else 0.0


def power(exponent, part):
    return 0.05 * part**exponent


def test_bounds_equal_the_published_ones():
    """DeMets and Lan 1994, Stat Med 13:1341, table of five looks at the 5% level."""
    five = (0.2, 0.4, 0.6, 0.8, 1.0)
    assert bounds_of(five, obrien_fleming) == pytest.approx((4.877, 3.357, 2.680, 2.290, 2.031), abs=0.002)


@pytest.mark.parametrize("exponent", [1, 2, 3])
def test_bounds_err_as_often_as_another_integration_says(exponent):
    parts = (0.2, 0.5, 1.0)
    bounds = np.array(bounds_of(parts, partial(power, exponent)))
    covariance = np.sqrt(np.minimum.outer(parts, parts) / np.maximum.outer(parts, parts))
    inside = multivariate_normal(np.zeros(3), covariance, seed=0).cdf(bounds, lower_limit=-bounds)
    assert 1 - inside == pytest.approx(0.05, abs=2e-4)


def test_one_look_is_the_plain_interval():
    assert bounds_of((1.0,)) == pytest.approx((norm.isf(0.025),), abs=1e-6)
    assert widening(30, 30) == 1
    assert widening(2, 2) == 1


SHORT = [(2, [2]), (7, [7]), (8, [4, 8]), (12, [4, 8, 12])]


@pytest.mark.parametrize(("total", "looks"), [*SHORT, (30, [4, 12, 20, 30]), (100, [4, 12, 36, 66, 100])])
def test_looks_come_after_three_times_as_many_and_the_last_but_one_after_two_thirds(total, looks):
    assert looks_of(total) == looks
    factors = [widening(count, total) for count in looks]
    assert factors[-1] == 1
    assert all(before > after for before, after in pairwise(factors))


def test_the_looks_before_the_last_spend_what_the_power_says():
    bounds = bounds_of((4 / 30, 12 / 30, 1.0))
    assert 2 * norm.sf(bounds[0]) == pytest.approx(spent(4 / 30), rel=1e-6)
    assert spent(0.4) == pytest.approx(0.05 * 0.4**3)


def means(values):
    """Means of replications with the half-widths of their intervals, shape (2, worlds)."""
    count = values.shape[1]
    return values.mean(1), t.ppf(0.975, count - 1) * values.std(1, ddof=1) / np.sqrt(count)


def verdicts(distance, worlds, seed):
    """Thirty replications with a truth at a distance from the bound 0, in standard deviations of their mean, judged in turn.

    Returns how many are judged against the truth, how many intervals miss it, and the mean number of replications.
    """
    truth = distance / np.sqrt(30)
    values = truth + np.random.default_rng(seed).standard_normal((worlds, 30))
    low, high, used = np.zeros(worlds), np.zeros(worlds), np.zeros(worlds, int)
    for count in looks_of(30):
        mean, half = means(values[:, :count])
        half *= widening(count, 30)
        hardly = np.array([stays_open(*one, count) for one in zip(mean, half, strict=True)])
        now = (used == 0) & ((abs(mean) >= half) | hardly | (count == 30))
        low[now], high[now], used[now] = (mean - half)[now], (mean + half)[now], count
    against = high <= 0 if truth > 0 else low >= 0
    return int(against.sum()), int(((truth < low) | (truth > high)).sum()), used.mean()


def stays_open(mean, half, count, total=30):
    found = estimate(Interval(mean, mean - half, mean + half))
    wider = widening(count, total)
    return TELLING <= count < total and chance_to_decide(found, 0.0, count, wider, total) < SLIGHT


@pytest.mark.parametrize("distance", [-3.0, -0.5, -0.01, 0.01, 0.5, 3.0])
def test_false_verdicts_stay_within_five_percent_and_intervals_hold_on_both_sides_of_a_bound(distance):
    worlds = 2000
    false, missed, _ = verdicts(distance, worlds, 1)
    assert share_interval(false, worlds).high <= 0.05
    assert share_interval(missed, worlds).low <= 0.05


def test_a_clear_verdict_takes_few_replications_one_on_its_bound_more_and_one_near_it_most():
    assert verdicts(30.0, 200, 2)[2] < 12
    assert 18 < verdicts(0.0, 200, 2)[2] < verdicts(2.0, 200, 2)[2]


@pytest.mark.parametrize(("count", "edges"), [(12, [0.1, 0.2, 0.4, 0.6, 0.8, 1.0]), (20, [0.0, SLIGHT, 0.5, 0.9, 1.0])])
def test_a_chance_to_decide_is_as_often_right_as_it_says(count, edges):
    """Truths spread evenly, as the chance supposes: of the open verdicts with a like chance, as many are decided in the end."""
    rng, worlds = np.random.default_rng(5), 6000
    values = rng.uniform(-1.5, 1.5, (worlds, 1)) + rng.standard_normal((worlds, 30))
    decided = np.greater(*map(np.abs, means(values)))
    mean, half = means(values[:, :count])
    found = [estimate(Interval(one, one - width, one + width)) for one, width in zip(mean, half, strict=True)]
    chances = np.array([chance_to_decide(one, 0.0, count, 1.0, 30) for one in found])
    for low, high in pairwise(edges):
        those = (chances >= low) & (chances < high)
        assert decided[those].mean() == pytest.approx(chances[those].mean(), abs=0.06)
    assert decided[chances < SLIGHT].sum() <= SLIGHT * (chances < SLIGHT).sum()


def test_labels_and_projections_leave_less_chance_to_decide():
    run, labels = Interval(0.9, 0.89, 0.91), Interval(0.9, 0.895, 0.905)
    plain, labelled = (chance_to_decide(one, 0.905, 12, 1.0, 30) for one in (estimate(run), estimate(run, labels)))
    projected = replace(estimate(run), projected=Interval(0.9, 0.89, 0.92))
    assert plain > labelled > chance_to_decide(projected, 0.905, 12, 1.0, 30)
    assert chance_to_decide(estimate(Interval(0.9, 0.9, 0.9)), 0.905, 12, 1.0, 30) == 0  # no replication moves it


def test_looks_without_wider_intervals_would_err_too_often():
    values = np.random.default_rng(3).standard_normal((2000, 30))
    plain = [means(values[:, :count]) for count in looks_of(30)]
    wrong = np.any([abs(mean) > half for mean, half in plain], axis=0).sum()
    assert share_interval(int(wrong), 2000).low > 0.08


def test_the_shared_interval_is_widened_about_its_value():
    values = np.random.default_rng(4).standard_normal(12)
    found, (mean, half) = widened(mean_interval(values), 1.5), means(values[None])
    assert (found.low, found.high) == pytest.approx((mean[0] - 1.5 * half[0], mean[0] + 1.5 * half[0]))


def test_a_verdict_is_out_of_reach_where_the_labels_alone_leave_it_open():
    run, labels = Interval(0.9, 0.89, 0.91), Interval(0.9, 0.8, 0.95)
    assert is_out_of_reach(estimate(run, labels), 0.9)
    assert not is_out_of_reach(estimate(run, labels), 0.95)  # the run may yet move it beyond the bound
    assert not is_out_of_reach(estimate(run, labels), 0.97)
    assert not is_out_of_reach(estimate(run), 0.9)  # more replications decide


def test_students_bounds_are_wider_than_normal_ones():
    bound = bounds_of((4 / 30, 12 / 30, 1.0))[1]
    assert widening(12, 30) * t.ppf(0.975, 11) == pytest.approx(t.isf(norm.sf(bound), 11))
    assert widening(12, 30) > bound / norm.isf(0.025) * 0.9


def judged(bound, count, seed=1, **of):
    """The first replications of M/M/1 at a load of 0.5, whose mean time of 2 s is to be at most a bound."""
    objective = {"metric": "latency_mean_s", "at_most": bound, "label": "Quick"}
    made = plan({"p": pool()}, exponential(1.0), rate=0.5, seconds=4000, objectives=[objective])
    return made, summary_of(made, seed, run_replications(made, seed, count), **of)


@pytest.mark.parametrize(("bound", "verdict"), [(1.0, "not met"), (4.0, "met")])
def test_a_run_ends_after_four_replications_where_the_verdict_is_clear(bound, verdict):
    made, early = judged(bound, 4, planned=30)
    _, plain = judged(bound, 4)
    assert early.settles(30)
    assert early.verdicts[0].standing == verdict
    wide, narrow = early.metrics["latency_mean_s"], plain.metrics["latency_mean_s"]
    assert wide.high - wide.value == pytest.approx(widening(4, 30) * (narrow.high - narrow.value))
    found = settled(result_of(made, 1, early.measures), 30)
    assert (found.replications, found.planned, found.run_hash) == (4, 30, plain.run_hash)
    assert found.size.startswith("4 of 30 replications")


def test_a_run_goes_on_while_a_replication_may_decide():
    made, early = judged(2.0, 4, planned=30)
    assert not early.settles(30)
    assert settled(result_of(made, 1, early.measures), 30) is None
    assert settled(result_of(made, 1, judged(4.0, 5)[1].measures), 30) is None  # no look is after five


def test_a_run_without_an_objective_goes_on():
    made = plan({"p": pool()}, exponential(1.0), rate=0.5, seconds=400)
    assert settled(replicate(made, 1, 4), 30) is None


def test_a_run_ends_where_the_labelled_people_leave_the_verdict_open():
    """Nine in ten of 20 positives: their 95% interval is about 68 to 99%, and more replications label nobody."""
    objective = {"metric": "sensitivity", "at_least": 0.9, "label": "Found"}
    stages = {"p": pool(to="g", scores="x"), "g": gate("score", {"at_least": 0.5, "to": "found"}, {"to": "lost"})}
    ends = {"found": end(escalated=True, detected=assumed(1)), "lost": end()}
    table = score_table([0.9] * 18 + [0.1] * 2, [0.2] * 30)
    made = plan(stages, constant(1e-4), table, ends=ends, population=population(0.5), seconds=2000, objectives=[objective])
    found = settled(replicate(made, 1, 12), 30)
    assert found.verdicts[0].standing == "not proven"


def test_no_steady_state_is_a_verdict_that_no_replication_changes():
    objective = {"metric": "latency_p95_s", "at_most": 10.0, "label": "Quick"}
    made = plan({"p": pool()}, exponential(1.0), rate=2.0, seconds=400, objectives=[objective])
    assert settled(replicate(made, 1, 4), 30).verdicts[0].standing == "no figure"
