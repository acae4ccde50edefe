"""Records that stages write: marks of requests, visits, outcomes, and the replicas of a pool that scales."""

from __future__ import annotations

import copy
from array import array
from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf, isnan
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.arrays import Column, Rows, Times


def as_memoryview(column: NDArray[np.generic]) -> Any:
    return memoryview(column)  # type: ignore[arg-type]


class InTurn:
    """Draws of a request, where it may be served several times at once: the first service takes its first draw, and so on.

    After the last draw it is the first one's turn again.
    """

    def __init__(self, draws: Sequence[NDArray[np.generic]]) -> None:
        self._draws = [as_memoryview(column) for column in draws]
        self.turn = as_memoryview(np.zeros(len(draws[0]), np.int8))

    def __getitem__(self, row: int) -> Any:
        turn = self.turn[row]
        self.turn[row] = (turn + 1) % len(self._draws)
        return self._draws[turn][row]


class RequestAnnotations:
    """A column of marks where a request is at one stage at a time: a mark is read after it is written.

    A run may be stopped. By then a stage may have written marks that hold only later.

    barrier: when the run stops next (s)
    ahead: for each mark that holds only from the barrier on the time (s) from which it holds, the row, and the mark before it
    """

    def __init__(self, column: Column) -> None:
        """column: the first mark of each request, shape (n,); in the end it holds the last one written."""
        self.column = column
        self._each = as_memoryview(column)
        self.barrier = inf
        self.ahead: list[tuple[float, int, Any]] = []

    def write(self, row: int, mark: float, time: float) -> None:
        """Mark a request; the mark holds from `time` (s) on, until another one does."""
        if time >= self.barrier:
            self.ahead.append((time, row, self._each[row]))
        self._each[row] = mark

    def write_all(self, rows: Column, marks: Any, times: Any) -> None:
        if self.barrier < inf:
            times = np.broadcast_to(times, rows.shape)
            late = times >= self.barrier
            self.ahead += zip(times[late], rows[late], self.column[rows[late]], strict=True)
        self.column[rows] = marks

    def at(self, row: int, time: float) -> float:
        mark: float = self._each[row]
        return mark

    def at_all(self, rows: Column, times: Times) -> Column:
        return self.column[rows]

    def known(self, times: Times) -> Column:
        """Return the marks of the first requests as they were known at `times`, or when the run was stopped, shape (n,)."""
        column = self.column.copy()
        for _, row, before in reversed(self.ahead):
            column[row] = before
        return column[: len(times)]

    def wait_until(self, barrier: float) -> None:
        """Note that the run stops at this time (s), so that `known` can tell the marks as they were then."""
        self.barrier = barrier
        self.ahead = [written for written in self.ahead if written[0] >= barrier]


class TimedMarks(RequestAnnotations):
    """A column of marks where a request may be in several branches of a fork, and behind their join, at once.

    Stages run ahead of each other, and one may have written a mark that only holds later. So each mark keeps its time.
    """

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        self._first: float = column[0].item() if len(column) else 0.0
        self._written: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)

    def write(self, row: int, mark: float, time: float) -> None:
        insort(self._written[row], (time, mark), key=itemgetter(0))

    def write_all(self, rows: Column, marks: Any, times: Any) -> None:
        for row, mark, time in zip(*(each.tolist() for each in np.broadcast_arrays(rows, marks, times)), strict=True):
            self.write(row, mark, time)

    def at(self, row: int, time: float) -> float:
        written = self._written.get(row, ())
        known = bisect_right(written, time, key=itemgetter(0))
        return written[known - 1][1] if known else self._first

    def at_all(self, rows: Column, times: Times) -> Column:
        each = zip(rows.tolist(), times.tolist(), strict=True)
        return np.array([self.at(row, time) for row, time in each], self.column.dtype)

    def known(self, times: Times) -> Column:
        """Return the marks of the first requests as they were known at `times`."""
        column = np.full(len(times), self._first, self.column.dtype)
        for row in self._written:
            if row < len(times):
                column[row] = self.at(row, times[row])
        return column


#: The outcomes of requests. `done` reached an end the planned way, `timed_out` and `shed` by a fallback.
UNFINISHED, DONE, TIMED_OUT, SHED, FAILED = range(5)
OUTCOMES = ("unfinished", "done", "timed_out", "shed", "failed")


#: A visit's columns: the request, the stage, the times when it entered the queue, when service began (NaN: never) and when it
#: left (NaN: it still waits), the replica or reviewer that served it (-1: none), its batch, numbered within the stage, the size
#: of the batch, and whether a requester waited for it.
VISIT_COLUMNS = ("request", "stage", "entered_s", "started_s", "left_s", "server", "batch", "batch_size", "wanted")


@dataclass(frozen=True)
class Visits:
    """The visits to one stage as columns, each of shape (visits,) and as VISIT_COLUMNS says."""

    request: Rows
    entered_s: Times
    started_s: Times
    left_s: Times
    server: Rows
    batch: Rows
    batch_size: Rows
    wanted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.request)

    def only(self, selected: NDArray[np.bool_] | NDArray[np.intp]) -> Visits:
        """Return some of the visits; selected: a mask of shape (visits,), or places."""
        if selected.dtype == bool and selected.all():
            return self
        return Visits(**{name: column[selected] for name, column in vars(self).items()})

    @property
    def served(self) -> NDArray[np.bool_]:
        """Mask of the visits that were ever served, shape (visits,)."""
        return ~np.isnan(self.started_s)

    def frame(self, stage: str) -> pd.DataFrame:
        columns = dict(vars(self))
        return pd.DataFrame({"request": columns.pop("request"), "stage": _alone(stage, len(self)), **columns})


class VisitLog:
    """The visits to one stage, in the order in which they were settled; columns grow as needed.

    One row per visit: request, entered. One row per batch: its number of visits, started, left, server. `unwanted` lists the
    visits without a waiting requester, who had left, or had another answer.
    """

    def __init__(self) -> None:
        self.request = array("i")
        self.entered = array("d")
        self.size = array("h")
        self.started = array("d")
        self.left = array("d")
        self.server = array("i")
        self.unwanted = array("i")

    def __len__(self) -> int:
        return len(self.request)

    def add(self, row: int, entered: float, started: float, left: float, server: int = -1) -> None:
        """Add a visit of one request alone; `started` is NaN where it was never served."""
        self.request.append(row)
        self.entered.append(entered)
        self.size.append(1)
        self.started.append(started)
        self.left.append(left)
        self.server.append(server)

    def add_beside(self, row: int, entered: float, started: float, left: float, server: int) -> None:
        """Add a visit that does not decide when its request goes on."""
        self.unwanted.append(len(self.request))
        self.add(row, entered, started, left, server)

    def add_batch(self, rows: Sequence[int], entered: Sequence[float], started: float, left: float, server: int) -> None:
        """Log requests that were served together."""
        self.request.extend(rows)
        self.entered.extend(entered)
        self.size.append(len(rows))
        self.started.append(started)
        self.left.append(left)
        self.server.append(server)

    def add_taken(self, rows: Any, entered: Any, first: int, last: int) -> None:
        if last - first == 1:
            self.request.append(rows[first])
            self.entered.append(entered[first])
        elif last > first:
            self.request.frombytes(rows[first:last].tobytes())
            self.entered.frombytes(entered[first:last].tobytes())

    def add_services(self, sizes: Rows, started: Times, left: Times, servers: Rows) -> None:
        """Log batches: the number of requests of each, shapes (m,); `add_taken` logs the requests."""
        self.size.frombytes(sizes.astype(self.size.typecode).tobytes())
        self.started.frombytes(started.tobytes())
        self.left.frombytes(left.tobytes())
        self.server.frombytes(servers.astype(self.server.typecode).tobytes())

    def add_block(self, rows: Rows, entered: Times, started: Times, left: Times, server: Rows | None = None) -> None:
        """Add many visits of one request each; by default without a server."""
        self.request.frombytes(rows.astype(np.intc).tobytes())
        self.entered.frombytes(entered.tobytes())
        self.size.frombytes(np.ones(len(rows), self.size.typecode).tobytes())
        self.started.frombytes(started.tobytes())
        self.left.frombytes(left.tobytes())
        column = self.server.typecode
        servers = np.full(len(rows), -1, column) if server is None else server.astype(column)
        self.server.frombytes(servers.tobytes())

    def copy(self) -> VisitLog:
        copied = copy.copy(self)
        for name in ("request", "entered", "size", "started", "left", "server", "unwanted"):
            setattr(copied, name, getattr(self, name)[:])
        return copied

    def hide_from(self, time: float) -> None:
        left = np.array(self.left)
        left[left >= time] = np.nan
        self.left = array("d", left.tobytes())

    def mark(self) -> tuple[int, int]:
        return len(self.request), len(self.started)

    def served_since(self, mark: tuple[int, int]) -> tuple[Rows, Times]:
        """Return the requests whose service was noted after `mark`, and when each of them left.

        mark: visits and batches, as `mark()` counts them. Returns row numbers, int32, and seconds from the start of the run,
        float64, both of shape (m,), in the order of the log; visits that were never served (`started` is NaN) are left out.
        """
        visits, batches = mark
        if len(self.request) == visits + 1 and len(self.started) == batches + 1 and not isnan(self.started[batches]):
            return np.array([self.request[visits]], np.int32), np.array([self.left[batches]])
        rows = np.array(self.request[visits:], np.int32)
        size, left = np.array(self.size[batches:]), np.array(self.left[batches:])
        served = ~np.isnan(np.array(self.started[batches:]))
        if served.all():
            return rows, np.repeat(left, size)
        return rows[np.repeat(served, size)], np.repeat(left[served], size[served])

    def begun_within(self, start: float, end: float) -> VisitLog:
        """Return the log of the services that began on [start, end) s, without the visits."""
        log, begun = VisitLog(), np.array(self.started)
        within = (begun >= start) & (begun < end)
        for name in ("started", "left", "server"):
            column = getattr(self, name)
            setattr(log, name, array(column.typecode, np.array(column)[within].tolist()))
        return log

    def services(self, horizon: float) -> tuple[Times, Times, Rows]:
        """Return the beginning, the end within the run, and the server of every batch that was served, shapes (batches,)."""
        started, left, server = np.array(self.started), np.array(self.left), np.array(self.server, np.int32)
        served = ~np.isnan(started)
        return started[served], np.fmin(left[served], horizon), server[served]

    def visits(self) -> Visits:
        sizes = np.array(self.size, np.int32)
        batch = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        wanted = np.ones(len(batch), bool)
        wanted[np.array(self.unwanted, np.intp)] = False
        return Visits(
            request=np.array(self.request, np.int32),
            entered_s=np.array(self.entered),
            started_s=np.array(self.started)[batch],
            left_s=np.array(self.left)[batch],
            server=np.array(self.server, np.int32)[batch],
            batch=batch,
            batch_size=sizes[batch],
            wanted=wanted,
        )

    def frame(self, stage: str) -> pd.DataFrame:
        return self.visits().frame(stage)


@dataclass(frozen=True)
class Fleet:
    """The replicas of a pool that scales: the number wanted from each time (s) on, and replica-seconds paid.

    spans: by replica, the spans in which it was there and had started: (from, until) in seconds, sorted
    paid: replica-seconds paid by the time (s) of each change of a pick
    """

    wanted: list[tuple[float, int]]
    paid_s: float
    spans: dict[int, list[tuple[float, float]]]
    paid: list[tuple[float, float]] = field(default_factory=list)

    def paid_between(self, start: float, end: float) -> float:
        """Return replica-seconds paid between two times of a change, or the beginning or end of the run."""
        by = {0.0: 0.0} | dict(self.paid)
        return by.get(end, self.paid_s) - by[start]


def _alone(name: str, count: int) -> Any:
    return named_codes(np.zeros(count, np.int8), [name])


def named_codes(codes: NDArray[np.integer[Any]], names: Iterable[str]) -> Any:
    return pd.Categorical.from_codes(codes, dtype=_categories(tuple(names)))


@lru_cache(maxsize=256)
def _categories(names: tuple[str, ...]) -> pd.CategoricalDtype:
    """Return a dtype of these categories, made once: pandas takes 0.1 ms to check that they are unique."""
    return pd.CategoricalDtype(list(names))
