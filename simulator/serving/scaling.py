"""How many replicas an autoscaler wants: one class per rule, called at regular times.

Sources: kubernetes.io, Horizontal Pod Autoscaling (algorithm and default behaviour); knative.dev, autoscaling concepts (KPA);
docs.ray.io, Ray Serve autoscaling.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any, Protocol

from simulator.scenario.stages.policies import Hpa, Knative, RayServe


@dataclass
class Usage:
    """What a pool did up to each time it was looked at: replica-seconds of work, and the integral of requests in the pool."""

    times: list[float] = field(default_factory=lambda: [0.0])
    work_s: list[float] = field(default_factory=lambda: [0.0])
    ongoing_s: list[float] = field(default_factory=lambda: [0.0])

    def note(self, time: float, work_s: float, ongoing_s: float) -> None:
        """Add a look at the pool."""
        self.times.append(time)
        self.work_s.append(work_s)
        self.ongoing_s.append(ongoing_s)

    def busy(self, window_s: float) -> float:
        """Replicas at work, on average over the last `window_s`."""
        return self._mean(self.work_s, window_s)

    def ongoing(self, window_s: float) -> float:
        """Requests that waited or were served, on average over the last `window_s`."""
        return self._mean(self.ongoing_s, window_s)

    def _mean(self, integral: list[float], window_s: float) -> float:
        first = max(bisect_right(self.times, self.times[-1] - window_s + 1e-9) - 1, 0)
        elapsed = self.times[-1] - self.times[first]
        return (integral[-1] - integral[first]) / elapsed if elapsed else 0.0


class Scaler(Protocol):
    """A rule with what it remembers."""

    def wanted(self, now: float, ready: int, current: int, usage: Usage) -> int:
        """How many replicas there should be; ready: those that serve, current: those that are starting too."""


class HpaScaler:
    """desired = ceil(ready x utilization / target); nothing within the tolerance.

    Up at once, by at most 100% or 4 replicas a step; down to the highest number wanted in the last `stabilization_s`.
    """

    def __init__(self, spec: Hpa) -> None:
        self.spec = spec
        self.wishes: deque[tuple[float, int]] = deque()

    def wanted(self, now: float, ready: int, current: int, usage: Usage) -> int:
        """How many replicas there should be."""
        wish = self._wish(ready, current, usage)
        self.wishes.append((now, wish))
        while self.wishes[0][0] < now - self.spec.stabilization_s:
            self.wishes.popleft()
        if wish > current:
            return min(wish, max(2 * current, current + 4))
        return min(current, max(wish for _, wish in self.wishes))

    def _wish(self, ready: int, current: int, usage: Usage) -> int:
        if ready == 0:
            return current
        ratio = usage.busy(self.spec.every_s) / ready / self.spec.target
        return current if abs(ratio - 1) <= self.spec.tolerance else ceil(ready * ratio - 1e-9)


class KnativeScaler:
    """desired = ceil(mean concurrency / target) over the stable window; over the panic window when that wants twice as many.

    In panic the number does not fall; it ends when the panic window has wanted less for a stable window.
    """

    def __init__(self, spec: Knative) -> None:
        self.spec = spec
        self.panic_until = -inf
        self.highest = 0

    def wanted(self, now: float, ready: int, current: int, usage: Usage) -> int:
        """How many replicas there should be."""
        stable, panic = (ceil(usage.ongoing(s) / self.spec.target - 1e-9) for s in (self.spec.stable_s, self.spec.panic_s))
        if panic >= self.spec.panic_at * max(ready, 1):
            self.panic_until = now + self.spec.stable_s
        if now >= self.panic_until:
            self.highest = 0
            return stable
        self.highest = max(self.highest, panic, current)
        return self.highest


class RayServeScaler:
    """desired = ceil(ongoing / target), once a change up, or down, has been wanted for its delay."""

    def __init__(self, spec: RayServe) -> None:
        self.spec = spec
        self.up_since = self.down_since = inf

    def wanted(self, now: float, ready: int, current: int, usage: Usage) -> int:
        """How many replicas there should be."""
        wish = ceil(usage.ongoing(self.spec.every_s) / self.spec.target - 1e-9)
        self.up_since = min(self.up_since, now) if wish > current else inf
        self.down_since = min(self.down_since, now) if wish < current else inf
        lasts = now - self.up_since >= self.spec.upscale_delay_s or now - self.down_since >= self.spec.downscale_delay_s
        if not lasts:
            return current
        self.up_since = self.down_since = inf
        return wish


#: The rule of each kind.
SCALERS: dict[str, Any] = {"hpa": HpaScaler, "knative": KnativeScaler, "ray_serve": RayServeScaler}
