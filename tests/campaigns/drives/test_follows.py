"""What follows a hit and a miss is counted by hand; stretches do not overlap; independent frames keep to arithmetic."""

import numpy as np
import pytest

from campaigns.drives import follows, persistence
from campaigns.drives.chain import Chain
from campaigns.drives.latent import INDEPENDENT, Shares
from tests.campaigns.drives.worlds import CAMERA, world


def test_what_follows_a_hit_and_a_miss(monkeypatch):
    made = world(2, 3, seed=4)
    source = persistence.fitter_of(made.seen, made.resamples, CAMERA, "car")
    seen, pairs = source.seen, source.pairs
    next_to = {
        (seen.track[a], seen.frame[a]): b for a, b, lag in zip(pairs.first, pairs.second, pairs.lag, strict=True) if lag == 0
    }
    counted = {True: [0, 0], False: [0, 0]}
    for a in range(len(seen.hit)):
        b = next_to.get((seen.track[a], seen.frame[a]))
        if b is not None and seen.hidden[b] < 2:
            counted[bool(seen.hit[a])][0] += bool(seen.hit[b])
            counted[bool(seen.hit[a])][1] += 1
    monkeypatch.setattr(follows, "FEW_PAIRS", 1)
    every = follows._Band("all", np.nan, np.nan, seen.hidden < 2)
    (row,) = follows._next(source, every, made.resamples)
    assert row["after_hit"] == pytest.approx(counted[True][0] / counted[True][1])
    assert row["after_miss"] == pytest.approx(counted[False][0] / counted[False][1])
    assert row["pairs"] == counted[True][1] + counted[False][1]
    assert row["after_hit_low"] <= row["after_hit"] <= row["after_hit_high"]


def test_stretches_are_seconds_of_one_track_without_gaps_that_do_not_overlap():
    made = world(2, 8, seed=5)
    seen = persistence.fitter_of(made.seen, made.resamples, CAMERA, "car").seen
    found = follows._stretches(seen, np.ones(len(seen.hit), bool))
    assert len(found) > 3
    assert len(np.unique(found)) == found.size
    assert (np.diff(seen.track[found], axis=1) == 0).all()
    assert (np.diff(seen.frame[found], axis=1) == 1).all()


def test_independent_frames_confirm_as_often_as_all_ways_of_ten_frames_say():
    share = 0.4
    ways = (np.arange(1024)[:, None] >> np.arange(10)) & 1
    chance = share ** ways.sum(axis=1) * (1 - share) ** (10 - ways.sum(axis=1))
    windows = np.lib.stride_tricks.sliding_window_view(ways, 4, axis=1).sum(axis=2)
    # three on end at the very start confirm at the third frame, before there is a fourth
    confirmed = (windows >= 3).any(axis=1) | (ways[:, :3].sum(axis=1) == 3)
    limit = np.full((100, 10), -0.2533)  # Phi^-1(0.4)
    assert follows._played(Chain({}, INDEPENDENT), limit) == pytest.approx(chance[confirmed].sum(), abs=0.012)


def test_an_object_that_stays_the_same_is_never_found_as_often_as_one_frame_misses():
    frozen = Chain({}, Shares(1.0, 0.0, 0.0, 1.0))
    assert follows._missed(frozen, np.full(30, 0.5), np.arange(30)) == pytest.approx(0.309, abs=0.1)
    assert follows._missed(Chain({}, INDEPENDENT), np.full(30, 0.5), np.arange(30)) == 0


def test_the_chain_promises_what_is_observed_and_independent_frames_promise_too_few_lost():
    made = world()
    source = persistence.fitter_of(made.seen, made.resamples, CAMERA, "car")
    chain = source.fit(np.ones(len(made.resamples.tracks)))
    clear = source.seen.hidden < 2
    height = source.seen.x
    band = follows._Band("height_px", 20, 45, clear & (height >= 20) & (height < 45))
    (row,) = follows._never(source.seen, band, chain, made.resamples)
    assert row["observed_low"] <= row["chain"] <= row["observed_high"]
    assert row["independent"] < row["observed_low"]
    assert row["tracks"] > 50
