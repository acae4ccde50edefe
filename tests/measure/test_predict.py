"""The engine's word on a server, against schedules worked out by hand."""

from __future__ import annotations

import numpy as np

from simulator.engine.stages.replicas import TritonRule
from simulator.measure.batch_server import Batch, Pending
from simulator.measure.forecast import GAPS_S, ServedPath, Trouble, predicted, replayed


def usual(*seconds):
    """The same after every idle gap."""
    return np.array([[0.0, *seconds]] * (len(GAPS_S) + 1))


def test_a_prediction_adds_the_way_before_the_queue_and_after_the_batch():
    scheduled = np.array([0.0, 0.1, 2.0])
    path = ServedPath(np.array([0.05]), np.array([0.25]))
    # The second comes at 0.15 and is served from 1.05 on; the third finds the server idle and twice as slow.
    answered = predicted(TritonRule(1), scheduled, path, usual(1.0), Trouble(np.array([1.0, 1.0, 2.0])))
    np.testing.assert_allclose(answered, np.array([1.05, 2.05, 4.05]) + 0.25)


def test_a_path_is_played_in_order_from_anywhere():
    path = ServedPath(np.array([1.0, 2.0, 3.0])).played(5, np.random.default_rng(1))
    assert list(np.diff(path.before_s) % 3) == [1, 1, 1, 1]
    assert list(path.after_s) == [0.0] * 5


def test_a_stall_holds_up_all_that_come_after():
    scheduled = np.array([0.0, 0.5, 0.6, 9.0])
    trouble = Trouble(np.ones(4), stall_s=np.array([0.0, 2.0, 0.0, 0.0]))
    answered = predicted(TritonRule(1), scheduled, ServedPath(), usual(0.1), trouble)
    np.testing.assert_allclose(answered, [0.1, 2.6, 2.7, 9.1])


def test_requests_that_overtake_on_their_way_keep_their_rows():
    scheduled = np.linspace(0, 0.5, 50)
    path = ServedPath(np.tile([0.0, 0.3], 25))
    answered = predicted(TritonRule(8), scheduled, path, usual(*[0.01] * 8), Trouble(np.ones(50)))
    assert (answered > scheduled).all()
    assert (answered < scheduled + 0.3 + 0.03).all()


def batch(rows, start, done):
    return Batch([Pending(row, 0, 0.0) for row in rows], start, done, start)


def test_a_replay_gives_back_the_run_whose_batches_it_is_given():
    arrived = np.array([0.0, 0.5, 0.6, 5.0])
    served = [batch([0], 0.0, 1.0), batch([1, 2], 1.0, 4.0), batch([3], 5.0, 5.5)]
    np.testing.assert_allclose(replayed(TritonRule(2), served, arrived), [1.0, 4.0, 4.0, 5.5])


def test_a_replay_waits_as_the_rule_says():
    arrived = np.array([0.0, 0.5, 5.0])
    served = [batch([0, 1], 0.5, 1.5), batch([2], 7.0, 7.5)]
    np.testing.assert_allclose(replayed(TritonRule(2, delay_s=2.0), served, arrived), [1.5, 1.5, 7.5])
