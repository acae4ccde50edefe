"""Thresholds that labelled items set: their draws, and checks of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from simulator.explain.result import replicate
from simulator.intervals import quantile_interval
from simulator.metrics.label_uncertainty import cuts_of
from simulator.metrics.replications import needs_runs
from simulator.metrics.resampled_labels import item_gates, threshold_checks
from tests.metrics.test_label_uncertainty import TABLE, drifting, screened


def resampled_cuts(made):
    """The thresholds of the routes of the only gate in each resample, shape (routes, resamples)."""
    (gate,) = item_gates(made).values()
    return cuts_of(made, gate)


@pytest.mark.parametrize("promise", [0.3, 0.9, 0.95])
def test_thresholds_are_drawn_between_the_scores_that_order_statistics_name(promise):
    made = screened({"at_sensitivity": promise, "to": "clinic"})
    other = screened({"at_specificity": promise, "to": "clinic"})
    by_positives, by_negatives = resampled_cuts(made), resampled_cuts(other)
    for drawn, exact in (
        (by_positives[0], quantile_interval(TABLE.positives, 1 - promise)),
        (by_negatives[0], quantile_interval(TABLE.negatives, promise)),
    ):
        low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
        assert (low, high) == pytest.approx((exact.low, exact.high), rel=1e-6)


@pytest.mark.parametrize("holds", ["labelled", "next"])
def test_below_all_that_are_labelled_there_may_be_positives(holds):
    """With 120 positives and 99.9%, no order statistic bounds the threshold from below; 3,688 would, as .999^3688 < 2.5%."""
    few = resampled_cuts(screened({"at_sensitivity": 0.999, "to": "clinic"}))
    assert np.isinf(np.quantile(few[0], 0.025, method="inverted_cdf"))
    assert np.quantile(few[0], 0.975, method="inverted_cdf") == np.sort(TABLE.positives)[1]
    for open_to_all in (0.0, 1.0):
        fixed = resampled_cuts(screened({"at_sensitivity": open_to_all, "to": "clinic"}, holds=holds))
        assert (fixed == TABLE.threshold_at(open_to_all)).all()


def test_what_a_threshold_will_find_is_spread_as_order_statistics_are():
    """Of n independent scores the share above the k-th highest is Beta(k, n + 1 - k), whatever their distribution."""
    [kept] = threshold_checks(screened({"at_sensitivity": 0.9, "to": "clinic"}))
    count = len(TABLE.positives)
    exact = beta(np.ceil(0.9 * count), count + 1 - np.ceil(0.9 * count))
    assert (kept.promised, kept.reached, kept.of) == (0.9, pytest.approx(0.9, abs=0.01), "labelled positives")
    assert kept.next.value == pytest.approx(exact.mean(), abs=0.005)
    assert (kept.next.low, kept.next.high) == pytest.approx(exact.interval(0.95), abs=0.015)


def test_a_threshold_keeps_no_promise_where_scores_shift():
    made = drifting(0.0, {"at_sensitivity": 0.9, "to": "clinic"}, seconds=200)
    assert not needs_runs(made)
    summary = replicate(made, 0, 2)
    [kept] = summary.thresholds
    assert not kept.holds
    assert kept.struck < kept.promised
    assert summary.costs["visits of negatives"].labels is not None
