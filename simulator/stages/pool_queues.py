"""Which replica's queue a request joins: one function per rule."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heapreplace
from itertools import count
from math import inf, nextafter
from typing import TYPE_CHECKING, Any, Protocol

from simulator.engine.annotations import as_memoryview

if TYPE_CHECKING:
    from simulator.engine.run import Run
    from simulator.stages.batching import BatchRule
    from simulator.stages.breaker import Outages
    from simulator.stages.queue_orders import Key


class QueueLength(Protocol):
    """A queue that can be chosen."""

    @property
    def outstanding(self) -> int:
        """Requests that wait there or are in service."""


#: Picks one of the queues for a request, by row number.
Chooser = Callable[[Sequence[QueueLength], int], int]


def round_robin(run: Run, name: str) -> Chooser:
    """One after the other."""
    turns = count()
    return lambda lanes, row: next(turns) % len(lanes)


def least_outstanding(run: Run, name: str) -> Chooser:
    """The one with the fewest requests; the first of several."""
    return lambda lanes, row: min(range(len(lanes)), key=lambda lane: lanes[lane].outstanding)


def two_choices(run: Run, name: str) -> Chooser:
    """The better of two drawn at random (Mitzenmacher 2001, the power of two choices)."""
    first, second = (as_memoryview(run.uniform(f"{name}.choice.{index}")) for index in (1, 2))

    def choose(lanes: Sequence[QueueLength], row: int) -> int:
        one, other = int(first[row] * len(lanes)), int(second[row] * len(lanes))
        return one if lanes[one].outstanding <= lanes[other].outstanding else other

    return choose


def at_random(run: Run, name: str) -> Chooser:
    """Any, with equal probability."""
    drawn = as_memoryview(run.uniform(f"{name}.choice.1"))
    return lambda lanes, row: int(drawn[row] * len(lanes))


#: Built once for a run; streams are named after the pool.
BALANCERS: dict[str, Callable[[Run, str], Chooser]] = {
    "round_robin": round_robin,
    "least_outstanding": least_outstanding,
    "two_choices": two_choices,
    "random": at_random,
}


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
    """What lies in a queue: a stay, or a second copy of it. `delayed`: it waited too long and is served after the others."""

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
        self._numbers = count()

    def __len__(self) -> int:
        return len(self.items)

    def push(self, copy: Copy, now: float) -> Place:
        """Join the queue; returns the place there."""
        place = self.key(copy.stay.row, now), copy.delayed, next(self._numbers), copy
        insort(self.items, place)
        return place

    def first(self, size: int) -> list[Copy]:
        """Those who would be served next."""
        return [item[-1] for item in self.items[:size]]

    def entered(self, first: int) -> list[float]:
        """Since when the next ones wait."""
        return [item[-1].entered for item in self.items[:first]]

    def deadlines(self, first: int) -> list[float]:
        """The deadlines of the next ones."""
        return [self.deadline[item[-1].stay.row] if self.deadline else inf for item in self.items[:first]]

    def take(self, size: int) -> list[Copy]:
        """Take those out who are served next."""
        copies = self.first(size)
        del self.items[:size]
        return copies

    def drop(self, index: int) -> Copy:
        """Take one out."""
        return self.items.pop(index)[-1]

    def replace(self, index: int, copy: Copy, now: float) -> Copy:
        """Put a copy where another one stands, among those of equal key; returns the other one."""
        *_, number, gone = self.items.pop(index)
        insort(self.items, (self.key(copy.stay.row, now), copy.delayed, number, copy))
        return gone

    def drop_all(self, which: Callable[[Copy], bool]) -> list[Copy]:
        """Take all out that are meant, in order."""
        gone = [item[-1] for item in self.items if which(item[-1])]
        self.items = [item for item in self.items if not which(item[-1])]
        return gone

    def index(self, place: Place) -> int | None:
        """How many are before that place; None if it is empty by now."""
        index = bisect_left(self.items, place)
        return index if index < len(self.items) and self.items[index] is place else None

    def oldest(self) -> int:
        """The index of the one who has waited longest."""
        return min(range(len(self.items)), key=lambda index: self.items[index][-1].entered)


class ReplicaQueue:
    """A queue and the replicas that serve it; `free` is a heap of (since when, replica).

    surplus: who has found the queue full at this instant, in that order
    """

    def __init__(self, queue: Queue, replicas: Iterable[int], outages: Outages) -> None:
        self.queue = queue
        self.outages = outages
        self.surplus: list[Place] = []
        self.free = [(-inf, replica) for replica in replicas]
        self.in_service = 0

    @property
    def outstanding(self) -> int:
        """Requests that wait here or are being served."""
        return len(self.queue) + self.in_service

    def available(self, now: float) -> bool:
        """Whether a replica may serve now: it is there, and it is up."""
        while self.free and self.free[0][0] <= now:
            replica = self.free[0][1]
            down, repaired = self.outages.next(replica, now)
            if down > now:
                return True
            heapreplace(self.free, (repaired, replica))
        return False

    def take_replica(self) -> tuple[float, int]:
        """The replica that has been free for longest: (since when, replica)."""
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
