"""What every stage shares: how requests are handed over, how they wait, and when a stage gets to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import inf, nan
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Timeout

from simulator.serving.columns import elements
from simulator.serving.trace import VisitLog

if TYPE_CHECKING:
    from simulator.serving.engine import Run

Rows = NDArray[np.int32]
Times = NDArray[np.float64]


class Receiver(Protocol):
    """Whatever takes requests: a stage or an end. A handover may lie in the future, never before the sender's now."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that all come at `time`."""

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time."""


class Stage:
    """A step on a request's way. A kind of stage overrides what it needs; one that takes time logs its visits."""

    def __init__(self, run: Run, name: str, spec: Any) -> None:
        self.run = run
        self.name = name
        self.spec = spec
        self.log = VisitLog()

    def connect(self) -> None:
        """Look up the stages and ends that this one hands on to; all exist by now."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that all come at `time`."""
        raise NotImplementedError

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time."""
        for row, time in zip(rows.tolist(), times.tolist(), strict=True):
            self.accept((row,), time)

    def close(self, horizon: float) -> None:
        """The run is over: settle what still waits."""


class ServiceStage(Stage):
    """A stage where requests wait for a server. It has an inbox, a limit on its queue, and an alarm that lets it run."""

    def __init__(self, run: Run, name: str, spec: Any) -> None:
        super().__init__(run, name, spec)
        self.inbox = Inbox()
        self.alarm = Alarm(run.env, self.wake)
        self.max_queue: float = inf if spec.max_queue is None else spec.max_queue
        self.sent = Outbox(self.hand_over_block)
        self.upstream: list[ServiceStage] = []
        self.rivals: list[ServiceStage] = []
        self.loops = False

    def connect(self) -> None:
        """Find which stages can surprise this one: those upstream, and among them those that it can surprise in turn."""
        self.upstream = [stage for stage in self.run.service_stages() if self.name in self.run.ahead_of(stage.name)]
        self.loops = self in self.upstream
        self.upstream = [stage for stage in self.upstream if stage is not self]
        self.rivals = [stage for stage in self.upstream if stage.name in self.run.ahead_of(self.name)]

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Note the delivery, and wake earlier if that makes something due earlier."""
        self.inbox.add(rows, time)
        if time < self.alarm.time:
            self.alarm.set(self.next_time(self.run.env.now))

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        self.inbox.add_block(rows, times)
        self.alarm.set(self.next_time(self.run.env.now))

    def wake(self, now: float) -> float:
        """Run from `now` on, as far as no other stage can interfere; returns when to wake next (inf: when something comes).

        Only a delivery can interfere, and only a stage upstream can make one. Until the first of those wakes, this stage's
        future is settled: it runs ahead without a turn through the event queue. Stages that feed each other in a ring
        take turns, a step each.
        """
        upcoming = self.step(now)
        if not self.rivals:
            limit = min([self.run.plan.horizon_s, *(stage.alarm.time for stage in self.upstream)])
            while upcoming < limit:
                upcoming = self.step(upcoming)
        self.sent.flush()
        return upcoming

    def send(self, rows: Sequence[int], time: float) -> None:
        """Hand served requests on: at once where they may come back here, else gathered until this stage pauses."""
        if self.loops:
            self.hand_over(rows, time)
        else:
            self.sent.add(rows, time)

    def hand_over(self, rows: Sequence[int], time: float) -> None:
        """Hand requests on that were served together."""
        raise NotImplementedError

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows, each at its own time."""
        raise NotImplementedError

    def turn_away(self, row: int, outcome: int, entered: float, due: float, now: float, to: Receiver) -> None:
        """A request takes a fallback: to an end when that was due, to another stage not before it is noticed now."""
        time = due if self.is_end(to) else now
        self.log.add(row, entered, nan, time)
        self.run.requests.outcome[row] = outcome
        self.run.answer((row,), time)
        to.accept((row,), time)

    def is_end(self, receiver: Receiver) -> bool:
        """Whether requests that go there have come to the end of their way."""
        return receiver in self.run.ends.values()

    def step(self, now: float) -> float:
        """Do all that is due at `now`; returns the next time at which something is."""
        raise NotImplementedError

    def next_time(self, now: float) -> float:
        """When something is due next, given that nothing else comes; inf for never."""
        raise NotImplementedError

    def overflow_time(self, waiting: int) -> float:
        """The earliest time at which the queue could overflow: refusals happen on the spot, not when next looked at."""
        return inf if self.max_queue == inf else self.inbox.time_of(max(int(self.max_queue) - waiting, 0))


class Alarm:
    """A stage's next wake-up in SimPy. It may be moved earlier; an overtaken one rings for nothing and is ignored."""

    def __init__(self, env: Environment, wake: Callable[[float], float]) -> None:
        self.env = env
        self.wake = wake
        self.time = inf
        self._event: Timeout | None = None

    def set(self, time: float) -> None:
        """Wake at `time`, unless the stage wakes earlier anyway or is running now."""
        if time < self.time:
            self.time = time
            self._event = Timeout(self.env, max(time - self.env.now, 0.0))
            self._event.callbacks.append(self._ring)

    def _ring(self, event: Any) -> None:
        if event is self._event:
            # The alarm's own time is used rather than env.now, which may differ from it by rounding.
            now, self.time = self.time, -inf
            upcoming, self.time = self.wake(now), inf
            self.set(upcoming)


class Outbox:
    """Requests that were served and are handed on together."""

    def __init__(self, hand_over: Callable[[Rows, Times], None]) -> None:
        self.hand_over = hand_over
        self.rows: list[int] = []
        self.times: list[float] = []

    def add(self, rows: Sequence[int], time: float) -> None:
        """Put requests in that all leave at `time`."""
        self.rows += rows
        self.times += [time] * len(rows)

    def flush(self) -> None:
        """Hand everything on."""
        if self.rows:
            rows, times = np.array(self.rows, np.int32), np.array(self.times)
            self.rows, self.times = [], []
            self.hand_over(rows, times)


class Inbox:
    """Requests on their way to a stage, by time of arrival; some of them still to come.

    One sorted block holds the bulk, later deliveries wait in a heap beside it. `head` is the time of the next arrival.
    """

    def __init__(self) -> None:
        self._rows = elements(np.empty(0, np.int32))
        self._times = elements(np.empty(0))
        self._at = 0
        self._late: list[tuple[float, int, int]] = []
        self._count = 0
        self.head = inf

    def add(self, rows: Sequence[int], time: float) -> None:
        """Deliver requests at one time; those of equal time keep the order of delivery."""
        for row in rows:
            self._count += 1
            heappush(self._late, (time, self._count, row))
        self.head = min(self.head, time)

    def add_block(self, rows: Rows, times: Times) -> None:
        """Deliver many requests, in any order of time."""
        rows = np.concatenate([np.asarray(self._rows[self._at :]), rows])
        times = np.concatenate([np.asarray(self._times[self._at :]), times])
        order = np.argsort(times, kind="stable")
        self._rows, self._times, self._at = elements(rows[order]), elements(times[order]), 0
        self.head = self.time_of(0)

    def time_of(self, index: int) -> float:
        """A time before which at most `index` requests arrive: exact for index 0, else perhaps earlier than need be."""
        in_block = self._at + index  # right unless a late one comes before it, and then the first of those is returned
        time: float = self._times[in_block] if in_block < len(self._times) else inf
        return min(time, self._late[0][0]) if self._late else time

    def pop(self) -> tuple[int, float]:
        """Take out the next request, as (row, time); there must be one."""
        at, late = self._at, self._late
        if late and late[0][0] == self.head:
            time, _, row = heappop(late)
        else:
            row, time = self._rows[at], self._times[at]
            at = self._at = at + 1
        upcoming: float = self._times[at] if at < len(self._times) else inf
        self.head = late[0][0] if late and late[0][0] < upcoming else upcoming
        return row, time
