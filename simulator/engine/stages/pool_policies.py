"""Policies of a pool: failures, circuit breaker, and the fields of its autoscaling.

Source of the breaker: Nygard, Release It!; as in
sony/gobreaker, an outcome counts only in the period in which its request was let in, so a request let in before the breaker
opened is no trial.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from math import inf
from typing import Annotated, Literal

from pydantic import Field

from simulator.case.fields import Figure, Strict, bounded, refused
from simulator.engine.compiled_plan import Conditions

Seconds = Annotated[float, Field(gt=0, le=1e6)]
Whole = Annotated[int, Field(ge=1, le=1024)]


class Breaker(Strict):
    """A circuit breaker: when too many calls fail, it refuses everything for a while and then tries a few."""

    window_s: Seconds = 10
    """outcomes older than this are forgotten"""
    failure_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """share of failures that opens it"""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """outcomes in the window before it may open"""
    open_s: Seconds = 5
    """how long it refuses everything"""
    trials: Annotated[int, Field(ge=1, le=1000)] = 5
    """requests let through before it closes again"""


class _Scaling(Strict):
    """The bounds of a policy."""

    min_replicas: Whole = 1
    """the fewest and the most replicas"""
    max_replicas: Whole
    """the fewest and the most replicas"""

    _in_order = refused(
        lambda scaling: scaling.min_replicas > scaling.max_replicas,
        "min_replicas ({0.min_replicas}) should not exceed max_replicas ({0.max_replicas})",
    )


class Hpa(_Scaling):
    """Kubernetes' horizontal pod autoscaler on utilization, with its default behaviour."""

    kind: Literal["hpa"]
    target: Annotated[float, Field(gt=0, le=1)] = 0.5
    """share of the time that a replica should be busy"""
    every_s: Seconds = 15
    """seconds between its checks"""
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.1
    """the relative distance from the target that it leaves alone"""
    stabilization_s: Annotated[float, Field(ge=0, le=3600)] = 300
    """how long a smaller number must be wanted before it applies"""


class Knative(_Scaling):
    """Knative's autoscaler on concurrency: a stable window, and a short one that panics."""

    kind: Literal["knative"]
    target: Annotated[float, Field(gt=0, le=1e4)] = 1
    """concurrent requests per replica"""
    every_s: Seconds = 2
    """seconds between its checks"""
    stable_s: Seconds = 60
    """the length of the stable window"""
    panic_s: Seconds = 6
    """the length of the short window"""
    panic_at: Annotated[float, Field(gt=1, le=100)] = 2
    """panics when this many times the ready replicas are wanted"""


class RayServe(_Scaling):
    """Ray Serve's autoscaler on ongoing requests: it acts on a demand that lasts."""

    kind: Literal["ray_serve"]
    target: Annotated[float, Field(gt=0, le=1e4)] = 2
    """ongoing requests per replica"""
    every_s: Seconds = 1
    """seconds between its checks"""
    upscale_delay_s: Annotated[float, Field(ge=0, le=1e5)] = 30
    """how long a demand lasts before replicas are added"""
    downscale_delay_s: Annotated[float, Field(ge=0, le=1e5)] = 600
    """how long a demand stays away before replicas are removed"""


Scaling = Annotated[Hpa | Knative | RayServe, Field(discriminator="kind")]


class Failures(Strict):
    """Replicas that fail and are repaired independently; both times are exponential."""

    mtbf_h: Annotated[Figure, bounded(0.1, 1e6)]
    """mean hours until a replica fails"""
    repair_minutes: Annotated[Figure, bounded(1e-3, 1e6)]
    """mean minutes until it runs again"""

    @property
    def availability(self) -> float:
        up, down = 60 * self.mtbf_h.value, self.repair_minutes.value
        return up / (up + down)


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
        """Return whether a request that arrives now may pass."""
        if self.half_open_at == inf:
            return True
        if now < self.half_open_at or self.trials_left == 0:
            return False
        self.trials_left -= 1
        return True

    def note(self, permit: int, now: float, failed: bool) -> None:
        """Note that a request which this permit let in has ended."""
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
        return True

    def note(self, permit: int, now: float, failed: bool) -> None:
        """Outcomes make no difference."""


def breaker_of(spec: Breaker | None) -> CircuitBreaker | NoBreaker:
    return NoBreaker() if spec is None else CircuitBreaker(spec)


class Outages:
    """When each replica of a pool is down, and how slow it is."""

    def __init__(self, conditions: Conditions, pool: str, replicas: int) -> None:
        each = range(replicas)
        self.spans = {number: spans for number in each if (spans := conditions.outages(pool, number))}
        self.slowdowns = {number: slower for number in each if not (slower := conditions.slowdown(pool, number)).steady}

    def next(self, replica: int, now: float) -> tuple[float, float]:
        """Return the outage of a replica that goes on now or comes next: from when, until when (s); inf and inf for none."""
        spans = self.spans.get(replica, [])
        upcoming = bisect_right(spans, now, key=lambda span: span[1])
        return spans[upcoming] if upcoming < len(spans) else (inf, inf)

    def slowed(self, replica: int, seconds: float, now: float) -> float:
        """Return how long a batch of so many seconds takes that a replica begins now."""
        return seconds * self.slowdowns[replica].at(now) if replica in self.slowdowns else seconds
