"""A curve is near the truth that made the hits, never turns back, and counts a track as often as its weight says."""

import numpy as np
import pytest

from campaigns.drives.monotone import KNOTS, sums
from tests.campaigns.drives.worlds import recall


def looks(n, seed, truth=recall):
    rng = np.random.default_rng(seed)
    height = np.exp(rng.uniform(np.log(12), np.log(240), n))
    return height, rng.random(n) < truth(height)


def test_the_curve_is_near_the_truth_that_made_the_hits():
    height, hit = looks(30_000, 1)
    curve = sums(height, hit, np.zeros(len(hit), int), 1, rising=True).fit(np.ones(1))
    asked = np.array([15.0, 20.0, 30.0, 45.0, 70.0, 110.0])
    assert len(curve.x) == KNOTS
    assert curve.recall(asked) == pytest.approx(recall(asked), abs=0.02)


@pytest.mark.parametrize("rising", [True, False])
def test_the_curve_never_turns_back_even_where_the_hits_do(rising):
    height, hit = looks(300, 2, truth=lambda x: 0.5 + 0.4 * np.sin(3 * np.log(x)))
    found = sums(height, hit, np.zeros(len(hit), int), 1, rising).fit(np.ones(1)).recall(np.geomspace(5, 400, 300))
    steps = np.diff(found) if rising else -np.diff(found)
    assert (steps >= -1e-12).all()
    assert steps.max() > 0


def test_where_all_hit_the_curve_promises_no_certainty():
    height = looks(500, 3)[0]
    found = sums(height, np.ones(500, bool), np.zeros(500, int), 1, rising=True).fit(np.ones(1)).recall(height)
    assert found.min() > 0.9
    assert found.max() < 1


def test_a_weight_of_two_is_the_track_twice():
    height, hit = looks(2_000, 4)
    track = np.arange(2_000) % 20
    weights = np.where(np.arange(20) < 5, 2.0, 1.0)
    weighted = sums(height, hit, track, 20, rising=True)
    again = track < 5
    twice = sums(np.append(height, height[again]), np.append(hit, hit[again]), np.zeros(2_500, int), 1, True, weighted.knots)
    asked = np.geomspace(14, 200, 9)
    assert weighted.fit(weights).recall(asked) == pytest.approx(twice.fit(np.ones(1)).recall(asked), abs=2e-4)
