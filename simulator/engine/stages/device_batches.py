"""Batches in service: on replicas that have a device to themselves, or on one that several pools share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.records.trace import VisitLog

if TYPE_CHECKING:
    from simulator.engine.stages.queues import Copy, ReplicaQueue
    from simulator.engine.stages.stage import StageAlarm


Scores = NDArray[np.float32]

#: Work that is left by rounding alone, in seconds.
NOTHING = 1e-9


class RunningBatch:
    """Copies in service on one replica of a lane; `lost` if the replica fails before it is done.

    outage: when that replica fails next, and is up again; inf and inf if it does not
    scores: what the model that serves it says of each request, shape (tries, n); None where it gives no scores
    """

    __slots__ = ("copies", "done", "free_again", "lane", "lost", "outage", "replica", "scores", "started")

    def __init__(
        self,
        copies: list[Copy],
        lane: ReplicaQueue,
        replica: int,
        started: float,
        outage: tuple[float, float],
        scores: Scores | None,
    ) -> None:
        self.copies, self.lane, self.replica = copies, lane, replica
        self.started, self.outage, self.scores = started, outage, scores

    def end_at(self, time: float) -> None:
        fails, repaired = self.outage
        self.lost = fails < time
        self.done, self.free_again = (fails, repaired) if self.lost else (time, time)

    def stop_at(self, time: float) -> None:
        self.done, self.free_again, self.lost = time, time, True

    def note(self, log: VisitLog, counted: Iterable[int] = ()) -> set[int]:
        """Log the visits. A copy is unwanted if it was lost, or if its client had left or been answered.

        A request that is answered has waited since it joined the queue, whichever of its copies was served.

        counted: the requests, by the identity of their stay, of which another copy is logged as wanted already, though it is
        still being served; returned with those of this batch
        """
        first = len(log)
        answered = set(counted)
        entered = []
        for place, copy in enumerate(self.copies):
            if self.lost or not copy.stay.open or id(copy.stay) in answered:
                log.unwanted.append(first + place)
                entered.append(copy.entered)
            else:
                answered.add(id(copy.stay))
                entered.append(copy.stay.entered)
        rows = [copy.stay.row for copy in self.copies]
        log.add_batch(rows, entered, self.started, self.done, self.replica)
        return answered | {id(copy.stay) for copy in self.copies}


class Dedicated:
    """Every replica has its device to itself: when a batch ends is known when it begins."""

    def __init__(self) -> None:
        self.running: list[tuple[float, int, RunningBatch]] = []  # a heap, by when they are done
        self.numbers = count()

    def __len__(self) -> int:
        return len(self.running)

    def begin(self, batch: RunningBatch, seconds: float, now: float) -> None:
        """Let a batch go to work that would take `seconds` alone."""
        batch.end_at(now + seconds)
        heappush(self.running, (batch.done, next(self.numbers), batch))

    def ended(self, now: float) -> Iterator[RunningBatch]:
        """Take out the batches that are done by now, or lost with their replicas."""
        while self.running and self.running[0][0] <= now:
            yield heappop(self.running)[-1]

    @property
    def next_end(self) -> float:
        """When the first batch will be done or lost if nothing else begins or ends (s)."""
        return self.running[0][0] if self.running else inf

    def interrupt(self, batch: RunningBatch, now: float) -> None:
        """Let a batch make way for another one, before it is done."""
        self.running = [entry for entry in self.running if entry[-1] is not batch]
        heapify(self.running)
        batch.stop_at(now)

    def unfinished(self) -> list[RunningBatch]:
        """Return the batches that are still being served, each with the time at which it will be done."""
        return [batch for _, _, batch in sorted(self.running, key=lambda entry: entry[:2])]

    def goes_on(self, instead_of: Work) -> None:
        """Do nothing where another stage goes on with these batches: when they end is known."""

    def tell_others(self) -> None:
        """Do nothing about the batches of other pools: they end as they would have."""


class SharedDevice:
    """A device that several pools share: batches at work there at the same time slow each other down.

    Processor sharing: all batches go at the same pace, whichever pools they belong to.

    stretch: how many times as long as alone batches take, by how many are at work and on how many threads in all
    """

    def __init__(self, stretch: Callable[[int, int], float]) -> None:
        self.stretch = stretch
        self.shares: list[Shared] = []
        self.seen = 0.0
        self.batches = self.threads = 0
        self.pace = 1.0  # seconds of work that every batch gets done in a second

    def count(self, batches: int, threads: int) -> None:
        self.batches += batches
        self.threads += threads
        self.pace = 1 / self.stretch(self.batches, self.threads)

    def look(self, now: float) -> None:
        """Nothing has begun or ended since the last look: take off what was done."""
        done = (now - self.seen) * self.pace
        self.seen = now
        for share in self.shares if done else ():
            left = share.left
            for batch in left:
                left[batch] -= done


class Shared:
    """The batches of one pool on a shared accelerator.

    left: work left, in seconds of a batch alone; threads: of each batch that begins
    """

    def __init__(self, device: SharedDevice, alarm: StageAlarm, threads: int = 1) -> None:
        self.device = device
        self.threads = threads
        self.alarm = alarm
        self.left: dict[RunningBatch, float] = {}
        self._threads: dict[RunningBatch, int] = {}
        self._failing = inf  # when the first of the replicas at work fails
        device.shares.append(self)

    def __len__(self) -> int:
        return len(self.left)

    def begin(self, batch: RunningBatch, seconds: float, now: float) -> None:
        self.device.look(now)
        self.left[batch] = seconds
        self._threads[batch] = self.threads
        self.device.count(1, self.threads)
        self._failing = min(self._failing, batch.outage[0])

    def ended(self, now: float) -> Iterator[RunningBatch]:
        self.device.look(now)
        if not self.left or (min(self.left.values()) > NOTHING and self._failing > now):
            return iter(())
        done = {batch: left <= NOTHING for batch, left in self.left.items()}
        ended = [batch for batch in done if done[batch] or batch.outage[0] <= now]
        for batch in ended:
            batch.end_at(now if done[batch] else inf)
            self._leave(batch)
        return iter(ended)

    @property
    def next_end(self) -> float:
        if not self.left:
            return inf
        return min(self.device.seen + min(self.left.values()) / self.device.pace, self._failing)

    def interrupt(self, batch: RunningBatch, now: float) -> None:
        self.device.look(now)
        self._leave(batch)
        batch.stop_at(now)

    def unfinished(self) -> list[RunningBatch]:
        for batch in self.left:
            batch.end_at(self._end_of(batch))
        return list(self.left)

    def goes_on(self, instead_of: Work) -> None:
        assert isinstance(instead_of, Shared)
        self.alarm, self.threads = instead_of.alarm, instead_of.threads
        self.device.shares.remove(instead_of)

    def tell_others(self) -> None:
        for other in self.device.shares:
            if other is not self:
                other.alarm.set(other.next_end)

    def _leave(self, batch: RunningBatch) -> None:
        del self.left[batch]
        self.device.count(-1, -self._threads.pop(batch))
        self._failing = min((other.outage[0] for other in self.left), default=inf)

    def _end_of(self, batch: RunningBatch) -> float:
        return self.device.seen + self.left[batch] / self.device.pace


#: The batches of one pool that are being served.
Work = Dedicated | Shared
