"""What is not as usual during a run, as timetables known before it: curveballs that strike, replicas that fail."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from math import inf
from operator import add, mul
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.curveballs import AccuracyDrop, Drift, Network, Price, ReplicaLoss, SlowReplicas, Traffic, ZoneLoss
from simulator.serving.arrivals.clock import Surge
from simulator.serving.calendar import HOUR_S

if TYPE_CHECKING:
    from simulator.serving.plan import Plan
    from simulator.serving.streams import Streams

Span = tuple[float, float]
Ball = TypeVar("Ball", Traffic, ReplicaLoss, ZoneLoss, SlowReplicas, Network, Drift, AccuracyDrop, Price)


@dataclass(frozen=True)
class Steps:
    """A number that changes at known times: `values[i]` holds from `times[i]` on, in seconds of the run; `times[0]` is 0.

    usual: what the number is when nothing strikes.
    """

    times: tuple[float, ...] = (0.0,)
    values: tuple[float, ...] = (1.0,)
    usual: float = 1.0

    @property
    def steady(self) -> bool:
        """Whether it is as usual throughout, and may be left alone."""
        return all(value == self.usual for value in self.values)

    def at(self, time: float) -> float:
        """The number at a time; a change has happened at its very instant."""
        return self.values[bisect_right(self.times, time) - 1]

    def at_all(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The number at many times, of their shape."""
        if len(self.values) == 1:
            return np.broadcast_to(self.values[0], times.shape)
        return np.array(self.values)[np.searchsorted(self.times, times, side="right") - 1]

    def mean(self, end: float) -> float:
        """The average over [0, end)."""
        return self.total(end) / end

    def total(self, end: float, start: float = 0.0) -> float:
        """The integral over [start, end)."""
        edges = [start, *[time for time in self.times if start < time < end], end]
        return sum((stop - begin) * self.at(begin) for begin, stop in pairwise(edges))


def steps(usual: float, changes: Iterable[tuple[Span, float]], combine: Callable[[float, float], float]) -> Steps:
    """The usual number with changes combined into it, each over its span, in the order given."""
    spans = list(changes)
    edges = sorted({0.0, *(edge for span, _ in spans for edge in span if edge < inf)})
    values = [reduce(combine, (by for (start, end), by in spans if start <= edge < end), usual) for edge in edges]
    kept = [index for index in range(len(edges)) if index == 0 or values[index] != values[index - 1]]
    return Steps(tuple(edges[index] for index in kept), tuple(values[index] for index in kept), usual)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that are sorted and apart from each other."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


class Conditions:
    """The timetables of one replication. They depend on the plan and the random streams alone."""

    def __init__(self, plan: Plan, streams: Streams) -> None:
        self.plan = plan
        self.streams = streams

    def _struck(self, kind: type[Ball]) -> Iterator[tuple[Span, Ball]]:
        """The curveballs of a kind that strike, by the time at which they do, each with its span."""
        curveballs = self.plan.scenario.curveballs
        for name, at_s in sorted(self.plan.strikes.items(), key=lambda strike: strike[1]):
            curveball = curveballs[name]
            if isinstance(curveball, kind):
                yield (at_s, inf if curveball.lasts_s is None else at_s + curveball.lasts_s), curveball

    def surges(self) -> list[Surge]:
        """When requests come how many times as often as usual."""
        return [Surge(start, end - start, ball.times) for (start, end), ball in self._struck(Traffic)]

    def outages(self, stage: str, replica: int) -> list[Span]:
        """When a replica of a pool, counted from 0, is down: (from, until) in seconds, sorted, apart, within the run."""
        pool: Any = self.plan.scenario.stages[stage]
        lost = [span for span, ball in self._struck(ReplicaLoss) if ball.stage == stage and replica < ball.replicas]
        lost += [span for span, ball in self._struck(ZoneLoss) if ball.stage in (None, stage) and _in_zone(replica, ball.share)]
        horizon = self.plan.horizon_s
        if pool.failures is not None:
            times = HOUR_S * pool.failures.mtbf_h.value, 60 * pool.failures.repair_minutes.value
            lost += failures(self.streams.named(f"{stage}.{replica}.failures"), *times, horizon)
        return merged((start, min(end, horizon)) for start, end in lost)

    def usual(self, stage: str) -> bool:
        """Whether all replicas of a pool are up and as fast as usual throughout."""
        pool: Any = self.plan.scenario.stages[stage]
        replicas = range(pool.most_replicas)
        return all(not self.outages(stage, one) and self.slowdown(stage, one).steady for one in replicas)

    def slowdown(self, stage: str, replica: int) -> Steps:
        """How many times as long as usual a replica of a pool takes for a batch that it begins at a time."""
        balls = self._struck(SlowReplicas)
        return steps(1.0, ((span, b.times) for span, b in balls if b.stage == stage and replica < b.replicas), mul)

    def delay(self, stage: str) -> Steps:
        """How many times as long as usual a link takes for what is sent at a time."""
        return steps(1.0, ((span, ball.times) for span, ball in self._struck(Network) if ball.stage == stage), mul)

    def prevalence(self) -> Steps:
        """The share of positives among the requests that come at a time."""
        population = self.plan.scenario.population
        usual = 0.0 if population is None else population.prevalence.value
        drifts = ((span, ball.prevalence) for span, ball in self._struck(Drift) if ball.prevalence is not None)
        return steps(usual, drifts, _latest)

    def scores_shift(self) -> Steps:
        """What is added to the scores of all requests that come at a time."""
        drifts = ((span, ball.scores_shift) for span, ball in self._struck(Drift) if ball.scores_shift is not None)
        return steps(0.0, drifts, add)

    def positives_shift(self, pool: str) -> Steps:
        """What is added to the scores that a pool gives to positives that come at a time."""
        drops = ((span, ball) for span, ball in self._struck(AccuracyDrop) if ball.stage == pool)
        return steps(0.0, ((span, ball.positives_shift) for span, ball in drops if ball.positives_shift is not None), add)

    def readings(self, stage: str) -> tuple[Steps, Steps]:
        """Sensitivity and specificity of people at a time."""
        people: Any = self.plan.scenario.stages[stage]
        drops = [(span, ball) for span, ball in self._struck(AccuracyDrop) if ball.stage == stage]
        sensitivity = ((span, ball.sensitivity) for span, ball in drops if ball.sensitivity is not None)
        specificity = ((span, ball.specificity) for span, ball in drops if ball.specificity is not None)
        return (
            steps(people.sensitivity.value, sensitivity, _latest),
            steps(people.specificity.value, specificity, _latest),
        )

    def price(self, stage: str) -> Steps:
        """How many times as much as usual an hour of a stage costs."""
        every = self.plan.scenario.stages[stage].cost_part == "machines"
        balls = self._struck(Price)
        return steps(1.0, ((span, b.times) for span, b in balls if b.stage == stage or (every and b.stage is None)), mul)


def _in_zone(replica: int, share: float) -> bool:
    """Whether a replica stands in a zone that holds this share: of however many there are, the share, rounded."""
    return int((replica + 1) * share + 0.5) > int(replica * share + 0.5)


def _latest(before: float, after: float) -> float:
    """What struck last holds."""
    return after


def failures(rng: np.random.Generator, mtbf_s: float, repair_s: float, horizon: float) -> list[Span]:
    """When one replica is down on [0, horizon): exponential times up and down in turn, beginning up."""
    found: list[Span] = []
    now = 0.0
    while now < horizon:
        up, down = (rng.standard_exponential((256, 2)) * (mtbf_s, repair_s)).T
        ends = now + np.cumsum(up + down)
        found += zip((ends - down).tolist(), ends.tolist(), strict=True)
        now = found[-1][1]
    return [span for span in found if span[0] < horizon]
