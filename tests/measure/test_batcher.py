"""The real server forms batches by the rule that the engine simulates."""

from __future__ import annotations

import threading

import pytest

from simulator.engine.stages.replicas import TritonRule
from simulator.measure.batch_server import Batcher
from tests.patience import PATIENCE_S

LONG_S = 1e6


class Gate:
    """A model that is held until it is let go on, a batch at a time."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def compute(self, samples):
        self.entered.release()
        assert self.open.acquire(timeout=PATIENCE_S)


def serve(rule, compute=lambda samples: None):
    answered = []
    return Batcher(rule, compute, answered.extend), answered


def tokens(server):
    return [[request.token for request in batch.requests] for batch in server.served]


def test_what_comes_while_a_batch_is_served_goes_together_as_far_as_it_fits():
    gate = Gate()
    server, answered = serve(TritonRule(3), gate.compute)
    with server:
        server.submit([(0, 0)])
        assert gate.entered.acquire(timeout=PATIENCE_S)
        for token in range(1, 6):
            server.submit([(token, 0)])
        for _ in range(3):
            gate.open.release()
    assert tokens(server) == [[0], [1, 2, 3], [4, 5]]
    assert answered == [0, 1, 2, 3, 4, 5]


def test_a_batch_that_waits_for_company_goes_when_it_is_complete():
    server, _ = serve(TritonRule(3, delay_s=LONG_S))
    with server:
        server.submit([(0, 0)])
        server.submit([(1, 0)])
        assert server.queued == 2
        server.submit([(2, 0)])
    assert tokens(server) == [[0, 1, 2]]
    (batch,) = server.served
    assert batch.start == batch.requests[-1].entered


def test_a_batch_that_stays_short_is_formed_at_the_instant_its_oldest_request_is_due():
    server, _ = serve(TritonRule(3, delay_s=0.02))
    with server:
        server.submit([(0, 0), (1, 0)])
    (batch,) = server.served
    assert batch.start == batch.requests[0].entered + 0.02
    assert batch.done > batch.start


def test_the_worker_is_idle_from_the_end_of_one_batch_to_the_start_of_the_next():
    server, _ = serve(TritonRule(1))
    with server:
        for token in range(5):
            server.submit([(token, 0)])
    assert [later.free for later in server.served[1:]] == [batch.done for batch in server.served[:-1]]
    assert all(batch.free <= batch.start <= batch.done for batch in server.served)


def test_what_fails_in_the_model_reaches_whoever_closes_the_server():
    def broken(samples):
        raise RuntimeError("out of memory")

    server, _ = serve(TritonRule(1), broken)
    with pytest.raises(RuntimeError, match="out of memory"), server:
        server.submit([(0, 0)])
        server.wait_until(lambda server: server.idle)
