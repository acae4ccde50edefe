"""Intervals against scipy, against published values, and against their own promise to cover 95 times in 100."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, ttest_1samp

from simulator.analysis.statistics import Interval, clustered_share, mean_interval, share_interval, sum_interval


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50).filter(lambda values: np.std(values) > 1e-3))
def test_a_mean_has_students_interval(values):
    found = mean_interval(values)
    low, high = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((np.mean(values), low, high), rel=1e-6, abs=1e-6)


def test_a_mean_of_one_value_may_lie_anywhere():
    assert mean_interval([3.0]) == Interval(3.0, -np.inf, np.inf)


@given(st.integers(1, 500), st.floats(0, 1))
def test_a_share_has_the_interval_of_clopper_and_pearson(trials, part):
    successes = round(part * trials)
    found = share_interval(successes, trials)
    expected = binomtest(successes, trials).proportion_ci(0.95, "exact")
    assert (found.value, found.low, found.high) == pytest.approx((successes / trials, *expected), abs=1e-9)


def test_299_positives_without_a_miss_are_the_fewest_that_claim_99_percent():
    one_sided = {count: binomtest(count, count, alternative="greater").proportion_ci(0.95).low for count in (298, 299)}
    assert one_sided[298] < 0.99 < one_sided[299]
    assert share_interval(299, 299).low == pytest.approx(0.025 ** (1 / 299))


@given(st.lists(st.booleans(), min_size=3, max_size=200).filter(lambda hits: 0 < sum(hits) < len(hits)))
def test_clusters_of_one_trial_have_the_interval_of_one_trial_less(hits):
    """The variance between n clusters is estimated with n - 1 in the denominator."""
    count = len(hits)
    found = clustered_share(range(count), np.ones(count), hits, most=count)
    expected = share_interval(np.mean(hits) * (count - 1), count - 1)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


@pytest.mark.parametrize("hit", [0, 1])
def test_without_a_single_failure_or_success_the_clusters_are_counted(hit):
    found = clustered_share([1, 2, 3, 3], [10, 10, 5, 5], [10 * hit, 10 * hit, 5 * hit, 5 * hit], most=100)
    expected = share_interval(3 * hit, 3)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_trials_that_agree_within_a_cluster_count_as_one():
    hits = np.array([1] * 30 + [0] * 10)
    alone = clustered_share(range(40), np.ones(40), hits, most=40)
    together = clustered_share(range(40), np.full(40, 25), 25 * hits, most=1000)
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))


def test_rows_of_one_cluster_in_several_replications_are_added_up():
    once = clustered_share([1, 2, 3], [4, 6, 2], [3, 6, 0], most=12)
    split = clustered_share([1, 2, 1, 3, 2], [1, 5, 3, 2, 1], [1, 5, 2, 0, 1], most=12)
    assert split == once


def test_no_interval_rests_on_more_than_the_items_behind_it():
    found = clustered_share(range(1000), np.ones(1000), np.arange(1000) % 2, most=50)
    assert (found.low, found.high) == pytest.approx((share_interval(25, 50).low, share_interval(25, 50).high))


def test_intervals_of_correlated_clusters_cover_the_true_share_where_binomial_ones_do_not():
    """Patients differ: theirs is a beta distribution about 0.8, and each is drawn 20 times."""
    rng, runs, clusters, drawn = np.random.default_rng(0), 600, 40, 20
    covered, naive = 0, 0
    for _ in range(runs):
        hits = rng.binomial(drawn, rng.beta(4, 1, clusters))
        found = clustered_share(range(clusters), np.full(clusters, drawn), hits, most=clusters * drawn)
        binomial = share_interval(hits.sum(), clusters * drawn)
        covered += found.low <= 0.8 <= found.high
        naive += binomial.low <= 0.8 <= binomial.high
    assert binomtest(covered, runs, 0.95, alternative="less").pvalue > 0.05
    assert binomtest(naive, runs, 0.95, alternative="less").pvalue < 1e-6


def test_a_sum_of_independent_normal_estimates_has_the_normal_interval():
    half = norm.ppf(0.975)
    parts = [Interval(mean, mean - half * sd, mean + half * sd) for mean, sd in ((10, 3), (-2, 4))]
    found = sum_interval(*parts)
    assert (found.value, found.low, found.high) == pytest.approx((8, 8 - 5 * half, 8 + 5 * half))


def test_a_sum_keeps_the_skew_of_its_parts():
    found = sum_interval(Interval(1, 0, 4), Interval(1, 1, 5))
    assert (found.value, found.low, found.high) == pytest.approx((2, 1, 7))
