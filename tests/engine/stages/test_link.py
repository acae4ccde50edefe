"""A network is a delay: latency plus size over bandwidth, however many are on their way."""

import numpy as np
import pytest
from scipy.stats import kstest

from simulator.engine.run import simulate
from tests.builders import assumed, link, plan, run_at, spread


def network(**fields):
    return link("done", 0) | fields


def test_a_payload_takes_its_latency_plus_its_bits_over_the_bandwidth():
    made = plan({"up": network(latency_ms=assumed(50), payload_mb=spread(3), bandwidth_mbps=spread(12))})
    requests = run_at(made, [1, 1, 1.5]).requests
    assert (requests["finished_s"] - requests["arrived_s"]).tolist() == pytest.approx([0.05 + 8 * 3 / 12] * 3)


def test_transfer_times_are_lognormal_as_size_and_bandwidth_are():
    made = plan({"up": network(payload_mb=spread(1, 0.3), bandwidth_mbps=spread(8, 0.4))}, rate=50)
    visits = simulate(made, seed=0).visits
    taken = np.log(visits["left_s"] - visits["entered_s"])
    assert kstest(taken, "norm", args=(0, 0.5)).pvalue > 0.05
