"""What the engine says of a server: before a run from its profile alone, and after it from what the run itself took."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.recordings import Recording
from simulator.fidelity.batcher import Batch
from simulator.fidelity.calibrate import by_size
from simulator.scenario.load import loads
from simulator.serving.batching import BatchRule
from simulator.serving.calendar import DAY_S
from simulator.serving.engine import Run, simulate
from simulator.serving.latency import LatencyTable, constant
from simulator.serving.plan import Plan
from simulator.serving.streams import Streams

Times = NDArray[np.float64]

#: Nothing of this is simulated: the requests, the rule and the latencies come from what is served.
_SCENARIO = """
id: server
version: 1
title: One server
summary: One server on this machine.
brief: A server.
run: {{days: {days}, drain_days: 1}}
arrivals: {{kind: replay, file: none.csv, column: none, evidence: measured, source: MLPerf LoadGen}}
start: server
stages:
  server:
    kind: pool
    label: Server
    model: none
    precision: none
    device: none
    max_batch: {max_batch}
    max_queue_delay_ms: {delay_ms}
    to: done
ends:
  done: {{label: Done, referred: false, caught: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: none}}}}
"""


def plan_of(rule: BatchRule, arrived: Times, table: LatencyTable) -> Plan:
    """A server with this rule that is given requests at these times (s, ascending)."""
    days = (arrived[-1] + 1.0) / DAY_S
    text = _SCENARIO.format(days=days, max_batch=rule.max_batch, delay_ms=1000 * rule.delay_s)
    return Plan(loads(text), {}, "", {"server": table}, recording=Recording(arrived))


def predicted(rule: BatchRule, scheduled: Times, lags_s: Times, table: LatencyTable, replications: int) -> Times:
    """When each request is answered, in s; shape (replications, requests).

    lags_s: samples of what passes from the scheduled arrival to the queue
    """
    rng, answered = np.random.default_rng(0), np.empty((replications, len(scheduled)))
    for number in range(replications):
        arrived = scheduled + rng.choice(lags_s, len(scheduled))
        order = np.argsort(arrived, kind="stable")
        answered[number, order] = simulate(plan_of(rule, arrived[order], table), number).columns.finished
    return answered


def replayed(rule: BatchRule, served: list[Batch], arrived: Times) -> Times:
    """When each request is answered if every batch takes what it took in the real run; shape (requests,).

    arrived: when each request joined the queue, in s, ascending
    A batch that the engine forms around a request takes what the real batch of that request took; one of another size
    takes as much more or less as batches of these sizes did in that run.
    """
    largest = rule.max_batch
    usual = by_size(served, largest)
    took, size = np.empty(len(arrived)), np.empty(len(arrived), int)
    row = 0
    for batch in served:
        rows = slice(row, row + len(batch.requests))
        took[rows], size[rows] = batch.done - batch.start, len(batch.requests)
        row = rows.stop
    seconds = usual[:, None] * (took / usual[size])[None, :]
    run = Run(plan_of(rule, arrived, constant(*usual[1:])), Streams(0))
    stage = run.stages["server"]
    stage.seconds = [seconds.tolist()] * 2  # type: ignore[attr-defined]
    stage.quantile = range(len(arrived))  # type: ignore[attr-defined]
    return np.asarray(run.trace().columns.finished)
