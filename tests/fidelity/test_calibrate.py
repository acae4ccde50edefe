"""A server's profile: sizes and gaps as a queue makes them, and a table that separates what each of them costs."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.fidelity.batcher import Batch, Pending
from simulator.fidelity.calibrate import GAPS_S, LEAST, by_size, queue_like, serve_calls, speed_of, table_of

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


def test_the_table_gives_back_what_a_size_takes_and_what_a_gap_adds():
    table = table_of(every_kind(), 4)
    assert table.gaps_s == GAPS_S
    np.testing.assert_allclose(table.seconds[:, 1:, 0], (BY_SIZE + ADDED[:, None])[:, 1:], rtol=1e-9)


def test_the_spread_around_the_usual_time_is_kept():
    table = table_of(every_kind(spread=(0.9, 1.0, 1.0, 1.0, 1.5)), 4)
    assert table.seconds[0, 2].min() == pytest.approx(0.9 * BY_SIZE[2])
    assert table.seconds[0, 2].max() == pytest.approx(1.5 * BY_SIZE[2])


def test_a_machine_that_is_slower_by_a_tenth_is_told_to_be():
    slower = [batch(len(one.requests), 1.1 * (one.done - one.start), one.start - one.free) for one in every_kind()]
    assert speed_of(slower, table_of(every_kind(), 4)) == pytest.approx(1.1)


def test_a_size_that_did_not_occur_lies_between_those_that_did():
    served = [batch(1, 0.01, 0.0), batch(3, 0.03, 0.0)]
    np.testing.assert_allclose(by_size(served, 3)[1:], [0.01, 0.02, 0.03])


def test_calls_come_in_the_sizes_and_gaps_of_a_queue():
    calls = queue_like(BY_SIZE, budget_s=60, seed=1)
    sizes = np.array([size for size, _ in calls])
    assert set(sizes) == {1, 2, 3, 4}
    assert (np.bincount(sizes)[1:] >= LEAST).all()
    assert min(gap for _, gap in calls) == 0
    served = sum(BY_SIZE[size] + gap for size, gap in calls)
    assert served == pytest.approx(60, rel=0.1)


def test_calls_are_served_in_the_order_that_was_asked_for():
    calls = [(2, 0.0), (1, 0.001), (3, 0.0), (3, 0.0), (1, 0.002)]
    served = serve_calls(lambda samples: None, calls)
    assert [len(one.requests) for one in served] == [size for size, _ in calls]
    gaps = [one.start - one.free for one in served[1:]]
    assert all(gap >= asked for gap, (_, asked) in zip(gaps, calls[1:], strict=True))
