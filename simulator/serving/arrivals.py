"""Arrival times, drawn before the run: one function an arrival kind."""

from collections.abc import Callable
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.arrivals import Daily, Poisson
from simulator.serving.calendar import DAY_S, clock_s
from simulator.serving.conditions import Steps
from simulator.serving.streams import Streams

Times = NDArray[np.float64]


def poisson(spec: Poisson, rng: np.random.Generator, end: float, starts_at: float) -> Times:
    """Arrival times in seconds on [0, end) at a constant rate: given their number, they are uniform and independent."""
    return np.sort(rng.random(rng.poisson(spec.rate_per_s.value * end)) * end)


def daily(spec: Daily, rng: np.random.Generator, end: float, starts_at: float) -> Times:
    """Arrival times in seconds on [0, end) of a Poisson process with a rate that is constant within each part of the day.

    Uniform times under the cumulative rate, mapped back to the clock (inversion; exact, and no candidate is thrown away).
    """
    day, rates = daily_rates(spec)
    days = np.arange(int((starts_at + end) // DAY_S) + 1) * DAY_S
    edges = np.append((days[:, None] + day[:-1]).ravel(), days[-1] + DAY_S)
    expected = np.append(0.0, np.cumsum(np.diff(edges) * np.tile(rates, len(days))))
    first, last = np.interp([starts_at, starts_at + end], edges, expected)
    marks = first + np.sort(rng.random(rng.poisson(last - first))) * (last - first)
    return np.asarray(np.interp(marks, expected, edges) - starts_at)


def daily_rates(spec: Daily) -> tuple[Times, Times]:
    """The rate over one day as steps: edges in seconds from 00:00, shape (n + 1,), and requests a second, shape (n,)."""
    even = np.linspace(0, DAY_S, len(spec.weights) + 1)
    peaks = [(clock_s(peak.start), clock_s(peak.start) + 60 * peak.minutes, peak.share) for peak in spec.peaks]
    edges = np.unique(np.concatenate([even, *(peak[:2] for peak in peaks)]))
    weights = np.array(spec.weights)
    usual = 1 - sum(share for *_, share in peaks)
    shares = usual * weights / weights.sum() * len(weights) / DAY_S
    rates = shares[np.searchsorted(even, edges[:-1], side="right") - 1]
    for start, stop, share in peaks:
        rates[(edges[:-1] >= start) & (edges[:-1] < stop)] += share / (stop - start)
    return edges, spec.per_day.value * rates


#: Draws the arrival times of a kind: (spec, generator, end in seconds, time of day at which the run starts in seconds).
ARRIVALS: dict[str, Callable[[Any, np.random.Generator, float, float], Times]] = {"poisson": poisson, "daily": daily}


def under_traffic(traffic: Steps, draw: Callable[[np.random.Generator], Times], streams: Streams) -> Times:
    """Arrival times where the rate is multiplied by `traffic`; draw: all that come without it, from a generator.

    Further draws are laid over the first, and each is thinned so that together they come to the factor: exact for a Poisson
    process (superposition and thinning). Where the factor is 1 the first draw stands alone and whole.
    """
    draws = [draw(streams.named("arrivals"))]
    if traffic.steady:
        return draws[0]
    draws += [draw(streams.named(f"arrivals.again.{again}")) for again in range(1, ceil(max(traffic.values)))]
    kept = [
        times[streams.named(f"arrivals.kept.{index}").random(len(times)) < traffic.at_all(times) - index]
        for index, times in enumerate(draws)
    ]
    return np.sort(np.concatenate(kept))


def mean_rate(spec: Poisson | Daily) -> float:
    """Requests a second, averaged over a day."""
    return spec.rate_per_s.value if isinstance(spec, Poisson) else spec.per_day.value / DAY_S


def peak_rate(spec: Poisson | Daily) -> float:
    """Requests a second at the busiest time of the day."""
    return spec.rate_per_s.value if isinstance(spec, Poisson) else float(daily_rates(spec)[1].max())
