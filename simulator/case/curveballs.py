"""Curveballs: events that strike during a run, one class per kind, and the timetables of everything that they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from math import inf
from operator import add, mul
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simulator.case.document import Path
from simulator.case.fields import ClockTime, Line, Name, Share, Strict, exactly_one
from simulator.case.kinds import AnyStage, FileName, OneOf, registry
from simulator.errors import suggest
from simulator.evidence.lab_evidence import LabEvidenceError
from simulator.evidence.spoiled_photos import load_spoiled
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import DAY_S, HOUR_S, Roster, Surge, all_come, clock_minutes, clock_s, merged, steps

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Plan
    from simulator.records.streams import Streams
    from simulator.records.timetables import AbsencesOf, ShiftOfDay, Span, Steps

Times = Annotated[float, Field(gt=0, le=1000)]
Shift = Annotated[float, Field(ge=-100, le=100)]


class AffectedQuantity(Enum):
    """The numbers of a run that a curveball may change, and the meaning of its value for each."""

    RATE = "times as many requests a second"
    OUTAGE = "anything, for a replica that is down"
    ABSENCE = "anything, for a reviewer who is out"
    SERVICE = "times as long for each batch that a replica starts"
    DELAY = "times as long over a link"
    PREVALENCE = "the share of positives among new requests"
    SCORES = "added to the scores of all new requests"
    PHOTOS = "the number of the condition of all new photos"
    POSITIVES = "added to a pool's scores of new positives"
    SENSITIVITY = "the share of positives that people recognise"
    SPECIFICITY = "the share of negatives that people recognise"
    PRICE = "times the price of an hour"
    LOST = "anything, for a sensor whose frames do not come"
    LATER = "milliseconds that the frames of a sensor come later"
    GAIN = "microseconds that the clock of a sensor gains a second"
    MULTIPLIED = "times an attribute of new requests"
    ADDED = "added to an attribute of new requests"


#: Quantities that change the scores of a model.
OF_SCORES = frozenset({AffectedQuantity.SCORES, AffectedQuantity.PHOTOS, AffectedQuantity.POSITIVES})
#: Quantities that apply to a request by its time of arrival.
BY_ARRIVAL = OF_SCORES | {AffectedQuantity.PREVALENCE, AffectedQuantity.MULTIPLIED, AffectedQuantity.ADDED}
#: Quantities of the sensors whose frames are the requests.
OF_SENSORS = frozenset({AffectedQuantity.LOST, AffectedQuantity.LATER, AffectedQuantity.GAIN})


#: The fields that hold a time of strike; a curveball gives one at most.
TIMES_OF_STRIKE = ("at_s", "at", "suggested_at_s", "suggested_at")


def _seconds(at_s: float | None, clock: str | None, starts_at: str) -> float | None:
    """Return a time in seconds from the start of a run that begins at `starts_at`; clock: the same as a time of day."""
    if clock is not None:
        return 60.0 * ((clock_minutes(clock) - clock_minutes(starts_at)) % 1440)
    return at_s


class AnyCurveball(Strict):
    """A curveball strikes at its time, or, without one, only when the interviewer says so.

    A kind declares the quantities that its fields change, the kinds of stages that it strikes, and checks its needs.

    label: its name on the page
    note: a remark on the page
    """

    #: The quantities it changes, each with the field that holds the value.
    changes: ClassVar[dict[AffectedQuantity, str]] = {}
    #: Whether its change matters only until the last request arrives, not until the run ends.
    until_last_request: ClassVar[bool] = False

    kind: str
    label: Line
    note: Line | None = None
    at_s: Annotated[float | None, Field(ge=0, description="seconds from the start of the run")] = None
    at: Annotated[ClockTime | None, Field(description="the first time in the run at this time of day")] = None
    suggested_at_s: Annotated[float | None, Field(ge=0, description="the time to let it strike (s); by itself it does not")] = (
        None
    )
    suggested_at: Annotated[ClockTime | None, Field(description="or the first time in the run at this time of day")] = None
    lasts_s: Annotated[float | None, Field(gt=0, description="how long it lasts; none: to the end of the run")] = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        given = [name for name in TIMES_OF_STRIKE if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        return self

    def own_time(self, starts_at: str) -> float | None:
        """Return the author's time in seconds from the start of a run that begins at `starts_at`; None: on call."""
        return _seconds(self.at_s, self.at, starts_at)

    def called_time(self, starts_at: str) -> float | None:
        """Return the time (s) at which it strikes once it is called without one: the author's, or the suggested one."""
        own = self.own_time(starts_at)
        return _seconds(self.suggested_at_s, self.suggested_at, starts_at) if own is None else own

    def usual_time(self, scenario: Scenario) -> float:
        """Return the time (s) that a page offers: the author's, or halfway through the arrivals, in whole seconds."""
        called = self.called_time(scenario.run.starts_at)
        return float(round(scenario.run.days * DAY_S / 2)) if called is None else called

    @property
    def place_of_time(self) -> str:
        """The field that holds the author's time, own or suggested."""
        return next((name for name in TIMES_OF_STRIKE if getattr(self, name) is not None), "at_s")

    @property
    def strikes(self) -> tuple[str, ...]:
        return ()

    def hits(self, name: str, stage: AnyStage) -> bool:
        named: str | None = getattr(self, "stage", None)
        return bool(self.strikes) and (name == named or (named is None and stage.servers.cost_part == "machines"))

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        """Return its value for a quantity, for that replica (from 0) if each has its own; None if it changes nothing."""
        value: float | None = getattr(self, self.changes[what]) if what in self.changes else None
        return value

    @property
    def changed(self) -> frozenset[AffectedQuantity]:
        return frozenset(what for what in self.changes if getattr(self, self.changes[what]) is not None)

    @property
    def shifts_scores(self) -> bool:
        return bool(self.changed & OF_SCORES)

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        named: str | None = getattr(self, "stage", None)
        if named in scenario.stages and self.strikes and scenario.stages[named].kind not in self.strikes:
            kind = scenario.stages[named].kind
            yield ("stage",), f"'{named}' is a stage of the kind {kind}; this strikes {' or '.join(self.strikes)}"
        elif self.strikes and not any(self.hits(name, stage) for name, stage in scenario.stages.items()):
            yield ("kind",), "there is no pool for it to strike"
        arrivals = scenario.arrivals
        if AffectedQuantity.RATE in self.changed and not arrivals.has_rate:
            yield ("kind",), f"arrivals of the kind {arrivals.kind} have no rate for traffic to multiply"
        elif self.changed & BY_ARRIVAL and arrivals.waits_for_answers:
            what = f"arrivals of the kind {arrivals.kind} wait for answers; this strikes requests at known times"
            yield ("kind",), what

    def too_late(self, scenario: Scenario, at_s: float) -> str:
        """Return the sentence that refuses a time of strike; empty if it can strike then."""
        run = scenario.run
        limit, end = run.days + run.drain_days, "the run ends"
        if self.until_last_request:
            limit, end = run.days, f"the last {scenario.unit.one} arrives"
        if 0 <= at_s < limit * 86_400:
            return ""
        return f"should strike from 0 s on and before {limit * 86_400:,.0f} s, when {end}; got {at_s:,.0f}"


class Traffic(AnyCurveball):
    """Requests arrive `times` as often.

    times: the factor on the rate of arrival
    """

    changes: ClassVar = {AffectedQuantity.RATE: "times"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["traffic"]
    times: Annotated[float, Field(ge=0, le=50)]


class _OfPools(AnyCurveball):
    """A curveball that strikes pools, servers of the author's own, and those of shards."""

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("pool", "server", "fanout")


class _OfReplicas(_OfPools):
    """A curveball that strikes the first replicas of a pool, at most all of them.

    stage: the pool
    replicas: how many replicas, the first ones
    """

    stage: Name
    replicas: Annotated[int, Field(ge=1, le=1024)]

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return super().change(what) if replica < self.replicas else None


class ReplicaLoss(_OfReplicas):
    """The first replicas of a pool are down."""

    changes: ClassVar = {AffectedQuantity.OUTAGE: "replicas"}

    kind: Literal["replica_loss"]


class SlowReplicas(_OfReplicas):
    """Batches that the first replicas of a pool start take `times` as long.

    times: the factor on the service time
    """

    changes: ClassVar = {AffectedQuantity.SERVICE: "times"}

    kind: Literal["slow_replicas"]
    times: Times


class ZoneLoss(_OfPools):
    """A share of the replicas is down, of one pool or of every pool, rounded to the nearest whole number.

    share: the share of the replicas
    """

    changes: ClassVar = {AffectedQuantity.OUTAGE: "share"}

    kind: Literal["zone_loss"]
    stage: Annotated[Name | None, Field(description="the pool; none: every pool")] = None
    share: Share

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return super().change(what) if _is_among(replica, self.share) else None


def _is_among(place: int, share: float) -> bool:
    """Return whether the one at a place, from 0, is among the share; of n that is the nearest whole number, halves up."""
    return int((place + 1) * share + 0.5) > int(place * share + 0.5)


class Absence(AnyCurveball):
    """Some people of each shift are out: a number of them, or a share, rounded to the nearest whole number.

    stage: the stage of people
    share: the share of the people on duty
    """

    changes: ClassVar = {AffectedQuantity.ABSENCE: "away"}

    kind: Literal["absence"]
    stage: Name
    people: Annotated[int | None, Field(ge=1, le=10_000, description="of each shift, at most all of them")] = None
    share: Share | None = None

    _one_number = exactly_one("people", "share", message="give people, for a number of each shift, or share")

    @property
    def away(self) -> float:
        return self.share if self.people is None else self.people  # type: ignore[return-value]

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("people",)

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        """Return its value for one of the people of a shift, by the place in it."""
        is_out = replica < self.people if self.share is None and self.people else _is_among(replica, self.share or 0.0)
        return super().change(what) if is_out else None


class Throttle(_OfPools):
    """Batches that any replica of some pools starts take `times` as long, as on a module that has become too hot.

    times: the factor on the service time
    """

    changes: ClassVar = {AffectedQuantity.SERVICE: "times"}

    kind: Literal["throttle"]
    stages: Annotated[list[Name], Field(max_length=64, description="the pools; none: all, or those on the accelerator")] = []
    accelerator: Annotated[Name | None, Field(description="the accelerator whose pools are struck")] = None
    times: Times

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if self.stages and self.accelerator is not None:
            raise ValueError("give stages or accelerator, not both")
        return self

    def hits(self, name: str, stage: AnyStage) -> bool:
        if stage.kind not in self.strikes:
            return False
        if self.accelerator is not None:
            return getattr(stage, "shares", None) == self.accelerator
        return not self.stages or name in self.stages

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        for index, name in enumerate(self.stages):
            if (kind := scenario.stages[name].kind) not in self.strikes:
                yield ("stages", index), f"'{name}' is a stage of the kind {kind}; this strikes pools"


class SensorLoss(AnyCurveball):
    """The frames of a sensor do not come.

    sensor: the name of the sensor
    """

    changes: ClassVar = {AffectedQuantity.LOST: "sensor"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["sensor_loss"]
    sensor: Name

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return 1.0 if what is AffectedQuantity.LOST else None


class ClockSkew(AnyCurveball):
    """The clock of a sensor jumps or runs off, so that its frames come later or earlier than they would.

    sensor: the name of the sensor
    """

    changes: ClassVar = {AffectedQuantity.LATER: "ms", AffectedQuantity.GAIN: "ppm"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["clock_skew"]
    sensor: Name
    ms: Annotated[float | None, Field(ge=-60_000, le=60_000, description="how much later frames come; below 0 earlier")] = None
    ppm: Annotated[
        float | None, Field(ge=-100_000, le=100_000, description="microseconds the clock gains a second; below 0 it loses")
    ] = None

    _one_skew = exactly_one("ms", "ppm", message="give ms, for a clock that jumps, or ppm, for one that runs off")


class Crowd(AnyCurveball):
    """A number of the requests that arrive from then on is larger, such as how many objects there are to see.

    attribute: the name of the attribute
    times: the factor on it
    plus: the number that is added to it
    """

    changes: ClassVar = {AffectedQuantity.MULTIPLIED: "times", AffectedQuantity.ADDED: "plus"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["crowd"]
    attribute: Name
    times: Annotated[float | None, Field(ge=0, le=1000)] = None
    plus: Annotated[float | None, Field(ge=-1e9, le=1e9)] = None

    _one_change = exactly_one("times", "plus", message="give times, to multiply the attribute, or plus, to add to it")

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if not scenario.attributes[self.attribute].is_number:
            yield ("attribute",), f"'{self.attribute}' is a category; a crowd changes an attribute that is a number"


class NetworkTrouble(AnyCurveball):
    """Sending over a link takes `times` as long.

    stage: the link
    times: the factor on its time
    """

    changes: ClassVar = {AffectedQuantity.DELAY: "times"}

    kind: Literal["network"]
    stage: Name
    times: Times

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("link",)


class Drift(AnyCurveball):
    """The people who send requests change, or their photos: more or fewer are positive, or the model scores them differently.

    prevalence: the share of positives from then on
    """

    changes: ClassVar = {
        AffectedQuantity.PREVALENCE: "prevalence",
        AffectedQuantity.SCORES: "scores_shift",
        AffectedQuantity.PHOTOS: "photos",
    }
    until_last_request: ClassVar[bool] = True

    kind: Literal["drift"]
    prevalence: Share | None = None
    scores_shift: Annotated[Shift | None, Field(description="added to every score")] = None
    photos: Annotated[
        FileName | None,
        Field(description="a condition of the data lab, such as `blur.2`: every photo's score changes as it did there"),
    ] = None

    @model_validator(mode="after")
    def _some_drift(self) -> Self:
        if self.prevalence is None and self.scores_shift is None and self.photos is None:
            raise ValueError("nothing drifts; give prevalence, scores_shift or photos")
        return self

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        if what is AffectedQuantity.PHOTOS:
            return None if self.photos is None else float(load_spoiled().about.place(self.photos))
        return super().change(what, replica)

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if self.prevalence is not None and scenario.population is None:
            yield ("prevalence",), "a drift of the prevalence needs a `population` section"
        if self.scores_shift is not None and not scenario.scorers():
            yield ("scores_shift",), "a shift of scores needs a pool with `scores`"
        if self.photos is not None:
            yield from _check_photos(self.photos, scenario)


def _check_photos(condition: str, scenario: Scenario) -> Iterator[tuple[Path, str]]:
    if not scenario.scorers():
        yield ("photos",), "a change of the photos needs a pool with `scores`"
    try:
        load_spoiled().about.place(condition)
    except LabEvidenceError as error:
        yield ("photos",), str(error)


class AccuracyDrop(AnyCurveball):
    """A stage gets worse: people recognise fewer positives, or a model's scores separate them less well.

    stage: a stage of people, or a pool with scores
    """

    changes: ClassVar = {
        AffectedQuantity.SENSITIVITY: "sensitivity",
        AffectedQuantity.SPECIFICITY: "specificity",
        AffectedQuantity.POSITIVES: "positives_shift",
    }

    kind: Literal["accuracy_drop"]
    stage: Name
    sensitivity: Annotated[Share | None, Field(description="of people, from then on")] = None
    specificity: Annotated[Share | None, Field(description="of people, from then on")] = None
    positives_shift: Annotated[Shift | None, Field(description="added to the scores of positives, if the stage is a pool")] = (
        None
    )

    @property
    def of_people(self) -> bool:
        return self.sensitivity is not None or self.specificity is not None

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("people",) if self.of_people else ("pool",)

    @model_validator(mode="after")
    def _of_people_or_of_a_model(self) -> Self:
        if self.of_people == (self.positives_shift is not None):
            raise ValueError("give sensitivity or specificity for people, or positives_shift for a pool")
        return self

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        stage = scenario.stages[self.stage]
        if not self.of_people and stage.kind in self.strikes and not stage.service.gives_scores:
            yield ("positives_shift",), f"'{self.stage}' has no `scores` to shift"


class Price(AnyCurveball):
    """The hourly price is `times` as high: of one pool, one stage of people, or every pool.

    times: the factor on the price
    """

    changes: ClassVar = {AffectedQuantity.PRICE: "times"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["price"]
    stage: Annotated[Name | None, Field(description="a pool or people; none: every pool")] = None
    times: Annotated[float, Field(ge=0, le=1000)]

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("pool", "server", "fanout", "people")


class Weather(AnyCurveball):
    """One of the conditions of `encounters` holds: what comes into the way then is harder to see.

    condition: the name of a condition
    """

    until_last_request: ClassVar[bool] = True

    kind: Literal["weather"]
    condition: Name

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        known = scenario.encounters.conditions if scenario.encounters else {}
        if self.condition not in known:
            yield ("condition",), f"'{self.condition}' is not one of `encounters.conditions`; {suggest(self.condition, known)}"


#: Every kind of curveball that a scenario may name, by that name; `simulator.case.kinds.add_kind` adds one.
CURVEBALLS: dict[str, type[AnyCurveball]] = registry(
    Traffic, ReplicaLoss, ZoneLoss, SlowReplicas, Absence, Throttle, SensorLoss, ClockSkew, Crowd, NetworkTrouble, Drift,
    AccuracyDrop, Price, Weather
)  # fmt: skip

Curveball = Annotated[AnyCurveball, OneOf(CURVEBALLS)]


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
        """Return who is out: those that curveballs strike, and of each shift those who do not come, by chance."""
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
