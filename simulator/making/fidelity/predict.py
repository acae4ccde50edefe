"""What the engine says of a server: before a run from its profile alone, and after it from what the run itself took."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.case.load import loads
from simulator.case.schema import Scenario
from simulator.engine.plan import Plan
from simulator.engine.run import Run
from simulator.engine.streams import Streams
from simulator.evidence.recordings import Recording
from simulator.making.fidelity.batcher import Batch
from simulator.making.fidelity.calibrate import GAPS_S, by_size
from simulator.stages.batching import TritonRule
from simulator.stages.service_times import GRID, LatencyTable

Times = NDArray[np.float64]

#: Nothing of this is simulated: the requests, the rule and the latencies come from what is served.
_SCENARIO = """
id: server
version: 1
title: One server
summary: One server on this machine.
brief: A server.
run: {{days: 1, drain_days: 1}}
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
  done: {{label: Done, escalated: false, detected: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: none}}}}
"""


@dataclass(frozen=True)
class Path:
    """What requests meet outside of server and queue, one after the other, in s.

    before_s: from the scheduled arrival to the queue; after_s: from the end of its batch to its answer at the client
    """

    before_s: Times = field(default_factory=lambda: np.zeros(1))
    after_s: Times = field(default_factory=lambda: np.zeros(1))

    def played(self, requests: int, rng: np.random.Generator) -> Path:
        """The same for so many requests: begun anywhere, and again from its start at its end."""
        before, after = (np.resize(np.roll(of, rng.integers(len(of))), requests) for of in (self.before_s, self.after_s))
        return Path(before, after)


@cache
def _scenario(rule: TritonRule) -> Scenario:
    return loads(_SCENARIO.format(max_batch=rule.max_batch, delay_ms=1000 * rule.delay_s))


@dataclass(frozen=True)
class Trouble:
    """What befalls the batch that a request leads: how many times as long as usual it takes, and how much longer; (requests,).

    Without `stall_s` the machine never stands still.
    """

    slowness: Times
    stall_s: Times | float = 0.0


def run_of(rule: TritonRule, arrived: Times, usual: Times, trouble: Trouble) -> Run:
    """A server with this rule that is given requests at these times (s, ascending); not run yet.

    usual: s by idle gap and batch size, shape (len(GAPS_S) + 1, max_batch + 1)
    """
    table = LatencyTable(np.repeat(usual[:, :, None], GRID, axis=2), GAPS_S)
    run = Run(Plan(_scenario(rule), {}, "", {"server": table}, recording=Recording(arrived)), Streams(0))
    stage = run.stages["server"]
    stage.seconds = (usual[:, :, None] * trouble.slowness + trouble.stall_s).tolist()  # type: ignore[attr-defined]
    stage.quantile = range(len(arrived))  # type: ignore[attr-defined]
    return run


def predicted(rule: TritonRule, scheduled: Times, path: Path, usual: Times, trouble: Trouble) -> Times:
    """When each request is answered, in s; shape (requests,). usual: s by idle gap and batch size; path: of one or of each."""
    requests = len(scheduled)
    arrived = scheduled + path.before_s
    order = np.argsort(arrived, kind="stable")
    stall_s = np.broadcast_to(trouble.stall_s, requests)
    in_order = Trouble(trouble.slowness[order], stall_s[order])
    answered = np.empty(requests)
    answered[order] = run_of(rule, arrived[order], usual, in_order).trace().columns.finished
    return np.asarray(answered + path.after_s)


def replayed(rule: TritonRule, served: list[Batch], arrived: Times) -> Times:
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
    of_sizes = np.broadcast_to(usual, (len(GAPS_S) + 1, largest + 1))
    return np.asarray(run_of(rule, arrived, of_sizes, Trouble(took / usual[size])).trace().columns.finished)
