"""A server that others wrote, started for real."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simulator.measure.batch_server import drive
from simulator.measure.http_server import Answered, ServerError, batches, serving
from tests.families import family, left, started


@pytest.mark.long
def test_every_request_is_answered_once_over_http():
    with serving(None, [3, 8, 8], max_batch=4, wait_ms=1) as client:
        driven = drive(client.submit, 200, 50, seed=1)
    assert (driven.answered > driven.issued).all()


@pytest.mark.long
def test_batches_are_asked_for_and_all_their_requests_served():
    with serving(None, [3, 8, 8], max_batch=4, wait_ms=1) as client:
        served = client.serve_calls([(1, 0.0), (4, 0.0), (2, 0.01)])
    assert sum(len(one.requests) for one in served) == 7
    assert all(one.start < one.done for one in served)
    assert served[-1].start - served[-1].free >= 0.01


SERVING = """
from simulator.measure.http_server import serving
with serving(None, [3, 8, 8], max_batch=4, wait_ms=1):
    print("up", flush=True)
    input()
"""


@pytest.mark.long
def test_the_server_ends_with_whoever_started_it():
    program = started([sys.executable, "-c", SERVING], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert program.stdout.readline() == b"up\n"
    everybody = family(program)
    assert len(everybody) > 2
    program.kill()
    assert left(everybody) == []


def answered(sent, reached, done):
    return Answered(0, 0, sent, reached, done, done + 0.5)


def test_what_passes_between_two_batches_is_a_part_of_the_second():
    log = [answered(1.0, 1.2, 3.0), answered(2.0, 3.4, 5.0), answered(2.5, 3.4, 5.0), answered(9.0, 9.2, 10.0)]
    first, second, third = batches(list(reversed(log)))
    assert (first.start, first.done) == (1.0, 3.0)  # on its way from 1.0 on
    assert (second.start, second.done, second.free) == (3.0, 5.0, 3.0)
    assert [request.entered for request in second.requests] == [2.0, 2.5]
    assert (third.start, third.done, third.free) == (9.0, 10.0, 5.0)


def test_a_model_that_cannot_be_read_is_told_in_words(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    with pytest.raises(ServerError, match="did not start"), serving(broken, [3, 8, 8], max_batch=1, wait_ms=1):
        pass
