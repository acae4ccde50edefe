"""Base of all stages: requests on their way between stages, handing them over, and the alarm that lets a stage run."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf, nan
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Timeout

from simulator.arrays import Rows, Times
from simulator.case.any_stage import End
from simulator.engine.contract import Stage, StageRun, Waiting, not_defined
from simulator.records.trace import as_memoryview


class Outbox:
    """Requests that leave a ring of stages: gathered one by one, handed on together when the running stage pauses."""

    def __init__(self, receiver: Stage) -> None:
        self.receiver = receiver
        self.rows = array("i")
        self.times = array("d")

    def accept(self, rows: Sequence[int], time: float) -> None:
        for row in rows:
            self.rows.append(row)
            self.times.append(time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        self.receiver.accept_block(rows, times)

    def flush(self) -> None:
        if self.rows:
            rows, times = np.array(self.rows, np.int32), np.array(self.times)
            self.rows, self.times = array("i"), array("d")
            self.receiver.accept_block(rows, times)


#: The room of an empty inbox, and the most that it keeps (requests): single deliveries then need no new arrays.
_ROOM, _MOST_ROOM = 64, 1024


class Inbox:
    """Requests that wait at a stage or are still on their way to it, by time of arrival.

    rows[at:end], times[at:end] are sorted by time and are read where they lie, so that a stage takes a batch as a slice.
    Single deliveries wait in the heap `late` until they are fetched.
    """

    def __init__(self) -> None:
        self.late: list[tuple[float, int, int]] = []
        self.numbers = count(1)
        self._clear()

    def _clear(self) -> None:
        self._hold(np.empty(_ROOM, np.int32), np.empty(_ROOM), 0, 0)

    def _hold(self, rows: Rows, times: Times, at: int, end: int) -> None:
        self._rows, self._times = rows, times
        self.rows, self.times = as_memoryview(rows), as_memoryview(times)
        self.at, self.end = at, end

    @property
    def columns(self) -> tuple[Rows, Times]:
        """The arrays behind `rows` and `times`."""
        return self._rows, self._times

    @property
    def head(self) -> float:
        """The time of the first arrival that has not been taken; inf if there is none."""
        head: float = self.times[self.at] if self.at < self.end else inf
        return self.late[0][0] if self.late and self.late[0][0] < head else head

    def add(self, rows: Sequence[int], time: float) -> None:
        for row in rows:
            heappush(self.late, (time, next(self.numbers), row))

    def add_block(self, rows: Rows, times: Times) -> None:
        """Deliver many requests, in any order of time."""
        if len(rows) == 1 and self._fits_behind(times[0]):
            self.rows[self.end], self.times[self.end] = rows[0], times[0]
            self.end += 1
            return
        kept = slice(self.at, self.end)
        rows = np.concatenate([self._rows[kept], rows], dtype=np.int32)  # compiled loops know no other type of rows
        times = np.concatenate([self._times[kept], times], dtype=float)
        if np.any(times[1:] < times[:-1]):
            order = np.argsort(times, kind="stable")
            rows, times = rows[order], times[order]
        self._hold(rows, times, 0, len(rows))

    def _fits_behind(self, time: float) -> bool:
        """Return whether there is room for one more, which comes after those that are here."""
        last = self.times[self.end - 1] if self.at < self.end else -inf
        return self.end < len(self._rows) and last <= time

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
        place = self.at + index  # right unless a late one comes before it, and then the first of those is returned
        time: float = self.times[place] if place < self.end else inf
        return min(time, self.late[0][0]) if self.late else time

    def tidy(self) -> None:
        if self.at == self.end and self.end:
            if len(self._rows) > _MOST_ROOM:
                self._clear()
            self.at = self.end = 0

    def chunk_end(self, size: int) -> float:
        """When the first `size` of the requests that were delivered together will have come; inf if there are fewer."""
        place = self.at + size
        return self.times[place] if place < self.end else inf

    def listed(self, before: float) -> tuple[list[int], list[float]]:
        """Return the requests of blocks that come before a time: rows, and times with that of the next one at their end."""
        stop = bisect_left(self.times, before, self.at, self.end)
        return self._rows[self.at : stop].tolist(), [
            *self._times[self.at : stop].tolist(),
            self.times[stop] if stop < self.end else inf,
        ]

    def before(self, time: float) -> tuple[Rows, Times]:
        """Return the requests that come before `time`, in the order in which they are taken; they stay."""
        here = slice(self.at, bisect_left(self.times, time, self.at, self.end))
        late = sorted(entry for entry in self.late if entry[0] < time)
        times = np.concatenate([self._times[here], np.array([entry[0] for entry in late])])
        rows = np.concatenate([self._rows[here], np.array([entry[2] for entry in late], np.int32)])
        order = np.argsort(times, kind="stable")
        return rows[order], times[order]

    def count_before(self, time: float) -> int:
        """Return about how many come before a time: all single deliveries count."""
        return bisect_left(self.times, time, self.at, self.end) - self.at + len(self.late)

    def gather(self, before: float) -> tuple[Rows, Times, float]:
        """Sort in all that comes before a time; returns it as columns, and the time of the next arrival. All of it stays."""
        if self.late and self.late[0][0] < before:
            stop = bisect_left(self.times, before, self.at, self.end)
            rows, times = self.before(before)
            self.late[:] = [entry for entry in self.late if entry[0] >= before]
            heapify(self.late)
            self._hold(
                np.concatenate([rows, self._rows[stop : self.end]]),
                np.concatenate([times, self._times[stop : self.end]]),
                0,
                len(rows) + self.end - stop,
            )
        stop = bisect_left(self.times, before, self.at, self.end)
        upcoming: float = self.times[stop] if stop < self.end else inf
        if self.late and self.late[0][0] < upcoming:
            upcoming = self.late[0][0]
        return self._rows[self.at : stop], self._times[self.at : stop], upcoming

    def pop(self) -> tuple[int, float]:
        """Take out the next request, as (row, time); there must be one."""
        if self.late and (self.at == self.end or self.late[0][0] < self.times[self.at]):
            time, _, row = heappop(self.late)
            return row, time
        at = self.at
        self.at = at + 1
        return self.rows[at], self.times[at]


#: A stage that runs ahead pauses after about so many requests, so that what it hands on stays small.
CHUNK = 16_384


class ServiceStage(Stage):
    """A stage where requests wait for a server. It has an inbox, a limit on its queue, and an alarm that lets it run.

    A stage with leaders has no turns of its own: it acts at the end of each step of a leader that gave it something.
    """

    def __init__(self, run: StageRun, name: str, spec: Any) -> None:
        super().__init__(run, name, spec)
        self.inbox = Inbox()
        self.alarm = StageAlarm(run.env, self.wake)
        limit = getattr(spec, "max_queue", None)
        self.max_queue: float = inf if limit is None else limit
        self.upstream: list[ServiceStage] = []
        self.rivals: list[ServiceStage] = []
        self.loops = False
        self.leaders: list[ServiceStage] = []
        self.followers_due: list[ServiceStage] = []  # those that have got something in this step, the first one first
        self.since = 0.0  # from when on it has stood here (s): nothing leaves before because of what its spec says
        self.returning: NDArray[np.bool_] | None = None  # in a ring, shape (n,): who may come back; None: perhaps everyone
        self._handed_over = self.log.mark()

    def connect(self) -> None:
        """Find which stages can surprise this one: those upstream, and among them those that it can surprise in turn."""
        self._handed_over = self.log.mark()
        self.upstream = [stage for stage in _service_stages(self.run) if self.name in self.run.ahead_of(stage.name)]
        self.loops = self in self.upstream
        self.upstream = [stage for stage in self.upstream if stage is not self]
        self.rivals = [stage for stage in self.upstream if stage.name in self.run.ahead_of(self.name)]
        self.__dict__.pop("_takes_turns", None)

    def take_over(self, before: Stage, now: float) -> None:
        """Go on with what waits in the inbox, and look at it now."""
        super().take_over(before, now)
        assert isinstance(before, ServiceStage)
        self.inbox, self.since = before.inbox, now
        before.alarm.cancel()
        self.alarm.set(now)

    def waiting(self, time: float) -> Waiting:
        return Waiting.patient(*self.inbox.before(time))

    def accept(self, rows: Sequence[int], time: float) -> None:
        self.inbox.add(rows, time)
        if self.run.acting in self.leaders:
            self.run.acting.let_follow(self)
        elif time < self.alarm.time:
            self.alarm.set(self.due(time))

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many rows, each at its own time (s), in any order of time; both of shape (m,)."""
        if len(rows):
            self.inbox.add_block(rows, times)
            if self.run.acting in self.leaders:
                self.run.acting.let_follow(self)
            else:
                self.alarm.set(self.due(float(times.min())))

    @final
    def let_follow(self, stage: ServiceStage) -> None:
        if stage not in self.followers_due:
            self.followers_due.append(stage)

    @final
    def lead(self, now: float) -> None:
        """Let the followers act that have got something in this step."""
        for stage in self.followers_due:
            stage.step(now)
        self.followers_due.clear()

    @final
    def wake(self, now: float) -> float:
        """Run from `now` on, as far as no other stage can interfere; returns when to wake next (inf: when something comes).

        Only a delivery can interfere, and only a stage upstream can make one. Until the first of those wakes, this stage's
        future is settled: it runs ahead without a turn through the event queue. In a ring of stages, one step of this stage may
        wake another stage earlier; this stage then checks the others after each step.
        """
        run, takes_turns = self.run, self._takes_turns
        run.acting = self
        run.took_turn(self.name, now)
        upcoming = self.advance(now, now if takes_turns else self._limit())
        while takes_turns and upcoming < self._limit():
            run.took_turn(self.name, upcoming)
            upcoming = self.advance(upcoming, upcoming)
        self.inbox.tidy()
        if not self.loops or self.returning is not None:
            self.hand_over_since()
        run.flush()
        run.acting = None
        return upcoming

    @cached_property
    def _takes_turns(self) -> bool:
        """Whether this stage is in a ring with another stage that has an alarm of its own."""
        return any(stage.leaders != [self] for stage in self.rivals)

    def _limit(self) -> float:
        """Return until when nothing can interfere (s)."""
        return min(self.inbox.chunk_end(CHUNK), self.run.barrier, *[stage.alarm.time for stage in self.upstream])

    def advance(self, now: float, limit: float) -> float:
        """Do all that is due at `now`, and what becomes due before `limit`; returns the next time at which something is."""
        upcoming = self.step(now)
        while upcoming < limit:
            upcoming = self.step(upcoming)
        return upcoming

    def step(self, now: float) -> float:
        raise not_defined(self, "step")

    def due(self, time: float) -> float:
        """Return the earliest time of an event that a delivery for `time` can cause here."""
        return time

    def served(self, rows: Sequence[int], time: float) -> None:
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
        raise not_defined(self, "hand_over")

    def hand_over_block(self, rows: Rows, times: Times) -> None:
        """Hand on many requests, each at its own time.

        rows: row numbers, int32, shape (m,), in the order of the log; times: when each has been served, seconds from the start
        of the run, float64, shape (m,). Times may lie in the future, never before the time at which this stage last woke.
        """
        raise not_defined(self, "hand_over_block")

    @final
    def turn_away(self, row: int, outcome: int, entered: float, due: float, now: float, to: Stage) -> None:
        time = max(due, self.since) if self.is_end(to) else now
        self.log.add(row, entered, nan, time)
        to.fall_back(row, outcome, time)

    @final
    def turn_away_block(self, rows: Rows, outcome: int, entered: Times, times: Times, to: Stage) -> None:
        times = np.maximum(times, self.since)
        self.log.add_block(rows, entered, np.full(len(rows), nan), times)
        to.fall_back_block(rows, outcome, times)

    @final
    def is_end(self, receiver: Stage) -> bool:
        return not self.run.closed and receiver in self.run.ends.values()


class OrderedStage(ServiceStage):
    """A stage without a queue that must see requests in the order of time: each goes on when it is seen."""

    def waiting(self, time: float) -> Waiting:
        return Waiting.none()

    def advance(self, now: float, limit: float) -> float:
        rows, times = [], []
        while self.inbox.head <= now or self.inbox.head < limit:
            row, time = self.inbox.pop()
            rows.append(row)
            times.append(time)
        self.pass_on(np.array(rows, np.int32), np.array(times))
        return self.inbox.head

    def pass_on(self, rows: Rows, times: Times) -> None:
        """Hand on requests at these times (s), ascending, shapes (m,)."""
        raise not_defined(self, "pass_on")

    def hand_over_since(self) -> None:
        """Do nothing: each request goes on when it is seen."""


class GatheringStage(ServiceStage):
    """A stage that gathers parts of a request, and lets it go once they are there, or without some of them."""

    def connect(self) -> None:
        super().connect()
        to = self.run.receiver(self.spec.to)
        self.onward = to if self.loops else Outbox(to)
        self.on_incomplete = self.run.receiver(self.spec.on_incomplete)

    @final
    def go_on_without(self, row: int, outcome: int, time: float) -> None:
        """Hand on a request that lacks a part."""
        if self.on_incomplete is None:
            self.onward.accept((row,), time)
        else:
            self.on_incomplete.fall_back(row, outcome, time)

    def hand_over_since(self) -> None:
        self.onward.flush()


def _service_stages(run: StageRun) -> list[ServiceStage]:
    return [stage for stage in run.all_stages() if isinstance(stage, ServiceStage)]


class StageAlarm:
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
            wait = time - self.env.now
            self._event = Timeout(self.env, wait if wait > 0.0 else 0.0)
            self._event.callbacks.append(self._ring)

    def cancel(self) -> None:
        self._event, self.time = None, inf

    def _ring(self, event: Any) -> None:
        if event is self._event:
            # The alarm's own time is used rather than env.now, which may differ from it by rounding.
            now, self.time = self.time, -inf
            upcoming, self.time = self.wake(now), inf
            self.set(upcoming)


class EndStage(Stage):
    """One end of the scenario; `index` is its place in the file."""

    def __init__(self, run: StageRun, name: str, spec: End, index: int) -> None:
        super().__init__(run, name, spec)
        self.index = index
        self.finished = as_memoryview(run.requests.finished)
        self.end = as_memoryview(run.requests.end)

    def accept(self, rows: Sequence[int], time: float) -> None:
        for row in rows:
            self.finished[row] = time
            self.end[row] = self.index

    def accept_block(self, rows: Rows, times: Times) -> None:
        self.run.requests.finished[rows] = times
        self.run.requests.end[rows] = self.index


class ReturningEnd(EndStage):
    """An end of a closed loop: the client that sent the request hears of it."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        super().accept(rows, time)
        self.run.source.accept(rows, time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        Stage.accept_block(self, rows, times)
