"""Reviewers and their shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.errors import suggest
from simulator.scenario.base import (
    ClockTime,
    CostFigure,
    Figure,
    Name,
    Share,
    ShareFigure,
    Strict,
    bounded,
    clock_minutes,
)
from simulator.scenario.quantities import Quantity
from simulator.scenario.stages.base import AnyStage, Faults, Target, check_order

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Break(Strict):
    """A paid break. With several groups, each leaves when the one before is back."""

    start: ClockTime
    minutes: Annotated[float, Field(gt=0, le=480)]
    groups: Annotated[int, Field(ge=1, le=100, description="groups in which the shift takes it; 1: all at once")] = 1


class Shift(Strict):
    """People on duty from `start` to `end`, times of day; an end at or before the start is on the next day."""

    start: ClockTime
    end: ClockTime
    people: Annotated[int, Field(ge=0, le=10_000)]
    handover_minutes: Annotated[
        float, Field(ge=0, le=480, description="paid minutes at the start before anybody takes a case")
    ] = 0
    breaks: Annotated[list[Break], Field(max_length=8)] = []

    @property
    def minutes(self) -> int:
        """How long the shift lasts."""
        return (clock_minutes(self.end) - clock_minutes(self.start)) % 1440 or 1440

    def after_start(self, clock: str) -> int:
        """Minutes from the start of the shift to the next `clock` time of day."""
        return (clock_minutes(clock) - clock_minutes(self.start)) % 1440

    @model_validator(mode="after")
    def _holds_its_breaks(self) -> Self:
        if self.handover_minutes >= self.minutes:
            raise ValueError(f"handover_minutes ({self.handover_minutes:g}) should be below the shift's {self.minutes}")
        for pause in self.breaks:
            if self.after_start(pause.start) + pause.groups * pause.minutes > self.minutes:
                whole = f"{pause.groups} x {pause.minutes:g} minutes from {pause.start}"
                raise ValueError(f"the break of {whole} should be between {self.start} and {self.end}")
        return self


class SecondReader(Strict):
    """A share of the cases is read again, from the same queue, by a different person if more than one is on duty."""

    share: Share
    tag: Annotated[Name | None, Field(description="only cases with this tag; none: all")] = None
    rule: Annotated[Literal["either", "both"], Field(description="whether one reader or both must call a case positive")]


class People(AnyStage):
    """Reviewers on shifts, each reading one case at a time from a queue in a given order."""

    server: ClassVar[str] = "reviewer"
    servers: ClassVar[str] = "the people on duty"
    keeps_hours: ClassVar[bool] = True
    held_for: ClassVar[str] = "waiting for somebody to be on duty"
    cost_part: ClassVar[str] = "reviewers"
    keeps: ClassVar[bool] = True
    in_branches: ClassVar[bool] = False

    kind: Literal["people"]
    shifts: Annotated[list[Shift], Field(min_length=1, max_length=24)]
    minutes: Annotated[Quantity, Field(description="minutes that one case takes")]
    fatigue_per_h: Annotated[
        Annotated[Figure, bounded(0, 10)] | None,
        Field(description="share by which reading slows for each hour since the shift began; none: no fatigue"),
    ] = None
    second_reader: SecondReader | None = None
    order: Annotated[str, Field(max_length=40)] = "fifo"
    usd_per_hour: CostFigure
    patience_h: Annotated[Quantity | None, Field(description="hours a requester waits before the time-out; none: no limit")] = (
        None
    )
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
            raise ValueError("patience_h is set but on_timeout does not say where a request that waited too long goes")
        return self

    @property
    def sends_alike(self) -> bool:
        """What they say of a request is drawn before the run."""
        return True

    def served_again(self) -> tuple[float, str | None]:
        """Which cases the second reader reads."""
        return (self.second_reader.share, self.second_reader.tag) if self.second_reader else (0.0, None)

    def check(self, name: str, scenario: Scenario) -> Faults:
        """Someone is on duty, and the tags it uses exist."""
        if not any(shift.people for shift in self.shifts):
            yield ("shifts",), "nobody is ever on duty; give one shift at least one person"
        yield from check_order(self.order, scenario)
        tag, tags = self.served_again()[1], scenario.tags()
        if tag is not None and tag not in tags:
            yield ("second_reader", "tag"), f"no gate gives the tag '{tag}'; {suggest(tag, tags)}"
