"""How a time answers to the load that other labelled people bring: lines through a few runs, read at a thousand draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from simulator.intervals import LEVEL
from simulator.theory.queue_formulas import filling_queue_s

Floats = NDArray[np.float64]

#: A wait of nothing answers to a queue with this part of what the mean time in it does, at least. It stands still in a few runs
#: only because their loads are low: the median wait is 0 until the servers are nearly always busy.
LEAST_ANSWER = 0.5


class LoadLines(NamedTuple):
    """A stage's load for other labelled people: logarithms of its change, in runs (shape (runs,)) and draws (draws,).

    runs, drawn: of the load; queue_runs, queue_drawn: of the mean time in a queue of that load
    """

    runs: Floats
    drawn: Floats
    queue_runs: Floats
    queue_drawn: Floats

    def bounds(self, moved: Floats, nothing: bool = False) -> tuple[float, float, float]:
        """Return the bounds of the logarithm of a time about its value, and the size of what the load does not explain.

        A wait grows as the load does or as a queue does, or somewhat between; a few runs near one load hardly tell which. The
        line between the two lies nearer to the one that fits better, and never nearer to the load than midway: a run of low
        loads looks straight.

        moved: the logarithms in the runs, shape (runs,); nothing: the time is a wait of nothing
        """
        by_load = _slope(self.runs, moved)
        by_queue = max(_slope(self.queue_runs, moved), LEAST_ANSWER if nothing else -np.inf)
        load_misses, queue_misses = (_squares(moved - by_load * self.runs), _squares(moved - by_queue * self.queue_runs))
        part = max(load_misses / (load_misses + queue_misses), 0.5) if queue_misses else 1.0
        line = (1 - part) * by_load, part * by_queue
        unexplained = float(np.sqrt(_squares(moved - line[0] * self.runs - line[1] * self.queue_runs) / (len(moved) - 1)))
        drawn = line[0] * self.drawn + line[1] * self.queue_drawn
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        half = unexplained * float(stdtrit(len(moved) - 1, (1 + LEVEL) / 2))
        return -float(np.hypot(min(low, 0.0), half)), float(np.hypot(max(high, 0.0), half)), unexplained


def load_lines(
    load: float, drawn: Floats, now: Floats, again: Floats, servers: float, service_s: float, span_s: float
) -> LoadLines | None:
    """Return the lines of a stage; None where other labelled people do not change its load, or leave none.

    load, drawn: the load and that of each draw, shape (draws,); now, again: those of the runs, shapes (runs,); servers: how
    many are there on average; service_s: the mean service; span_s: how long requests arrive
    """
    drawn = drawn[np.isfinite(drawn)]  # a draw with an empty class has no load
    if (
        not len(drawn)
        or min(now.min(initial=1.0), again.min(initial=1.0), drawn.min(), service_s) <= 0
        or not (again != now).any()
    ):
        return None

    def queue(loads: Floats | float) -> Floats:
        return np.log(filling_queue_s(np.asarray(loads, float), service_s, servers, span_s))

    return LoadLines(np.log(again / now), np.log(drawn / load), queue(again) - queue(now), queue(drawn) - queue(load))


def _slope(loads: Floats, moved: Floats) -> float:
    """Return the slope of a line through the origin."""
    return float(loads @ moved / (loads @ loads))


def _squares(values: Floats) -> float:
    return float(values @ values)
