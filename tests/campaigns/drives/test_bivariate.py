"""Chances of two correlated normals are those of another library, and four outcomes are all there are."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from campaigns.drives.bivariate import ANGLES, FARTHEST, LEVELS, STEP, both_below, cells, level_of, log_chances, log_likelihood

THRESHOLDS = np.array([[0.0, 0.0], [1.2, 1.2], [-0.7, 0.7], [2.5, -1.9], [-3.0, -2.8]])


def test_both_below_is_what_scipy_says():
    found = both_below(*THRESHOLDS.T)
    for k, pair in enumerate(THRESHOLDS):
        for angle in (0, 7, 23, 30, 41, 55, 60):
            rho = np.sin(ANGLES[angle])
            expected = multivariate_normal.cdf(pair, cov=[[1, rho], [rho, 1]])
            assert found[k, angle] == pytest.approx(expected, abs=1e-6)


def test_at_zero_the_chance_of_both_is_a_quarter_and_an_arcsine():
    # Sheppard 1899: P(X <= 0, Y <= 0) = 1/4 + arcsin(rho) / 2 pi
    assert both_below(np.zeros(1), np.zeros(1))[0] == pytest.approx(0.25 + ANGLES / (2 * np.pi), abs=1e-8)


def test_the_four_outcomes_of_a_pair_are_all_there_are_and_keep_both_shares():
    chances = np.exp(log_chances()).reshape(LEVELS, LEVELS, 4, len(ANGLES))
    assert chances.sum(axis=2) == pytest.approx(np.ones((LEVELS, LEVELS, len(ANGLES))), abs=1e-7)
    levels = np.linspace(-FARTHEST, FARTHEST, LEVELS)
    assert chances[:, 10, 2:].sum(axis=1)[:, 5] == pytest.approx(norm.cdf(levels), abs=1e-7)
    assert chances[10, :, [1, 3]].sum(axis=0)[:, 5] == pytest.approx(norm.cdf(levels), abs=1e-7)


def test_a_threshold_is_rounded_to_the_nearest_level():
    assert level_of(np.array([-9.0, -FARTHEST, 0.0, 0.51 * STEP, 9.0])).tolist() == [0, 0, 32, 33, 64]


def test_the_likelihood_of_pairs_is_the_sum_over_them():
    a, b = np.array([0.0, 1.0]), np.array([0.5, -1.0])
    rows = cells(level_of(a), level_of(b), np.array([True, False]), np.array([True, True]))
    both = both_below(a, b)
    inner = slice(8, -8)  # farther out, a chance is as good as 0 and is bounded
    expected = 2.0 * np.log(both[0, inner]) + 3.0 * np.log(norm.cdf(b[1]) - both[1, inner])
    assert log_likelihood(rows, np.array([2.0, 3.0]))[inner] == pytest.approx(expected, abs=1e-4)
