"""What a pool may do beyond first come, first served: circuit breaker, scaling."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Strict

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
