"""Age of information: how old the newest information is that has reached an end by a given time.

The age at time t is t - u(t), in seconds; u(t) is when the newest request to reach the end by then was sent, 0 before there
is one, as if something had been known from the start of the run. It peaks whenever something newer arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.engine.servers import kind
from simulator.records.trace import Trace

Floats = NDArray[np.float64]

#: The age is looked at once in each stretch of so many seconds; a longer run has so many stretches at most.
_STRETCH_S, _MOST = 0.01, 100_000
#: The share of a stretch by which each instant lies further into its own than the one before it (the golden ratio, less 1).
_STEP = (5**0.5 - 1) / 2
#: At so many ages the distribution is told, and as many of the longest.
_CORNERS = 300


class KnownAges(NamedTuple):
    """When newer information arrives, and when it was sent: seconds, ascending, shape (n,) each."""

    at: Floats
    sent: Floats

    @property
    def peaks(self) -> Floats:
        """The age just before each of those times except the first, shape (n - 1,)."""
        return self.at[1:] - self.sent[:-1]

    def ages(self, times: Floats) -> Floats:
        """The age at these times, both in seconds, shape of `times`; information has arrived by the instant it arrives at."""
        return np.asarray(times - np.append(0.0, self.sent)[np.searchsorted(self.at, times, "right")])

    def areas(self, edges: Floats) -> Floats:
        """The integral of the age between each two of the edges, in s^2; edges: seconds, ascending, shape (k + 1,)."""
        knots, levels = np.append(0.0, self.at), np.append(0.0, self.sent)
        before = np.append(0.0, np.cumsum(levels[:-1] * np.diff(knots)))
        place = np.searchsorted(knots, edges, "right") - 1
        known = before[place] + levels[place] * (edges - knots[place])
        return np.diff(edges**2 / 2 - known)


def instants(end: float) -> Floats:
    """When to look at an age on [0, end), in seconds, ascending: once in each of many stretches of equal length.

    Where within its stretch follows a sequence of low discrepancy (Weyl's, by the golden ratio), so that no period of a sensor
    meets the instants always at the same place.
    """
    count = min(max(round(end / _STRETCH_S), 1), _MOST)
    places = np.arange(count)
    return (places + (0.5 + places * _STEP) % 1) * (end / count)


def shares_within(known: KnownAges, until: float) -> tuple[Floats, Floats]:
    """Limits of the age in s, ascending, and the share of the time from 0 to `until` s in which it is within each: (k,) each.

    Exact at those limits, which are all ages where the saw has a corner, or a choice of them that keeps the longest.
    """
    sent = np.append(0.0, known.sent)
    low, high = np.append(0.0, known.at) - sent, np.append(known.at, until) - sent
    corners = np.sort(np.append(low, high))
    limits = np.unique(np.append(np.quantile(corners, np.linspace(0, 1, _CORNERS)), corners[-_CORNERS:]))
    return limits, (_beyond(limits, low) - _beyond(limits, high)) / until


def _beyond(limits: Floats, edges: Floats) -> Floats:
    """By how much each limit exceeds the edges, summed over the edges; shapes (k,) and (n,) to (k,)."""
    ordered = np.sort(edges)
    below = np.searchsorted(ordered, limits, "right")
    return np.asarray(below * limits - np.append(0.0, np.cumsum(ordered))[below])


def known_from(sent: Floats, came: Floats) -> KnownAges:
    """What was known when, from the times each piece of information was sent and arrived, in any order."""
    order = np.lexsort((sent, came))
    newest = np.maximum.accumulate(sent[order])
    newer = newest > np.append(0.0, newest[:-1])
    at, newest = came[order][newer], newest[newer]
    last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of those arriving at one instant, the newest
    return KnownAges(at[last], newest[last])


def ages(trace: Trace) -> Iterator[tuple[str, KnownAges]]:
    """What was known at each end that reports its age, while requests arrive: overall by END, and by END.SENSOR."""
    columns = trace.columns
    for name, sensors in trace.plan.scenario.ages.items():
        rows, came = arrived_at(trace, name)
        sent = columns.arrived[rows]
        yield name, known_from(sent, came)
        for number, sensor in enumerate(sensors):
            mine = columns.sensor[rows] == number
            yield f"{name}.{sensor}", known_from(sent[mine], came[mine])


def arrived_at(trace: Trace, end: str) -> tuple[NDArray[np.int64], Floats]:
    """The requests that reach an end while requests arrive, with those they carry along, and when (s); shapes (m,)."""
    columns, index = trace.columns, list(trace.plan.scenario.ends).index(end)
    rows = np.flatnonzero((columns.end == index) & (columns.finished < trace.plan.arrivals_end_s))
    return _with_carried(trace, rows, columns.finished[rows])


def _with_carried(trace: Trace, rows: NDArray[np.int64], came: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Requests that reached an end, each with those it carried, such as the frames of a set."""
    carried = [kind(trace, name).carried(trace, name) for name in trace.plan.scenario.stages]
    carried = [each for each in carried if len(each[0])]
    for _ in carried:  # carried requests may carry others
        when = np.full(trace.columns.n, np.nan)
        when[rows] = came
        for carrier, since, inside in carried:
            there = when[carrier] >= since
            rows, came = np.append(rows, inside[there]), np.append(came, when[carrier[there]])
    return rows, came
