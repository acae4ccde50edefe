"""Percentiles of all replications together: against numpy, and against the exact interval where requests are independent."""

import numpy as np
import pytest

from simulator.intervals import quantile_interval
from simulator.metrics import samples
from simulator.metrics.samples import BEYOND, SECTIONS, Pooled, sample


def replications(count, size, seed=0, **alike):
    rng = np.random.default_rng(seed)
    shift = alike.get("shift", 0.0)
    return [sample(rng.exponential(1, size) + shift * rng.normal()) for _ in range(count)]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.99, 1.0])
def test_a_percentile_is_that_of_all_values(share):
    parts = [sample(np.arange(count, dtype=float) ** 1.5) for count in (3, 40, 200)]
    together = np.concatenate([np.arange(count) ** 1.5 for count in (3, 40, 200)])
    assert Pooled(parts).value(share) == pytest.approx(np.quantile(together, share), rel=1e-6)


def test_independent_requests_have_about_the_interval_of_order_statistics():
    parts = replications(60, 200)
    found = Pooled(parts).percentile(0.9).interval
    exact = quantile_interval(np.concatenate([part.values for part in parts]), 0.9)
    assert found.high - found.low == pytest.approx(exact.high - exact.low, rel=0.25)


def test_requests_of_one_replication_that_resemble_each_other_count_for_less():
    alone, alike = (Pooled(replications(30, 400, shift=shift)).percentile(0.9) for shift in (0.0, 1.0))
    assert alike.needed > 10 * alone.needed
    assert alike.interval.high - alike.interval.low > 3 * (alone.interval.high - alone.interval.low)


@pytest.mark.parametrize(("size", "quotable"), [(1000, True), (20, False)])
def test_a_percentile_needs_enough_requests_beyond_it(size, quotable):
    found = Pooled(replications(30, size)).percentile(0.99)
    assert found.quotable == quotable
    assert found.needed >= BEYOND / 0.01 - 1e-6


def test_a_percentile_needs_some_of_them_to_be_as_good_as_independent():
    found = Pooled(replications(4, 2000, shift=3.0)).percentile(0.99)
    assert not found.quotable
    assert found.needed > found.requests


def test_ties_are_no_doubt():
    found = Pooled([sample(np.full(100, 0.1)) for _ in range(20)]).percentile(0.95)
    assert found.interval.low == found.interval.value == found.interval.high == np.float32(0.1)
    assert found.quotable


def test_of_very_many_values_some_are_kept_that_tell_the_same(monkeypatch):
    values = np.random.default_rng(0).exponential(1, 30_000)
    monkeypatch.setattr(samples, "MOST", 2_000)
    kept, whole = sample(values), np.quantile(values, [0.5, 0.95, 0.99])
    assert len(kept.values) <= 2_000
    assert kept.count == pytest.approx(30_000, rel=1e-3)
    other = sample(np.random.default_rng(1).exponential(1, 500))  # each counts once, those of the first fifteen times
    assert Pooled([kept]).curve(np.array([0.5, 0.95, 0.99])) == pytest.approx(whole, rel=0.02)
    both = np.quantile(np.concatenate([values, other.values]), 0.95)
    assert Pooled([kept, other]).value(0.95) == pytest.approx(both, rel=0.02)


def test_stretches_are_left_out_from_the_front_and_make_equal_parts():
    stretches = np.arange(10 * SECTIONS) // 10
    whole = sample(stretches.astype(float), stretches)
    assert whole.after(50).values.min() == 50
    assert whole.after(50).count == 10 * (SECTIONS - 50)
    parts = whole.parts(20)
    assert [part.count for part in parts] == [100] * 20
    assert parts[3].values.min() == 30
    assert [part.values.max() for part in whole.after(100).parts(4)] == [124, 149, 174, 199]


def test_nothing_has_no_percentile():
    assert not Pooled([sample(np.empty(0))])
