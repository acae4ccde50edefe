"""Kinds with one mean rate against what is known of them: counts, gaps, and how much they scatter."""

import numpy as np
import pytest
from scipy.stats import expon, gamma, kstest, weibull_min

from simulator.engine.arrivals.steady import weibull_shape
from simulator.records.streams import Streams
from tests.engine.arrivals.kinds import check_poisson, counts, drawn, process, states
from tests.engine.intervals import assert_agrees

CHECKS = 10


def test_poisson_arrivals_are_even():
    check_poisson(counts(process(300, kind="poisson", rate_per_s=2), np.linspace(0, 300, 13)), [50] * 12, CHECKS)


def test_gaps_between_poisson_arrivals_are_exponential():
    (times,) = drawn(process(10_000, kind="poisson", rate_per_s=2), runs=1)
    assert kstest(np.diff(times), expon(scale=0.5).cdf).pvalue > 0.05 / CHECKS


def test_constant_arrivals_are_evenly_spaced_from_the_start():
    (times,) = drawn(process(1.0, kind="constant", rate_per_s=30), runs=1)
    assert times == pytest.approx(np.arange(30) / 30)


@pytest.mark.parametrize("cv", [0.3, 1, 2.5])
def test_gaps_of_the_gamma_kind_have_the_stated_mean_and_cv(cv):
    (times,) = drawn(process(20_000, kind="gamma", rate_per_s=0.5, cv=cv), runs=1)
    assert kstest(np.diff(times), gamma(cv**-2, scale=2 * cv**2).cdf).pvalue > 0.05 / CHECKS


@pytest.mark.parametrize("cv", [0.3, 1, 2.5])
def test_gaps_of_the_weibull_kind_have_the_stated_mean_and_cv(cv):
    distribution = weibull_min(weibull_shape(cv))
    assert distribution.std() / distribution.mean() == pytest.approx(cv)
    (times,) = drawn(process(20_000, kind="weibull", rate_per_s=0.5, cv=cv), runs=1)
    scaled = np.diff(times) * distribution.mean() / 2
    assert kstest(scaled, distribution.cdf).pvalue > 0.05 / CHECKS


def test_a_weibull_distribution_of_shape_one_is_exponential_and_of_shape_two_is_rayleighs():
    assert weibull_shape(1) == pytest.approx(1)
    assert weibull_shape(np.sqrt(4 / np.pi - 1)) == pytest.approx(2)


@pytest.mark.parametrize("kind", ["gamma", "weibull"])
@pytest.mark.parametrize("cv", [0.4, 3])
def test_a_renewal_process_has_been_running_before_the_run_so_that_its_first_seconds_are_like_all_others(kind, cv):
    """Begun with a whole gap, it would bring too few requests at first (or too many) in the first two mean gaps."""
    first = counts(process(100, kind=kind, rate_per_s=1, cv=cv), [0, 2], runs=1500)
    assert_agrees(first.ravel(), 2, checks=4, sharp=0.15)


def test_a_longer_run_of_a_renewal_process_begins_like_a_shorter_one():
    short, long = (drawn(process(end, kind="gamma", rate_per_s=500, cv=2), runs=1)[0] for end in (20, 60))
    assert np.array_equal(long[: len(short)], short)


def test_bursts_of_two_states_scatter_as_their_index_of_dispersion_says():
    """Var N(t) / E N(t) of a two-state MMPP (Heffes and Lucantoni 1986, IEEE JSAC 4:856, eq. 5)."""
    (fast, stays), (slow, lasts) = (8.0, 5.0), (2.0, 20.0)
    out, back, length = 1 / stays, 1 / lasts, 30.0
    relax = out + back
    mean = (fast * back + slow * out) / relax
    a = 2 * (fast - slow) ** 2 * out * back / (relax**3 * mean)
    index = 1 + a * (1 - (1 - np.exp(-relax * length)) / (relax * length))
    made = process(length, kind="mmpp", states=states((fast, stays), (slow, lasts)))
    assert made.expected == pytest.approx(mean * length)
    assert made.rates_in_run()[1] == fast
    number = np.array([len(times) for times in drawn(made, runs=4000)])
    assert_agrees(number, mean * length, checks=2)
    assert_agrees((number - mean * length) ** 2 / (mean * length), index, checks=2, sharp=0.1)


def test_states_follow_each_other_in_the_order_of_the_list():
    """Nothing, then a little, then a lot, and round again: a lot never comes right after nothing."""
    made = process(4000, kind="mmpp", states=states((0, 50), (1, 50), (100, 50)))
    clock = made.clock(Streams(0).named("arrivals"))
    follows = {0: 1, 1: 100, 100: 0}
    assert all(follows[now] == then for now, then in zip(clock.heights, clock.heights[1:], strict=False))
    first = [made.clock(Streams(seed).named("arrivals")).heights[0] for seed in range(300)]
    assert set(first) == {0, 1, 100}


def test_mlperfs_server_stops_after_its_queries():
    made = process(1000, kind="server", rate_per_s=2, queries=1500, bound_s=1)
    found = drawn(made)
    assert {len(times) for times in found} == {1500}
    assert_agrees([times[-1] for times in found], 750, checks=1)
    assert made.expected == pytest.approx(1500)
    assert made.rates_in_run() == (2, 2)


def test_a_run_may_end_before_mlperfs_server_has_all_its_queries():
    made = process(100, kind="server", rate_per_s=2, queries=1500, bound_s=1)
    assert_agrees([len(times) for times in drawn(made)], 200, checks=1, sharp=0.1)
    assert made.expected == pytest.approx(200)


def test_offline_samples_are_all_there_at_the_start():
    made = process(100, kind="offline", samples=24_576)
    (times,) = drawn(made, runs=1)
    assert len(times) == made.expected == 24_576
    assert not times.any()
