"""Arrival times, drawn before the run: one function an arrival kind."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.arrivals import Daily, Poisson
from simulator.serving.calendar import DAY_S

Times = NDArray[np.float64]


def poisson(spec: Poisson, rng: np.random.Generator, end: float, starts_at: float) -> Times:
    """Arrival times in seconds on [0, end) at a constant rate: given their number, they are uniform and independent."""
    return np.sort(rng.random(rng.poisson(spec.rate_per_s.value * end)) * end)


def daily(spec: Daily, rng: np.random.Generator, end: float, starts_at: float) -> Times:
    """Arrival times in seconds on [0, end) of a Poisson process with a rate that is constant within each part of the day.

    Uniform times under the cumulative rate, mapped back to the clock (inversion; exact, and no candidate is thrown away).
    """
    rates = daily_rates(spec)
    width = DAY_S / len(rates)
    edges = np.arange(int((starts_at + end) // width) + 2) * width
    expected = np.concatenate([[0.0], np.cumsum(np.resize(rates, len(edges) - 1) * width)])
    first, last = np.interp([starts_at, starts_at + end], edges, expected)
    marks = first + np.sort(rng.random(rng.poisson(last - first))) * (last - first)
    return np.asarray(np.interp(marks, expected, edges) - starts_at)


def daily_rates(spec: Daily) -> NDArray[np.float64]:
    """Requests a second in each part of the day from 00:00, shape (parts,)."""
    weights = np.array(spec.weights)
    return np.asarray(spec.per_day.value * weights / weights.sum() / (DAY_S / len(weights)))


#: Draws the arrival times of a kind: (spec, generator, end in seconds, time of day at which the run starts in seconds).
ARRIVALS: dict[str, Callable[[Any, np.random.Generator, float, float], Times]] = {"poisson": poisson, "daily": daily}


def mean_rate(spec: Poisson | Daily) -> float:
    """Requests a second, averaged over a day."""
    return spec.rate_per_s.value if isinstance(spec, Poisson) else spec.per_day.value / DAY_S


def peak_rate(spec: Poisson | Daily) -> float:
    """Requests a second at the busiest time of the day."""
    return spec.rate_per_s.value if isinstance(spec, Poisson) else float(daily_rates(spec).max())
