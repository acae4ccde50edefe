"""Replicas of one measured model behind one queue, with Triton's dynamic batching."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from heapq import heapify, heapreplace
from math import inf, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.engine.contract import Waiting
from simulator.engine.stages.batching import TritonRule
from simulator.engine.stages.calm_stretch import Bounds, calm_stretch
from simulator.engine.stages.column_pool import ColumnPoolStage, feeds_back
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.engine.stages.pool import AnyPool
from simulator.records.trace import SHED, TIMED_OUT, InTurn, as_memoryview

if TYPE_CHECKING:
    from simulator.engine.contract import Stage, StageRun
    from simulator.engine.stages.pool import Pool


#: A stretch of fewer requests takes longer over columns than one by one; the most that one is tried with.
SHORT, LONG = 128, 16_384


class PoolStage(AnyPool):
    """A queue in order of arrival, and replicas that each serve one batch at a time.

    The queue is the front of the inbox: the waiting requests are a slice of the deliveries, and so is a batch.

    At each instant, arriving requests first join the queue, in the order of delivery. Then each free replica takes a batch, if
    the rule forms one. Then the queue limit applies: of the requests that arrived at that instant and still wait, the last ones
    beyond `max_queue` are refused. At the instant of a pick, too, those that it adds take theirs before its limit applies.
    """

    @classmethod
    def of(cls, run: StageRun, name: str, spec: Pool) -> Stage:
        """Return the plain pool where it is enough, else the pool of columns: both are fast. A pool with policies stays one."""
        if (spec.shares is not None and not run.is_alone(spec)) or not run.conditions.usual(name):
            return ManagedPoolStage(run, name, spec)
        fits = ColumnPoolStage.fits(spec)
        if (
            spec.is_plain
            and not isinstance(run.stages.get(name), ManagedPoolStage)
            and not (fits and feeds_back(run, name, spec))
        ):
            return cls(run, name, spec)
        return (ColumnPoolStage if fits else ManagedPoolStage)(run, name, spec)

    def __init__(self, run: StageRun, name: str, spec: Pool) -> None:
        super().__init__(run, name, spec)
        self.rule = TritonRule.of(spec)
        self.sizes = self.rule.table()
        self.most = sys.maxsize if spec.max_queue is None else spec.max_queue
        self.free = [(-inf, replica) for replica in range(spec.replicas)]  # a heap: when each replica is free again
        self._returning: Any = None
        # The length of the next stretch that may be calm, and the requests to serve before it is tried.
        self.stretch = SHORT
        self.pause = 0

    def connect(self) -> None:
        """Look up where requests go on to, and in a ring which of them may come back."""
        super().connect()
        self.returning = self._returning = None
        if self.loops and not self.rivals:
            self.returning = self.run.receiver(self.spec.to).may_reach(self.name)
            self._returning = as_memoryview(self.returning)

    def due(self, time: float) -> float:
        return time if self.max_queue < inf else max(time, self.free[0][0])

    def advance(self, now: float, limit: float) -> float:  # noqa: C901
        """Send batches as replicas come free and the rule says so.

        The log is written to column by column, and with what was taken from the inbox at once: this loop is where runs take
        most of their time.
        """
        limit = max(limit, nextafter(now, inf))
        inbox, free, log, sizes, delay, most = self.inbox, self.free, self.log, self.sizes, self.rule.delay_s, self.most
        largest, timeout, seconds, gaps, quantile = self.rule.max_batch, self.timeout, self.seconds, self.gaps, self.quantile
        loops, returning, since = self.loops, self._returning, self.since
        sized, began, left, served_by = log.size.append, log.started.append, log.left.append, log.server.append
        late, rows, times, at, end = inbox.late, inbox.rows, inbox.times, inbox.at, inbox.end
        first = at
        calm = at + self.pause if self.takes_at_once else sys.maxsize
        while True:
            free_at, replica = free[0]
            oldest = times[at] if at < end else inf
            if free_at > oldest:
                start = free_at
            elif at < calm:
                start = oldest
            else:
                self._serve_calm(now, limit)
                at = inbox.at
                calm = at + self.pause
                continue
            if start < now:
                start = now
            comes, full = late and late[0][0] <= start, end - at > most and times[at + most] < start and start > since
            if comes or full or start >= limit or oldest + timeout < start:
                log.add_taken(rows, times, first, at)
                if comes:
                    inbox.fetch(start)
                elif start >= limit:
                    return self._pause(start, limit)
                elif full:
                    self._refuse(start)
                else:
                    self._expire(start)
                rows, times, at, end = inbox.rows, inbox.times, inbox.at, inbox.end
                first = at
                continue
            waiting = 1 if largest == 1 else bisect_right(times, start, at, min(end, at + largest + 1)) - at
            size = sizes[oldest + delay <= start][waiting]
            if not size:
                now = self._batch_time(waiting)
                if now >= limit:
                    log.add_taken(rows, times, first, at)
                    return self._pause(now, limit)
                continue
            done = start + seconds[bisect_right(gaps, start - free_at)][size][quantile[rows[at]]]
            heapreplace(free, (done, replica))
            sized(size)
            began(start)
            left(done)
            served_by(replica)
            inbox.at = at = at + size
            if loops and (size > 1 or returning is None or returning[rows[at - 1]]):
                self.served(rows[at - size : at].tolist(), done)

    @cached_property
    def takes_at_once(self) -> bool:
        """Whether a request that comes alone is served at once, and needs no turn of its own afterwards."""
        at_once = all(self.sizes[overdue][1] == 1 for overdue in {self.rule.delay_s == 0, True})
        return at_once and not self.loops and not isinstance(self.quantile, InTurn)

    @cached_property
    def _alone(self) -> NDArray[np.float64]:
        """The service times of a request alone by idle gap and place in the table, shape (gaps + 1, places)."""
        return np.array([of_gap[1] for of_gap in self.seconds], float)

    def _serve_calm(self, now: float, limit: float) -> None:
        """Serve the next requests over columns while each is served alone."""
        inbox, log, at = self.inbox, self.log, self.inbox.at
        before = min(limit, inbox.late[0][0]) if inbox.late else limit
        stop = bisect_left(inbox.times, before, at, min(inbox.end, at + self.stretch))
        served = 0
        if stop - at >= SHORT and inbox.times[at] >= now:
            rows, times = inbox.between(at, min(stop + min(self.most, LONG) + 1, inbox.end))
            alone = np.append(np.diff(times[: stop - at + 1]) > 0, True)[: stop - at]
            count = stop - at if alone.all() else int(alone.argmin())
            services = self._alone[:, np.asarray(self.quantile)[rows[:count]]]
            bounds = Bounds(before, self.timeout, self.most, self.rule.max_batch > 1)
            if count and (calm := calm_stretch(times, services, self.gaps, sorted(self.free), bounds)):
                served = len(calm.servers)
                log.add_services(calm.started, calm.done, calm.servers)
                self.free[:] = calm.free
                inbox.at += served
        # Where few were served, the next trial is put off, the longer the more trials have failed.
        if served == self.stretch:
            self.stretch, self.pause = min(4 * self.stretch, LONG), 0
        else:
            self.stretch = max(2 * served, SHORT)
            self.pause = SHORT if served >= SHORT else min(4 * max(self.pause, SHORT), LONG)

    def _pause(self, upcoming: float, limit: float) -> float:
        if self.max_queue == inf:
            return upcoming
        self._refuse(limit)
        return min(upcoming, self.inbox.time_of(self.most))

    def _batch_time(self, waiting: int) -> float:
        oldest: float = self.inbox.times[self.inbox.at]
        # A deadline is passed just after its instant, not at it: waking at it would find nothing to do.
        due = min(oldest + self.rule.delay_s, nextafter(oldest + self.timeout, inf))
        wanted = next((size for size in self.rule.sizes if size > waiting), None)
        return due if wanted is None else min(due, self.inbox.time_of(wanted - 1))

    def _refuse(self, before: float) -> None:
        inbox, full = self.inbox, self.inbox.at + self.most
        last = bisect_left(inbox.times, before, min(full, inbox.end), inbox.end)
        if last > full:
            rows, times = inbox.remove(full, last)
            self.turn_away_block(rows, SHED, times, times, self.on_full)

    def _expire(self, now: float) -> None:
        inbox, last = self.inbox, self.inbox.at
        while last < inbox.end and inbox.times[last] + self.timeout < now:
            last += 1
        rows, entered = inbox.remove(inbox.at, last)
        left = entered + self.timeout if self.is_end(self.on_timeout) else np.full(len(rows), now)
        self.turn_away_block(rows, TIMED_OUT, entered, left, self.on_timeout)

    def settle(self, now: float) -> None:
        if self.is_settled_late():
            self.inbox.fetch(now)
            self._expire(now)

    def take_over(self, before: Stage, now: float) -> None:
        """Keep the replicas that there were, as far as the spec has them; those that are too many finish what they serve."""
        super().take_over(before, now)
        assert isinstance(before, PoolStage)
        since = before.free_replicas
        self.free = [(since.get(replica, free), replica) for free, replica in self.free]
        heapify(self.free)

    def served(self, rows: Sequence[int], time: float) -> None:
        back = [row for row in rows if self._returning[row]] if self._returning else rows
        if back:
            self.hand_over(back, time)

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica has been free, or when it will be (s)."""
        return {replica: since for since, replica in self.free}

    def waiting(self, time: float) -> Waiting:
        rows, entered, gone = super().waiting(time)
        return Waiting(rows, entered, np.maximum(entered + self.timeout, self.since) if self.is_settled_late() else gone)
