"""A recording comes back as it was, faster, slower, more or less bursty."""

import numpy as np
import pytest

from simulator.engine.arrivals.replay import evened
from simulator.evidence.row_files import Recording
from tests.engine.arrivals.kinds import drawn, process

TIMES = [0.5, 1.0, 4.0, 4.0, 9.5]


def played(times, end=20.0, **fields):
    made = process(
        end, kind="replay", file="x.csv", column="t", source="a test", recording=Recording(np.array(times)), **fields
    )
    (found,) = drawn(made, runs=1)
    if not fields.get("repeat"):
        assert made.expected == len(found)
    return found.tolist()


def test_a_recording_comes_as_it_was_and_then_ends():
    assert played(TIMES) == TIMES


def test_a_run_that_ends_earlier_cuts_it():
    assert played(TIMES, end=4.0) == [0.5, 1.0]


def test_a_rate_scale_squeezes_time():
    assert played(TIMES, rate_scale=2) == [0.25, 0.5, 2.0, 2.0, 4.75]


def test_the_run_starts_at_the_origin():
    assert played([1e9 + time for time in TIMES], origin_s=1e9) == TIMES


def test_a_recording_that_repeats_starts_again_a_mean_gap_after_its_end():
    once = [1.0, 2.0, 5.0]  # a mean gap of 2: the second round begins at 7
    assert played(once, end=16.0, repeat=True) == [1.0, 2.0, 5.0, 8.0, 9.0, 12.0, 15.0]
    recording = Recording(np.array(once))
    endless = process(70.0, kind="replay", file="x.csv", column="t", source="a test", repeat=True, recording=recording)
    assert endless.expected == pytest.approx(30)


def test_without_burstiness_gaps_are_even():
    assert played(TIMES, burstiness=0) == pytest.approx(np.linspace(0.5, 9.5, 5))


@pytest.mark.parametrize("burstiness", [0.5, 1.5])
def test_burstiness_scales_the_spread_of_the_gaps_and_keeps_their_mean(burstiness):
    gaps = np.array([2.0, 1.0, 3.0, 2.5, 1.5])
    found = np.diff(evened(np.append(0.0, np.cumsum(gaps)), burstiness))
    assert found.mean() == pytest.approx(gaps.mean())
    assert found.std() == pytest.approx(burstiness * gaps.std())


def test_however_bursty_no_request_comes_before_the_one_before_it():
    found = evened(np.array(TIMES), 5)
    assert np.all(np.diff(found) >= 0)
    assert found[[0, -1]].tolist() == [0.5, 9.5]
    assert np.diff(found).std() > np.diff(TIMES).std()
