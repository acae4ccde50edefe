"""Service times of a pool: a measured quantile for every batch size, busy or after an idle gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.evidence.profiles import IDLE_GAP_MS, Calls, Profile

#: Service times are kept at this many evenly spaced quantiles; a drawn quantile takes the one below it.
GRID = 512


class LatencyError(ValueError):
    """A profile does not hold the latencies that a design asks for."""


@dataclass(frozen=True)
class LatencyTable:
    """Service times in seconds, shape (len(gaps_s) + 1, max_batch + 1, GRID): by idle gap, by batch size, by quantile.

    Row 0 is for calls after a gap shorter than gaps_s[0], row 1 for longer ones up to gaps_s[1], and so on. Sizes between
    two measured ones are interpolated quantile by quantile; nothing is extrapolated.
    """

    seconds: NDArray[np.float64]
    gaps_s: tuple[float, ...] = (IDLE_GAP_MS / 1000,)

    @property
    def max_batch(self) -> int:
        """The largest batch that the table covers."""
        return int(self.seconds.shape[1]) - 1

    def mean_s(self, batch: int, idled: bool = False) -> float:
        """Mean service time of a batch in seconds."""
        return float(self.seconds[int(idled), batch].mean())

    @property
    def capacity_per_s(self) -> float:
        """The most requests a second that one busy replica can serve, at its best batch size."""
        return max(size / self.mean_s(size) for size in range(1, self.max_batch + 1))


def constant(*seconds: float) -> LatencyTable:
    """A table of fixed service times in seconds for batches of 1, 2, ..., where nothing is known of their spread."""
    by_size = np.array([0.0, *seconds])
    return LatencyTable(np.broadcast_to(by_size[None, :, None], (2, len(by_size), GRID)).copy())


def sampled(samples: dict[int, NDArray[np.float64]]) -> LatencyTable:
    """A table from service-time samples in seconds by batch size, the same whether busy or idle (for tests and theory)."""
    grid = _interpolated({size: _quantiles(values) for size, values in samples.items()}, max(samples))
    return LatencyTable(np.stack([grid, grid]))


def measured(profile: Profile, threads: int, max_batch: int, passes: int = 1) -> LatencyTable:
    """The table for one pool; `passes` runs of the model one after the other for each answer.

    Raises LatencyError where the profile lacks the thread count, or batches from 1 to `max_batch`.
    """
    try:
        run = profile.run(threads)
    except KeyError as error:
        raise LatencyError(str(error.args[0])) from error
    sizes = [calls.batch for calls in run.calls]
    if min(sizes) > 1:
        raise LatencyError(f"{profile.key} was measured from batch {min(sizes)} on; any max_batch needs batch 1")
    if max_batch > max(sizes):
        raise LatencyError(f"{profile.key} was measured up to batch {max(sizes)}; max_batch is {max_batch}")
    kinds = [_interpolated({calls.batch: _of_kind(calls, idled) for calls in run.calls}, max_batch) for idled in (False, True)]
    return LatencyTable(np.stack(kinds) * passes)


def summed(tables: Sequence[LatencyTable]) -> LatencyTable:
    """The table of models that run one after the other, their service times independent of each other.

    Quantiles of the further tables are shuffled before they are added, so that slow does not always meet slow.
    """
    total = tables[0].seconds.copy()
    rng = np.random.default_rng(0)
    for table in tables[1:]:
        total += rng.permuted(table.seconds, axis=-1)
    return LatencyTable(np.sort(total, axis=-1), tables[0].gaps_s)


def _of_kind(calls: Calls, idled: bool) -> NDArray[np.float64]:
    """Quantiles of the busy or the idled calls, of all calls where there are too few of that kind to tell."""
    latency, idle = np.array(calls.latency_ms), np.array(calls.idle_ms)
    chosen = latency[(idle >= IDLE_GAP_MS) == idled]
    return _quantiles((chosen if len(chosen) >= 5 else latency) / 1000)


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.quantile(values, (np.arange(GRID) + 0.5) / GRID, method="hazen")


def _interpolated(by_size: dict[int, NDArray[np.float64]], max_batch: int) -> NDArray[np.float64]:
    sizes = sorted(by_size)
    rows = np.stack([by_size[size] for size in sizes])
    wanted = np.arange(max_batch + 1)
    table = np.stack([np.interp(wanted, sizes, rows[:, column]) for column in range(GRID)], axis=1)
    table[0] = 0.0
    return table
