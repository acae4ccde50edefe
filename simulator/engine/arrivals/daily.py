"""Kinds whose rate follows the calendar."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from simulator.arrays import Times
from simulator.case.fields import ClockTime, Figure, Share, Strict, bounded, refused
from simulator.engine.arrivals.arrival import Clock, OpenProcess, poisson_times
from simulator.records.timetables import DAY_S, clock_minutes, clock_s

Weight = Annotated[float, Field(ge=0, le=1e6)]
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Peak(Strict):
    """A rush at a time of day: a share of the whole day's requests arrives then, on top of the rest."""

    start: ClockTime
    minutes: Annotated[float, Field(gt=0, le=1440)]
    """how long it lasts"""
    share: Share
    """its share of the requests of a day"""

    _within_the_day = refused(
        lambda peak: clock_minutes(peak.start) + peak.minutes > 1440,
        "{0.minutes:g} minutes from {0.start} pass midnight; split the peak in two",
    )


class DailyArrivals(OpenProcess):
    """Shape of one day's arrivals: a Poisson process, whose clock counts expected requests.

    `weights` split the day from 00:00 into equal parts; `peaks` take their shares of the day first.
    """

    reaches_steady_state: ClassVar[bool] = False

    weights: Annotated[list[Weight], Field(min_length=1, max_length=1440)]
    """numbers that split the day into equal parts; a part with twice the weight has twice the requests"""
    peaks: Annotated[list[Peak], Field(max_length=24)] = []
    """times of day with a share of the requests of their own"""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not sum(self.weights) > 0:
            raise ValueError("at least one weight should be above 0")
        if sum(peak.share for peak in self.peaks) > 1:
            raise ValueError(f"the peaks' shares add up to {sum(peak.share for peak in self.peaks):g}; at most 1")
        return self

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        return poisson_times(rng, 1.0, usual, total)

    def clock(self, rng: np.random.Generator) -> Clock:
        return self.rates()

    @property
    def _days(self) -> int:
        """Days of the calendar that the run touches."""
        return int((self._starts_at + self._end * self._pace) // DAY_S) + 1

    def _days_of(self, edges: Times, shares: Times, requests: Times) -> Clock:
        """Return the rates of days one after the other; those of a faster calendar hold for a shorter time."""
        days = np.arange(len(requests)) * DAY_S
        all_edges = np.append((days[:, None] + edges[:-1]).ravel(), days[-1] + DAY_S)
        return Clock(all_edges / self._pace, (requests[:, None] * shares).ravel(), self._starts_at / self._pace)

    def day_shares(self) -> tuple[Times, Times]:
        """Return the shape of one day: edges in seconds from 00:00, shape (n + 1,), and shares a second, shape (n,)."""
        even = np.linspace(0, DAY_S, len(self.weights) + 1)
        peaks = [(clock_s(peak.start), clock_s(peak.start) + 60 * peak.minutes, peak.share) for peak in self.peaks]
        edges = np.unique(np.concatenate([even, *(peak[:2] for peak in peaks)]))
        weights = np.array(self.weights)
        usual = 1 - sum(share for *_, share in peaks)
        shares = usual * weights / weights.sum() * len(weights) / DAY_S
        rates = shares[np.searchsorted(even, edges[:-1], side="right") - 1]
        for start, stop, share in peaks:
            rates[(edges[:-1] >= start) & (edges[:-1] < stop)] += share / (stop - start)
        return edges, rates


class Daily(DailyArrivals):
    """A Poisson process whose rate follows the time of day."""

    kind: Literal["daily"]
    per_day: Annotated[Figure, bounded(1, 1e8)]
    """requests a day"""

    def rates(self) -> Clock:
        edges, shares = self.day_shares()
        return self._days_of(edges, shares, np.full(self._days, self.per_day.value))


class Weekly(DailyArrivals):
    """A Poisson process whose rate follows the day of the week, and the same profile every day.

    `days` weighs the days from Monday to Sunday; the run starts on the day `starts_on`.
    """

    kind: Literal["weekly"]
    per_week: Annotated[Figure, bounded(1, 1e8)]
    """requests a week"""
    days: Annotated[list[Weight], Field(min_length=7, max_length=7)]
    """seven weights, from Monday to Sunday"""
    starts_on: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    """the first day of the run"""

    _some_day = refused(lambda week: not sum(week.days) > 0, "at least one day should have a weight above 0")

    def rates(self) -> Clock:
        """Return the week's rates, week after week, from the day on which the run starts."""
        edges, shares = self.day_shares()
        weights = np.array(self.days) / sum(self.days)
        first = DAYS.index(self.starts_on)
        which = (first + np.arange(self._days)) % len(DAYS)
        return self._days_of(edges, shares, self.per_week.value * weights[which])
