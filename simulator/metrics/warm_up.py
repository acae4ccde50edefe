"""The warm-up of runs that start empty, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.arrays import Floats
from simulator.intervals import mean_interval
from simulator.phrases import phrase

#: Fewer values say nothing about a warm-up.
LEAST = 10

#: Fewer replications do not show whether a cut is a warm-up or a busy period.
ENOUGH = 3

#: Values that differ by less than this fraction of the largest are equal.
ROUNDING = 1e-9


@dataclass(frozen=True)
class WarmUp:
    """The start of a run's steady state, one for all its replications.

    cut_s: what comes before is left out; dropped: requests that arrived before, over all replications
    stretch: the first stretch that counts; steady: whether there is a steady state within the run
    """

    cut_s: float
    dropped: int
    stretch: int
    steady: bool

    @property
    def sentence(self) -> str:
        """The time that was cut off, or that there is nothing to quote."""
        key = "warm_up.cut" if self.stretch else "warm_up.none"
        return phrase(key if self.steady else "warm_up.unsteady", cut=self.cut_s, dropped=self.dropped)

    def to_json(self) -> dict[str, Any]:
        return {"rule": "mser", "steady": self.steady, "cut_s": self.cut_s, "dropped": self.dropped}


def mser(series: Floats) -> int | None:
    """Return the number of values to drop from the front of a series; None if it reaches no steady state.

    MSER: the values from the cut on should have the smallest marginal standard error, the sum of their squared deviations over
    their number squared (White 1997, Simulation 69:323). The cut is looked for in the first half; if the error still falls
    at its end, the run is too short (White, Cobb and Spratt 2000). The series is the mean over replications (Welch 1983): on
    one replication alone the rule cuts off genuine busy periods, and what is left is too fast.
    """
    count = len(series)
    if count < LEAST:
        return None
    values = series - series.mean()  # sums of squares of large numbers would cancel
    remaining = np.arange(count, 0, -1, dtype=float)
    total, squares = (np.cumsum(part[::-1])[::-1] for part in (values, values**2))
    deviations = squares - total**2 / remaining
    deviations[deviations < remaining * (ROUNDING * np.abs(series).max()) ** 2] = 0.0
    cut = int(np.argmin((deviations / remaining**2)[: count // 2 + 1]))
    return cut if cut < count // 2 else None


def warm_up_of(totals: Floats, counts: Floats, end_s: float) -> WarmUp:
    """Return the warm-up of a run.

    totals, counts: latency in s and number of answered requests of each replication by stretch of arrival, shape
    (replications, stretches); end_s: when the last stretch ends. A stretch without answers says nothing.
    """
    answered = np.flatnonzero(counts.sum(axis=0))
    cut = mser(totals.sum(axis=0)[answered] / counts.sum(axis=0)[answered])
    stretch = 0 if cut == 0 else counts.shape[1] // 2 if cut is None else int(answered[cut])
    if cut and not _stands_out(totals, counts, stretch):
        stretch = 0
    return WarmUp(end_s * stretch / counts.shape[1], int(counts[:, :stretch].sum()), stretch, cut is not None)


def _stands_out(totals: Floats, counts: Floats, stretch: int) -> bool:
    """Return whether the mean latency before a stretch differs from that since, over replications, at a level of 5%.

    To cut off a busy period of few replications lowers the marginal standard error as well, and what is left is too fast. Fewer
    than ENOUGH replications cannot tell, so the cut stands.
    """
    parts = slice(None, stretch), slice(stretch, None)
    seen = np.all([counts[:, part].sum(axis=1) > 0 for part in parts], axis=0)
    before, since = (totals[seen, part].sum(axis=1) / counts[seen, part].sum(axis=1) for part in parts)
    if len(before) < ENOUGH or not (before > 0).all() or not (since > 0).all():
        return True
    moved = mean_interval(np.log(before / since))
    return not moved.low <= 0 <= moved.high
