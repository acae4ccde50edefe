"""Maximum mean discrepancy: against its closed form for Gaussians, its definition, and its promise."""

import numpy as np
import pytest

from simulator.metrics import distances as mmd
from simulator.monitors.blocks import BlockedKernel, permutation_p


def test_mmd_of_two_gaussians_is_that_of_the_closed_form() -> None:
    """2 (w / (w + 2))^(d / 2) (1 - exp(-|shift|^2 / (2 (w + 2)))) with w = width^2, for unit variances."""
    dimensions, width, shift = 3, 1.5, np.array([0.8, 0.0, -0.4])
    wide = width**2 + 2
    truth = 2 * (width**2 / wide) ** (dimensions / 2) * (1 - np.exp(-(shift @ shift) / (2 * wide)))
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found.append(mmd.mmd_squared(rng.normal(size=(200, 3)), rng.normal(size=(150, 3)) + shift, width))
    assert np.mean(found) == pytest.approx(truth, abs=3 * np.std(found) / np.sqrt(60))


def test_the_unbiased_estimate_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 2)), rng.normal(size=(5, 2))

    def mean(one: np.ndarray, other: np.ndarray, same: bool) -> float:
        pairs = [(a, b) for i, a in enumerate(one) for j, b in enumerate(other) if not (same and i == j)]
        return float(np.mean([np.exp(-((a - b) ** 2).sum() / 2) for a, b in pairs]))

    truth = mean(first, first, True) + mean(second, second, True) - 2 * mean(first, second, False)
    assert mmd.mmd_squared(first, second, 1.0) == pytest.approx(truth)


def test_sums_over_blocks_give_the_same_as_all_rows() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(20, 2)), rng.normal(size=(30, 2)) + 1
    kernel = BlockedKernel((first, second), (np.arange(20) // 4, np.arange(30) // 5), 1.0)
    within = sum(mmd.gaussian_kernel(rows, rows, 1.0).mean() for rows in (first, second))
    assert kernel.found() == pytest.approx(within - 2 * mmd.gaussian_kernel(first, second, 1.0).mean())


def test_quiet_features_are_claimed_to_differ_in_about_one_of_twenty_and_a_changed_correlation_is_seen() -> None:
    """Two columns whose correlation turns its sign while each column stays as it was."""
    claims = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        kernel = BlockedKernel((rng.normal(size=(40, 2)), rng.normal(size=(40, 2))), (np.arange(40), np.arange(40)), 1.2)
        claims.append(permutation_p(kernel.found(), kernel.permuted(199, seed)) <= 0.05)
    assert 0.015 <= np.mean(claims) <= 0.09
    rng = np.random.default_rng(0)
    turned = [rng.multivariate_normal([0, 0], [[1, sign * 0.8], [sign * 0.8, 1]], 150) for sign in (1, -1)]
    kernel = BlockedKernel((turned[0], turned[1]), (np.arange(150), np.arange(150)), 1.2)
    assert permutation_p(kernel.found(), kernel.permuted(999, 0)) == pytest.approx(0.001)


def test_the_bandwidth_is_the_median_distance() -> None:
    assert mmd.bandwidth(np.array([[0.0], [1.0], [3.0]])) == 2
    assert mmd.bandwidth(np.zeros((5, 2))) == 1
