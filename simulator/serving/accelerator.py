"""A device that several pools share: batches at work there at the same time slow each other down."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.serving.stages.managed_pool import Batch, ManagedPoolStage

#: Work that is left by rounding alone, in seconds.
NOTHING = 1e-9


class Accelerator:
    """Processor sharing: k batches all go at the pace 1 / (1 + (k - 1) (s - 1)) of one alone, whoever they belong to.

    slowdown: s, the times as long that two batches side by side take; 2 is a device that takes turns, 1 one with room for all.
    """

    def __init__(self, slowdown: float) -> None:
        self.slowdown = slowdown
        self.pools: list[ManagedPoolStage] = []
        self.left: dict[Batch, float] = {}  # work left, in seconds of a batch alone
        self._seen = 0.0

    @property
    def pace(self) -> float:
        """Seconds of work that every batch gets done in a second."""
        return 1 / (1 + max(len(self.left) - 1, 0) * (self.slowdown - 1))

    def begin(self, batch: Batch, seconds: float, now: float) -> None:
        """A batch that would take `seconds` alone goes to work."""
        self._look(now)
        self.left[batch] = seconds

    def ended(self, pool: ManagedPoolStage, now: float) -> list[Batch]:
        """Take out the batches of a pool that are done by now, or lost with their replicas."""
        self._look(now)
        done = {batch: left <= NOTHING for batch, left in self.left.items() if batch.pool is pool}
        ended = [batch for batch in done if done[batch] or batch.outage[0] <= now]
        for batch in ended:
            batch.end_at(now if done[batch] else inf)
            del self.left[batch]
        return ended

    def time_of(self, batch: Batch) -> float:
        """When a batch will be done if nothing else begins or ends, and its replica does not fail."""
        return self._seen + self.left[batch] / self.pace

    def next_end(self, pool: ManagedPoolStage) -> float:
        """When the first batch of a pool will be done or lost if nothing else begins or ends."""
        return min((min(self.time_of(batch), batch.outage[0]) for batch in self.left if batch.pool is pool), default=inf)

    def tell_others(self, pool: ManagedPoolStage) -> None:
        """The pace may have changed: let the other pools look again no later than they need to."""
        for other in self.pools:
            if other is not pool:
                other.alarm.set(self.next_end(other))

    def _look(self, now: float) -> None:
        done = (now - self._seen) * self.pace
        for batch in self.left:
            self.left[batch] -= done
        self._seen = now
