"""The warm-up of a run that starts empty, and where it is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.serving.trace import Trace
from simulator.units import duration

#: Observations a batch.
BATCH = 5

#: The last batches are no place to cut: so few of them are alike by chance (Hoad, Robinson and Davies 2010).
LAST = 5

#: Values that differ by less than this part of the largest are equal.
ROUNDING = 1e-9


@dataclass(frozen=True)
class WarmUp:
    """Where the steady state of one replication begins.

    cut_s: requests that arrived before are left out; dropped: how many those are
    steady: whether there is a steady state within the run; where there is none, the first half is cut off
    """

    cut_s: float
    dropped: int
    steady: bool


@dataclass(frozen=True)
class Cuts:
    """The warm-ups of all replications: their mean, the longest, the requests dropped in all, how many found no end of it."""

    cut_s: float
    longest_s: float
    dropped: int
    replications: int
    unsteady: int

    @property
    def steady(self) -> bool:
        """Whether most replications reached a steady state, so that its figures may be quoted."""
        return 2 * self.unsteady < self.replications

    @property
    def sentence(self) -> str:
        """What was cut off, or that there is nothing to quote."""
        if not self.steady:
            return (
                f"There is no steady state within the run: MSER-5 finds none in {self.unsteady} of {self.replications} "
                "replications, so no latency and no wait can be quoted. Let requests come for more days."
            )
        if not self.dropped and not self.unsteady:
            return "There is no warm-up to leave out (MSER-5): the run is steady from its first request on."
        told = (
            f"The warm-up is left out (MSER-5): {duration(self.cut_s)} on average, {duration(self.longest_s)} at most, "
            f"{self.dropped:,} requests in all."
        )
        if not self.unsteady:
            return told
        return f"{told} {self.unsteady} of {self.replications} replications found no end of it and give their second half."

    def to_json(self) -> dict[str, Any]:
        """The cut as `casesim run --json` prints it."""
        return {"rule": "mser5", "steady": self.steady, **vars(self)}


def cuts(warm_ups: Sequence[WarmUp | None]) -> Cuts | None:
    """Pool the warm-ups of replications; None where nothing was to be cut."""
    found = [warm_up for warm_up in warm_ups if warm_up is not None]
    if not found:
        return None
    seconds = [warm_up.cut_s for warm_up in found]
    return Cuts(
        cut_s=sum(seconds) / len(found),
        longest_s=max(seconds),
        dropped=sum(warm_up.dropped for warm_up in found),
        replications=len(found),
        unsteady=sum(not warm_up.steady for warm_up in found),
    )


def mser5(series: NDArray[np.float64]) -> int | None:
    """How many observations of a series to drop from its front; None where it reaches no steady state.

    MSER-5: of the means of batches of 5, those from the cut on should have the smallest marginal standard error, the sum of
    their squared deviations over their number squared. A cut within the second half says that the run is too short.
    (White 1997, Simulation 69:323; White, Cobb and Spratt 2000; Franklin and White 2008.)
    """
    count = len(series) // BATCH
    if count < 2 * LAST:
        return None
    means = series[: count * BATCH].reshape(count, BATCH).mean(axis=1)
    means = means - means.mean()  # sums of squares of large numbers would cancel
    left = np.arange(count, 0, -1, dtype=float)
    total, squares = (np.cumsum(values[::-1])[::-1] for values in (means, means**2))
    deviations = squares - total**2 / left
    deviations[deviations < left * (ROUNDING * np.abs(series).max()) ** 2] = 0.0
    cut = int(np.argmin((deviations / left**2)[: count - LAST]))
    return cut * BATCH if cut <= count // 2 else None


def warm_up_of(trace: Trace) -> WarmUp | None:
    """The warm-up by MSER-5 on the latencies in order of arrival; None where the scenario takes the run as it is."""
    if trace.plan.scenario.run.warm_up == "none":
        return None
    columns = trace.columns
    answered = np.flatnonzero(np.isfinite(columns.answered))
    cut = mser5(columns.answered[answered] - columns.sent[answered])
    steady = cut is not None
    first = answered[cut if cut is not None else len(answered) // 2] if len(answered) else 0
    cut_s = float(columns.arrived[first]) if first else 0.0
    return WarmUp(cut_s, int(np.count_nonzero(columns.arrived < cut_s)), steady)
