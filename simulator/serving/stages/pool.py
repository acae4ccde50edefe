"""Replicas of one measured model behind one queue, with Triton's dynamic batching."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heapreplace
from math import inf, nan, nextafter
from typing import TYPE_CHECKING

import numpy as np

from simulator.evidence.profiles import IDLE_GAP_MS
from simulator.scenario.stages import Pool
from simulator.serving.batching import BatchRule
from simulator.serving.columns import elements
from simulator.serving.latency import GRID
from simulator.serving.requests import SHED, TIMED_OUT
from simulator.serving.stages.base import Rows, ServiceStage, Times

if TYPE_CHECKING:
    from simulator.serving.engine import Run

_IDLE_GAP_S = IDLE_GAP_MS / 1000


class PoolStage(ServiceStage):
    """A queue in order of arrival, and replicas that each serve one batch at a time."""

    def __init__(self, run: Run, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.rule = BatchRule(spec.max_batch, spec.max_queue_delay_ms / 1000, tuple(spec.preferred_batches))
        self.sizes = self.rule.table()
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.seconds = run.plan.latencies[name].seconds.tolist()
        self.quantile = elements((run.uniform(f"{name}.service") * GRID).astype(np.int16))
        self.queue: deque[tuple[int, float]] = deque()  # row, time of arrival
        self.free = [(-inf, replica) for replica in range(spec.replicas)]  # a heap: when each replica is free again

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.to = self.run.receiver(self.spec.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)

    def step(self, now: float) -> float:
        """Take in what has arrived, then send batches while a replica is free and the rule says so."""
        self._admit(now)
        queue, free, longest = self.queue, self.free, self.rule.max_batch + 1
        while queue and free[0][0] <= now:
            oldest = queue[0][1]
            if oldest + self.timeout < now:
                self._expire(now)
                continue
            waiting = len(queue)
            size = self.sizes[oldest + self.rule.delay_s <= now][waiting if waiting < longest else longest]
            if not size:
                break
            self._send(size, now)
        return self.next_time(now)

    def next_time(self, now: float) -> float:
        """The next time at which a batch may be sent, or the queue may overflow."""
        free_at, head = self.free[0][0], self.inbox.head
        ready = head
        if self.queue:
            ready = self._batch_time() if free_at <= now else free_at
        if ready < free_at:
            ready = free_at
        return ready if ready <= head else min(ready, self.overflow_time(len(self.queue)))

    def _batch_time(self) -> float:
        """When the requests that wait for company go: when the oldest is due, or enough others have come."""
        waiting, oldest = len(self.queue), self.queue[0][1]
        # A deadline is passed just after its instant, not at it: waking at it would find nothing to do.
        due = min(oldest + self.rule.delay_s, nextafter(oldest + self.timeout, inf))
        wanted = next((size for size in self.rule.sizes if size > waiting), None)
        return due if wanted is None else min(due, self.inbox.time_of(wanted - waiting - 1))

    def _admit(self, now: float) -> None:
        inbox, queue, most = self.inbox, self.queue, self.max_queue
        while inbox.head <= now:
            request = inbox.pop()
            if len(queue) < most:
                queue.append(request)
            else:
                row, time = request
                self.turn_away(row, SHED, time, time, now, self.on_full)

    def _expire(self, now: float) -> None:
        """Deadlines are looked at here, when the queue is: no timer for each request."""
        while self.queue and self.queue[0][1] + self.timeout < now:
            row, entered = self.queue.popleft()
            self.turn_away(row, TIMED_OUT, entered, entered + self.timeout, now, self.on_timeout)

    def _send(self, size: int, now: float) -> None:
        free_at, replica = self.free[0]
        batch = [self.queue.popleft() for _ in range(size)]
        rows = [row for row, _ in batch]
        done = now + self.seconds[now - free_at >= _IDLE_GAP_S][size][self.quantile[rows[0]]]
        heapreplace(self.free, (done, replica))
        self.log.add_batch(batch, now, done, replica)
        self.send(rows, done)

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        """The model has looked at the requests: their scores are known, and they go on."""
        if self.spec.scores:
            self.run.score(np.array(rows))
        self.to.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        if self.spec.scores:
            self.run.score(rows)
        self.to.accept_block(rows, times)

    def close(self, horizon: float) -> None:
        """Settle what waited too long; the rest still waits, and so does what another stage would take once it was noticed."""
        self._admit(horizon)
        if self.is_end(self.on_timeout):
            self._expire(horizon)
        for row, entered in self.queue:
            self.log.add(row, entered, nan, nan)
