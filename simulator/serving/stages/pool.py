"""Replicas of one measured model behind one queue, with Triton's dynamic batching."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import heapreplace
from math import inf, nan, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.scenario.stages import Pool
from simulator.serving.batching import BatchRule
from simulator.serving.columns import elements
from simulator.serving.requests import SHED, TIMED_OUT
from simulator.serving.stages.base import Rows, ServiceStage, Times
from simulator.serving.trace import VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class PoolStage(ServiceStage):
    """A queue in order of arrival, and replicas that each serve one batch at a time.

    The queue is the front of the inbox: who waits at a time is a slice of what was delivered, and so is a batch.

    In an instant, first the requests that come join the queue, in the order of delivery. Then each replica that is free takes a
    batch, if the rule forms one. Then the queue is measured: of the requests that came at that instant and still wait, the last
    ones are refused as far as they exceed `max_queue`.
    """

    def __init__(self, run: Run, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.log = VisitLog(spec.replicas, spec.max_batch)
        self.rule = BatchRule(spec.max_batch, spec.max_queue_delay_ms / 1000, tuple(spec.preferred_batches))
        self.sizes = self.rule.table()
        self.timeout = inf if spec.timeout_s is None else spec.timeout_s
        self.most = sys.maxsize if spec.max_queue is None else spec.max_queue
        latency = run.plan.latencies[name]
        self.seconds, self.gaps = latency.seconds.tolist(), latency.gaps_s
        self.quantile = elements(latency.cell_of(run.uniform(f"{name}.service")))
        self._returning: Any = None
        self.free = [(-inf, replica) for replica in range(spec.replicas)]  # a heap: when each replica is free again

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.to = self.run.receiver(self.spec.to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)
        if self.loops and not self.rivals:
            self.returning = self.to.may_reach(self.name)
            self._returning = elements(self.returning)

    def due(self, time: float) -> float:
        """A replica that is free may serve at once, and a queue that is full refuses at once."""
        return time if self.max_queue < inf else max(time, self.free[0][0])

    def advance(self, now: float, limit: float) -> float:
        """Send batches as replicas come free and the rule says so."""
        limit = max(limit, nextafter(now, inf))
        inbox, free, log, sizes, delay, most = self.inbox, self.free, self.log, self.sizes, self.rule.delay_s, self.most
        largest, timeout, seconds, gaps, quantile = self.rule.max_batch, self.timeout, self.seconds, self.gaps, self.quantile
        loops, returning = self.loops, self._returning
        late, rows, times, at, end = inbox.late, inbox.rows, inbox.times, inbox.at, inbox.end
        while True:
            free_at, replica = free[0]
            oldest = times[at] if at < end else inf
            start = free_at if free_at > oldest else oldest
            if start < now:
                start = now
            if late and late[0][0] <= start:
                inbox.fetch(start)
            elif start >= limit:
                return self._pause(start, limit)
            elif at + most < end and times[at + most] < start:
                self._refuse(start)
            elif oldest + timeout < start:
                self._expire(start)
            else:
                waiting = 1 if largest == 1 else bisect_right(times, start, at, min(end, at + largest + 1)) - at
                size = sizes[oldest + delay <= start][waiting]
                if not size:
                    now = self._batch_time(waiting)
                    if now >= limit:
                        return self._pause(now, limit)
                    continue
                done = start + seconds[bisect_right(gaps, start - free_at)][size][quantile[rows[at]]]
                heapreplace(free, (done, replica))
                log.add_batch(rows, times, at, size, start, done, replica)
                inbox.at = at = at + size
                if loops and (size > 1 or returning is None or returning[rows[at - 1]]):
                    self.served(rows[at - size : at].tolist(), done)
                continue
            rows, times, at, end = inbox.rows, inbox.times, inbox.at, inbox.end

    def _pause(self, upcoming: float, limit: float) -> float:
        """Refuse who finds the queue full before `limit`; the next time at which something is due."""
        if self.max_queue == inf:
            return upcoming
        self._refuse(limit)
        return min(upcoming, self.inbox.time_of(self.most))

    def _batch_time(self, waiting: int) -> float:
        """When the requests that wait for company go: when the oldest is due, or enough others have come."""
        oldest: float = self.inbox.times[self.inbox.at]
        # A deadline is passed just after its instant, not at it: waking at it would find nothing to do.
        due = min(oldest + self.rule.delay_s, nextafter(oldest + self.timeout, inf))
        wanted = next((size for size in self.rule.sizes if size > waiting), None)
        return due if wanted is None else min(due, self.inbox.time_of(wanted - 1))

    def _refuse(self, before: float) -> None:
        """Turn away who came before that time, found the queue full, and was taken by no replica at once."""
        inbox, full = self.inbox, self.inbox.at + self.most
        last = bisect_left(inbox.times, before, min(full, inbox.end), inbox.end)
        if last > full:
            rows, times = inbox.remove(full, last)
            self.turn_away_block(rows, SHED, times, times, self.on_full)

    def _expire(self, now: float) -> None:
        """Deadlines are looked at here, when the queue is: no timer for each request."""
        inbox, last = self.inbox, self.inbox.at
        while last < inbox.end and inbox.times[last] + self.timeout < now:
            last += 1
        rows, entered = inbox.remove(inbox.at, last)
        left = entered + self.timeout if self.is_end(self.on_timeout) else np.full(len(rows), now)
        self.turn_away_block(rows, TIMED_OUT, entered, left, self.on_timeout)

    def served(self, rows: Sequence[int], time: float) -> None:
        """Requests have been served in a ring: those that may come back go on at once, the others when this stage pauses."""
        back = [row for row in rows if self._returning[row]] if self._returning else rows
        if back:
            self.hand_over(back, time)

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        """The model has looked at the requests: their scores are known, and they go on."""
        if self.spec.scores:
            self.run.score(self.name, np.array(rows), time)
        self.to.accept(rows, time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        if self.spec.scores:
            self.run.score(self.name, rows, times)
        self.to.accept_block(rows, times)

    def close(self, horizon: float) -> None:
        """Settle what waited too long; the rest still waits, and so does what another stage would take once it was noticed."""
        self.inbox.fetch(horizon)
        if self.timeout < inf and self.is_end(self.on_timeout):
            self._expire(horizon)
        last = bisect_right(self.inbox.times, horizon, self.inbox.at, self.inbox.end)
        rows, entered = self.inbox.remove(self.inbox.at, last)
        self.log.add_block(rows, entered, np.full(len(rows), nan), np.full(len(rows), nan))
