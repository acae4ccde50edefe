"""How replicas fail and slow down: the timetables of one pool."""

from __future__ import annotations

from bisect import bisect_right
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.serving.conditions import Conditions


class Outages:
    """When each replica of a pool is down, and how slow it is."""

    def __init__(self, conditions: Conditions, pool: str, replicas: int) -> None:
        each = range(replicas)
        self.spans = {one: spans for one in each if (spans := conditions.outages(pool, one))}
        self.slowdowns = {one: slower for one in each if not (slower := conditions.slowdown(pool, one)).steady}

    def next(self, replica: int, now: float) -> tuple[float, float]:
        """The outage of a replica that goes on now or comes next: from when, until when (s); inf and inf for none."""
        spans = self.spans.get(replica, [])
        upcoming = bisect_right(spans, now, key=lambda span: span[1])
        return spans[upcoming] if upcoming < len(spans) else (inf, inf)

    def slowed(self, replica: int, seconds: float, now: float) -> float:
        """How long a batch of so many seconds takes that a replica begins now."""
        return seconds * self.slowdowns[replica].at(now) if replica in self.slowdowns else seconds
