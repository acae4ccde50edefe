"""How requests come in: one model an arrival kind."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import ClockTime, Figure, Share, Strict, bounded, clock_minutes


class Poisson(Strict):
    """Requests at a constant mean rate, independent of each other."""

    kind: Literal["poisson"]
    rate_per_s: Annotated[Figure, bounded(1e-6, 1e6)]


class Peak(Strict):
    """A time of day at which a share of the whole day's requests comes on top of the rest."""

    start: ClockTime
    minutes: Annotated[float, Field(gt=0, le=1440)]
    share: Share

    @model_validator(mode="after")
    def _within_the_day(self) -> Self:
        if clock_minutes(self.start) + self.minutes > 1440:
            raise ValueError(f"{self.minutes:g} minutes from {self.start} pass midnight; split the peak in two")
        return self


class Daily(Strict):
    """A Poisson process whose rate follows the time of day.

    `weights` split the day from 00:00 into equal parts; `peaks` take their shares of the day first.
    """

    kind: Literal["daily"]
    per_day: Annotated[Figure, bounded(1, 1e8)]
    weights: Annotated[list[Annotated[float, Field(ge=0, le=1e6)]], Field(min_length=1, max_length=1440)]
    peaks: Annotated[list[Peak], Field(max_length=24)] = []

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not sum(self.weights) > 0:
            raise ValueError("at least one weight should be above 0")
        if sum(peak.share for peak in self.peaks) > 1:
            raise ValueError(f"the peaks' shares add up to {sum(peak.share for peak in self.peaks):g}; at most 1")
        return self


Arrivals = Annotated[Poisson | Daily, Field(discriminator="kind")]
