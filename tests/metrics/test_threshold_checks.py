"""What a threshold will find on the next people, and that it keeps no promise where scores shift."""

import numpy as np
import pytest
from scipy.stats import beta

from simulator.explain.result import replicate
from simulator.metrics.replications import needs_runs
from simulator.metrics.threshold_checks import threshold_checks
from tests.metrics.test_label_uncertainty import TABLE, drifting, screened


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
