"""A server's profile: sizes and gaps as a queue makes them, and a table that separates what each of them costs."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.measure.batch_server import Batch, Pending
from simulator.measure.forecast import EACH, GAPS_S, LEAST, STALLED, ServerProfile, Tape, by_size, queue_like, serve_calls

BY_SIZE = np.array([0, 0.010, 0.018, 0.026, 0.034])
ADDED = np.array([0, 0.001, 0.002, 0.003, 0.005, 0.008])
#: A gap within each class.
GAPS = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]


def batch(size, took, gap):
    return Batch([Pending(0, 0, 1.0)] * size, start=1.0, done=1.0 + took, free=1.0 - gap)


def every_kind(spread=(1.0,)):
    """Each size after each gap, a few times, as slow as `spread` says."""
    return [
        batch(size, factor * (BY_SIZE[size] + ADDED[number]), gap)
        for size in range(1, 5)
        for number, gap in enumerate(GAPS)
        for factor in spread
        for _ in range(LEAST)
    ]


def slower(served, factor):
    """The same batches, each taking `factor` times as long."""
    return [Batch(one.requests, one.start, one.start + factor * (one.done - one.start), one.free) for one in served]


def test_the_profile_gives_back_what_a_size_takes_and_what_a_gap_adds():
    profile = ServerProfile([every_kind()], 4)
    np.testing.assert_allclose(profile.usual[:, 1:], (BY_SIZE + ADDED[:, None])[:, 1:], rtol=1e-9)
    assert profile.table.gaps_s == GAPS_S
    np.testing.assert_allclose(profile.table.seconds[:, :, 0], profile.usual)


def test_the_spread_around_the_usual_time_is_kept():
    table = ServerProfile([every_kind(spread=(0.9, 1.0, 1.0, 1.0, 1.5))], 4).table
    assert table.seconds[0, 2].min() == pytest.approx(0.9 * BY_SIZE[2])
    assert table.seconds[0, 2].max() == pytest.approx(1.5 * BY_SIZE[2])


def test_each_stretch_has_its_speed_against_the_median_stretch():
    profile = ServerProfile([slower(every_kind(), factor) for factor in (0.9, 1.0, 1.2)], 4)
    assert profile.speeds == pytest.approx([0.9, 1.0, 1.2])
    assert profile.speed(slower(every_kind(), 1.1)) == pytest.approx(1.1)
    np.testing.assert_allclose(profile.usual[0, 1:], BY_SIZE[1:])


def test_a_size_that_was_met_in_a_slow_stretch_only_is_no_slower_for_that():
    small = [one for one in every_kind() if len(one.requests) < 4]
    profile = ServerProfile([small, small, slower(every_kind(), 1.5)], 4)
    np.testing.assert_allclose(profile.usual[0, 1:], BY_SIZE[1:], rtol=1e-3)


def test_the_speed_is_that_of_the_work_not_of_the_calls():
    calm = ServerProfile([every_kind()], 4)
    many_short = [batch(1, BY_SIZE[1], 0.0)] * 3
    few_long = [batch(4, 2 * BY_SIZE[4], 0.0)] * 2
    assert calm.speed(many_short + few_long) == pytest.approx(2.0)


def test_a_tape_plays_calls_in_order_and_keeps_what_a_stall_took_beyond():
    usual = np.array([[0, 1.0]] * (len(GAPS_S) + 1))
    start, served = 0.0, []
    for took in (2.0, 2.0, 100.0, 4.0):
        served.append(Batch([Pending(0, 0, start)], start, start + took, start))
        start += took
    tape = Tape.of(served, usual, speed=2.0)
    assert tape.length == 4.0
    np.testing.assert_allclose(tape.slowness_at(np.arange(6) + 0.5, offset=0.0), [1, 1, STALLED, 2, 1, 1])
    np.testing.assert_allclose(tape.slowness_at(np.arange(3) + 0.5, offset=2.0), [STALLED, 2, 1])
    beyond = 100 - 2 * STALLED
    np.testing.assert_allclose(tape.stalls_at(np.arange(8) + 0.5, offset=0.0, batch=1), [0, 0, beyond, 0, 0, 0, beyond, 0])
    np.testing.assert_allclose(tape.stalls_at(np.arange(5) + 0.5, offset=1.0, batch=2), [0, beyond, beyond, 0, 0])


def test_a_size_that_did_not_occur_lies_between_those_that_did():
    served = [batch(1, 0.01, 0.0), batch(3, 0.03, 0.0)]
    np.testing.assert_allclose(by_size(served, 3)[1:], [0.01, 0.02, 0.03])


def test_calls_come_in_the_sizes_and_gaps_of_a_queue():
    calls = queue_like(BY_SIZE, budget_s=60, seed=1)
    sizes = np.array([size for size, _ in calls])
    assert set(sizes) == {1, 2, 3, 4}
    assert (np.bincount(sizes)[1:] >= EACH).all()
    assert min(gap for _, gap in calls) == 0
    served = sum(BY_SIZE[size] + gap for size, gap in calls)
    assert served == pytest.approx(60, rel=0.1)


def test_calls_are_served_in_the_order_that_was_asked_for():
    calls = [(2, 0.0), (1, 0.001), (3, 0.0), (3, 0.0), (1, 0.002)]
    served = serve_calls(lambda samples: None, calls)
    assert [len(one.requests) for one in served] == [size for size, _ in calls]
    gaps = [one.start - one.free for one in served[1:]]
    assert all(gap >= asked for gap, (_, asked) in zip(gaps, calls[1:], strict=True))


def test_a_look_too_short_to_tell_gaps_apart_goes_by_those_that_it_met_most_often():
    few = [batch(size, BY_SIZE[size], gap) for size, gap in ((1, GAPS[0]), (2, GAPS[0]), (4, GAPS[0]), (1, GAPS[-1]))]
    assert len(few) < LEAST
    np.testing.assert_allclose(ServerProfile([few], 4).usual[0, [1, 2, 4]], BY_SIZE[[1, 2, 4]], rtol=1e-6)
