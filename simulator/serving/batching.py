"""How many of the requests that wait a free replica serves together: one class a rule.

A rule is asked whenever a replica is free and its queue has changed, and again at the time that the rule named.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Protocol, Self, TypeVar

from simulator.scenario.stages import Pool
from simulator.serving.latency import LatencyTable


class Waiting(Protocol):
    """The requests that wait in one queue, in the order in which they are served; there is at least one."""

    def __len__(self) -> int:
        """How many wait."""

    def entered(self, first: int) -> list[float]:
        """Since when (s) each of the `first` next ones waits."""

    def deadlines(self, first: int) -> list[float]:
        """By when (s) an answer to each of the `first` next ones is worth something; inf for one without a deadline."""


class BatchRule(ABC):
    """What a free replica does with the requests that wait."""

    #: What the diagram says of a pool with this rule, behind the size of its batches.
    words: ClassVar[str] = ""
    #: The fields of a pool, beside `max_batch`, that the rule goes by; a pool that gives another of BATCH_FIELDS is refused.
    reads: ClassVar[frozenset[str]] = frozenset()
    #: Whether it goes by deadlines, and so needs a class that has one.
    by_deadline: ClassVar[bool] = False

    max_batch: int

    @classmethod
    @abstractmethod
    def of(cls, pool: Pool, latency: LatencyTable) -> Self:
        """The rule as a pool asks for it, whose batches take as long as the table says."""

    @abstractmethod
    def size(self, queue: Waiting, now: float) -> int:
        """How many requests to serve now, from the front, `max_batch` at most; 0 means wait."""

    def next_time(self, queue: Waiting, now: float) -> float:
        """When a queue that was told to wait may be told otherwise, if nobody comes (s); inf for never."""
        return inf

    def sustained(self, room: int) -> int:
        """The size of the batches that it forms of a queue that always holds `room` requests, all of which are late."""
        return min(room, self.max_batch)


#: Rules by the name that a pool gives as `batching`.
BATCHING: dict[str, type[BatchRule]] = {}

#: The fields of a pool that say more about its batches than how large they may be.
BATCH_FIELDS = ("preferred_batches", "max_queue_delay_ms")

Rule = TypeVar("Rule", bound=type[BatchRule])


def batching(name: str) -> Callable[[Rule], Rule]:
    """Register a class as the rule of that name; raises ValueError where the name is taken."""

    def register(rule: Rule) -> Rule:
        if name in BATCHING:
            raise ValueError(f"there is a batching rule '{name}' already")
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
    def of(cls, pool: Pool, latency: LatencyTable | None = None) -> Self:
        """The rule with a pool's fields; it asks no latency."""
        return cls(pool.max_batch, pool.max_queue_delay_ms / 1000, tuple(pool.preferred_batches))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The preferred sizes in effect, ascending."""
        return tuple(sorted(self.preferred)) or (self.max_batch,)

    def size(self, queue: Waiting, now: float) -> int:
        """As many as `take` says."""
        return self.take(len(queue), self.next_time(queue, now) <= now)

    def next_time(self, queue: Waiting, now: float) -> float:
        """When the oldest of those who would go together is overdue."""
        return min(queue.entered(self.max_batch)) + self.delay_s

    def sustained(self, room: int) -> int:
        """All of them are overdue."""
        return self.take(room, overdue=True)

    def take(self, waiting: int, overdue: bool) -> int:
        """How many of the `waiting` requests to send now, from the front; 0 means wait.

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

    def table(self) -> tuple[list[int], list[int]]:
        """`take` for every queue length up to max_batch + 1 (a longer queue gives the same), not overdue and overdue."""
        lengths = range(self.max_batch + 2)
        return [self.take(waiting, False) for waiting in lengths], [self.take(waiting, True) for waiting in lengths]


#: A batch is counted on to take no longer than this share of such batches take.
SAFE_SHARE = 0.95


@batching("deadline")
class DeadlineRule(BatchRule):
    """The largest batch that still meets the earliest deadline.

    Of the next `max_batch` requests the earliest deadline counts that a batch of one could still meet. A request that would be
    late even alone holds nobody back: its deadline no longer counts, and where all are late the batch is as large as it may be.
    A batch is counted on to take as long as 95% of batches of its size take, busy or after an idle gap, whichever is longer.

    The largest size goes at once that meets the deadline, with one exception: while all that wait would meet it, and so would
    one more, they wait for company until the oldest has waited for `max_queue_delay_ms`.
    """

    words = "none later than a deadline"
    reads = frozenset({"max_queue_delay_ms"})
    by_deadline = True

    def __init__(self, seconds: list[float], delay_s: float = 0.0) -> None:
        """seconds: how long a batch of each size from 1 on is counted on to take."""
        self.seconds = seconds
        self.max_batch = len(seconds)
        self.delay_s = delay_s

    @classmethod
    def of(cls, pool: Pool, latency: LatencyTable) -> Self:
        """The rule with the times that a pool's table tells."""
        sizes = range(1, pool.max_batch + 1)
        return cls([latency.quantile_s(SAFE_SHARE, size) for size in sizes], pool.max_queue_delay_ms / 1000)

    def size(self, queue: Waiting, now: float) -> int:
        """The largest size that meets the earliest deadline; 0 while one more may still come along."""
        most, deadline = min(len(queue), self.max_batch), self._earliest(queue, now)
        largest = max(size for size in range(1, most + 1) if size == 1 or now <= self._last_start(size, deadline))
        waits = largest == most < self.max_batch and now < self.next_time(queue, now)
        return 0 if waits else largest

    def next_time(self, queue: Waiting, now: float) -> float:
        """When the oldest has waited for long enough, or one more would be too many for the deadline."""
        overdue = min(queue.entered(self.max_batch)) + self.delay_s
        return min(overdue, self._last_start(min(len(queue) + 1, self.max_batch), self._earliest(queue, now)))

    def _earliest(self, queue: Waiting, now: float) -> float:
        """The earliest deadline that a batch of one would meet; inf if there is none."""
        deadlines = queue.deadlines(self.max_batch)
        return min((one for one in deadlines if now <= self._last_start(1, one)), default=inf)

    def _last_start(self, size: int, deadline: float) -> float:
        """The last time at which a batch of that size may begin that is done by the deadline."""
        return deadline - self.seconds[size - 1]
