"""Reviewers on shifts: each takes one case at a time from a queue in a stated order."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.scenario.stages import People
from simulator.serving.calendar import HOUR_S, Roster, clock_s
from simulator.serving.columns import elements
from simulator.serving.orders import ORDERS
from simulator.serving.requests import SHED, TIMED_OUT
from simulator.serving.stages.base import Rows, ServiceStage, Times
from simulator.serving.trace import VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class PeopleStage(ServiceStage):
    """Reviewers number 0 to k-1 are on duty while the roster says k. Who is in the middle of a case finishes it."""

    def __init__(self, run: Run, name: str, spec: People) -> None:
        super().__init__(run, name, spec)
        self.roster = Roster(spec.shifts, clock_s(run.plan.scenario.run.starts_at), run.plan.horizon_s)
        self.log = VisitLog(self.roster.most)
        self.minutes = elements(run.lognormal(f"{name}.minutes", spec.minutes))
        self.recognises = self._readings(name, spec)
        self.patience = self._patience(name, spec)
        self.key = ORDERS[spec.order](run.requests)
        self.queue: list[tuple[float, float, int]] = []  # a heap: key, time of arrival, row
        self.free = list(range(self.roster.most))  # a heap: reviewers without a case
        self.busy: list[tuple[float, int]] = []  # a heap: when done, reviewer
        self.on_duty, self.shift_ends = self.roster.on_duty(0.0), self.roster.next_change(0.0)

    def _readings(self, name: str, spec: People) -> Any:
        """Whether a reviewer would call each request positive."""
        luck, positive = self.run.uniform(f"{name}.reading"), self.run.requests.positive
        return elements(np.where(positive, luck < spec.sensitivity.value, luck >= spec.specificity.value))

    def _patience(self, name: str, spec: People) -> Any:
        return None if spec.patience_h is None else elements(self.run.lognormal(f"{name}.patience", spec.patience_h))

    def connect(self) -> None:
        """Look up where requests go on to."""
        super().connect()
        self.positive_to = self.run.receiver(self.spec.positive_to)
        self.negative_to = self.run.receiver(self.spec.negative_to)
        self.on_full = self.run.receiver(self.spec.on_full)
        self.on_timeout = self.run.receiver(self.spec.on_timeout)

    def step(self, now: float) -> float:
        """Close what is done, take in what has arrived, and hand out cases while somebody on duty is free."""
        while self.busy and self.busy[0][0] <= now:
            heappush(self.free, heappop(self.busy)[1])
        self._admit(now)
        if now >= self.shift_ends:
            self.on_duty, self.shift_ends = self.roster.on_duty(now), self.roster.next_change(now)
        while self.queue and self.free and self.free[0] < self.on_duty:
            self._hand_out(now)
        return self._next_time(now)

    def due(self, time: float) -> float:
        """Somebody on duty who is free takes a case at once, and a queue that is full refuses at once."""
        if self.max_queue < inf or (self.free and self.free[0] < self.on_duty):
            return time
        return max(time, min(self.busy[0][0] if self.busy else inf, self.shift_ends))

    def _next_time(self, now: float) -> float:
        """The next time at which somebody may take a case, or the queue may overflow."""
        head = self.inbox.head
        if not self.queue and head == inf:
            return inf
        if self.free and self.free[0] < self.on_duty:
            ready = now if self.queue else min(head, self.shift_ends)
        else:
            ready = self.busy[0][0] if self.busy else inf
            if self.shift_ends < ready:
                ready = self.shift_ends
        return ready if ready <= head or self.max_queue == inf else min(ready, self._overflow_time())

    def _overflow_time(self) -> float:
        """The earliest time at which the queue could overflow: refusals happen on the spot, not when next looked at."""
        return self.inbox.time_of(int(self.max_queue) - len(self.queue))

    def _admit(self, now: float) -> None:
        inbox, queue, key = self.inbox, self.queue, self.key
        while inbox.head <= now:
            row, time = inbox.pop()
            if len(queue) < self.max_queue:
                heappush(queue, (key(row), time, row))
            else:
                self.turn_away(row, SHED, time, time, now, self.on_full)

    def _hand_out(self, now: float) -> None:
        """Give the first case that is still wanted to the first reviewer who is free."""
        _, entered, row = heappop(self.queue)
        if self._gave_up(row, entered, now):
            return
        reviewer = heappop(self.free)
        done = now + 60 * self.minutes[row]
        heappush(self.busy, (done, reviewer))
        self.log.add(row, entered, now, done, reviewer)
        self.served((row,), done)

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        """The reviewer has decided."""
        for row in rows:
            (self.positive_to if self.recognises[row] else self.negative_to).accept((row,), time)

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        recognised = np.asarray(self.recognises)[rows]
        self.positive_to.accept_block(rows[recognised], times[recognised])
        self.negative_to.accept_block(rows[~recognised], times[~recognised])

    def _gave_up(self, row: int, entered: float, now: float) -> bool:
        """Deadlines are looked at when a case is taken from the queue; the time-out counts from the deadline itself."""
        if self.patience is None:
            return False
        due = entered + HOUR_S * self.patience[row]
        if due >= now:
            return False
        self.turn_away(row, TIMED_OUT, entered, due, now, self.on_timeout)
        return True

    def close(self, horizon: float) -> None:
        """Settle who gave up waiting; the rest still wait, and so does whom another stage would take once it was noticed."""
        self._admit(horizon)
        settles = self.is_end(self.on_timeout)
        for _, entered, row in self.queue:
            if not (settles and self._gave_up(row, entered, horizon)):
                self.log.add(row, entered, nan, nan)
