"""A compiled plan: everything that determines a run but the seed, with its variants; and what strikes in a run of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import inf
from operator import add, mul
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Places
from simulator.case.curveball import AffectedQuantity, AnyCurveball
from simulator.engine.arrivals.arrival import arrivals_of
from simulator.evidence.photo_checks import check_of
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import DAY_S, HOUR_S, Roster, Surge, all_come, clock_s, merged, steps
from simulator.units import duration

if TYPE_CHECKING:
    from simulator.case.any_stage import Routing, ScoreRouting
    from simulator.case.fields import Source
    from simulator.case.schema import Scenario
    from simulator.engine.arrivals.arrival import Process
    from simulator.evidence.catalogue import Hardware
    from simulator.evidence.latency_tables import LatencyTable, SizedTable
    from simulator.evidence.photo_checks import PhotoCheck
    from simulator.evidence.profiles import ThreadRun
    from simulator.evidence.row_files import Recording
    from simulator.evidence.score_tables import ScoreTable
    from simulator.records.streams import Streams
    from simulator.records.timetables import AbsencesOf, ShiftOfDay, Span, Steps


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that determines a run but the seed; plans of equal content are equal."""

    scenario: Scenario
    design: dict[str, Any]
    scenario_hash: str  # of the author's data, without layout and comments; picks do not change it
    latencies: dict[str, LatencyTable] = field(default_factory=dict)
    bands: dict[str, tuple[LatencyTable, LatencyTable]] = field(default_factory=dict)  # projected pools: fast edge, slow edge
    sized: dict[str, SizedTable] = field(default_factory=dict)  # of pools whose times grow with a number of the request
    machines: dict[str, Hardware] = field(default_factory=dict)
    cold_starts: dict[str, list[float]] = field(default_factory=dict)  # seconds from asking for a replica to its first answer
    timed: dict[str, list[ThreadRun]] = field(default_factory=dict)  # the measurements behind a pool's latencies, by model
    tables: dict[str, ScoreTable] = field(default_factory=dict)  # by pool, in the order of the file
    of_sections: dict[str, Any] = field(default_factory=dict)  # by section that a feature brings: its evidence
    recording: Recording | None = None
    recorded: dict[str, NDArray[Any]] = field(default_factory=dict)  # by attribute: the column of its file
    strikes: dict[str, float] = field(default_factory=dict)  # curveball to its time of strike (s)
    provenance: list[Source] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    evidence: dict[str, str] = field(default_factory=dict)  # every file that was read, by name, with a hash of its content
    authored: Scenario | None = None  # the author's case, before the picks
    figures: dict[str, float] = field(default_factory=dict)  # numbers that replace the author's, by place
    later: tuple[tuple[float, Plan], ...] = ()  # what runs instead from a time (s) on: picks that change during the run
    until: float = inf  # a run that was stopped on the way ends here (s)
    items: tuple[Places, Places] | None = None  # which positives and negatives stand for those of the score tables
    counts: tuple[int, int] = (0, 0)  # with `items`: the numbers of positives and of negatives in the score tables
    edge: int | None = None  # projected latencies are taken at the fast edge of their bands (0), or at the slow one (1)

    @property
    def changes(self) -> bool:
        return bool(self.later or self.scenario.controllers)

    @property
    def outside_brief(self) -> str:
        """Say which circumstances are not those of the brief, at the start or from a change on; empty if none is."""
        designs = [self.design, *(after.design for _, after in self.later)]
        return next(filter(None, (self.scenario.outside_brief(design) for design in designs)), "")

    @property
    def arrivals(self) -> Process:
        return arrivals_of(self.scenario, self.recording)

    @property
    def identity(self) -> list[Any]:
        changes = [[at_s, plan.design, plan.evidence] for at_s, plan in self.later]
        others = [{"figures": self.figures}] if self.figures else []
        return [self.scenario_hash, self.design, self.evidence, *(part for part in (self.strikes, changes) if part), *others]

    @cached_property
    def content(self) -> str:
        """The hash of everything that determines a run but the seed, and of the metrics that are asked for."""
        tables = [[pool, table.content] for each in (self.latencies, self.tables) for pool, table in each.items()]
        later = [[at_s, plan.content] for at_s, plan in self.later]
        return fingerprint([*self.identity, self.scenario.content, tables, later, self.until, self.edge])

    @cached_property
    def answers(self) -> dict[Hashable, Any]:
        """What follows from this plan alone, worked out once (`once_per_plan`); it goes to no other process."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "answers"}

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Plan) and self.content == other.content)

    @property
    def arrivals_end_s(self) -> float:
        return min(self.scenario.run.days * DAY_S, self.until)

    @property
    def horizon_s(self) -> float:
        """End of the run (s): requests that are not finished by then stay unfinished."""
        return min(self.scenario.run.days * DAY_S + self.scenario.run.drain_days * DAY_S, self.until)

    @property
    def scores(self) -> ScoreTable | None:
        """The table where one is shown: of the last pool with scores, whose word is final in a cascade; None without any."""
        return next(reversed(self.tables.values()), None)

    @property
    def checks(self) -> dict[str, PhotoCheck]:
        """The checks of photos, by the fault that each looks for."""
        population = self.scenario.population
        specs = population.photo_checks if population else {}
        aucs = {fault: None if spec.auc is None else spec.auc.value for fault, spec in specs.items()}
        return {fault: check_of(fault, aucs[fault], spec.measured) for fault, spec in specs.items()}

    def table_of(self, gate: ScoreRouting) -> ScoreTable:
        return self.tables[self.scenario.scorer_of(gate)]

    def looks_alike(self, other: Plan) -> bool:
        tables = [{pool: table.name for pool, table in plan.tables.items()} for plan in (self, other)]
        return tables[0] == tables[1] and self.tries == other.tries

    def is_alike(self, other: Plan, name: str) -> bool:
        """Return whether a stage behaves alike in another plan of the case; thresholds of gates by score depend on tables."""
        stage = self.scenario.stages[name]
        if stage != other.scenario.stages[name] or _goes_by_tables(stage.routing, self.tries != other.tries):
            return False
        if stage.routing is not None and stage.routing.asks and self.scenario.attributes[stage.routing.asks].of_model:
            return False
        table, before = self.latencies.get(name), other.latencies.get(name)
        return table is before or (table is not None and before is not None and table.is_alike(before))

    @property
    def tries(self) -> int:
        return max(stage.repeats.photos for stage in self.scenario.stages.values())


def at_band_edges(plan: Plan) -> list[Plan]:
    projected = any(each.bands for each in (plan, *(after for _, after in plan.later)))
    return [at_band_edge(plan, edge) for edge in (0, 1)] if projected else []


def at_band_edge(plan: Plan, edge: int) -> Plan:
    latencies = plan.latencies | {name: band[edge] for name, band in plan.bands.items()}
    later = tuple((at_s, at_band_edge(after, edge)) for at_s, after in plan.later)
    return replace(plan, latencies=latencies, bands={}, later=later, edge=edge)


def with_items(plan: Plan, positives: Places, negatives: Places) -> Plan:
    """Return the plan, and those that run later in its place, for other labelled items.

    positives, negatives: the place in its class of the item that stands in each place, shapes (p,) and (n,)
    """
    tables = {
        pool: replace(
            table,
            positives=table.positives[positives],
            negatives=table.negatives[negatives],
            positive_patients=table.positive_patients[positives],
            negative_patients=table.negative_patients[negatives],
            item_texts={
                name: texts[np.append(positives, len(table.positives) + negatives)] for name, texts in table.item_texts.items()
            },
        )
        for pool, table in plan.tables.items()
    }
    later = tuple((at_s, with_items(after, positives, negatives)) for at_s, after in plan.later)
    counts = [(len(table.positives), len(table.negatives)) for table in plan.tables.values()]
    return replace(plan, tables=tables, later=later, items=(positives, negatives), counts=counts[0] if counts else (0, 0))


def without_curveballs(plan: Plan) -> Plan:
    return replace(plan, strikes={}, later=tuple((at_s, without_curveballs(after)) for at_s, after in plan.later))


def changes_of(plan: Plan) -> list[tuple[float, dict[str, Any]]]:
    """Return the picks that change during the run, each behind its time (s)."""
    changes, before = [], plan
    for at_s, after in plan.later:
        changes.append((at_s, {name: pick for name, pick in after.design.items() if pick != before.design.get(name)}))
        before = after
    return changes


def seen_as(plan: Plan, other: Plan) -> Plan:
    with_its_items = plan if other.items is None else with_items(plan, *other.items)
    return with_its_items if other.edge is None else at_band_edge(with_its_items, other.edge)


def fingerprint(data: Any) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@lru_cache(maxsize=64)
def case_hash(scenario: Scenario) -> str:
    """Return the hash of a case: of the author's data, without layout, comments, texts and tests."""
    return fingerprint(scenario.hashed_data)


def projected_ms(plan: Plan) -> dict[str, tuple[float, float, float]]:
    """Return projected latencies of a batch of one (ms), by place: at the fast edge, as projected, and at the slow edge."""
    return {
        f"stages.{pool}.projected_ms": (_ms(fast), _ms(plan.latencies[pool]), _ms(slow))
        for pool, (fast, slow) in plan.bands.items()
    }


def _ms(table: LatencyTable) -> float:
    return 1000 * float(table.seconds[0, 1, 0])


def _goes_by_tables(routing: Routing | None, other_photos: bool) -> bool:
    return routing is not None and (routing.by_score or (routing.by_check and other_photos))


def changes(plan: Plan, what: AffectedQuantity, stage: str | None = None, replica: int = 0) -> Iterator[tuple[Span, float]]:
    """Yield the changes of a quantity by a plan's curveballs, by time of strike: (from, until) in s, and the value.

    stage: the stage that the quantity belongs to, None for none; replica: of a pool, counted from 0
    """
    stages = plan.scenario.stages
    for ball, span in _strikes(plan):
        value = ball.change(what, replica) if stage is None or ball.hits(stage, stages[stage]) else None
        if value is not None:
            yield span, value


def named_changes(plan: Plan, what: AffectedQuantity, field: str, name: str) -> Iterator[tuple[Span, float]]:
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
        return all(not self.outages(stage, replica) and self.slowdown(stage, replica).steady for replica in replicas)

    def slowdown(self, stage: str, replica: int) -> Steps:
        return self._steps(1.0, mul, AffectedQuantity.SERVICE, stage, replica)

    def delay(self, stage: str) -> Steps:
        return self._steps(1.0, mul, AffectedQuantity.DELAY, stage)

    def attribute(self, name: str) -> tuple[Steps, Steps]:
        times = named_changes(self.plan, AffectedQuantity.MULTIPLIED, "attribute", name)
        plus = named_changes(self.plan, AffectedQuantity.ADDED, "attribute", name)
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
