"""The timetables of a run: people on duty, servers that are down, and the changes of quantities by curveballs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from operator import add, mul
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.case.curveball import AffectedQuantity, AnyCurveball
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import HOUR_S, Roster, Surge, all_come, clock_s, merged, steps
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.engine.compiled_plan import Plan
    from simulator.records.streams import Streams
    from simulator.records.timetables import AbsencesOf, ShiftOfDay, Span, Steps


def changes(plan: Plan, what: AffectedQuantity, stage: str | None = None, replica: int = 0) -> Iterator[tuple[Span, float]]:
    """Yield the changes of a quantity by a plan's curveballs, by time of strike: (from, until) in s, and the value.

    stage: the stage that the quantity belongs to, None for none; replica: of a pool, counted from 0
    """
    stages = plan.scenario.stages
    for ball, span in _strikes(plan):
        value = ball.change(what, replica) if stage is None or ball.hits(stage, stages[stage]) else None
        if value is not None:
            yield span, value


def changes_of(plan: Plan, what: AffectedQuantity, field: str, name: str) -> Iterator[tuple[Span, float]]:
    """Yield the changes of a quantity of the sensor, or of the attribute, that a curveball names in `field`."""
    for ball, span in _strikes(plan):
        value = ball.change(what) if getattr(ball, field, None) == name else None
        if value is not None:
            yield span, value


def _strikes(plan: Plan) -> Iterator[tuple[AnyCurveball, Span]]:
    """Yield the curveballs by time of strike, each with its span (s)."""
    for name, at_s in sorted(plan.strikes.items(), key=lambda strike: strike[1]):
        ball = plan.scenario.curveballs[name]
        yield ball, (at_s, inf if ball.lasts_s is None else at_s + ball.lasts_s)


def surges(plan: Plan) -> list[Surge]:
    return [Surge(start, end - start, times) for (start, end), times in changes(plan, AffectedQuantity.RATE)]


class Conditions:
    """Timetables of one replication. They depend on the plan and the random streams alone."""

    def __init__(self, plan: Plan, streams: Streams) -> None:
        self.plan = plan
        self.streams = streams
        self._rosters: dict[str, Roster] = {}

    def under(self, plan: Plan) -> Conditions:
        return Conditions(plan, self.streams)

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
        """Return the outages of a replica of a pool, counted from 0: (from, until) in s, sorted, apart, within the run."""
        pool: Any = self.plan.scenario.stages[stage]
        lost = [span for span, _ in changes(self.plan, AffectedQuantity.OUTAGE, stage, replica)]
        horizon = self.plan.horizon_s
        if pool.failures is not None:
            times = HOUR_S * pool.failures.mtbf_h.value, 60 * pool.failures.repair_minutes.value
            lost += failures(self.streams.named(f"{stage}.{replica}.failures"), *times, horizon)
        return merged((start, min(end, horizon)) for start, end in lost)

    def roster(self, stage: str) -> Roster:
        """Return the people of a stage over the run, without those who are out."""
        people: Any = self.plan.scenario.stages[stage]
        strikes = any(ball.hits(stage, people) for ball, _ in _strikes(self.plan) if AffectedQuantity.ABSENCE in ball.changes)
        if people.absence is None and not strikes:
            return usual_roster(self.plan, stage)
        if stage not in self._rosters:
            share = 0.0 if people.absence is None else people.absence.value
            self._rosters[stage] = _roster(self.plan, stage, self._absences(stage, share))
        return self._rosters[stage]

    def _absences(self, stage: str, share: float) -> AbsencesOf:
        """Return the absent people: those that curveballs strike, and of each shift those that chance keeps away."""
        drawn: dict[tuple[int, float], Any] = {}

        def out(shift: ShiftOfDay, member: int) -> list[Span]:
            spans = [span for span, _ in changes(self.plan, AffectedQuantity.ABSENCE, stage, member)]
            key = shift.place, shift.opens
            if share and key not in drawn:
                stream = self.streams.named(f"{stage}.{shift.place}.{shift.opens:.0f}.absence")
                drawn[key] = stream.random(shift.shift.people)
            if share and drawn[key][member] < share:
                spans.append((shift.opens, shift.closes))
            return spans

        return out

    def usual(self, stage: str) -> bool:
        pool: Any = self.plan.scenario.stages[stage]
        replicas = range(pool.most_replicas)
        return all(not self.outages(stage, one) and self.slowdown(stage, one).steady for one in replicas)

    def slowdown(self, stage: str, replica: int) -> Steps:
        return self._steps(1.0, mul, AffectedQuantity.SERVICE, stage, replica)

    def delay(self, stage: str) -> Steps:
        return self._steps(1.0, mul, AffectedQuantity.DELAY, stage)

    def attribute(self, name: str) -> tuple[Steps, Steps]:
        times = changes_of(self.plan, AffectedQuantity.MULTIPLIED, "attribute", name)
        plus = changes_of(self.plan, AffectedQuantity.ADDED, "attribute", name)
        return steps(1.0, times, mul), steps(0.0, plus, add)

    def prevalence(self) -> Steps:
        population = self.plan.scenario.population
        return self._steps(0.0 if population is None else population.prevalence.value, latest, AffectedQuantity.PREVALENCE)

    def scores_shift(self) -> Steps:
        return self._steps(0.0, add, AffectedQuantity.SCORES)

    def photos(self) -> Steps:
        """Return the condition of the photos over time, as its number in the data lab; 0 as they were taken."""
        return self._steps(0.0, latest, AffectedQuantity.PHOTOS)

    def positives_shift(self, pool: str) -> Steps:
        return self._steps(0.0, add, AffectedQuantity.POSITIVES, pool)

    def readings(self, stage: str) -> tuple[Steps, Steps]:
        people: Any = self.plan.scenario.stages[stage]
        return (
            self._steps(people.sensitivity.value, latest, AffectedQuantity.SENSITIVITY, stage),
            self._steps(people.specificity.value, latest, AffectedQuantity.SPECIFICITY, stage),
        )

    def price(self, stage: str) -> Steps:
        return self._steps(1.0, mul, AffectedQuantity.PRICE, stage)


@cache_per_plan
def usual_roster(plan: Plan, stage: str) -> Roster:
    """Return the people of a stage over the run where all of them come."""
    return _roster(plan, stage, all_come)


def _roster(plan: Plan, stage: str, absences: AbsencesOf) -> Roster:
    people: Any = plan.scenario.stages[stage]
    return Roster(people.shifts, clock_s(plan.scenario.run.starts_at), plan.horizon_s, absences)


def latest(before: float, after: float) -> float:
    return after


def failures(rng: np.random.Generator, mtbf_s: float, repair_s: float, horizon: float) -> list[Span]:
    """Return the outages of one replica on [0, horizon) s: exponential times up and down in turn, beginning up."""
    outages: list[Span] = []
    now = 0.0
    while now < horizon:
        up, down = (rng.standard_exponential((256, 2)) * (mtbf_s, repair_s)).T
        ends = now + np.cumsum(up + down)
        outages += zip((ends - down).tolist(), ends.tolist(), strict=True)
        now = outages[-1][1]
    return [span for span in outages if span[0] < horizon]


@dataclass(frozen=True)
class Strike:
    """A curveball that strikes: from when until when, in seconds of the run; `end_s` is the end of the run at the latest."""

    name: str
    label: str
    note: str | None
    start_s: float
    end_s: float
    to_the_end: bool
    moves_load: bool
    shifts_scores: bool

    @property
    def lasted(self) -> str:
        return "to the end of the run" if self.to_the_end else duration(self.end_s - self.start_s)


def strikes_of(plan: Plan) -> list[Strike]:
    return [_strike(plan, name, at_s) for name, at_s in sorted(plan.strikes.items(), key=lambda strike: strike[1])]


def _strike(plan: Plan, name: str, at_s: float) -> Strike:
    ball = plan.scenario.curveballs[name]
    end = inf if ball.lasts_s is None else at_s + ball.lasts_s
    moves_load = bool(ball.changed - {AffectedQuantity.PRICE})
    until = min(end, plan.horizon_s)
    return Strike(name, ball.label, ball.note, at_s, until, end >= plan.horizon_s, moves_load, ball.shifts_scores)
