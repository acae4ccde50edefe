"""One further run: how often its figure lies within the bounds that other runs give it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.explain.result import result_of
from simulator.intervals import one_run_interval
from simulator.metrics.replications import PLAIN, run_replication
from tests.coverage.queues import one_server
from tests.coverage.registry import Claim, study

WHOLE = "Counts step over whole requests, and the next count is one of few values."


def next_of(number: int, runs: int, requests: float) -> Iterator[Claim]:
    """M/M/1: the truth is the figure of one more run on other requests."""
    made = one_server(requests)
    measures = [run_replication(made, number, replication, PLAIN) for replication in range(runs + 1)]
    found = result_of(made, number, measures[:runs])
    for name in ("latency_mean_s", "latency_p95_s"):
        truth = measures[runs].figure(found.metric(name))
        assert truth is not None
        yield Claim(f"next {name}", truth, found.one_runs.get(name))


@study("the next run of M/M/1 at a load of 0.8, after 10 x 1,000 requests")
def after_ten(number: int) -> Iterator[Claim]:
    return next_of(number, 10, 1000)


@study("the next run of M/M/1 at a load of 0.8, after 39 x 1,000 requests")
def after_enough(number: int) -> Iterator[Claim]:
    return next_of(number, 39, 1000)


def shares(number: int, runs: int) -> Iterator[Claim]:
    """Shares of 500 requests: whose chance differs from run to run (Beta, skewed), or is the same and rare."""
    rng = np.random.default_rng(number)
    chances = {"skewed share": rng.beta(1, 19, runs + 1), "rare share": np.full(runs + 1, 0.002)}
    for name, chance in chances.items():
        hits: NDArray[np.int64] = rng.binomial(500, chance)
        interval = one_run_interval(hits[:-1] / 500, (hits[:-1], np.full(runs, 500)), 0.0, 1.0)
        yield Claim(f"next {name}", float(hits[-1] / 500), interval)


@study("the next share, after 10 runs of 500 requests", why={"next rare share": WHOLE})
def share_after_ten(number: int) -> Iterator[Claim]:
    return shares(number, 10)


@study("the next share, after 39 runs of 500 requests", why={"next rare share": WHOLE})
def share_after_enough(number: int) -> Iterator[Claim]:
    return shares(number, 39)
