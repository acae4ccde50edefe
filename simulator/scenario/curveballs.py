"""What may strike during a run: one model a kind of curveball."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import ClockTime, Line, Name, Share, Strict, clock_minutes

Times = Annotated[float, Field(gt=0, le=1000)]
Shift = Annotated[float, Field(ge=-100, le=100)]


class _Curveball(Strict):
    """When it strikes: at a time, or, where none is given, only when an interviewer says so."""

    label: Line
    note: Line | None = None
    at_s: Annotated[float | None, Field(ge=0, description="seconds from the start of the run")] = None
    at: Annotated[ClockTime | None, Field(description="the first time in the run that a clock shows this")] = None
    lasts_s: Annotated[float | None, Field(gt=0, description="how long it lasts; none: to the end of the run")] = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.at_s is not None and self.at is not None:
            raise ValueError("give at_s or at, not both")
        return self

    def own_time(self, starts_at: str) -> float | None:
        """When the author lets it strike, in seconds from the start of a run that begins at `starts_at`; None: on call."""
        if self.at is not None:
            return 60.0 * ((clock_minutes(self.at) - clock_minutes(starts_at)) % 1440)
        return self.at_s


class Traffic(_Curveball):
    """Requests come `times` as often."""

    kind: Literal["traffic"]
    times: Annotated[float, Field(ge=0, le=50)]


class ReplicaLoss(_Curveball):
    """The first replicas of a pool are down; all of them where it has no more."""

    kind: Literal["replica_loss"]
    stage: Name
    replicas: Annotated[int, Field(ge=1, le=1024)]


class ZoneLoss(_Curveball):
    """A share of the replicas is down, of one pool or of every pool, rounded to the nearest whole number."""

    kind: Literal["zone_loss"]
    stage: Annotated[Name | None, Field(description="the pool; none: every pool")] = None
    share: Share


class SlowReplicas(_Curveball):
    """A batch that the first replicas of a pool begin takes `times` as long."""

    kind: Literal["slow_replicas"]
    stage: Name
    replicas: Annotated[int, Field(ge=1, le=1024)]
    times: Times


class Network(_Curveball):
    """What is sent over a link takes `times` as long."""

    kind: Literal["network"]
    stage: Name
    times: Times


class Drift(_Curveball):
    """The people who send requests differ: more or fewer of them are positive, or the model scores them all otherwise."""

    kind: Literal["drift"]
    prevalence: Share | None = None
    scores_shift: Annotated[Shift | None, Field(description="added to every score")] = None

    @model_validator(mode="after")
    def _some_drift(self) -> Self:
        if self.prevalence is None and self.scores_shift is None:
            raise ValueError("nothing drifts; give prevalence or scores_shift")
        return self


class AccuracyDrop(_Curveball):
    """A stage gets worse: people recognise fewer, or a model's scores no longer tell positives apart as well."""

    kind: Literal["accuracy_drop"]
    stage: Name
    sensitivity: Annotated[Share | None, Field(description="of people, from then on")] = None
    specificity: Annotated[Share | None, Field(description="of people, from then on")] = None
    positives_shift: Annotated[
        Shift | None, Field(description="added to the scores of positives, where the stage is a pool")
    ] = None

    @property
    def of_people(self) -> bool:
        """Whether it says how well people read."""
        return self.sensitivity is not None or self.specificity is not None

    @model_validator(mode="after")
    def _of_people_or_of_a_model(self) -> Self:
        if self.of_people == (self.positives_shift is not None):
            raise ValueError("give sensitivity or specificity for people, or positives_shift for a pool")
        return self


class Price(_Curveball):
    """What a stage costs by the hour costs `times` as much: one pool, one stage of people, or every pool."""

    kind: Literal["price"]
    stage: Annotated[Name | None, Field(description="a pool or people; none: every pool")] = None
    times: Annotated[float, Field(ge=0, le=1000)]


Curveball = Annotated[
    Traffic | ReplicaLoss | ZoneLoss | SlowReplicas | Network | Drift | AccuracyDrop | Price, Field(discriminator="kind")
]
