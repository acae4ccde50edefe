"""Kinds whose rate follows the calendar."""

from __future__ import annotations

import numpy as np

from simulator.scenario.arrivals import DAYS, Profile
from simulator.serving.arrivals.base import OpenProcess, poisson_times
from simulator.serving.arrivals.clock import Clock, Times
from simulator.serving.calendar import DAY_S, clock_s


class _Profiled(OpenProcess):
    """A Poisson process: its clock counts expected requests."""

    def times(self, rng: np.random.Generator, usual: float, total: float) -> Times:
        """One request a tick on average."""
        return poisson_times(rng, 1.0, usual, total)

    def clock(self, rng: np.random.Generator) -> Clock:
        """Expected requests a second."""
        return self.rates()

    @property
    def rates_in_run(self) -> tuple[float, float]:
        """The hours of the run are what counts, not those of the whole day or week."""
        clock = self.peaks().surged(self.spikes)
        within = (clock.edges[:-1] < clock.start + self.end) & (clock.edges[1:] > clock.start)
        return self.rates().total(self.end) / self.end, float(clock.heights[within].max())


class DailyProcess(_Profiled):
    """The same rates every day."""

    def rates(self) -> Clock:
        """The day's rates, day after day."""
        edges, shares = day_shares(self.spec)
        days = np.full(int((self.starts_at + self.end) // DAY_S) + 1, self.spec.per_day.value)
        return _days_of(edges, shares, days, self.starts_at)

    @property
    def mean_rate(self) -> float:
        """Averaged over a day."""
        return float(self.spec.per_day.value / DAY_S)


class WeeklyProcess(_Profiled):
    """Each day of the week has its share of the week, and the same profile."""

    def rates(self) -> Clock:
        """The week's rates, week after week, from the day on which the run starts."""
        edges, shares = day_shares(self.spec)
        weights = np.array(self.spec.days) / sum(self.spec.days)
        first = DAYS.index(self.spec.starts_on)
        which = (first + np.arange(int((self.starts_at + self.end) // DAY_S) + 1)) % len(DAYS)
        return _days_of(edges, shares, self.spec.per_week.value * weights[which], self.starts_at)

    @property
    def mean_rate(self) -> float:
        """Averaged over a week."""
        return float(self.spec.per_week.value / (len(DAYS) * DAY_S))


def _days_of(edges: Times, shares: Times, requests: Times, starts_at: float) -> Clock:
    """Days one after the other from midnight on; requests: how many to expect on each."""
    days = np.arange(len(requests)) * DAY_S
    all_edges = np.append((days[:, None] + edges[:-1]).ravel(), days[-1] + DAY_S)
    return Clock(all_edges, (requests[:, None] * shares).ravel(), starts_at)


def day_shares(spec: Profile) -> tuple[Times, Times]:
    """How one day's requests spread over it: edges in seconds from 00:00, shape (n + 1,), and shares a second, shape (n,)."""
    even = np.linspace(0, DAY_S, len(spec.weights) + 1)
    peaks = [(clock_s(peak.start), clock_s(peak.start) + 60 * peak.minutes, peak.share) for peak in spec.peaks]
    edges = np.unique(np.concatenate([even, *(peak[:2] for peak in peaks)]))
    weights = np.array(spec.weights)
    usual = 1 - sum(share for *_, share in peaks)
    shares = usual * weights / weights.sum() * len(weights) / DAY_S
    rates = shares[np.searchsorted(even, edges[:-1], side="right") - 1]
    for start, stop, share in peaks:
        rates[(edges[:-1] >= start) & (edges[:-1] < stop)] += share / (stop - start)
    return edges, rates
