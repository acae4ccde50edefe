"""The latent behind the hits: pairs are counted right, a known process is found again, copies of it have its correlation."""

import numpy as np
import pytest

from campaigns.drives.bivariate import cells, level_of
from campaigns.drives.latent import INDEPENDENT, LAGS, Shares, correlations, draw, fit, pairs_of, profile, seconds_of

TRUTH = Shares(object=0.3, slow=0.4, white=0.3, tau_s=0.7)


def test_pairs_are_frames_of_one_track_that_lie_a_lag_apart():
    track = np.array([0, 0, 0, 1, 1, 0])
    frame = np.array([3, 5, 4, 3, 83, 30])
    found = pairs_of(track, frame)
    told = {(track[a], frame[a], frame[b], LAGS[lag]) for a, b, lag in zip(found.first, found.second, found.lag, strict=True)}
    assert told == {(0, 3, 4, 1), (0, 4, 5, 1), (0, 3, 5, 2), (0, 5, 30, 25), (1, 3, 83, 80)}
    assert (track[found.first] == track[found.second]).all()


def test_copies_have_the_correlation_that_the_shares_say():
    at = np.array([0.0, 0.1, 0.5, 3.0])
    drawn = draw([TRUTH] * 200_000, at, np.random.default_rng(1))
    apart = np.abs(at[:, None] - at)
    expected = TRUTH.correlation(apart) + np.eye(4) * TRUTH.white
    assert np.cov(drawn.T) == pytest.approx(expected, abs=0.012)


def test_independent_copies_have_none():
    drawn = draw([INDEPENDENT] * 100_000, np.array([0.0, 0.1]), np.random.default_rng(2))
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0, abs=0.015)


def simulated(tracks, seed, gaps):
    """Tracks of 5 to 120 frames of which a share is missing, with thresholds that go from one random level to another."""
    rng = np.random.default_rng(seed)
    columns = []
    for track in range(tracks):
        length = int(rng.integers(5, 120))
        frame = np.sort(rng.choice(length, max(3, round(length * (1 - gaps))), replace=False))
        limit = np.linspace(*rng.normal(0.5, 1.0, 2), length)[frame]
        columns.append((np.full(len(frame), track), frame, limit, draw([TRUTH], seconds_of(frame), rng)[0] <= limit))
    return [np.concatenate(part) for part in zip(*columns, strict=True)]


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_a_known_process_is_found_again_within_the_spread_of_its_draws(gaps):
    track, frame, limit, hit = simulated(400, 11, gaps)
    pairs, level = pairs_of(track, frame), level_of(limit)
    rows = cells(level[pairs.first], level[pairs.second], hit[pairs.first], hit[pairs.second])
    rng = np.random.default_rng(5)
    weights = rng.multinomial(400, np.full(400, 1 / 400), size=40)
    found = [fit(profile(rows, pairs.lag, each[track[pairs.first]].astype(float))) for each in weights]
    estimate = fit(profile(rows, pairs.lag, np.ones(len(rows))))
    for name, told in (("object", float), ("slow", float), ("white", float), ("tau_s", np.log)):
        spread = np.std([told(getattr(shares, name)) for shares in found])
        assert abs(told(getattr(estimate, name)) - told(getattr(TRUTH, name))) < 2.5 * spread, name
        assert spread < 0.35, name
    for shares in found:
        assert shares.object + shares.slow + shares.white == pytest.approx(1)


def test_the_correlation_at_each_lag_is_near_the_truth():
    track, frame, limit, hit = simulated(600, 3, 0.1)
    pairs, level = pairs_of(track, frame), level_of(limit)
    rows = cells(level[pairs.first], level[pairs.second], hit[pairs.first], hit[pairs.second])
    found = correlations(profile(rows, pairs.lag, np.ones(len(rows))))
    assert found == pytest.approx(TRUTH.correlation(seconds_of(LAGS)), abs=0.09)


def test_frames_of_their_own_show_no_lasting_part():
    rng = np.random.default_rng(8)
    track, frame = np.repeat(np.arange(300), 40), np.tile(np.arange(40), 300)
    hit, level = rng.random(12_000) < 0.6, level_of(np.full(12_000, 0.25))
    pairs = pairs_of(track, frame)
    rows = cells(level[pairs.first], level[pairs.second], hit[pairs.first], hit[pairs.second])
    found = fit(profile(rows, pairs.lag, np.ones(len(rows))))
    assert found.correlation(seconds_of(LAGS)).max() < 0.04
