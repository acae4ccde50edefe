"""Replicas of a model."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Figure, Strict, bounded
from simulator.scenario.stages.base import AnyStage, FileName, Target


class Failures(Strict):
    """Replicas that break down and are repaired, each by itself; both times are exponential."""

    mtbf_h: Annotated[Figure, bounded(0.1, 1e6), Field(description="mean hours that a replica runs before it fails")]
    repair_minutes: Annotated[Figure, bounded(1e-3, 1e6), Field(description="mean minutes until it runs again")]

    @property
    def availability(self) -> float:
        """The share of the time that a replica runs in the long run."""
        up, down = 60 * self.mtbf_h.value, self.repair_minutes.value
        return up / (up + down)


class Pool(AnyStage):
    """Replicas of one measured model behind one queue, with dynamic batching."""

    kind: Literal["pool"]
    model: FileName
    precision: FileName
    device: FileName
    threads: Annotated[int, Field(ge=1, le=64, description="threads that one replica is pinned to")] = 1
    passes: Annotated[int, Field(ge=1, le=16, description="runs of the model for one answer, as in an ensemble")] = 1
    replicas: Annotated[int, Field(ge=1, le=1024)] = 1
    max_batch: Annotated[int, Field(ge=1, le=1024)] = 1
    preferred_batches: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=16)] = []
    max_queue_delay_ms: Annotated[float, Field(ge=0, le=600_000)] = 0
    max_queue: Annotated[int | None, Field(ge=1, le=10_000_000, description="requests that may wait; none: no limit")] = None
    timeout_s: Annotated[float | None, Field(gt=0, le=1e7, description="longest wait in the queue; none: no limit")] = None
    on_full: Target | None = None
    on_timeout: Target | None = None
    failures: Annotated[Failures | None, Field(description="how replicas fail; none: they never do")] = None
    scores: Annotated[
        FileName | None, Field(description="the scores that this model's answers come from, without the precision")
    ] = None
    to: Target

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        too_large = [size for size in self.preferred_batches if size > self.max_batch]
        if too_large:
            raise ValueError(f"preferred_batches holds {too_large[0]}, more than max_batch ({self.max_batch})")
        if self.max_queue is not None and self.on_full is None:
            raise ValueError("max_queue is set but on_full does not say where a request goes when the queue is full")
        if self.timeout_s is not None and self.on_timeout is None:
            raise ValueError("timeout_s is set but on_timeout does not say where a request goes that waited too long")
        return self
