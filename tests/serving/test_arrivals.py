"""Arrival times against the counts that a Poisson process has in every slot, and against its exponential gaps."""

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from simulator.scenario.arrivals import Daily, Poisson
from simulator.serving.arrivals import daily, daily_rates, mean_rate, peak_rate, poisson
from simulator.serving.calendar import DAY_S, HOUR_S, clock_s
from simulator.serving.streams import Streams
from tests.builders import assumed

RUNS, CHECKS = 40, 6


def every(rate):
    return Poisson(kind="poisson", rate_per_s=assumed(rate))


def by_day(per_day, weights, peaks=()):
    return Daily(kind="daily", per_day=assumed(per_day), weights=weights, peaks=list(peaks))


def counts(draw, spec, edges, starts_at=0.0):
    """How many requests fall between the edges, a row a run."""
    streams = (Streams(seed).named("arrivals") for seed in range(RUNS))
    drawn = [draw(spec, rng, edges[-1], starts_at) for rng in streams]
    for times in drawn:
        assert np.all(np.diff(times) >= 0)
        assert times.min() >= 0
        assert times.max() < edges[-1]
    return np.array([np.histogram(times, edges)[0] for times in drawn])


def check(counted, expected):
    """Independent Poisson counts of these means: their sums fit, and they scatter as much as they should."""
    total, expected = counted.sum(axis=0), RUNS * np.asarray(expected)
    empty = expected == 0
    assert not total[empty].any()
    fits = chi2.sf(((total - expected)[~empty] ** 2 / expected[~empty]).sum(), np.count_nonzero(~empty))
    assert fits > 0.05 / CHECKS
    scatter = ((counted - total / RUNS)[:, ~empty] ** 2 / (total[~empty] / RUNS)).sum()
    freedom = (RUNS - 1) * np.count_nonzero(~empty)
    assert min(chi2.sf(scatter, freedom), chi2.cdf(scatter, freedom)) > 0.05 / CHECKS / 2


def test_poisson_arrivals_are_even():
    check(counts(poisson, every(2.0), np.linspace(0, 300, 13)), [50] * 12)


def test_gaps_between_poisson_arrivals_are_exponential():
    times = poisson(every(2.0), Streams(0).named("arrivals"), 10_000.0, 0.0)
    assert kstest(np.diff(times), "expon", args=(0, 0.5)).pvalue > 0.05


def test_daily_arrivals_follow_the_weights_of_the_day():
    spec = by_day(2400, [1, 0, 3, 2])  # a quarter of the day each
    check(counts(daily, spec, np.arange(9) * 6 * HOUR_S), [400, 0, 1200, 800] * 2)


def test_a_run_that_starts_in_the_afternoon_meets_the_evening_first():
    spec = by_day(2400, [1, 0, 3, 2])
    edges = np.array([0, 3, 9, 15, 21, 24]) * HOUR_S  # from 15:00: the rest of a quarter, three whole ones, half a one
    check(counts(daily, spec, edges, starts_at=clock_s("15:00")), [600, 800, 400, 0, 600])


def test_a_peak_takes_its_share_of_the_day_and_the_weights_share_the_rest():
    spec = by_day(2400, [1, 1, 1, 1], [{"start": "19:00", "minutes": 90, "share": 0.25}])
    edges = np.array([0, 6, 12, 18, 19, 20.5, 24]) * HOUR_S
    check(counts(daily, spec, edges), [450, 450, 450, 75, 600 + 112.5, 262.5])


def test_two_peaks_may_overlap():
    peaks = [{"start": "10:00", "minutes": 120, "share": 0.2}, {"start": "11:00", "minutes": 120, "share": 0.4}]
    edges, rates = daily_rates(by_day(1000, [1], peaks))
    assert np.round(edges / HOUR_S).tolist() == [0, 10, 11, 12, 13, 24]
    hourly = 400 / 24
    assert rates * HOUR_S == pytest.approx([hourly, hourly + 100, hourly + 300, hourly + 200, hourly])


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [5, 0, 0, 1, 2, 2, 7]])
def test_the_rates_of_a_day_add_up_to_its_requests(weights):
    spec = by_day(5000, weights, [{"start": "09:10", "minutes": 7, "share": 0.3}])
    edges, rates = daily_rates(spec)
    assert (np.diff(edges) * rates).sum() == pytest.approx(5000)
    assert mean_rate(spec) * DAY_S == pytest.approx(5000)
    assert peak_rate(spec) == rates.max()
