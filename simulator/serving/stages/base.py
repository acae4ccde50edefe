"""What every stage shares: how requests are handed over, how they wait, and when a stage gets to run."""

from __future__ import annotations

from array import array
from bisect import bisect_right
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


#: A stage that runs ahead pauses after about so many requests, so that what it hands on stays small.
CHUNK = 16_384


class Receiver(Protocol):
    """Whatever takes requests: a stage or an end. A handover may lie in the future, never before the sender's now."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that all come at `time`."""

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time."""

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        """Take a request that a stage has turned away."""

    def fall_back_block(self, rows: Rows, outcome: int, times: Times) -> None:
        """The same for many rows, each at its own time."""


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

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        """Take a request that a stage has turned away: this way is its answer, and `outcome` what it came to."""
        self.run.requests.outcome[row] = outcome
        self.run.answer((row,), time, refused=True)
        self.accept((row,), time)

    def fall_back_block(self, rows: Rows, outcome: int, times: Times) -> None:
        """The same for many rows."""
        self.run.requests.outcome[rows] = outcome
        self.run.answer_block(rows, times, refused=True)
        self.accept_block(rows, times)

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Which requests that come here may come to `stage` later on, shape (n,): all, where a way leads there."""
        return np.broadcast_to(self.run.leads(self.name, stage), self.run.requests.n)

    def close(self, horizon: float) -> None:
        """The run is over: settle what still waits."""


class ServiceStage(Stage):
    """A stage where requests wait for a server. It has an inbox, a limit on its queue, and an alarm that lets it run."""

    def __init__(self, run: Run, name: str, spec: Any) -> None:
        super().__init__(run, name, spec)
        self.inbox = Inbox()
        self.alarm = Alarm(run.env, self.wake)
        limit = getattr(spec, "max_queue", None)
        self.max_queue: float = inf if limit is None else limit
        self.upstream: list[ServiceStage] = []
        self.rivals: list[ServiceStage] = []
        self.loops = False
        self.returning: NDArray[np.bool_] | None = None  # in a ring, shape (n,): who may come back; None: perhaps everyone
        self._handed_over = self.log.mark()

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
            self.alarm.set(self.due(time))

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        if len(rows):
            self.inbox.add_block(rows, times)
            self.alarm.set(self.due(float(times.min())))

    def wake(self, now: float) -> float:
        """Run from `now` on, as far as no other stage can interfere; returns when to wake next (inf: when something comes).

        Only a delivery can interfere, and only a stage upstream can make one. Until the first of those wakes, this stage's
        future is settled: it runs ahead without a turn through the event queue. Stages that feed each other in a ring
        take turns, a step each.
        """
        limit = now
        if not self.rivals:
            limit = min(self.inbox.chunk_end(CHUNK), self.run.plan.horizon_s, *(stage.alarm.time for stage in self.upstream))
        upcoming = self.advance(now, limit)
        self.inbox.tidy()
        if not self.loops or self.returning is not None:
            self.hand_over_since()
        self.run.flush()
        return upcoming

    def advance(self, now: float, limit: float) -> float:
        """Do all that is due at `now`, and what becomes due before `limit`; returns the next time at which something is."""
        upcoming = self.step(now)
        while upcoming < limit:
            upcoming = self.step(upcoming)
        return upcoming

    def step(self, now: float) -> float:
        """Do all that is due at `now`; returns the next time at which something is."""
        raise NotImplementedError

    def due(self, time: float) -> float:
        """The earliest time at which a delivery that comes at `time` can make something happen."""
        raise NotImplementedError

    def served(self, rows: Sequence[int], time: float) -> None:
        """Hand on requests whose service is in the log: at once where they may come back here, else when this stage pauses."""
        if self.loops:
            self.hand_over(rows, time)

    def hand_over_since(self) -> None:
        """Hand on all that was served since the last time, but for those who went on at once: the log has it."""
        rows, times = self.log.served_since(self._handed_over)
        self._handed_over = self.log.mark()
        if self.returning is not None:
            stays = ~self.returning[rows]
            rows, times = rows[stays], times[stays]
        if len(rows):
            self.hand_over_block(rows, times)

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
        to.fall_back(row, outcome, time)

    def turn_away_block(self, rows: Rows, outcome: int, entered: Times, times: Times, to: Receiver) -> None:
        """The same for many rows, each at its own time."""
        self.log.add_block(rows, entered, np.full(len(rows), nan), times)
        to.fall_back_block(rows, outcome, times)

    def is_end(self, receiver: Receiver) -> bool:
        """Whether requests that go there have come to the end of their way: in a closed loop none has."""
        return not self.run.closed and receiver in self.run.ends.values()


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
    """Requests that leave a ring of stages: gathered one by one, handed on together when the running stage pauses."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.rows = array("i")
        self.times = array("d")

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Put requests in that all leave at `time`."""
        for row in rows:
            self.rows.append(row)
            self.times.append(time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Many requests need no gathering."""
        self.receiver.accept_block(rows, times)

    def flush(self) -> None:
        """Hand everything on."""
        if self.rows:
            rows, times = np.array(self.rows, np.int32), np.array(self.times)
            self.rows, self.times = array("i"), array("d")
            self.receiver.accept_block(rows, times)


class Inbox:
    """Requests that wait at a stage or are still on their way to it, by time of arrival.

    rows[at:end], times[at:end] are sorted by time and are read where they lie, so that a stage takes a batch as a slice.
    Single deliveries wait in the heap `late` until they are fetched.
    """

    def __init__(self) -> None:
        self.late: list[tuple[float, int, int]] = []
        self._count = 0
        self._hold(np.empty(0, np.int32), np.empty(0), 0, 0)

    def _hold(self, rows: Rows, times: Times, at: int, end: int) -> None:
        self._rows, self._times = rows, times
        self.rows, self.times = elements(rows), elements(times)
        self.at, self.end = at, end

    @property
    def head(self) -> float:
        """The time of the first arrival that has not been taken; inf if there is none."""
        head: float = self.times[self.at] if self.at < self.end else inf
        return self.late[0][0] if self.late and self.late[0][0] < head else head

    def add(self, rows: Sequence[int], time: float) -> None:
        """Deliver requests at one time; those of equal time keep the order of delivery."""
        for row in rows:
            self._count += 1
            heappush(self.late, (time, self._count, row))

    def add_block(self, rows: Rows, times: Times) -> None:
        """Deliver many requests, in any order of time."""
        kept = slice(self.at, self.end)
        rows = np.concatenate([self._rows[kept], rows])
        times = np.concatenate([self._times[kept], times])
        if np.any(times[1:] < times[:-1]):
            order = np.argsort(times, kind="stable")
            rows, times = rows[order], times[order]
        self._hold(rows, times, 0, len(rows))

    def fetch(self, now: float) -> None:
        """Sort in the single deliveries that have come by `now`."""
        while self.late and self.late[0][0] <= now:
            time, _, row = heappop(self.late)
            place = bisect_right(self.times, time, self.at, self.end)
            if place == self.end and self.end < len(self._rows):
                self.end += 1
            else:
                if self.at == 0:
                    place += self._make_room()
                self._rows[self.at - 1 : place - 1] = self._rows[self.at : place]
                self._times[self.at - 1 : place - 1] = self._times[self.at : place]
                self.at, place = self.at - 1, place - 1
            self.rows[place], self.times[place] = row, time

    def _make_room(self) -> int:
        """Free places before the first request and after the last; returns how far all have moved."""
        room = 64 + self.end // 8
        rows, times = np.empty(self.end + 2 * room, np.int32), np.empty(self.end + 2 * room)
        rows[room : room + self.end], times[room : room + self.end] = self._rows[: self.end], self._times[: self.end]
        self._hold(rows, times, room, room + self.end)
        return room

    def remove(self, first: int, last: int) -> tuple[Rows, Times]:
        """Take rows[first:last] out, from behind those that stay."""
        gone = self._rows[first:last].copy(), self._times[first:last].copy()
        shift = last - first
        self._rows[self.at + shift : last] = self._rows[self.at : first]
        self._times[self.at + shift : last] = self._times[self.at : first]
        self.at += shift
        return gone

    def time_of(self, index: int) -> float:
        """A time before which at most `index` requests arrive: exact for index 0, else perhaps earlier than need be."""
        place = self.at + index  # right unless a late one comes before it, and then the first of those is returned
        time: float = self.times[place] if place < self.end else inf
        return min(time, self.late[0][0]) if self.late else time

    def tidy(self) -> None:
        """Let go of what has been taken."""
        if self.at == self.end:
            self._hold(np.empty(0, np.int32), np.empty(0), 0, 0)

    def chunk_end(self, size: int) -> float:
        """When the first `size` of the requests that were delivered together will have come; inf if there are fewer."""
        place = self.at + size
        return self.times[place] if place < self.end else inf

    def pop(self) -> tuple[int, float]:
        """Take out the next request, as (row, time); there must be one."""
        if self.late and (self.at == self.end or self.late[0][0] < self.times[self.at]):
            time, _, row = heappop(self.late)
            return row, time
        at = self.at
        self.at = at + 1
        return self.rows[at], self.times[at]
