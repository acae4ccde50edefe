"""Age of information: how old the newest information is that has come to an end by a time.

The age at time t is t - u(t), in seconds, with u(t) when the newest request was sent that has come to the end by then; 0 before
there is any, as if something had been known from the start of the run. It peaks whenever something newer comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.serving.servers import kind
from simulator.serving.trace import Trace

Floats = NDArray[np.float64]


class Known(NamedTuple):
    """When what is known becomes newer, and when that was sent: seconds, ascending, shape (n,) each."""

    at: Floats
    sent: Floats

    @property
    def peaks(self) -> Floats:
        """The age just before each of those times but the first, which nothing came before, shape (n - 1,)."""
        return self.at[1:] - self.sent[:-1]

    def areas(self, edges: Floats) -> Floats:
        """The integral of the age between each two of the edges, in s^2; edges: seconds, ascending, shape (k + 1,)."""
        knots, levels = np.append(0.0, self.at), np.append(0.0, self.sent)
        before = np.append(0.0, np.cumsum(levels[:-1] * np.diff(knots)))
        place = np.searchsorted(knots, edges, "right") - 1
        known = before[place] + levels[place] * (edges - knots[place])
        return np.diff(edges**2 / 2 - known)


def known_from(sent: Floats, came: Floats) -> Known:
    """From when each piece of information was sent and when it came, in any order, what was known when."""
    order = np.lexsort((sent, came))
    newest = np.maximum.accumulate(sent[order])
    newer = newest > np.append(0.0, newest[:-1])
    at, newest = came[order][newer], newest[newer]
    last = np.append(at[1:] != at[:-1], True)[: len(at)]  # of what comes at one instant, the newest
    return Known(at[last], newest[last])


def ages(trace: Trace) -> Iterator[tuple[str, Known]]:
    """What was known at each end that tells its age, while requests come: of all, and of each sensor, by END and END.SENSOR."""
    columns, scenario = trace.columns, trace.plan.scenario
    for name, sensors in scenario.ages.items():
        index = list(scenario.ends).index(name)
        rows = np.flatnonzero((columns.end == index) & (columns.finished < trace.plan.arrivals_end_s))
        rows, came = _with_carried(trace, rows, columns.finished[rows])
        sent = columns.arrived[rows]
        yield name, known_from(sent, came)
        for number, sensor in enumerate(sensors):
            mine = columns.sensor[rows] == number
            yield f"{name}.{sensor}", known_from(sent[mine], came[mine])


def _with_carried(trace: Trace, rows: NDArray[np.int64], came: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Requests that came to an end, and with each those that went on in it, such as the frames of a set."""
    carried = [kind(trace, name).carried(trace, name) for name in trace.plan.scenario.stages]
    carried = [each for each in carried if len(each[0])]
    for _ in carried:  # what is carried may carry others
        when = np.full(trace.columns.n, np.nan)
        when[rows] = came
        for carrier, since, inside in carried:
            there = when[carrier] >= since
            rows, came = np.append(rows, inside[there]), np.append(came, when[carrier[there]])
    return rows, came
