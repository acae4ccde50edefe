"""The engine's word on a server, against schedules worked out by hand."""

from __future__ import annotations

import numpy as np

from simulator.fidelity.batcher import Batch, Pending
from simulator.fidelity.predict import predicted, replayed
from simulator.serving.batching import BatchRule
from simulator.serving.latency import constant


def test_a_prediction_adds_the_lag_before_the_queue():
    scheduled = np.array([0.0, 0.1, 2.0])
    answered = predicted(BatchRule(1), scheduled, np.array([0.05]), constant(1.0), replications=2)
    # The second comes at 0.15 and waits until 1.05; the third finds the server idle.
    np.testing.assert_allclose(answered, [[1.05, 2.05, 3.05]] * 2)


def test_requests_that_a_lag_lets_overtake_keep_their_rows():
    scheduled = np.linspace(0, 0.5, 50)
    answered = predicted(BatchRule(8), scheduled, np.array([0.0, 0.3]), constant(*[0.01] * 8), replications=3)
    assert (answered > scheduled).all()
    assert (answered < scheduled + 0.3 + 0.03).all()


def batch(rows, start, done):
    return Batch([Pending(row, 0, 0.0) for row in rows], start, done, start)


def test_a_replay_gives_back_the_run_whose_batches_it_is_given():
    arrived = np.array([0.0, 0.5, 0.6, 5.0])
    served = [batch([0], 0.0, 1.0), batch([1, 2], 1.0, 4.0), batch([3], 5.0, 5.5)]
    np.testing.assert_allclose(replayed(BatchRule(2), served, arrived), [1.0, 4.0, 4.0, 5.5])


def test_a_replay_waits_as_the_rule_says():
    arrived = np.array([0.0, 0.5, 5.0])
    served = [batch([0, 1], 0.5, 1.5), batch([2], 7.0, 7.5)]
    np.testing.assert_allclose(replayed(BatchRule(2, delay_s=2.0), served, arrived), [1.5, 1.5, 7.5])
