"""Queues in front of replicas: the order of service, the choice between several queues, and copies of requests.

An order is a function that gives a key, smallest first. A request keeps the key that it has when it joins the queue: its score
and its tag count as they are known by then.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heapreplace
from itertools import count
from math import inf, nextafter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from simulator.case.references import NAME_KINDS, NameKind
from simulator.records.trace import as_memoryview

if TYPE_CHECKING:
    from simulator.arrays import Column, Rows, Times
    from simulator.engine.contract import StageRun
    from simulator.engine.run_trace import Requests
    from simulator.engine.stages.pool_policies import Outages
    from simulator.engine.stages.replicas import BatchRule

#: The place of a request, by row number, that joins the queue at a time (s).
Key = Callable[[int, float], float]

#: The places of requests that join the queue each at its own time: row numbers, int32, and times (s), all of shape (m,).
Keys = Callable[["Rows", "Times"], "Column"]


class QueueOrder(NamedTuple):
    """The key of one request, and equal keys of many at once."""

    key: Key
    keys: Keys


def fifo(requests: Requests) -> QueueOrder:
    return QueueOrder(lambda row, time: 0.0, lambda rows, times: np.zeros(len(rows)))


def risk(requests: Requests) -> QueueOrder:
    score, scores = requests.risks.at, requests.risks.at_all
    return QueueOrder(lambda row, time: -score(row, time), lambda rows, times: -scores(rows, times))


def tag(requests: Requests) -> QueueOrder:
    return QueueOrder(requests.tags.at, requests.tags.at_all)


def _column(column: Column) -> QueueOrder:
    each = as_memoryview(column)
    return QueueOrder(lambda row, time: each[row], lambda rows, times: column[rows])


def priority(requests: Requests) -> QueueOrder:
    return _column(requests.priority)


def deadline(requests: Requests) -> QueueOrder:
    return _column(requests.deadline)


def freshest(requests: Requests) -> QueueOrder:
    column = requests.arrived
    each = as_memoryview(column)
    return QueueOrder(lambda row, time: -each[row], lambda rows, times: -column[rows])


#: Order to key: built once for a run, called for each request that joins the queue. Ties go to the earlier arrival.
ORDERS: dict[str, Callable[[Requests], QueueOrder]] = {
    "fifo": fifo,
    "risk": risk,
    "tag": tag,
    "priority": priority,
    "deadline": deadline,
    "freshest": freshest,
}

NAME_KINDS["order"] = NameKind("order", lambda *_: dict.fromkeys(ORDERS, ""), "'{}' is not an order", early=True)


class Freshness:
    """Requests are of one stream, or of one for each sensor; of a stream, the newest is the one that was sent last.

    Of two sent at the same time, the one that arrives later counts as newer.
    """

    def __init__(self, requests: Requests, rule: Literal["newest", "newest_of_sensor"]) -> None:
        self._sent = as_memoryview(requests.arrived)
        self._sensor = as_memoryview(requests.sensor) if rule == "newest_of_sensor" else None

    def sent(self, row: int) -> float:
        """When a request was sent (s)."""
        time: float = self._sent[row]
        return time

    def replaces(self, comer: int, other: int) -> bool:
        return self.same(comer, other) and self._sent[comer] >= self._sent[other]

    def same(self, row: int, other: int) -> bool:
        return row != other and (self._sensor is None or self._sensor[row] == self._sensor[other])


#: Picks one of the queues for a request, by row number.
Chooser = Callable[["Sequence[ReplicaQueue]", int], int]


def round_robin(run: StageRun, name: str) -> Chooser:
    turns = count()
    return lambda lanes, row: next(turns) % len(lanes)


def least_outstanding(run: StageRun, name: str) -> Chooser:
    return lambda lanes, row: min(range(len(lanes)), key=lambda lane: lanes[lane].outstanding)


def two_choices(run: StageRun, name: str) -> Chooser:
    """Return the better of two drawn at random (Mitzenmacher 2001, the power of two choices)."""
    first, second = (as_memoryview(run.uniform(f"{name}.choice.{index}")) for index in (1, 2))

    def choose(lanes: Sequence[ReplicaQueue], row: int) -> int:
        one, other = int(first[row] * len(lanes)), int(second[row] * len(lanes))
        return one if lanes[one].outstanding <= lanes[other].outstanding else other

    return choose


def at_random(run: StageRun, name: str) -> Chooser:
    drawn = as_memoryview(run.uniform(f"{name}.choice.1"))
    return lambda lanes, row: int(drawn[row] * len(lanes))


#: Built once for a run; streams are named after the pool.
BALANCERS: dict[str, Callable[[StageRun, str], Chooser]] = {
    "round_robin": round_robin,
    "least_outstanding": least_outstanding,
    "two_choices": two_choices,
    "random": at_random,
}


NAME_KINDS["balance"] = NameKind("rule", lambda *_: dict.fromkeys(BALANCERS, ""), "'{}' is not known", early=True)


class QueuedRequest:
    """One request at this pool, from joining to leaving.

    open: until it has its answer or has left; choice: its lane; copies: how many wait or are being served; permit: what the
    breaker let it in by
    """

    __slots__ = ("choice", "copies", "entered", "open", "permit", "row")

    def __init__(self, row: int, entered: float, choice: int, permit: int) -> None:
        self.row = row
        self.entered = entered
        self.choice = choice
        self.permit = permit
        self.copies = 0
        self.open = True


class Copy:
    """An entry of a queue: a request, or a second copy of it. `delayed`: it waited too long and is served last."""

    __slots__ = ("delayed", "entered", "second", "stay")

    def __init__(self, stay: QueuedRequest, entered: float, second: bool = False) -> None:
        self.stay = stay
        self.entered = entered
        self.second = second
        self.delayed = False
        stay.copies += 1


#: Where a copy lies in a queue: by key, the delayed after the others, then in order of arrival.
Place = tuple[float, bool, int, Copy]


class Queue:
    """Copies by key, those of equal key in order of arrival.

    deadline: by request, by when (s) its answer is worth something; empty where there are no classes
    """

    def __init__(self, key: Key, deadline: Any) -> None:
        self.key = key
        self.deadline = deadline
        self.items: list[Place] = []
        self.numbers = count()

    def __len__(self) -> int:
        return len(self.items)

    def push(self, copy: Copy, now: float) -> None:
        insort(self.items, (self.key(copy.stay.row, now), copy.delayed, next(self.numbers), copy))

    def first(self, size: int) -> list[Copy]:
        return [item[-1] for item in self.items[:size]]

    def entered(self, first: int) -> list[float]:
        return [item[-1].entered for item in self.items[:first]]

    def deadlines(self, first: int) -> list[float]:
        return [self.deadline[item[-1].stay.row] if self.deadline else inf for item in self.items[:first]]

    def take(self, size: int) -> list[Copy]:
        copies = self.first(size)
        del self.items[:size]
        return copies

    def drop(self, index: int) -> Copy:
        return self.items.pop(index)[-1]

    def replace(self, index: int, copy: Copy, now: float) -> Copy:
        *_, number, gone = self.items.pop(index)
        insort(self.items, (self.key(copy.stay.row, now), copy.delayed, number, copy))
        return gone

    def drop_all(self, which: Callable[[Copy], bool]) -> list[Copy]:
        gone = [item[-1] for item in self.items if which(item[-1])]
        self.items = [item for item in self.items if not which(item[-1])]
        return gone

    def index(self, copy: Copy) -> int | None:
        """Return the number of copies before this one; None if it has left. The newest mostly stand at the end."""
        return next((index for index in reversed(range(len(self.items))) if self.items[index][-1] is copy), None)

    def oldest(self) -> int | None:
        entered = [item[-1].entered for item in self.items]
        return entered.index(min(entered)) if entered else None


class ReplicaQueue:
    """A queue and the replicas that serve it; `free` is a heap of (since when, replica).

    surplus: the copies that found the queue full at this instant, in that order
    """

    def __init__(self, queue: Queue, replicas: Iterable[int], outages: Outages) -> None:
        self.queue = queue
        self.outages = outages
        self.surplus: list[Copy] = []
        self.free = [(-inf, replica) for replica in replicas]
        self.in_service = 0

    @property
    def outstanding(self) -> int:
        """Requests that wait here or are in service."""
        return len(self.queue) + self.in_service

    def available(self, now: float) -> bool:
        """Return whether a replica may serve now: it is there, and it is up."""
        while self.free and self.free[0][0] <= now:
            replica = self.free[0][1]
            down, repaired = self.outages.next(replica, now)
            if down > now:
                return True
            heapreplace(self.free, (repaired, replica))
        return False

    def take_replica(self) -> tuple[float, int]:
        return heappop(self.free)

    def next_time(self, rule: BatchRule, timeout: float, now: float) -> float:
        """When the queue may be served next, given that nobody comes and no batch is done before."""
        if not self.queue.items or not self.free:
            return inf
        if self.free[0][0] > now:
            return self.free[0][0]
        pending = self.queue.first(rule.max_batch)
        expires = min((copy.entered for copy in pending if not copy.delayed), default=inf) + timeout
        return min(rule.next_time(self.queue, now), nextafter(expires, inf))
