"""Batching rules: the number of waiting requests that a free replica serves together, one class a rule.

A rule is called whenever a replica is free and its queue has changed, and again at the time the rule gave.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, TypeVar

from simulator.case.references import NAME_KINDS, NameKind

if TYPE_CHECKING:
    from simulator.engine.latency_tables import LatencyTable


class WaitingRequests(Protocol):
    """The requests waiting in one queue, in the order of service; there is at least one."""

    def __len__(self) -> int:
        """Return the number of requests wait."""

    def entered(self, first: int) -> list[float]:
        """Since when (s) each of the `first` next ones waits."""

    def deadlines(self, first: int) -> list[float]:
        """Return the deadline (s) of each of the `first` next ones; inf for one without a deadline."""


class BatchedPool(Protocol):
    """The fields of a pool about its batches."""

    max_batch: int
    max_queue_delay_ms: float
    preferred_batches: list[int]


class BatchRule(ABC):
    """Decision of a free replica about the requests that wait."""

    #: What the diagram says about a pool with this rule, after its batch size.
    words: ClassVar[str] = ""
    #: The fields of a pool, besides `max_batch`, that the rule uses; a pool with another of BATCH_FIELDS is refused.
    reads: ClassVar[frozenset[str]] = frozenset()
    #: Whether it uses deadlines, and so needs a class that has one.
    by_deadline: ClassVar[bool] = False

    max_batch: int

    @classmethod
    @abstractmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable) -> Self:
        """Return the rule with a pool's fields; the table gives the service times of its batches."""

    @abstractmethod
    def size(self, queue: WaitingRequests, now: float) -> int:
        """Return the number of requests to serve now, from the front, `max_batch` at most; 0 means wait."""

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        """When (s) to ask again about a waiting queue if no request arrives; inf for never."""
        return inf

    def sustained(self, room: int) -> int:
        return min(room, self.max_batch)


#: Rules by the name that a pool gives as `batching`.
BATCHING: dict[str, type[BatchRule]] = {}

NAME_KINDS["batching"] = NameKind("rule", lambda *_: dict.fromkeys(BATCHING, ""), "'{}' is not a batching rule", early=True)

#: The fields of a pool about its batches, apart from their largest size.
BATCH_FIELDS = ("preferred_batches", "max_queue_delay_ms")

Rule = TypeVar("Rule", bound=type[BatchRule])


def batching(name: str) -> Callable[[Rule], Rule]:
    """Register a class as the rule of that name; raises ValueError if the name is taken."""

    def register(rule: Rule) -> Rule:
        if name in BATCHING:
            raise ValueError(f"there already is a batching rule '{name}'")
        BATCHING[name] = rule
        return rule

    return register


@batching("triton")
@dataclass(frozen=True)
class TritonRule(BatchRule):
    """Triton's dynamic batching.

    Source: triton-inference-server/core, `src/dynamic_batch_scheduler.cc`. `preferred` empty stands for `[max_batch]`.
    """

    reads = frozenset(BATCH_FIELDS)

    max_batch: int = 1
    delay_s: float = 0.0
    preferred: tuple[int, ...] = ()

    @classmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable | None = None) -> Self:
        return cls(pool.max_batch, pool.max_queue_delay_ms / 1000, tuple(pool.preferred_batches))

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(sorted(self.preferred)) or (self.max_batch,)

    def size(self, queue: WaitingRequests, now: float) -> int:
        return self.take(len(queue), self.next_time(queue, now) <= now)

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        return min(queue.entered(self.max_batch)) + self.delay_s

    def sustained(self, room: int) -> int:
        return self.take(room, overdue=True)

    def take(self, waiting: int, overdue: bool) -> int:
        """Return the number of of the `waiting` requests to send now, from the front; 0 means wait.

        overdue: whether the oldest of them has waited for `delay_s` or longer.
        """
        pending = min(waiting, self.max_batch)
        exceeded = self.delay_s > 0 and overdue
        marked = max((size for size in self.sizes if size <= pending), default=0)
        if marked and not exceeded:
            return marked
        stopped = waiting > self.max_batch
        if stopped or pending >= self.sizes[-1] or exceeded or self.delay_s == 0:
            return pending
        return 0

    def tables(self) -> tuple[list[list[int]], list[int]]:
        """Return what `take` gives by whether it is overdue and how many wait, and for how many those wait; 0 for none."""
        lengths = range(self.max_batch + 2)
        taken = [[self.take(waiting, overdue) for waiting in lengths] for overdue in (False, True)]
        return taken, [next((size for size in self.sizes if size > waiting), 0) for waiting in lengths]


#: The quantile of a batch's service time that is expected of it.
SAFE_SHARE = 0.95


@batching("deadline")
class DeadlineRule(BatchRule):
    """The largest batch that still meets the earliest deadline.

    The earliest deadline counts that a batch of one could still meet, among the next `max_batch` requests. A request that would
    be late even alone does not count, and if all are late the batch is as large as possible. A batch is expected to take the
    95th percentile of batches of its size, busy or after an idle gap, whichever is longer.

    The largest size that meets the deadline goes at once, with one exception: while all waiting requests and one more would
    meet it, they wait for another until the oldest has waited for `max_queue_delay_ms`.
    """

    words = "none later than a deadline"
    reads = frozenset({"max_queue_delay_ms"})
    by_deadline = True

    def __init__(self, seconds: list[float], delay_s: float = 0.0) -> None:
        """seconds: the expected time of a batch of each size from 1 on."""
        self.seconds = seconds
        self.max_batch = len(seconds)
        self.delay_s = delay_s

    @classmethod
    def of(cls, pool: BatchedPool, latency: LatencyTable) -> Self:
        sizes = range(1, pool.max_batch + 1)
        return cls([latency.quantile_s(SAFE_SHARE, size) for size in sizes], pool.max_queue_delay_ms / 1000)

    def size(self, queue: WaitingRequests, now: float) -> int:
        """Return the largest size that meets the earliest deadline; 0 while one more may still join."""
        most, deadline = min(len(queue), self.max_batch), self._earliest(queue, now)
        largest = max(size for size in range(1, most + 1) if size == 1 or now <= self._last_start(size, deadline))
        waits = largest == most < self.max_batch and now < self.next_time(queue, now)
        return 0 if waits else largest

    def next_time(self, queue: WaitingRequests, now: float) -> float:
        overdue = min(queue.entered(self.max_batch)) + self.delay_s
        return min(overdue, self._last_start(min(len(queue) + 1, self.max_batch), self._earliest(queue, now)))

    def _earliest(self, queue: WaitingRequests, now: float) -> float:
        deadlines = queue.deadlines(self.max_batch)
        return min((one for one in deadlines if now <= self._last_start(1, one)), default=inf)

    def _last_start(self, size: int, deadline: float) -> float:
        return deadline - self.seconds[size - 1]
