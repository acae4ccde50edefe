"""Reviewers and their shifts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import ClockTime, CostFigure, Lognormal, ShareFigure, Strict
from simulator.scenario.stages.base import AnyStage, Target


class Shift(Strict):
    """People on duty from `start` to `end`, times of day; an end at or before the start lies on the next day."""

    start: ClockTime
    end: ClockTime
    people: Annotated[int, Field(ge=0, le=10_000)]


class People(AnyStage):
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
