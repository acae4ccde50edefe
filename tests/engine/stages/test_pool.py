"""How long a plain pool takes: by the first request of a batch, its size, and whether the replica had idled."""

import numpy as np
import pytest

from simulator.evidence.latency_tables import GRID, LatencyTable
from simulator.evidence.profiles import IDLE_GAP_MS
from simulator.records.streams import Streams
from tests.builders import plan, pool, run_at
from tests.engine.networks import service_times

GAP_S = IDLE_GAP_MS / 1000


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_takes_as_long_as_the_draw_of_its_first_request_says(seed):
    """Draws belong to requests, so that the same request takes as long in any design in which it leads a batch."""
    table = service_times(4, 0)
    trace = run_at(plan({"p": pool(max_batch=4)}, table), np.arange(40) / 20, seed)
    draws = Streams(seed).named("p.service").random(40, np.float32)
    served = trace.visits.groupby("batch").agg(
        {"request": "min", "started_s": "first", "left_s": "first", "batch_size": "first"}
    )
    assert served["batch_size"].max() > 1
    for batch in served.iloc[1:].itertuples():
        expected = table.seconds[0, batch.batch_size, int(draws[batch.request] * GRID)]
        assert batch.left_s - batch.started_s == pytest.approx(expected)


def test_a_replica_that_has_idled_is_slower_from_the_measured_gap_on():
    """Busy it takes a second, after idling two."""
    table = LatencyTable(np.broadcast_to([[0.0, 1.0], [0.0, 2.0]], (GRID, 2, 2)).transpose(1, 2, 0).copy())
    made = plan({"p": pool()}, table)
    for gap, seconds in ((0.0, 1), (0.99 * GAP_S, 1), (1.01 * GAP_S, 2)):
        left = run_at(made, [0, 2 + gap]).visits["left_s"]
        assert left.iloc[0] == 2  # nobody had come before: the replica was idle
        assert left.iloc[1] == pytest.approx(2 + gap + seconds)
