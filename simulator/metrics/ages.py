"""Age of information: how old the newest information is that has reached an end by a given time.

The age at time t is t - u(t), in seconds; u(t) is when the newest request to reach the end by then was sent, 0 before there
is one, as if something had been known from the start of the run. It peaks whenever something newer arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.case.outputs import CaseOutline, CountedMetric, Metric
from simulator.engine.contract import stage_of
from simulator.engine.run_trace import Trace
from simulator.metrics.measures import CountedRun
from simulator.metrics.samples import Sample

#: The quantiles that are reported of an age.
AGE_QUANTILES = {"p95": 0.95, "p99": 0.99}

#: The age is looked at once in each stretch of this length in s; a run has at most this many stretches.
_STRETCH_S, _MOST = 0.01, 100_000
#: Move of the look within its stretch from one stretch to the next, as a share of the stretch (the golden ratio, less 1).
_STEP = (5**0.5 - 1) / 2
#: The number of ages that a distribution is drawn at; the longest ages are drawn as well, up to this number of them.
_CORNERS = 300


def ages_of_information(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the age of information at each end that reports it, over all sensors and for each: over time, and at its peaks."""
    for end, sensors in case.ages.items():
        named = {f"{end}.{sensor}": f" of “{case.labels.get(f'sensor {sensor}', sensor)}”" for sensor in sensors}
        for of, words in {end: "", **named}.items():
            yield from _ages(of, case.label(end), words)


def _ages(of: str, label: str, words: str) -> Iterator[CountedMetric]:
    peak, known = f"{label}: age{words} when something newer arrives", f"{label}: age of what is known{words}"

    def areas(run: CountedRun) -> Floats:
        return _known(run)[of].areas(run.edges)

    def over_time(run: CountedRun) -> Sample:
        looks = instants(run.trace.plan.arrivals_end_s)
        return run.sample(_known(run)[of].ages(looks), looks)

    def peaks(run: CountedRun) -> Sample:
        return run.sample(_known(run)[of].peaks, _known(run)[of].at[1:])

    yield CountedMetric(Metric(f"age_mean_s.{of}", f"{known}, over time", "s", "lower", "ratio"), areas, "rates")
    for short, share in AGE_QUANTILES.items():
        within = f"{known}: it stays within this value {share:.0%} of the time"
        record = Metric(f"age_{short}_s.{of}", within, "s", "lower", "quantile", f"age.{of}", share)
        yield CountedMetric(record, over_time, "samples")
    mean = Metric(f"age_peak_mean_s.{of}", f"{peak}, mean", "s", "lower", "mean", f"age_peak.{of}")
    p95 = Metric(f"age_peak_p95_s.{of}", f"{peak}, 95% within", "s", "lower", "quantile", f"age_peak.{of}", 0.95)
    yield from (CountedMetric(record, peaks, "samples") for record in (mean, p95))


def _known(run: CountedRun) -> dict[str, KnownAges]:
    results: dict[str, KnownAges] = run.once("ages", lambda: dict(ages(run.trace)))
    return results


class KnownAges(NamedTuple):
    """Times when newer information arrives, and when it was sent: seconds, ascending, shape (n,) each."""

    at: Floats
    sent: Floats

    @property
    def peaks(self) -> Floats:
        """The age just before each of those times except the first, shape (n - 1,)."""
        return self.at[1:] - self.sent[:-1]

    def ages(self, times: Floats) -> Floats:
        """Return the age at these times, in seconds, shape of `times`; information counts from the instant it arrives at."""
        return np.asarray(times - np.append(0.0, self.sent)[np.searchsorted(self.at, times, "right")])

    def areas(self, edges: Floats) -> Floats:
        """Return the integral of the age between each two of the edges, in s^2; edges: seconds, ascending, shape (k + 1,)."""
        knots, levels = np.append(0.0, self.at), np.append(0.0, self.sent)
        before = np.append(0.0, np.cumsum(levels[:-1] * np.diff(knots)))
        place = np.searchsorted(knots, edges, "right") - 1
        known = before[place] + levels[place] * (edges - knots[place])
        return np.diff(edges**2 / 2 - known)


def instants(end: float) -> Floats:
    """Return times to look at an age on [0, end), in seconds, ascending: one in each of many stretches of equal length.

    Where within its stretch follows a sequence of low discrepancy (Weyl's, by the golden ratio), so that no period of a sensor
    meets the instants always at the same place.
    """
    count = min(max(round(end / _STRETCH_S), 1), _MOST)
    places = np.arange(count)
    return (places + (0.5 + places * _STEP) % 1) * (end / count)


def shares_within(known: KnownAges, until: float) -> tuple[Floats, Floats]:
    """Return limits of the age in s, ascending, and the share of the time from 0 to `until` s within each: (k,) each.

    Exact at those limits, which are all ages where the saw has a corner, or a choice of them that keeps the longest.
    """
    sent = np.append(0.0, known.sent)
    low, high = np.append(0.0, known.at) - sent, np.append(known.at, until) - sent
    corners = np.sort(np.append(low, high))
    limits = np.unique(np.append(np.quantile(corners, np.linspace(0, 1, _CORNERS)), corners[-_CORNERS:]))
    return limits, (_beyond(limits, low) - _beyond(limits, high)) / until


def _beyond(limits: Floats, edges: Floats) -> Floats:
    """Sum the excess of each limit over the edges; shapes (k,) and (n,) to (k,)."""
    ordered = np.sort(edges)
    below = np.searchsorted(ordered, limits, "right")
    return np.asarray(below * limits - np.append(0.0, np.cumsum(ordered))[below])


def known_from(sent: Floats, came: Floats) -> KnownAges:
    """Return the newest information over time, from the times each piece was sent and arrived, in any order."""
    order = np.lexsort((sent, came))
    newest = np.maximum.accumulate(sent[order])
    newer = newest > np.append(0.0, newest[:-1])
    at, newest = came[order][newer], newest[newer]
    last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of those arriving at one instant, the newest
    return KnownAges(at[last], newest[last])


def ages(trace: Trace) -> Iterator[tuple[str, KnownAges]]:
    """Yield the newest information at each end that reports its age, while requests arrive: by END, and by END.SENSOR."""
    columns = trace.columns
    for name, sensors in trace.plan.scenario.ages.items():
        rows, came = arrived_at(trace, name)
        sent = columns.arrived[rows]
        yield name, known_from(sent, came)
        for number, sensor in enumerate(sensors):
            own = columns.sensor[rows] == number
            yield f"{name}.{sensor}", known_from(sent[own], came[own])


def arrived_at(trace: Trace, end: str) -> tuple[NDArray[np.int64], Floats]:
    """Return the requests that reach an end while requests arrive, with those they carry along, and when (s); shapes (m,)."""
    columns, index = trace.columns, list(trace.plan.scenario.ends).index(end)
    rows = np.flatnonzero((columns.end == index) & (columns.finished < trace.plan.arrivals_end_s))
    return _with_carried(trace, rows, columns.finished[rows])


def _with_carried(trace: Trace, rows: NDArray[np.int64], came: Floats) -> tuple[NDArray[np.int64], Floats]:
    carried = [each for name in trace.plan.scenario.stages for each in stage_of(trace, name).report(trace, name).carried]
    carried = [each for each in carried if len(each[0])]
    for _ in carried:  # carried requests may carry others
        when = np.full(trace.columns.n, np.nan)
        when[rows] = came
        for carrier, since, inside in carried:
            there = when[carrier] >= since
            rows, came = np.append(rows, inside[there]), np.append(came, when[carrier[there]])
    return rows, came
