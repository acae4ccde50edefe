"""Two queues that every simulator is given with the same arrivals and services, so that the same waits must come out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.case.load import loads
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.evidence.latency_tables import GRID, LatencyTable, constant
from tests.truths.queue_formulas import batch_queue

Times = NDArray[np.float64]

SCENARIO = """
id: queue
version: 1
title: One queue
summary: One queue and one server.
brief: A textbook queue.
run: {{days: {days}, drain_days: 1}}
arrivals: {{kind: poisson, rate_per_s: {{value: {rate}, assumed: for the benchmark}}}}
start: server
stages:
  server: {{kind: pool, label: Server, model: any, precision: any, device: any, max_batch: {max_batch}, to: done}}
ends:
  done: {{label: Done, escalated: false, detected: {{value: 1, assumed: none}}, usd: {{value: 0, assumed: it is free}}}}
"""


@dataclass(frozen=True)
class Workload:
    """Requests a second at one server that takes up to `max_batch` at once, for as long as the table says."""

    title: str
    rate: float
    max_batch: int
    table: LatencyTable
    requests: int = 200_000

    def plan(self, requests: int | None = None) -> Plan:
        """About so many requests."""
        days = (requests or self.requests) / self.rate / 86_400
        scenario = loads(SCENARIO.format(days=days, rate=self.rate, max_batch=self.max_batch))
        return Plan(scenario, {}, "", {"server": self.table})

    @cached_property
    def drawn(self) -> Drawn:
        """The requests that CaseSim draws, and what they waited there."""
        return Drawn.of(simulate(self.plan()), self)

    @property
    def theory(self) -> float:
        """Mean wait in s, for ever."""
        return batch_queue(self.rate, self.table, self.max_batch).wait_s


@dataclass(frozen=True)
class Drawn:
    """A row a request: arrival, time since the one before, time with the server where it is served alone, and wait, in s.

    by_size: how long a batch of 0, 1, 2, ... takes, where that does not depend on the request.
    """

    arrived: Times
    gaps: Times
    services: Times
    waits: Times
    by_size: list[float]
    max_batch: int

    @classmethod
    def of(cls, trace: Trace, workload: Workload) -> Drawn:
        """What a run of CaseSim drew and found."""
        visits = trace.visits
        entered, started, left = (visits[name].to_numpy() for name in ("entered_s", "started_s", "left_s"))
        gaps, by_size = np.diff(entered, prepend=0.0), workload.table.seconds[0, :, 0].tolist()
        return cls(entered, gaps, left - started, started - entered, by_size, workload.max_batch)

    def first(self, requests: int) -> Drawn:
        """The first so many requests; whoever comes later does not make them wait."""
        columns = (column[:requests] for column in (self.arrived, self.gaps, self.services, self.waits))
        return Drawn(*columns, self.by_size, self.max_batch)


def exponential(mean: float) -> LatencyTable:
    """A table whose every quantile holds the mean of its slice of the distribution."""
    above = 1 - np.arange(GRID + 1) / GRID
    integral = above - above * np.log(np.maximum(above, 1e-300))
    slices = mean * GRID * (integral[:-1] - integral[1:])
    return LatencyTable(np.broadcast_to(slices, (2, 2, GRID)).copy())


ONE_BY_ONE = Workload("M/M/1, load 0.8", 8.0, 1, exponential(0.1))
BATCHES = Workload("one pool, batches of up to 32", 800.0, 32, constant(*[0.004 + 0.001 * size for size in range(1, 33)]))
