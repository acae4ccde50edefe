"""Intervals against scipy, against published values, and against their own promise to cover 95 times in 100."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest, norm, t, ttest_1samp

from simulator.intervals import (
    Interval,
    batch_interval,
    clustered_share,
    dependent_sum,
    effective_trials,
    estimate,
    mean_interval,
    one_run_interval,
    quantile_interval,
    ratio_difference,
    ratio_interval,
    replicated_share,
    share_interval,
)


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


def ranks(count, share):
    """The ranks (from 1) of the bounds of a quantile's interval; None where there is none."""
    found = quantile_interval(np.arange(1, count + 1), share)
    return tuple(int(bound) if np.isfinite(bound) else None for bound in (found.low, found.high))


def test_the_median_of_100_values_lies_between_the_40th_and_the_61st():
    """Ranks n/2 - 1.96 sqrt(n)/2 and 1 + n/2 + 1.96 sqrt(n)/2, rounded (Campbell and Gardner 1988, BMJ 296:1454)."""
    assert (round(50 - 1.96 * 5), round(1 + 50 + 1.96 * 5)) == (40, 61)
    assert ranks(100, 0.5) == (40, 61)


@given(st.integers(1, 800), st.floats(0.01, 0.99))
def test_a_quantile_s_interval_covers_it_with_at_least_95_percent_and_could_not_be_narrower(count, share):
    low, high = ranks(count, share)
    below = binom(count, share)  # how many values lie below the quantile
    missed_low = 0.0 if low is None else below.cdf(low - 1)
    missed_high = 0.0 if high is None else below.sf(high - 1)
    assert missed_low <= 0.025
    assert missed_high <= 0.025 + 1e-12
    assert below.cdf(low or 0) >= 0.025  # one rank up would err too often
    assert below.sf((high or count + 1) - 2) >= 0.025 - 1e-12


def test_the_99th_percentile_has_an_upper_bound_from_368_values_on():
    """0.99 ** 368 is the first power below 0.025."""
    assert 0.99**368 < 0.025 < 0.99**367
    assert ranks(367, 0.99)[1] is None
    assert ranks(368, 0.99)[1] == 368


def test_a_figure_of_one_run_has_the_spread_of_its_batches():
    found, spread = batch_interval(10.0, [1.0, 2.0, 3.0]), mean_interval([1.0, 2.0, 3.0])
    assert (found.value, found.high - 10, 10 - found.low) == pytest.approx((10, spread.high - 2, 2 - spread.low))


def jackknife(above, below):
    """The standard error of a ratio by leaving out one replication at a time (Quenouille 1956)."""
    count = len(above)
    without = [np.delete(above, at).sum() / np.delete(below, at).sum() for at in range(count)]
    return np.sqrt((count - 1) / count * ((without - np.mean(without)) ** 2).sum())


@pytest.mark.parametrize("seed", range(5))
def test_a_ratio_s_interval_agrees_with_the_jackknife(seed):
    rng = np.random.default_rng(seed)
    below = rng.normal(1000, 30, 30)
    above = 0.3 * below + rng.normal(0, 5, 30)
    found = ratio_interval(above, below)
    plain = mean_interval([0.0, 1.0] * 15)  # the half-width of 30 values with a standard error of its own
    factor = (plain.high - plain.value) / (np.std([0.0, 1.0] * 15, ddof=1) / np.sqrt(30))
    assert found.value == pytest.approx(above.sum() / below.sum())
    assert found.high - found.value == pytest.approx(factor * jackknife(above, below), rel=0.02)


def test_a_ratio_with_a_fixed_denominator_is_a_mean():
    values = np.array([3.0, 5.0, 4.0])
    found, mean = ratio_interval(values, np.full(3, 10.0)), mean_interval(values / 10)
    assert (found.value, found.low, found.high) == pytest.approx((mean.value, mean.low, mean.high))


def test_a_ratio_s_interval_covers_the_truth_95_times_in_100():
    """Shares of Poisson numbers of requests: 2000 intervals, of which 95% cover, give or take four standard errors."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        below = rng.poisson(200, 20)
        found = ratio_interval(rng.binomial(below, 0.3), below)
        covered += found.low <= 0.3 <= found.high
    assert abs(covered / 2000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_a_ratio_of_nothing_is_nothing():
    assert ratio_interval([0.0, 0.0], [0.0, 0.0]) == Interval(0.0, 0.0, 0.0)


def test_pairing_takes_out_what_two_ratios_share():
    rng = np.random.default_rng(0)
    below = rng.normal(1000, 100, 20)
    luck = rng.normal(0, 20, 20)
    before, after = 0.3 * below + luck, 0.31 * below + luck + rng.normal(0, 1, 20)
    found = ratio_difference((before, below), (after, below))
    alone = [ratio_interval(above, below) for above in (before, after)]
    assert found.value == pytest.approx(alone[1].value - alone[0].value)
    assert found.low > 0
    assert alone[0].high > alone[1].low  # unpaired, nothing could be said


def test_two_errors_of_one_value_add_as_their_correlation_says():
    """Of normal errors with standard deviations 3 and 4: the sum has 7, 5 or 1 for a correlation of 1, 0 or -1."""
    half = norm.ppf(0.975)
    first, second = (Interval(10, 10 - half * sd, 10 + half * sd) for sd in (3, 4))
    for correlation, sd in ((1, 7), (0, 5), (-1, 1)):
        found = dependent_sum(10, first, second, correlation)
        assert (found.value, found.low, found.high) == pytest.approx((10, 10 - half * sd, 10 + half * sd))


def test_both_doubts_add_in_squares_and_stay_within_what_can_be():
    found = estimate(Interval(0.9, 0.86, 0.93), Interval(0.9, 0.87, 0.94), most=1.0)
    assert (found.low, found.high) == pytest.approx((0.85, 0.95))
    assert (found.run.low, found.labels.high) == (0.86, 0.94)
    near = estimate(Interval(0.99, 0.95, 1.02), Interval(0.99, 0.98, 1.0), least=0.0, most=1.0)
    assert near.high == near.run.high == 1.0
    assert estimate(Interval(5, 4, 6)).labels is None


def test_a_share_of_none_has_the_rule_of_three_and_a_rare_one_the_exact_interval():
    none = replicated_share(np.zeros(10), np.full(10, 20))
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 200))
    few = replicated_share([1, 0, 0, 1, 0, 0, 0, 0, 0, 0], np.full(10, 20))
    assert few.low < 0.01 < few.high
    assert few.high > share_interval(2, 200).high  # ten replications tell their own spread with little certainty


def test_requests_of_a_replication_that_are_all_alike_count_as_one():
    hits, trials = np.array([0.0, 100.0, 0.0, 100.0, 100.0]), np.full(5, 100.0)
    assert effective_trials(hits, trials) == pytest.approx(4)  # five, less one for the mean
    assert effective_trials(np.full(5, 50.0), trials) == 500
    assert effective_trials(hits, trials, freedom=4) < 4


def test_two_sums_of_the_same_parts_in_another_order_do_not_differ():
    found = ratio_difference(([0.1 + (0.2 + 0.3)] * 2, [1.0, 1.0]), ([(0.1 + 0.2) + 0.3] * 2, [1.0, 1.0]))
    assert 0.1 + (0.2 + 0.3) != (0.1 + 0.2) + 0.3
    assert (found.value, found.low, found.high) == (0, 0, 0)


@pytest.mark.parametrize(("runs", "rank"), [(39, 1), (78, 1), (79, 2), (119, 3), (1000, 25)])
def test_many_runs_bound_the_next_by_ranks_that_hold_for_every_distribution(runs, rank):
    """The chance that the next of n + 1 alike runs lies beyond the k-th of them is k / (n + 1), on either side."""
    figures = np.random.default_rng(runs).permutation(np.arange(1.0, runs + 1))
    found = one_run_interval(figures)
    assert (found.low, found.high) == (rank, runs + 1 - rank)
    assert 2 * rank / (runs + 1) <= 0.05 < 2 * (rank + 1) / (runs + 1)


def test_few_runs_give_students_prediction_of_the_next():
    """Meeker, Hahn and Escobar: mean -+ t s sqrt(1 + 1/n); by hand for 1 to 5 less 3: t = 2.776, s = 1.581, root = 1.095."""
    found = one_run_interval([-2, -1, 0, 1, 2])
    assert (found.value, found.low, found.high) == pytest.approx((0, -4.8089, 4.8089), abs=1e-4)
    logs = one_run_interval(np.exp([-2, -1, 0, 1, 2]))
    assert (logs.low, logs.high) == pytest.approx((np.exp(-4.8089), np.exp(4.8089)), rel=1e-4)


def test_a_prediction_stays_within_what_the_figure_can_be_and_takes_five_runs():
    found = one_run_interval([0.0, 0.9, 1.0, 1.0, 1.0], least=0.0, most=1.0)
    assert (found.low, found.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="4 runs: a prediction of one run takes 5"):
        one_run_interval([1.0] * 4)


def test_a_share_that_no_run_had_may_be_had_by_the_next():
    """None of 5 x 100 by Jeffreys' prior: the 97.5% quantile of the next hundred's count."""
    found = one_run_interval([0.0] * 5, ([0] * 5, [100] * 5), 0.0, 1.0)
    counts = [binom.cdf(k, 100, beta(0.5, 500.5).ppf((np.arange(20000) + 0.5) / 20000)).mean() for k in range(5)]
    expected = next(k for k, below in enumerate(counts) if below >= 0.975)
    assert (found.low, found.high) == (0.0, expected / 100)
    assert expected >= 1


def held(figures, nexts, parts=None, **limits):
    """The number of rows of figures whose prediction holds the next one, shapes (samples, runs) and (samples,)."""
    found = [one_run_interval(row, parts and (row * parts, np.full(len(row), parts)), **limits) for row in figures]
    return sum(one.low - 1e-12 <= each <= one.high + 1e-12 for one, each in zip(found, nexts, strict=True))


@pytest.mark.parametrize("runs", [5, 30, 45])
@pytest.mark.parametrize("kind", ["normal", "lognormal", "skewed share", "rare share"])
def test_the_prediction_holds_the_next_run_as_often_as_it_promises(runs, kind):
    rng, samples, each = np.random.default_rng(runs), 400, 500
    shape = (samples, runs + 1)
    drawn = {
        "normal": lambda: rng.normal(0, 1, shape),
        "lognormal": lambda: rng.lognormal(0, 1, shape),
        "skewed share": lambda: rng.binomial(each, rng.beta(1, 19, shape)) / each,
        "rare share": lambda: rng.binomial(each, 0.002, shape) / each,
    }[kind]()
    share = "share" in kind
    count = held(drawn[:, :-1], drawn[:, -1], each if share else None, **({"least": 0.0, "most": 1.0} if share else {}))
    assert count >= binom.ppf(0.005, samples, 0.95)
    if kind != "rare share" and runs < 39:  # counts, and ranks between 39 and 78, hold more
        assert count <= binom.ppf(0.995, samples, 0.95)


def test_the_interval_of_a_mean_holds_the_next_run_far_less_often():
    """Of 30 runs, the interval of the mean is 1 / sqrt(31) as wide: it holds about 28% of the next ones."""
    drawn = np.random.default_rng(3).normal(0, 1, (2000, 31))
    found = [mean_interval(row[:-1]) for row in drawn]
    inside = np.mean([one.low <= each <= one.high for one, each in zip(found, drawn[:, -1], strict=True)])
    expected = 2 * t.cdf(t.ppf(0.975, 29) / np.sqrt(31), 29) - 1
    assert inside == pytest.approx(expected, abs=0.03) and 0.25 < expected < 0.31
