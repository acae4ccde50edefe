"""Thresholds of resampled labels against order statistics."""

import numpy as np
import pytest

from simulator.intervals import quantile_interval
from simulator.metrics.threshold_draws import resampled_cuts
from tests.metrics.test_label_uncertainty import TABLE, screened


@pytest.mark.parametrize("promise", [0.3, 0.9, 0.95])
def test_thresholds_are_drawn_between_the_scores_that_order_statistics_name(promise):
    made = screened({"at_sensitivity": promise, "to": "clinic"})
    other = screened({"at_specificity": promise, "to": "clinic"})
    [(_, by_positives)], [(_, by_negatives)] = resampled_cuts(made), resampled_cuts(other)
    for drawn, exact in (
        (by_positives[0], quantile_interval(TABLE.positives, 1 - promise)),
        (by_negatives[0], quantile_interval(TABLE.negatives, promise)),
    ):
        low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
        assert (low, high) == pytest.approx((exact.low, exact.high), rel=1e-6)


@pytest.mark.parametrize("holds", ["labelled", "next"])
def test_below_all_that_are_labelled_there_may_be_positives(holds):
    """With 120 positives and 99.9%, no order statistic bounds the threshold from below; 3,688 would, as .999^3688 < 2.5%."""
    [(_, few)] = resampled_cuts(screened({"at_sensitivity": 0.999, "to": "clinic"}))
    assert np.isinf(np.quantile(few[0], 0.025, method="inverted_cdf"))
    assert np.quantile(few[0], 0.975, method="inverted_cdf") == np.sort(TABLE.positives)[1]
    for open_to_all in (0.0, 1.0):
        [(_, fixed)] = resampled_cuts(screened({"at_sensitivity": open_to_all, "to": "clinic"}, holds=holds))
        assert (fixed == TABLE.threshold_at(open_to_all)).all()
