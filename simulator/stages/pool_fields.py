"""Sections of a pool: assumed scores, failures, circuit breaker, scaling."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, TypeAdapter, model_validator

from simulator.case.fields import Figure, Line, Strict, bounded
from simulator.case.stage_model import FileName

Seconds = Annotated[float, Field(gt=0, le=1e6)]
Whole = Annotated[int, Field(ge=1, le=1024)]


class Breaker(Strict):
    """A circuit breaker: when too many calls fail, it refuses everything for a while and then tries a few."""

    window_s: Annotated[Seconds, Field(description="outcomes older than this are forgotten")] = 10
    failure_share: Annotated[float, Field(gt=0, le=1, description="share of failures at which it opens")] = 0.5
    min_requests: Annotated[int, Field(ge=1, le=1_000_000, description="outcomes in the window before it may open")] = 20
    open_s: Annotated[Seconds, Field(description="how long it refuses everything")] = 5
    trials: Annotated[int, Field(ge=1, le=1000, description="requests let through before it closes again")] = 5


class _Scaling(Strict):
    min_replicas: Whole = 1
    max_replicas: Whole

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas ({self.min_replicas}) should not exceed max_replicas ({self.max_replicas})")
        return self


class Hpa(_Scaling):
    """Kubernetes' horizontal pod autoscaler on utilization, with its default behaviour."""

    kind: Literal["hpa"]
    target: Annotated[float, Field(gt=0, le=1, description="share of the time that a replica should be busy")] = 0.5
    every_s: Seconds = 15
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.1
    stabilization_s: Annotated[
        float, Field(ge=0, le=3600, description="how long a smaller number must be wanted before it applies")
    ] = 300


class Knative(_Scaling):
    """Knative's autoscaler on concurrency: a stable window, and a short one that panics."""

    kind: Literal["knative"]
    target: Annotated[float, Field(gt=0, le=1e4, description="concurrent requests per replica")] = 1
    every_s: Seconds = 2
    stable_s: Seconds = 60
    panic_s: Seconds = 6
    panic_at: Annotated[float, Field(gt=1, le=100, description="panics when this many times the ready replicas are wanted")] = 2


class RayServe(_Scaling):
    """Ray Serve's autoscaler on ongoing requests: it acts on a demand that lasts."""

    kind: Literal["ray_serve"]
    target: Annotated[float, Field(gt=0, le=1e4, description="ongoing requests per replica")] = 2
    every_s: Seconds = 1
    upscale_delay_s: Annotated[float, Field(ge=0, le=1e5)] = 30
    downscale_delay_s: Annotated[float, Field(ge=0, le=1e5)] = 600


Scaling = Annotated[Hpa | Knative | RayServe, Field(discriminator="kind")]


class Failures(Strict):
    """Replicas that fail and are repaired independently; both times are exponential."""

    mtbf_h: Annotated[Figure, bounded(0.1, 1e6), Field(description="mean hours until a replica fails")]
    repair_minutes: Annotated[Figure, bounded(1e-3, 1e6), Field(description="mean minutes until it runs again")]

    @property
    def availability(self) -> float:
        """The long-run share of time that a replica is up."""
        up, down = 60 * self.mtbf_h.value, self.repair_minutes.value
        return up / (up + down)


class AssumedScores(Strict):
    """Scores that nobody measured yet: two normal distributions of equal spread, as far apart as the area says."""

    written: ClassVar[str] = "the name of a score table, or as {auc: 0.9, assumed: why}"

    auc: Annotated[float, Field(gt=0.5, lt=1, description="the area under the ROC curve")]
    assumed: Line
    positives: Annotated[int, Field(ge=30, le=10_000, description="labelled positives that intervals are to reckon with")] = 200
    negatives: Annotated[int, Field(ge=30, le=10_000, description="labelled negatives that intervals are to reckon with")] = 200


_TABLE: TypeAdapter[str] = TypeAdapter(FileName)


def _scores(data: Any) -> str | AssumedScores:
    """The name of a table, or what is assumed in place of one."""
    return AssumedScores.model_validate(data) if isinstance(data, dict | AssumedScores) else _TABLE.validate_python(data)


Scores = Annotated[FileName | AssumedScores, PlainValidator(_scores)]
