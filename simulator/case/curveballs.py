"""Curveballs: events that strike during a run, one class per kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.case.any_stage import AnyStage
from simulator.case.case_contract import AnyCase
from simulator.case.curveball import AffectedQuantity, AnyCurveball
from simulator.case.document import Path
from simulator.case.fields import FileName, Name, Share, exactly_one, refused
from simulator.case.kinds import OneOf, registry
from simulator.case.references import Ref
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.photo_checks import load_spoiled
from simulator.phrases import phrase

StageName = Annotated[Name, Ref("stage")]
Times = Annotated[float, Field(gt=0, le=1000)]
Shift = Annotated[float, Field(ge=-100, le=100)]


class Traffic(AnyCurveball):
    """Requests arrive `times` as often."""

    changes: ClassVar = {AffectedQuantity.RATE: "times"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["traffic"]
    times: Annotated[float, Field(ge=0, le=50)]
    """the factor on the rate of arrival"""


class _OfPools(AnyCurveball):
    """A curveball that strikes pools, servers of the author's own, and those of shards."""

    strikes: ClassVar = ("pool", "server", "fanout")


class _OfReplicas(_OfPools):
    """A curveball that strikes the first replicas of a pool, at most all of them."""

    stage: StageName
    """the pool"""
    replicas: Annotated[int, Field(ge=1, le=1024)]
    """how many replicas, the first ones"""

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return super().change(what) if replica < self.replicas else None


class ReplicaLoss(_OfReplicas):
    """The first replicas of a pool are down."""

    changes: ClassVar = {AffectedQuantity.OUTAGE: "replicas"}

    kind: Literal["replica_loss"]


class SlowReplicas(_OfReplicas):
    """Batches that the first replicas of a pool start take `times` as long."""

    changes: ClassVar = {AffectedQuantity.SERVICE: "times"}

    kind: Literal["slow_replicas"]
    times: Times
    """the factor on the service time"""


class ZoneLoss(_OfPools):
    """A share of the replicas is down, of one pool or of every pool, rounded to the nearest whole number."""

    changes: ClassVar = {AffectedQuantity.OUTAGE: "share"}

    kind: Literal["zone_loss"]
    stage: StageName | None = None
    """the pool; none: every pool"""
    share: Share
    """the share of the replicas"""

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return super().change(what) if _is_among(replica, self.share) else None


def _is_among(place: int, share: float) -> bool:
    """Return whether the one at a place, from 0, is among the share; of n that is the nearest whole number, halves up."""
    return int((place + 1) * share + 0.5) > int(place * share + 0.5)


class Absence(AnyCurveball):
    """Some people of each shift are out: a number of them, or a share, rounded to the nearest whole number."""

    changes: ClassVar = {AffectedQuantity.ABSENCE: "away"}
    strikes: ClassVar = ("people",)

    kind: Literal["absence"]
    stage: StageName
    """the stage of people"""
    people: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """of each shift, at most all of them"""
    share: Share | None = None
    """the share of the people on duty"""

    _one_number = exactly_one("people", "share", message="give people, for a number of each shift, or share")

    @property
    def away(self) -> float:
        return self.share if self.people is None else self.people  # type: ignore[return-value]

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        """Return its value for one of the people of a shift, by the place in it."""
        is_out = replica < self.people if self.share is None and self.people else _is_among(replica, self.share or 0.0)
        return super().change(what) if is_out else None


class Throttle(_OfPools):
    """Batches that any replica of some pools starts take `times` as long, as on a module that has become too hot."""

    changes: ClassVar = {AffectedQuantity.SERVICE: "times"}

    kind: Literal["throttle"]
    stages: Annotated[list[StageName], Field(max_length=64)] = []
    """the pools; none: all, or those on the accelerator"""
    accelerator: Annotated[Name, Ref("accelerator")] | None = None
    """the accelerator whose pools are struck"""
    times: Times
    """the factor on the service time"""

    _one_target = refused(lambda ball: ball.stages and ball.accelerator is not None, "give stages or accelerator, not both")

    def hits(self, name: str, stage: AnyStage) -> bool:
        if stage.kind not in self.strikes:
            return False
        if self.accelerator is not None:
            return getattr(stage, "shares", None) == self.accelerator
        return not self.stages or name in self.stages

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        for index, name in enumerate(self.stages):
            if (kind := scenario.stages[name].kind) not in self.strikes:
                yield ("stages", index), phrase("curveballs.stage", stage=name, kind=kind, strikes=["pools"])


class SensorLoss(AnyCurveball):
    """The frames of a sensor do not come."""

    changes: ClassVar = {AffectedQuantity.LOST: "sensor"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["sensor_loss"]
    sensor: Annotated[Name, Ref("sensor")]
    """the name of the sensor"""

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        return 1.0 if what is AffectedQuantity.LOST else None


class ClockSkew(AnyCurveball):
    """The clock of a sensor jumps or runs off, so that its frames come later or earlier than they would."""

    changes: ClassVar = {AffectedQuantity.LATER: "ms", AffectedQuantity.GAIN: "ppm"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["clock_skew"]
    sensor: Annotated[Name, Ref("sensor")]
    """the name of the sensor"""
    ms: Annotated[float | None, Field(ge=-60_000, le=60_000)] = None
    """how much later frames come; below 0 earlier"""
    ppm: Annotated[float | None, Field(ge=-100_000, le=100_000)] = None
    """microseconds the clock gains a second; below 0 it loses"""

    _one_skew = exactly_one("ms", "ppm", message="give ms, for a clock that jumps, or ppm, for one that runs off")


class Crowd(AnyCurveball):
    """A number of the requests that arrive from then on is larger, such as how many objects there are to see."""

    changes: ClassVar = {AffectedQuantity.MULTIPLIED: "times", AffectedQuantity.ADDED: "plus"}
    until_last_request: ClassVar[bool] = True

    kind: Literal["crowd"]
    attribute: Annotated[Name, Ref("attribute")]
    """the name of the attribute"""
    times: Annotated[float | None, Field(ge=0, le=1000)] = None
    """the factor on it"""
    plus: Annotated[float | None, Field(ge=-1e9, le=1e9)] = None
    """the number that is added to it"""

    _one_change = exactly_one("times", "plus", message="give times, to multiply the attribute, or plus, to add to it")

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if not scenario.attributes[self.attribute].is_number:
            yield ("attribute",), phrase("curveballs.category", attribute=self.attribute)


class NetworkTrouble(AnyCurveball):
    """Sending over a link takes `times` as long."""

    changes: ClassVar = {AffectedQuantity.DELAY: "times"}
    strikes: ClassVar = ("link",)

    kind: Literal["network"]
    stage: StageName
    """the link"""
    times: Times
    """the factor on its time"""


class Drift(AnyCurveball):
    """The people who send requests change, or their photos: more or fewer are positive, or a model scores them differently."""

    changes: ClassVar = {
        AffectedQuantity.PREVALENCE: "prevalence",
        AffectedQuantity.SCORES: "scores_shift",
        AffectedQuantity.PHOTOS: "photos",
    }
    until_last_request: ClassVar[bool] = True

    kind: Literal["drift"]
    prevalence: Share | None = None
    """the share of positives from then on"""
    scores_shift: Shift | None = None
    """added to every score"""
    photos: FileName | None = None
    """a condition of the data lab, such as `blur.2`: every photo's score changes as it did there"""

    _some_drift = refused(lambda ball: not ball.changed, "nothing drifts; give prevalence, scores_shift or photos")

    def change(self, what: AffectedQuantity, replica: int = 0) -> float | None:
        if what is AffectedQuantity.PHOTOS:
            return None if self.photos is None else float(load_spoiled().about.place(self.photos))
        return super().change(what, replica)

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if self.prevalence is not None and scenario.population is None:
            yield ("prevalence",), phrase("curveballs.no_population")
        if self.scores_shift is not None and not scenario.scorers():
            yield ("scores_shift",), phrase("curveballs.no_scores")
        if self.photos is not None:
            yield from _check_photos(self.photos, scenario)


def _check_photos(condition: str, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
    if not scenario.scorers():
        yield ("photos",), phrase("curveballs.no_photos")
    try:
        load_spoiled().about.place(condition)
    except EvidenceError as error:
        yield ("photos",), str(error)


class AccuracyDrop(AnyCurveball):
    """A stage gets worse: people recognise fewer positives, or a model's scores separate them less well."""

    changes: ClassVar = {
        AffectedQuantity.SENSITIVITY: "sensitivity",
        AffectedQuantity.SPECIFICITY: "specificity",
        AffectedQuantity.POSITIVES: "positives_shift",
    }

    kind: Literal["accuracy_drop"]
    stage: StageName
    """a stage of people, or a pool with scores"""
    sensitivity: Share | None = None
    """of people, from then on"""
    specificity: Share | None = None
    """of people, from then on"""
    positives_shift: Shift | None = None
    """added to the scores of positives, if the stage is a pool"""

    @property
    def of_people(self) -> bool:
        return self.sensitivity is not None or self.specificity is not None

    @property
    def strikes(self) -> tuple[str, ...]:
        return ("people",) if self.of_people else ("pool",)

    _of_people_or_of_a_model = refused(
        lambda ball: ball.of_people == (ball.positives_shift is not None),
        "give sensitivity or specificity for people, or positives_shift for a pool",
    )

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        stage = scenario.stages[self.stage]
        if not self.of_people and stage.kind in self.strikes and not stage.service.gives_scores:
            yield ("positives_shift",), phrase("curveballs.no_shift", stage=self.stage)


class Price(AnyCurveball):
    """The hourly price is `times` as high: of one pool, one stage of people, or every pool."""

    changes: ClassVar = {AffectedQuantity.PRICE: "times"}
    strikes: ClassVar = ("pool", "server", "fanout", "people")
    until_last_request: ClassVar[bool] = True

    kind: Literal["price"]
    stage: StageName | None = None
    """a pool or people; none: every pool"""
    times: Annotated[float, Field(ge=0, le=1000)]
    """the factor on the price"""


class Weather(AnyCurveball):
    """One of the conditions of `encounters` holds: what comes into the way then is harder to see."""

    until_last_request: ClassVar[bool] = True

    kind: Literal["weather"]
    condition: Annotated[Name, Ref("condition")]
    """the name of a condition"""


#: Every kind of curveball that a scenario may name, by that name; `simulator.case.kinds.add_kind` adds one.
CURVEBALLS: dict[str, type[AnyCurveball]] = registry(
    Traffic, ReplicaLoss, ZoneLoss, SlowReplicas, Absence, Throttle, SensorLoss, ClockSkew, Crowd, NetworkTrouble, Drift,
    AccuracyDrop, Price, Weather
)  # fmt: skip

Curveball = Annotated[AnyCurveball, OneOf(CURVEBALLS)]
