"""Replicas of one measured model behind one queue, with Triton's dynamic batching."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from heapq import heapify
from math import inf, nextafter
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.engine.contract import Waiting
from simulator.engine.stages.batch_kernel import (
    AT,
    BACK,
    BEFORE,
    COMES,
    DONE,
    END,
    EXPIRED,
    FULL,
    LATE,
    NOTED,
    NOW,
    START,
    addresses,
    compiled,
    serve_at,
    serve_batches,
)
from simulator.engine.stages.column_pool import ColumnPoolStage, feeds_back
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.engine.stages.pool import AnyPool
from simulator.engine.stages.replicas import TritonRule
from simulator.records.trace import SHED, TIMED_OUT, InTurn, as_memoryview

if TYPE_CHECKING:
    from simulator.engine.contract import Stage, StageRun
    from simulator.engine.stages.pool import Pool


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
        self._returning: Any = None
        self.most = sys.maxsize if spec.max_queue is None else spec.max_queue
        self._free = [(-inf, replica) for replica in range(spec.replicas)]  # a heap: when each replica is free again

    @cached_property
    def loop(self) -> BatchLoop:
        return BatchLoop(self, self._free)

    def connect(self) -> None:
        """Look up where requests go on to, and in a ring which of them may come back."""
        super().connect()
        self.returning = self._returning = None
        if self.loops and not self.rivals:
            self.returning = self.run.receiver(self.spec.to).may_reach(self.name)
            self._returning = as_memoryview(self.returning)
        self.loop.connect()

    def due(self, time: float) -> float:
        return time if self.max_queue < inf else max(time, float(self.loop.replicas[0][0]))

    def advance(self, now: float, limit: float) -> float:
        """Send batches as replicas come free and the rule says so."""
        limit = max(limit, nextafter(now, inf))
        inbox, loop, first = self.inbox, self.loop, self.inbox.at
        while True:
            rows, times, at = inbox.rows, inbox.times, inbox.at
            reason = loop.go_on(now, limit)
            now = loop.state[NOW]
            if reason == BACK:
                self.served(rows[at : inbox.at].tolist(), loop.state[START])
                continue
            self.log.add_taken(rows, times, first, inbox.at)
            if reason == LATE:
                inbox.fetch(loop.state[START])
            else:
                loop.write_down()
                if reason == DONE:
                    return self._pause(loop.state[START], limit)
                if reason == FULL:
                    self._refuse(loop.state[START])
                elif reason == EXPIRED:
                    self._expire(loop.state[START])
            first = inbox.at

    def _pause(self, upcoming: float, limit: float) -> float:
        if self.max_queue == inf:
            return upcoming
        self._refuse(limit)
        return min(upcoming, self.inbox.time_of(self.most))

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
        self._free = [(since.get(replica, free), replica) for free, replica in self._free]
        heapify(self._free)

    def served(self, rows: Sequence[int], time: float) -> None:
        back = [row for row in rows if self._returning[row]] if self._returning else rows
        if back:
            self.hand_over(back, time)

    @property
    def free_replicas(self) -> dict[int, float]:
        """Since when each replica has been free, or when it will be (s)."""
        return {int(replica): float(since) for since, replica in self.loop.replicas}

    def waiting(self, time: float) -> Waiting:
        rows, entered, gone = super().waiting(time)
        return Waiting(rows, entered, np.maximum(entered + self.timeout, self.since) if self.is_settled_late() else gone)


#: Batches that are noted before they are logged.
_ROOM = 4096

#: Requests that may wait where there is no limit: a whole number that a float holds.
_MOST = 2**53


class BatchLoop:
    """The loop of one pool, with the columns that both of them read and write.

    replicas: a heap of (free since or from when on (s), number): a list, or an array where the loop is compiled
    state: what the loop and the pool tell each other, by place (see `AT`)
    """

    def __init__(self, pool: PoolStage, free: list[tuple[float, int]]) -> None:
        self.pool = pool
        self.compiled = None if isinstance(pool.quantile, InTurn) else compiled(serve_at)
        self.replicas: Any = free if self.compiled is None else np.array(free, float)
        state = np.zeros(COMES + 1)
        self.state: Any = state.tolist() if self.compiled is None else as_memoryview(state)
        self._noted: list[Any] = [np.empty(_ROOM, np.int32), np.empty(_ROOM), np.empty(_ROOM), np.empty(_ROOM, np.int32)]
        views = [as_memoryview(column) for column in self._noted]
        self._columns: list[Any] = [self.state, *views] if self.compiled is None else [state, *self._noted]
        self._tables: list[Any] = []
        self._rows: Any = None
        self._held: list[Any] = []  # what is compiled finds by its address
        self._serve: Callable[[], int]

    def connect(self) -> None:
        """Take the tables of the pool as they are from now on."""
        pool, (sizes, awaited) = self.pool, self.pool.rule.tables()
        returning = np.ones(pool.run.requests.n if pool.loops else 1, bool) if pool.returning is None else pool.returning
        if self.compiled is None:
            seconds = [of_gap[1:] for of_gap in pool.seconds]
            self._tables = [pool.quantile, seconds, pool.gaps, sizes, awaited, as_memoryview(np.ascontiguousarray(returning))]
        else:
            floats = (np.ascontiguousarray(column, float) for column in (pool.seconds_array, pool.gaps))
            integers = (np.array(column, np.int32) for column in (sizes, awaited, returning))
            self._tables = [np.ascontiguousarray(pool.quantile, np.int32), *floats, *integers]
        self._rows = None

    def _bound(self) -> Callable[[], int]:
        """Return the loop over the requests that are here."""
        pool, inbox = self.pool, self.pool.inbox
        rule = [pool.rule.delay_s, pool.timeout, min(pool.most, _MOST), pool.since, pool.loops]
        if self.compiled is None:
            return partial(serve_batches, self.replicas, inbox.rows, inbox.times, *self._tables, *self._columns, *rule)
        numbers = np.array([*rule, self._tables[1].shape[1]], float)
        self._held = [self.replicas, *inbox.columns, *self._tables, *self._columns, numbers]
        return partial(self.compiled, addresses(self._held))

    def go_on(self, now: float, limit: float) -> int:
        """Serve until the pool must act, or nothing is due before `limit`; return why."""
        inbox, state = self.pool.inbox, self.state
        if inbox.rows is not self._rows:
            self._rows, self._serve = inbox.rows, self._bound()
        state[AT], state[END], state[NOW], state[BEFORE] = inbox.at, inbox.end, now, limit
        state[COMES] = inbox.late[0][0] if inbox.late else inf
        reason = self._serve()
        inbox.at = int(state[AT])
        return reason

    def write_down(self) -> None:
        """Log the batches that are noted."""
        noted = int(self.state[NOTED])
        if noted:
            self.pool.log.add_services(*(column[:noted] for column in self._noted))
            self.state[NOTED] = 0
