"""What a request passes through: one model a stage kind. Each names where it hands requests on."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import ClockTime, CostFigure, Figure, Line, Lognormal, Name, ShareFigure, Strict, bounded
from simulator.scenario.faults import Path

Target = Annotated[str, Field(description="the name of a stage or of an end", max_length=60)]

#: Part of the name of a file of evidence, and no way out of its folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=120)]

#: The fields of a stage that name a target.
TARGET_FIELDS = ("to", "on_timeout", "on_full", "on_exhausted", "on_give_up", "positive_to", "negative_to")


class _Stage(Strict):
    label: Line
    note: Line | None = None

    def targets(self) -> dict[Path, str]:
        """Every place in this stage that names a target, with the name."""
        named: dict[Path, str | None] = {(field,): getattr(self, field, None) for field in TARGET_FIELDS}
        return {path: target for path, target in named.items() if target is not None}


class Link(_Stage):
    """A network: a fixed latency plus payload over bandwidth; any number of requests at once."""

    kind: Literal["link"]
    latency_ms: Annotated[Figure, bounded(0, 60_000)]
    bandwidth_mbps: Annotated[Lognormal, Field(description="megabits a second that one client gets")]
    payload_mb: Annotated[Lognormal, Field(description="megabytes that one request sends")]
    to: Target


class Pool(_Stage):
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


class Route(Strict):
    """One way out of a gate: for values at or above a threshold, or, with no threshold, for all the rest."""

    to: Target
    tag: Name | None = None
    at_least: float | None = None
    at_sensitivity: Annotated[
        float | None, Field(ge=0, le=1, description="the threshold that this share of the labelled positives reaches")
    ] = None

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if self.at_least is not None and self.at_sensitivity is not None:
            raise ValueError("give at_least or at_sensitivity, not both")
        return self

    @property
    def is_rest(self) -> bool:
        """Whether the route takes all that no route before it took."""
        return self.at_least is None and self.at_sensitivity is None


class Gate(_Stage):
    """Sends each request one of several ways by the model's score or by the quality of its photo."""

    kind: Literal["gate"]
    by: Literal["score", "quality"]
    routes: Annotated[list[Route], Field(min_length=1, max_length=16)]
    answers: Annotated[
        bool,
        Field(description="whether the requester has the answer once the request is here; the ends answer if no gate does"),
    ] = False

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        if [route.is_rest for route in self.routes] != [False] * (len(self.routes) - 1) + [True]:
            raise ValueError("the last route, and only the last, should have no threshold: it takes the rest")
        return self

    def targets(self) -> dict[Path, str]:
        """Every route's target."""
        return {("routes", index, "to"): route.to for index, route in enumerate(self.routes)}


class Retake(_Stage):
    """The requester is asked for another photo, takes some time over it, or gives up."""

    kind: Literal["retake"]
    minutes: Lognormal
    gives_up: ShareFigure
    max_tries: Annotated[int, Field(ge=2, le=5, description="photos one requester may send in all")] = 2
    to: Target
    on_give_up: Target
    on_exhausted: Annotated[Target, Field(description="where a request goes whose last photo was no better")]


class Shift(Strict):
    """People on duty from `start` to `end`, times of day; an end at or before the start lies on the next day."""

    start: ClockTime
    end: ClockTime
    people: Annotated[int, Field(ge=0, le=10_000)]


class People(_Stage):
    """Reviewers on shifts: one case at a time each, from a queue in a stated order."""

    kind: Literal["people"]
    shifts: Annotated[list[Shift], Field(min_length=1, max_length=24)]
    minutes: Annotated[Lognormal, Field(description="minutes that one case takes")]
    order: Annotated[str, Field(max_length=40)] = "fifo"
    usd_per_hour: CostFigure
    patience_h: Annotated[
        Lognormal | None, Field(description="hours a requester waits before the time-out; none: no limit")
    ] = None
    on_timeout: Target | None = None
    max_queue: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    on_full: Target | None = None
    sensitivity: Annotated[ShareFigure, Field(description="share of positives that a reviewer recognises")]
    specificity: Annotated[ShareFigure, Field(description="share of negatives that a reviewer recognises")]
    positive_to: Target
    negative_to: Target

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.max_queue is not None and self.on_full is None:
            raise ValueError("max_queue is set but on_full does not say where a request goes when the queue is full")
        if self.patience_h is not None and self.on_timeout is None:
            raise ValueError("patience_h is set but on_timeout does not say where a request goes that waited too long")
        return self


STAGE_KINDS = {"link": Link, "pool": Pool, "gate": Gate, "retake": Retake, "people": People}
Stage = Annotated[Link | Pool | Gate | Retake | People, Field(discriminator="kind")]


class End(Strict):
    """Where a request's way ends, and what that means for the person behind it."""

    label: Line
    note: Line | None = None
    referred: Annotated[bool, Field(description="whether the person was sent on to people")]
    caught: Annotated[ShareFigure, Field(description="share of positives here that are found in time")]
    usd: CostFigure
