"""What is unusual during a run, as timetables known before it: curveballs that strike, replicas that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from operator import add, mul
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.case.curveballs import AffectedQuantity, AnyCurveball
from simulator.engine.calendar import HOUR_S
from simulator.engine.timetables import Span, Steps, Surge, merged, steps

if TYPE_CHECKING:
    from simulator.engine.plan import Plan
    from simulator.engine.streams import Streams


def changes(plan: Plan, what: AffectedQuantity, stage: str | None = None, replica: int = 0) -> Iterator[tuple[Span, float]]:
    """The effect of a plan's curveballs on a number, by time of strike: (from, until) in s, by how much.

    stage: the stage whose number it is, None for one that belongs to no stage; replica: of a pool, counted from 0
    """
    stages = plan.scenario.stages
    for ball, span in _strikes(plan):
        value = ball.change(what, replica) if stage is None or ball.hits(stage, stages[stage]) else None
        if value is not None:
            yield span, value


def changes_of(plan: Plan, what: AffectedQuantity, field: str, name: str) -> Iterator[tuple[Span, float]]:
    """The same for a number that belongs to no stage: of the sensor, or of the attribute, that a field of a curveball names."""
    for ball, span in _strikes(plan):
        value = ball.change(what) if getattr(ball, field, None) == name else None
        if value is not None:
            yield span, value


def _strikes(plan: Plan) -> Iterator[tuple[AnyCurveball, Span]]:
    """What strikes, by time of strike: from when until when (s)."""
    for name, at_s in sorted(plan.strikes.items(), key=lambda strike: strike[1]):
        ball = plan.scenario.curveballs[name]
        yield ball, (at_s, inf if ball.lasts_s is None else at_s + ball.lasts_s)


def surges(plan: Plan) -> list[Surge]:
    """How many times as often as usual requests arrive, over time."""
    return [Surge(start, end - start, times) for (start, end), times in changes(plan, AffectedQuantity.RATE)]


class Conditions:
    """The timetables of one replication, built once for it. They depend on the plan and the random streams alone."""

    def __init__(self, plan: Plan, streams: Streams) -> None:
        self.plan = plan
        self.streams = streams

    def _steps(
        self,
        usual: float,
        combine: Callable[[float, float], float],
        what: AffectedQuantity,
        stage: str | None = None,
        replica: int = 0,
    ) -> Steps:
        return steps(usual, changes(self.plan, what, stage, replica), combine)

    def outages(self, stage: str, replica: int) -> list[Span]:
        """When a replica of a pool, counted from 0, is down: (from, until) in seconds, sorted, apart, within the run."""
        pool: Any = self.plan.scenario.stages[stage]
        lost = [span for span, _ in changes(self.plan, AffectedQuantity.OUTAGE, stage, replica)]
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
        """How many times as long as usual a replica of a pool takes for a batch that it starts at a time."""
        return self._steps(1.0, mul, AffectedQuantity.SERVICE, stage, replica)

    def delay(self, stage: str) -> Steps:
        """How many times as long as usual sending over a link takes, at a time."""
        return self._steps(1.0, mul, AffectedQuantity.DELAY, stage)

    def attribute(self, name: str) -> tuple[Steps, Steps]:
        """By how much an attribute of the requests that arrive at a time is multiplied, and what is then added to it."""
        times = changes_of(self.plan, AffectedQuantity.MULTIPLIED, "attribute", name)
        plus = changes_of(self.plan, AffectedQuantity.ADDED, "attribute", name)
        return steps(1.0, times, mul), steps(0.0, plus, add)

    def prevalence(self) -> Steps:
        """The share of positives among the requests that arrive at a time."""
        population = self.plan.scenario.population
        return self._steps(0.0 if population is None else population.prevalence.value, _latest, AffectedQuantity.PREVALENCE)

    def scores_shift(self) -> Steps:
        """What is added to the scores of all requests that arrive at a time."""
        return self._steps(0.0, add, AffectedQuantity.SCORES)

    def positives_shift(self, pool: str) -> Steps:
        """What is added to a pool's scores of positives that arrive at a time."""
        return self._steps(0.0, add, AffectedQuantity.POSITIVES, pool)

    def readings(self, stage: str) -> tuple[Steps, Steps]:
        """Sensitivity and specificity of people at a time."""
        people: Any = self.plan.scenario.stages[stage]
        return (
            self._steps(people.sensitivity.value, _latest, AffectedQuantity.SENSITIVITY, stage),
            self._steps(people.specificity.value, _latest, AffectedQuantity.SPECIFICITY, stage),
        )

    def price(self, stage: str) -> Steps:
        """How many times as much as usual an hour of a stage costs."""
        return self._steps(1.0, mul, AffectedQuantity.PRICE, stage)


def _latest(before: float, after: float) -> float:
    """The latest strike applies."""
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
