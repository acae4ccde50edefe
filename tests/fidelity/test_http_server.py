"""A server that others wrote, started for real."""

from __future__ import annotations

import pytest

from simulator.fidelity.generator import drive
from simulator.fidelity.http_server import ServerError, serving


def test_every_request_is_answered_once_over_http():
    with serving(None, [3, 8, 8], max_batch=4, wait_ms=1) as client:
        driven = drive(client.submit, 200, 50, seed=1)
    assert (driven.answered > driven.issued).all()


def test_a_model_that_cannot_be_read_is_told_in_words(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing")
    with pytest.raises(ServerError, match="did not start"), serving(broken, [3, 8, 8], max_batch=1, wait_ms=1):
        pass
