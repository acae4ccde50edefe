"""Columns of numbers, one element a request."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence
from math import inf
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_memoryview(column: NDArray[np.generic]) -> Any:
    return memoryview(column)  # type: ignore[arg-type]


class InTurn:
    """Draws of a request, where it may be served several times at once: the first service takes its first draw, and so on.

    After the last draw it is the first one's turn again.
    """

    def __init__(self, draws: Sequence[NDArray[np.generic]]) -> None:
        """draws: at least one column, each of shape (n,)."""
        self._draws = [as_memoryview(column) for column in draws]
        self.turn = as_memoryview(np.zeros(len(draws[0]), np.int8))

    def __getitem__(self, row: int) -> Any:
        turn = self.turn[row]
        self.turn[row] = (turn + 1) % len(self._draws)
        return self._draws[turn][row]


Column = NDArray[Any]
Times = NDArray[np.float64]


class RequestAnnotations:
    """A column of marks where a request is at one stage at a time: a mark is read after it is written."""

    def __init__(self, column: Column) -> None:
        """column: the first mark of each request, shape (n,); in the end it holds the last one written."""
        self.column = column
        self._each = as_memoryview(column)

    def write(self, row: int, mark: float, time: float) -> None:
        """Mark a request; the mark holds from `time` (s) on, until another one does."""
        self._each[row] = mark

    def write_all(self, rows: Column, marks: Any, times: Any) -> None:
        """Mark many requests; marks and times are one for each row or one for all."""
        self.column[rows] = marks

    def at(self, row: int, time: float) -> float:
        mark: float = self._each[row]
        return mark

    def at_all(self, rows: Column, times: Times) -> Column:
        """Return the marks of many requests, each as known at its own time."""
        return self.column[rows]

    def known(self, times: Times) -> Column:
        """Return the marks of the first requests as they were known at `times`, shape (n,)."""
        return self.column[: len(times)]

    def wait_until(self, barrier: float) -> None:
        """Note that the run stops at this time (s), so that `known` can tell the marks as they were then."""


class StoppableMarks(RequestAnnotations):
    """Marks of a run that may be stopped: by then a stage may have written marks that hold only later.

    ahead: for each of these marks the time (s) from which it holds, the row, and the mark before it
    """

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        self.barrier = inf
        self.ahead: list[tuple[float, int, Any]] = []

    def write(self, row: int, mark: float, time: float) -> None:
        if time >= self.barrier:
            self.ahead.append((time, row, self._each[row]))
        self._each[row] = mark

    def write_all(self, rows: Column, marks: Any, times: Any) -> None:
        late = np.broadcast_to(times, rows.shape) >= self.barrier
        if late.any():
            self.ahead += zip(np.broadcast_to(times, rows.shape)[late], rows[late], self.column[rows[late]], strict=True)
        self.column[rows] = marks

    def known(self, times: Times) -> Column:
        """Return the marks of the first requests as they were known when the run was stopped."""
        column = self.column.copy()
        for _, row, before in reversed(self.ahead):
            column[row] = before
        return column[: len(times)]

    def wait_until(self, barrier: float) -> None:
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
        """Mark a request; of several marks from one time on, the last one written holds."""
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
