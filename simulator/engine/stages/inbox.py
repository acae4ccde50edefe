"""Requests between stages: those that wait, those on their way, and whatever takes them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

import numpy as np

from simulator.engine.contract import Receiver, Rows, Times
from simulator.records.trace import as_memoryview


class Outbox:
    """Requests that leave a ring of stages: gathered one by one, handed on together when the running stage pauses."""

    def __init__(self, receiver: Receiver) -> None:
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
        rows = np.concatenate([self._rows[kept], rows])
        times = np.concatenate([self._times[kept], times])
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

    def between(self, first: int, last: int) -> tuple[Rows, Times]:
        """Return the requests from one place of the blocks to another; they stay."""
        return self._rows[first:last], self._times[first:last]

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
