"""A circuit breaker in front of a pool (Nygard, Release It!).

An outcome counts only in the period in which its request was let in, as in sony/gobreaker: a request let in before the breaker
opened is not a trial, whenever it ends.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.engine.conditions import Conditions
    from simulator.stages.pool_fields import Breaker


class CircuitBreaker:
    """Closed: all pass. Open: none does. Half open, after `open_s`: some pass on trial, and their outcomes decide.

    period: rises whenever the breaker opens or closes; it is the permit of each request let in
    """

    def __init__(self, spec: Breaker) -> None:
        self.spec = spec
        self.period = 0
        self.outcomes: deque[tuple[float, bool]] = deque()  # time, whether it failed
        self.failures = 0
        self.half_open_at = inf
        self.trials_left = 0
        self.successes = 0

    def allows(self, now: float) -> bool:
        """Whether a request that arrives now may pass."""
        if self.half_open_at == inf:
            return True
        if now < self.half_open_at or self.trials_left == 0:
            return False
        self.trials_left -= 1
        return True

    def note(self, permit: int, now: float, failed: bool) -> None:
        """A request that was let in by this permit came to its end."""
        if permit != self.period:
            return
        if self.half_open_at < inf:
            self._note_trial(now, failed)
            return
        self.outcomes.append((now, failed))
        self.failures += failed
        while self.outcomes[0][0] <= now - self.spec.window_s:
            self.failures -= self.outcomes.popleft()[1]
        enough = len(self.outcomes) >= self.spec.min_requests
        if enough and self.failures >= self.spec.failure_share * len(self.outcomes):
            self._open(now)

    def _note_trial(self, now: float, failed: bool) -> None:
        self.successes += not failed
        if failed:
            self._open(now)
        elif self.successes >= self.spec.trials:
            self.half_open_at = inf
            self.period += 1

    def _open(self, now: float) -> None:
        self.outcomes.clear()
        self.failures = self.successes = 0
        self.trials_left = self.spec.trials
        self.half_open_at = now + self.spec.open_s
        self.period += 1


class NoBreaker:
    """Lets every request pass."""

    period = 0

    def allows(self, now: float) -> bool:
        """Whether a request that arrives now may pass: always."""
        return True

    def note(self, permit: int, now: float, failed: bool) -> None:
        """Outcomes make no difference."""


def breaker_of(spec: Breaker | None) -> CircuitBreaker | NoBreaker:
    """The breaker that a pool specifies."""
    return NoBreaker() if spec is None else CircuitBreaker(spec)


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
