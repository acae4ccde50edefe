"""Kinds whose rate follows the calendar."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.arrivals.base import Open
from simulator.scenario.base import ClockTime, Figure, Share, Strict, bounded, clock_minutes

Weight = Annotated[float, Field(ge=0, le=1e6)]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Peak(Strict):
    """A time of day at which a share of the whole day's requests arrives, on top of the rest."""

    start: ClockTime
    minutes: Annotated[float, Field(gt=0, le=1440)]
    share: Share

    @model_validator(mode="after")
    def _within_the_day(self) -> Self:
        if clock_minutes(self.start) + self.minutes > 1440:
            raise ValueError(f"{self.minutes:g} minutes from {self.start} pass midnight; split the peak in two")
        return self


class Profile(Open):
    """How the requests of one day spread over it.

    `weights` split the day from 00:00 into equal parts; `peaks` take their shares of the day first.
    """

    reaches_steady_state: ClassVar[bool] = False

    weights: Annotated[list[Weight], Field(min_length=1, max_length=1440)]
    peaks: Annotated[list[Peak], Field(max_length=24)] = []

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not sum(self.weights) > 0:
            raise ValueError("at least one weight should be above 0")
        if sum(peak.share for peak in self.peaks) > 1:
            raise ValueError(f"the peaks' shares add up to {sum(peak.share for peak in self.peaks):g}; at most 1")
        return self


class Daily(Profile):
    """A Poisson process whose rate follows the time of day."""

    kind: Literal["daily"]
    per_day: Annotated[Figure, bounded(1, 1e8)]


class Weekly(Profile):
    """A Poisson process whose rate follows the day of the week, and the same profile every day.

    `days` weighs the days from Monday to Sunday; the run starts on the day `starts_on`.
    """

    kind: Literal["weekly"]
    per_week: Annotated[Figure, bounded(1, 1e8)]
    days: Annotated[list[Weight], Field(min_length=7, max_length=7)]
    starts_on: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        if not sum(self.days) > 0:
            raise ValueError("at least one day should have a weight above 0")
        return self
