"""The four scenarios of MLPerf: how many queries come, when, and by which rules a run is quoted."""

import numpy as np
import pytest
from pydantic import ValidationError

from tests.builders import assumed
from tests.engine.arrivals.kinds import drawn, process


def server(**fields):
    return process(1000.0, **({"kind": "server", "rate_per_s": 10.0, "queries": 500, "bound_s": 0.1} | fields))


def test_a_server_is_asked_so_many_queries_at_its_rate():
    """500 gaps with a mean of .1 s last 50 s on average, with a standard deviation of .1 x sqrt(500) = 2.24 s."""
    times = drawn(server())
    assert {len(each) for each in times} == {500}
    assert abs(np.mean([each[-1] for each in times]) - 50) < 4 * 2.24 / np.sqrt(len(times))
    assert server().mean_rate == 10


def test_the_rate_of_a_server_is_that_of_its_queries_until_they_have_come():
    clock = server().rates()
    assert clock.edges.tolist() == [0.0, 50.0, 1000.0]
    assert clock.heights.tolist() == [10.0, 0.0]


def test_offline_all_samples_are_there_at_the_start():
    made = process(100.0, kind="offline", samples=9)
    assert [each.tolist() for each in drawn(made, 2)] == [[0.0] * 9] * 2
    assert made.expected == 9
    assert made.mlperf == (1, None, None)


def test_a_single_stream_has_one_query_at_a_time():
    spec = process(100.0, kind="single_stream", queries=12)
    assert (spec.loop.senders, spec.loop.limit, spec.most_at_once) == (1, 12, 1)
    assert (spec.mlperf.per_query, spec.mlperf.percentile, spec.mlperf.bound_s) == (1, 0.9, None)


def test_a_multi_stream_sends_the_samples_of_a_query_together():
    spec = process(100.0, kind="multi_stream", queries=12, samples_per_query=4, bound_s=0.5)
    assert (spec.loop.senders, spec.loop.limit, spec.most_at_once) == (1, 48, 4)
    assert (spec.mlperf.per_query, spec.mlperf.percentile, spec.mlperf.bound_s) == (4, 0.99, 0.5)


def test_a_server_without_a_bound_is_refused():
    with pytest.raises(ValidationError, match="bound_s"):
        process(10.0, kind="server", rate_per_s=1.0, queries=5)
    assert server(bound_s=0.25).mlperf.bound_s == assumed(0.25)["value"]
