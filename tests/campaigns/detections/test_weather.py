"""Times of false answers from counts that are known."""

import numpy as np
import pytest

from campaigns.detections.weather import times_of


def test_times_are_a_ratio_of_sums_with_an_interval_over_images():
    clean, spoilt = np.tile([0, 1, 2, 1], 25), np.tile([0, 2, 4, 2], 25)
    found = times_of(clean, spoilt, 1)
    assert found["times"] == pytest.approx(200.5 / 100.5)
    assert found["times_low"] == pytest.approx(2, abs=0.01) == found["times_high"]  # twice as many in every image


def test_independent_counts_differ_by_what_their_sum_says():
    """Poisson counts of 200 and 200: the logarithm of their ratio has the variance 2 / 200."""
    rng = np.random.default_rng(1)
    found = times_of(rng.poisson(0.4, 500), rng.poisson(0.4, 500), 1)
    width = np.log(found["times_high"] / found["times_low"]) / (2 * 1.96)
    assert width == pytest.approx(np.sqrt(2 / 200), rel=0.25)


def test_no_answer_at_all_gives_no_infinity():
    found = times_of(np.zeros(20, int), np.array([1] + [0] * 19), 1)
    assert found["times"] == 3
    assert np.isfinite(found["times_high"])
