"""The shift of several numbers: against the t test where there is one, by simulation where there are more."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as of_scipy
from scipy.stats import ttest_rel

from campaigns.detections.condition_effects import (
    ALPHA,
    POWER,
    hotelling,
    mahalanobis,
    shift,
    smallest_apart,
    smallest_distance,
    smallest_paired,
)


def test_of_one_number_it_is_the_t_test_of_pairs():
    rng = np.random.default_rng(0)
    clean = rng.standard_normal((40, 1))
    spoilt = clean + rng.normal(0.2, 0.5, (40, 1))
    found = shift(clean, spoilt, POWER, ALPHA, 1)
    assert found.p == pytest.approx(ttest_rel(spoilt[:, 0], clean[:, 0]).pvalue)
    deviation = np.sqrt((clean.var(ddof=1) + spoilt.var(ddof=1)) / 2)
    assert found.distance.value == pytest.approx(abs((spoilt - clean).mean()) / deviation)
    assert found.smallest_paired == pytest.approx(smallest_paired(40) * (spoilt - clean).std(ddof=1) / deviation, rel=1e-4)
    assert smallest_distance(64, 64, 1, POWER, ALPHA) == pytest.approx(smallest_apart(64, 64), rel=1e-4)


def test_a_distance_is_scipys():
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, 30, 4)) + np.arange(4)
    other = other + 0.5
    inverse = np.linalg.inv((np.cov(one.T) + np.cov(other.T)) / 2)
    assert mahalanobis(one, other) == pytest.approx(of_scipy(one.mean(axis=0), other.mean(axis=0), inverse))


def test_hotellings_test_is_wrong_as_often_as_it_says():
    rng = np.random.default_rng(2)
    wrong = np.mean([hotelling(apart)[1] < 0.05 for apart in rng.standard_normal((2000, 20, 3))])
    assert wrong == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 2000))


def test_two_groups_show_the_smallest_distance_four_times_in_five():
    # The test of two groups by its definition: T squared of the means by the pooled covariance, as F.
    from scipy.stats import f

    rng, first, numbers = np.random.default_rng(3), 64, 16
    away = smallest_distance(first, first, numbers, POWER, ALPHA) / np.sqrt(numbers)
    found = []
    for _ in range(1500):
        one, other = rng.standard_normal((first, numbers)), rng.standard_normal((first, numbers)) + away
        squared = first / 2 * mahalanobis(one, other) ** 2
        freedom = 2 * first - numbers - 1
        found.append(f.sf(squared * freedom / (numbers * (2 * first - 2)), numbers, freedom) < 0.05)
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 1500))


def test_a_family_of_copies_counts_as_one_image():
    rng = np.random.default_rng(5)
    clean = rng.standard_normal((30, 3))
    spoilt = clean + rng.normal(0.3, 0.5, (30, 3))
    once = shift(clean, spoilt, POWER, ALPHA, 1)
    copies, names = np.repeat(np.arange(30), 4), np.repeat([f"i{number}" for number in range(30)], 4)
    four = shift(clean[copies], spoilt[copies], POWER, ALPHA, 1, names)
    assert four.p == pytest.approx(once.p)
    assert four.distance.high - four.distance.low == pytest.approx(once.distance.high - once.distance.low, rel=0.1)
    alone = shift(clean[copies], spoilt[copies], POWER, ALPHA, 1)
    assert alone.p < once.p / 1000


def test_what_does_not_move_has_no_shift():
    same = np.random.default_rng(4).standard_normal((20, 3))
    found = shift(same, same, POWER, ALPHA, 1)
    assert (found.distance.value, found.p, found.smallest_paired) == (0, 1, 0)
