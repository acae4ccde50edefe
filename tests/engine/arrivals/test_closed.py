"""Closed loops: as many requests as clients can send that never wait."""

import numpy as np
import pytest
from pydantic import ValidationError

from simulator.engine.arrivals.closed import think_times
from tests.builders import assumed
from tests.engine.arrivals.kinds import drawn, process


def test_without_a_think_time_all_requests_are_there_at_the_start():
    loop = process(100.0, kind="closed", clients=3, requests=7)
    assert [times.tolist() for times in drawn(loop, 2)] == [[0.0] * 7] * 2
    assert loop.expected == 7


def test_clients_that_think_for_a_fixed_time_send_at_its_multiples():
    loop = process(10.0, kind="closed", clients=2, think_s={"median": assumed(4.0), "sigma": 0})
    for times in drawn(loop, 3):
        assert times.tolist() == pytest.approx([4, 4, 8, 8])
    assert loop.mean_think_s == pytest.approx(4)
    assert loop.expected == pytest.approx(2 * 10 / 4)


def test_exponential_think_times_bring_a_poisson_process_of_all_clients():
    """Twenty clients with a mean of 2 s send 10 a second: 40 runs of 100 s have 40,000 requests, give or take 200."""
    counts = [len(times) for times in drawn(process(100.0, kind="closed", clients=20, think_mean_s=2.0))]
    assert abs(sum(counts) - 40_000) < 4 * 200
    assert 0.4 < np.var(counts, ddof=1) / 1000 < 1.9  # chi-squared with 39 degrees of freedom, one run in a thousand beyond


def test_a_limit_on_requests_ends_the_loop():
    loop = process(1000.0, kind="closed", clients=5, think_mean_s=1.0, requests=12)
    assert {len(times) for times in drawn(loop, 5)} == {12}
    assert loop.expected == 12


def test_think_times_of_each_client_fill_the_time():
    spec = process(50.0, kind="closed", clients=4, think_mean_s=1.0)
    thinks = think_times(spec, np.random.default_rng(1), 50.0)
    assert thinks.shape[0] == 4
    assert thinks.sum(axis=1).min() >= 50.0


def test_requests_that_go_on_without_end_are_refused_and_so_are_two_think_times():
    with pytest.raises(ValidationError, match="nothing bounds the number of requests"):
        process(10.0, kind="closed", clients=1)
    with pytest.raises(ValidationError, match="at most one of think_s"):
        process(10.0, kind="closed", clients=1, think_mean_s=1.0, think_s={"median": assumed(1.0), "sigma": 0})
