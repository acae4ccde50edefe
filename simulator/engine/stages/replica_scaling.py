"""Autoscaling of a pool while it runs: the rules of the autoscalers, and the replicas that they add and remove.

Sources: kubernetes.io, Horizontal Pod Autoscaling (algorithm and default behaviour); knative.dev, autoscaling concepts (KPA);
docs.ray.io, Ray Serve autoscaling.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from heapq import heapify, heappush
from itertools import count
from math import ceil, inf
from typing import TYPE_CHECKING, Any

from simulator.engine.stages.pool_policies import Hpa, Knative, RayServe
from simulator.records.trace import Fleet

if TYPE_CHECKING:
    from simulator.engine.stages.managed_pool import ManagedPoolStage


@dataclass
class Usage:
    """Work of a pool up to each look: replica-seconds, and the integral of requests in the pool."""

    times: list[float] = field(default_factory=lambda: [0.0])
    work_s: list[float] = field(default_factory=lambda: [0.0])
    ongoing_s: list[float] = field(default_factory=lambda: [0.0])

    def note(self, time: float, work_s: float, ongoing_s: float) -> None:
        self.times.append(time)
        self.work_s.append(work_s)
        self.ongoing_s.append(ongoing_s)

    def busy(self, window_s: float) -> float:
        return self._mean(self.work_s, window_s)

    def ongoing(self, window_s: float) -> float:
        return self._mean(self.ongoing_s, window_s)

    def _mean(self, integral: list[float], window_s: float) -> float:
        first = max(bisect_right(self.times, self.times[-1] - window_s + 1e-9) - 1, 0)
        elapsed = self.times[-1] - self.times[first]
        return (integral[-1] - integral[first]) / elapsed if elapsed else 0.0


class HpaScaler:
    """desired = ceil(ready x utilization / target); nothing within the tolerance.

    Up at once, by at most 100% or 4 replicas a step; down to the highest number wanted in the last `stabilization_s`.
    """

    def __init__(self, spec: Hpa) -> None:
        self.spec = spec
        self.wishes: deque[tuple[float, int]] = deque()

    def wanted(self, now: float, ready: int, current: int, usage: Usage) -> int:
        """Return the number of replicas there should be; ready: those that serve, current: those that are starting too."""
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
        """Return the number of replicas there should be."""
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
        """Return the number of replicas there should be."""
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


class ReplicaScaling:
    """Looks at a pool at regular times and adds or removes replicas. A new one serves after its cold start."""

    keeps_replicas = True

    def __init__(self, pool: ManagedPoolStage, spec: Hpa | Knative | RayServe) -> None:
        self.pool = pool
        self.spec = spec
        self.rule: HpaScaler | KnativeScaler | RayServeScaler = SCALERS[spec.kind](spec)
        self.usage = Usage()
        self.next_time = spec.every_s
        self.cold_starts = pool.run.plan.cold_starts[pool.name]
        self.luck = pool.run.streams.named(f"{pool.name}.cold_start")
        self.ready_at = dict.fromkeys(range(pool.spec.replicas), 0.0)  # of every replica that is wanted
        self.leaving: dict[int, float] = {}  # replicas that go when they have done their batch, with when they were ready
        self.spans: dict[int, list[tuple[float, float]]] = {}  # by replica: when those could serve that have gone
        self.numbers: list[tuple[float, int]] = [(0.0, len(self.ready_at))]
        self._seen, self._work_s, self._ongoing_s = 0.0, 0.0, 0.0
        self.machine_s = 0.0
        self.paid: list[tuple[float, float]] = []  # replica-seconds by each time (s) at which a pick changed

    def look(self, now: float) -> None:
        """Nothing has changed since the last look: add up what went on."""
        elapsed, lane = now - self._seen, self.pool.lanes[0]
        self._work_s += elapsed * len(self.pool.work)
        self._ongoing_s += elapsed * lane.outstanding
        start, end = (min(time, self.pool.run.plan.arrivals_end_s) for time in (self._seen, now))
        self.machine_s += (end - start) * (len(self.ready_at) + len(self.leaving))
        self._seen = now

    def act(self, now: float) -> None:
        """Ask the rule when it is time to."""
        if now < self.next_time:
            return
        self.next_time += self.spec.every_s
        self.usage.note(now, self._work_s, self._ongoing_s)
        ready = sum(time <= now for time in self.ready_at.values())
        wanted = self.rule.wanted(now, ready, len(self.ready_at), self.usage)
        wanted = min(max(wanted, self.spec.min_replicas), self.spec.max_replicas)
        for _ in range(wanted - len(self.ready_at)):
            self._start(now)
        for _ in range(len(self.ready_at) - wanted):
            self._remove()
        if len(self.ready_at) != self.numbers[-1][1]:
            self.numbers.append((now, len(self.ready_at)))

    def _start(self, now: float) -> None:
        replica = next(number for number in count() if number not in self.ready_at and number not in self.leaving)
        self.ready_at[replica] = now + self.cold_starts[int(self.luck.integers(len(self.cold_starts)))]
        heappush(self.pool.lanes[0].free, (self.ready_at[replica], replica))
        self.pool.touched.append(self.pool.lanes[0])

    def _remove(self) -> None:
        """Remove the youngest replica; if it is at work, it finishes its batch first."""
        replica = max(self.ready_at, key=lambda number: (self.ready_at[number], number))
        ready = self.ready_at.pop(replica)
        free = self.pool.lanes[0].free
        idle = [entry for entry in free if entry[1] != replica]
        if len(idle) == len(free):
            self.leaving[replica] = ready
        else:
            self._gone(replica, ready)
        free[:] = idle
        heapify(free)

    def lets_go(self, replica: int) -> bool:
        """Return whether a replica that has done its batch is not wanted any more."""
        if replica not in self.leaving:
            return False
        self._gone(replica, self.leaving.pop(replica))
        return True

    def _gone(self, replica: int, ready: float) -> None:
        if ready < self._seen:
            self.spans.setdefault(replica, []).append((ready, self._seen))

    def of(self, pool: ManagedPoolStage) -> ReplicaScaling:
        """Return the present replicas for a pool that replaces another, perhaps with another rule."""
        assert pool.spec.scaling is not None  # a pool scales all the time or never
        if self.spec != pool.spec.scaling:
            self.spec, self.rule = pool.spec.scaling, SCALERS[pool.spec.scaling.kind](pool.spec.scaling)
        self.paid.append((self._seen, self.machine_s))
        self.pool, self.cold_starts = pool, pool.run.plan.cold_starts[pool.name]
        return self

    def fleet(self, until: float) -> Fleet:
        """Return the number of replicas there were by that time (s); those that are still there stay."""
        spans = {replica: list(gone) for replica, gone in self.spans.items()}
        there = [*self.ready_at.items(), *self.leaving.items()]
        for replica, ready in there:
            spans.setdefault(replica, []).append((min(ready, until), until))
        start, end = (min(time, self.pool.run.plan.arrivals_end_s) for time in (self._seen, until))
        return Fleet(list(self.numbers), self.machine_s + (end - start) * len(there), spans, list(self.paid))


class NoScaling:
    """As many replicas from the first to the last: those that the spec has, and no others once a pick has changed it."""

    next_time = inf
    keeps_replicas = False

    def __init__(self, pool: ManagedPoolStage) -> None:
        self.replicas = pool.spec.replicas

    def of(self, pool: ManagedPoolStage) -> NoScaling:
        """None for the pool that goes on either."""
        return NoScaling(pool)

    def look(self, now: float) -> None:
        """Nothing needs to be added up."""

    def act(self, now: float) -> None:
        """Nobody comes or goes."""

    def lets_go(self, replica: int) -> bool:
        return replica >= self.replicas

    def fleet(self, until: float) -> None:
        """Return None: the number of replicas does not change."""


def scaling_of(pool: ManagedPoolStage) -> ReplicaScaling | NoScaling:
    return NoScaling(pool) if pool.spec.scaling is None else ReplicaScaling(pool, pool.spec.scaling)
