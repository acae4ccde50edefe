"""What left the stages of runs, kept so that a run of another design begins at the first stage that differs."""

from __future__ import annotations

from array import array
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.limits import OUTFLOWS_KEPT
from simulator.records.trace import Fleet, VisitLog

#: The most turns and handovers of a run that are noted. A run with more of them is kept as a whole alone.
MOST_STEPS = 2000

#: The place of the source of the requests, before all stages.
SOURCE = -1


#: What a column holds that no stage has written.
UNWRITTEN = {"answered": np.nan, "finished": np.nan, "end": -1, "risk": np.inf}
_UNSCORED, _ZERO = np.inf, 0

#: The marks of so few requests keep all columns: finding out which are needed takes longer.
FEW = 16


def unwritten(name: str) -> float:
    """Return what a column of the requests holds that no stage has written."""
    return UNWRITTEN.get(name, _UNSCORED if name.startswith("given.") else _ZERO)


#: What stages had written of some requests at a time, by column; of few as a row each.
Marks = Mapping[str, NDArray[Any]] | NDArray[np.void]


def marks_of(columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int32] | None = None) -> Marks:
    """Return what stages have written of some requests, or of all; of many, the columns in which something was written."""
    if rows is None or len(rows) > FEW:
        taken = {name: column.copy() if rows is None else column.take(rows) for name, column in columns.items()}
        return {name: column for name, column in taken.items() if not _is_unwritten(column, unwritten(name))}
    marks = np.empty(len(rows), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        marks[name] = column[rows]
    return marks


def _is_unwritten(column: NDArray[Any], first: float) -> bool:
    return bool((np.isnan(column) if np.isnan(first) else column == first).all())


def names_in(marks: Marks) -> Collection[str]:
    return marks.keys() if isinstance(marks, Mapping) else marks.dtype.names or ()


def written_in(marks: Marks, name: str) -> Any:
    return marks[name] if name in names_in(marks) else unwritten(name)


def _arrays(marks: Marks) -> Iterable[NDArray[Any]]:
    return marks.values() if isinstance(marks, Mapping) else (marks,)


class Handover(NamedTuple):
    """A call of a stage by one at a lower place: places of the two, the stage called, its method, and what it was given.

    marks: what stages had written of these requests before the call; sent_again: how many photos had been asked for
    """

    by: int
    to: int
    stage: str
    method: str
    arguments: tuple[Any, ...]
    rows: NDArray[np.int32]
    marks: Marks
    sent_again: int

    def passes(self, cut: int) -> bool:
        return self.by < cut <= self.to


class AlarmSet(NamedTuple):
    """A stage was told to wake at a time (s)."""

    place: int
    stage: str
    time: float


@dataclass
class Turn:
    """What happened in one turn of a stage, in order, and when it wanted to wake next (s)."""

    steps: list[Handover | AlarmSet] = field(default_factory=list)
    upcoming: float = 0.0


class KeptLog(NamedTuple):
    """The visits to a stage, and its servers over time, where a rule adds or removes some.

    in_transit: whether the log holds the entries alone, so that the stage itself says when each left
    """

    log: VisitLog
    fleet: Fleet | None
    in_transit: bool


@dataclass(frozen=True, eq=False)
class StageOutflows:
    """A run as seen from behind each of its places.

    keys: hashes of all that the stages up to each place depend on; places: by stage; owners: places of the rings whose ways out
    gather requests; source: what was handed over before any stage woke; turns, alarms: by stage with a queue, its turns in
    order, and when it wanted to wake first (s); marks: the columns that stages write, at the end of the run
    sent_again: rows and times (s) of further photos; requests: their number
    """

    keys: Sequence[bytes]
    places: Mapping[str, int]
    owners: frozenset[int]
    source: Turn
    turns: Mapping[str, list[Turn]]
    alarms: Mapping[str, float]
    logs: Mapping[str, KeptLog]
    marks: Marks
    sent_again: tuple[NDArray[np.int32], NDArray[np.float64]]
    requests: int
    first: int = 0  # the least place from which on its handovers are known

    @property
    def last(self) -> int:
        return len(self.keys)

    def serves(self, cut: int) -> bool:
        """Return whether another run may begin at the place `cut` with the help of this one.

        Ways out of rings before and behind it would be emptied in turn, in an order of their own.
        """
        if cut == self.last:
            return True
        apart = not self.owners or max(self.owners) < cut or min(self.owners) >= cut
        return cut >= self.first and apart

    def _every_turn(self) -> Iterator[Turn]:
        yield self.source
        for turns in self.turns.values():
            yield from turns

    def handovers(self, cut: int) -> Iterator[Handover]:
        for turn in self._every_turn():
            for step in turn.steps:
                if isinstance(step, Handover) and step.passes(cut):
                    yield step

    def put_back(self, cut: int, columns: Mapping[str, NDArray[Any]]) -> None:
        """Write into the columns of another run, shape (n,) each, what the stages before a place wrote about the requests."""
        for name, column in columns.items():
            if name in names_in(self.marks):
                column[:] = written_in(self.marks, name)
        handovers = list(self.handovers(cut)) if cut < self.last else []
        if not handovers:
            return
        rows = np.concatenate([handover.rows for handover in handovers])  # of a row that comes twice, the last one holds
        stops = np.cumsum([len(handover.rows) for handover in handovers]).tolist()
        parts = list(zip([0, *stops], stops, (handover.marks for handover in handovers), strict=False))
        for name, column in columns.items():
            held = [(start, stop, marks[name]) for start, stop, marks in parts if name in names_in(marks)]
            if held or name in names_in(self.marks):  # others are as they were before the run
                values = np.full(len(rows), unwritten(name), column.dtype)
                for start, stop, value in held:
                    values[start:stop] = value
                column[rows] = values

    def photos_sent(self, cut: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the further photos that were asked for before a place: the request and the time of each (s)."""
        rows, times = self.sent_again
        if not len(rows):
            return rows, times
        known = np.full(self.requests, len(rows))
        for handover in self.handovers(cut) if cut < self.last else ():
            known[handover.rows] = handover.sent_again
        before = np.arange(len(rows)) < known[rows]
        return rows[before], times[before]

    def buffers(self) -> Iterator[tuple[int, int]]:
        """Yield the identity and the size in bytes of every array that it holds."""
        for kept in self.logs.values():
            for column in vars(kept.log).values():
                if isinstance(column, array):
                    yield id(column), len(column) * column.itemsize
        for one in (*_arrays(self.marks), *self.sent_again):
            yield id(one), one.nbytes
        for turn in self._every_turn():
            yield id(turn), 100
            for step in turn.steps:
                yield id(step), _OF_A_STEP
                if isinstance(step, Handover):
                    for one in (step.rows, *_arrays(step.marks), *step.arguments):
                        yield id(one), getattr(one, "nbytes", 0)


#: Bytes that a step of a turn takes beside its arrays.
_OF_A_STEP = 600


class KeptOutflows:
    """The latest runs of a process as seen from behind each of their places, up to a size in bytes; for several threads."""

    def __init__(self, most: int = OUTFLOWS_KEPT.most) -> None:
        self.most = most
        self.nbytes = 0
        self._runs: OrderedDict[int, StageOutflows] = OrderedDict()  # by identity, the one used last at the end
        self._by_key: dict[bytes, StageOutflows] = {}
        self._holders: Counter[int] = Counter()  # how many runs hold each array
        self._lock = Lock()

    def find(self, keys: Sequence[bytes]) -> tuple[StageOutflows, int] | None:
        """Return a run with equal first stages, as many as there are, and the place of the first that differs."""
        with self._lock:
            for cut in range(len(keys), 0, -1):
                run = self._by_key.get(keys[cut - 1])
                if run is not None and len(run.keys) >= cut and self._may_begin(run, keys, cut):
                    self._runs.move_to_end(id(run))
                    return run, cut
        return None

    def _may_begin(self, run: StageOutflows, keys: Sequence[bytes], cut: int) -> bool:
        whole = cut == run.last == len(keys)
        return whole or (cut < run.last and cut < len(keys) and run.serves(cut))

    def put(self, run: StageOutflows) -> None:
        with self._lock:
            for key in run.keys[max(run.first - 1, 0) :]:
                self._by_key[key] = run
            self._runs[id(run)] = run
            for buffer, size in run.buffers():
                self.nbytes += 0 if self._holders[buffer] else size
                self._holders[buffer] += 1
            while self.nbytes > self.most:
                self._drop(self._runs.popitem(last=False)[1])

    def _drop(self, run: StageOutflows) -> None:
        for key in run.keys:
            if self._by_key.get(key) is run:
                del self._by_key[key]
        for buffer, size in run.buffers():
            self._holders[buffer] -= 1
            if not self._holders[buffer]:
                del self._holders[buffer]
                self.nbytes -= size

    def clear(self) -> None:
        with self._lock:
            for run in self._runs.values():
                self._drop(run)
            self._runs.clear()


#: What this process keeps.
KEPT = KeptOutflows()
