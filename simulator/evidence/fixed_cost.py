"""What a call costs however many requests it serves, and what each of them adds: a line through calls of mixed sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from simulator.evidence.profiles import IDLE_GAP_MS, Calls, FixedCost

Floats = NDArray[np.float64]

#: The median absolute deviation of a normal distribution is its standard deviation divided by this.
_MAD = 1.4826
#: A smaller relative scatter than this is a timer's, not a machine's.
_LEAST_SCATTER = 1e-4


def fixed_cost(calls: list[Calls]) -> FixedCost | None:
    """The line t = t0 + batch * t1 through the busy calls of all sizes; None for one size, or fewer than three calls.

    Residuals count relative to the median of their size, since a call twice as long scatters twice as much, and with the
    loss 2 (sqrt(1 + r^2) - 1), so that a rare stall does not bend the line (`soft_l1` of scipy.optimize.least_squares).
    """
    busy = {timed.batch: _busy(timed) for timed in sorted(calls, key=lambda timed: timed.batch)}
    batch = np.concatenate([np.full(len(times), size, float) for size, times in busy.items()])
    took = np.concatenate(list(busy.values()))
    if len(busy) < 2 or len(took) < 3:
        return None
    sizes, medians = np.array(list(busy), float), np.array([np.median(times) for times in busy.values()])
    usual = medians[np.searchsorted(sizes, batch)]
    scatter = max(_MAD * float(np.median(np.abs(took / usual - 1))), _LEAST_SCATTER)
    found, covariance = curve_fit(
        _line, batch, took, p0=np.polyfit(sizes, medians, 1)[::-1], sigma=scatter * usual, loss="soft_l1", method="trf"
    )
    errors = np.sqrt(np.diag(covariance))
    return FixedCost(
        per_batch_ms=round(float(found[0]), 5),
        per_batch_se_ms=round(float(errors[0]), 5),
        per_request_ms=round(float(found[1]), 5),
        per_request_se_ms=round(float(errors[1]), 5),
        misfit=round(float(np.abs(_line(sizes, found[0], found[1]) / medians - 1).max()), 4),
    )


def _line(batch: Floats, per_batch: float, per_request: float) -> Floats:
    return per_batch + batch * per_request


def _busy(timed: Calls) -> Floats:
    latency, idle = np.array(timed.latency_ms), np.array(timed.idle_ms)
    busy = latency[idle < IDLE_GAP_MS]
    return busy if len(busy) else latency
