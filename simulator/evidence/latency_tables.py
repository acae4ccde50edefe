"""Service times for every batch size, busy or after an idle gap: tables, their sums, and tables by a size of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Floats
from simulator.evidence.profiles import IDLE_GAP_MS, Calls, Profile, ThreadRun

#: Up to so many calls of a size are kept as they are; of more, the means of so many equal parts of them, ascending.
GRID = 512
#: Cells that the sum of two tables has, about.
_SUM_CELLS = 2048
#: Equal parts of the interval from 0 to 1; each part knows the first cell that a draw in it may need.
_PARTS = 4096


class LatencyError(ValueError):
    """A profile does not hold the latencies that a design asks for."""


@dataclass(frozen=True)
class LatencyTable:
    """Service times in seconds, shape (len(gaps_s) + 1, max_batch + 1, cells): by idle gap, by batch size, by quantile.

    Row 0 is for calls after a gap shorter than gaps_s[0], row 1 for longer ones up to gaps_s[1], and so on. Sizes between
    two measured ones are interpolated quantile by quantile; nothing is extrapolated.

    A cell is a range of quantiles within which no row changes, so that mean and spread of the calls are kept exactly.
    cell_ends: the quantile at which each cell ends, ascending to 1, shape (cells,); None for cells of equal width
    """

    seconds: Floats
    gaps_s: tuple[float, ...] = (IDLE_GAP_MS / 1000,)
    cell_ends: Floats | None = None

    @cached_property
    def content(self) -> str:
        """The hash of all times and their gaps."""
        return sha256(repr(self.gaps_s).encode() + self.seconds.tobytes() + _ends(self).tobytes()).hexdigest()

    @property
    def max_batch(self) -> int:
        return int(self.seconds.shape[1]) - 1

    @property
    def cells(self) -> int:
        return int(self.seconds.shape[2])

    def is_alike(self, other: LatencyTable) -> bool:
        mine, others = (self.seconds, _ends(self)), (other.seconds, _ends(other))
        return self.gaps_s == other.gaps_s and all(map(np.array_equal, mine, others))

    @cached_property
    def weights(self) -> Floats:
        """The chance of each cell, shape (cells,)."""
        return np.full(self.cells, 1 / self.cells) if self.cell_ends is None else np.diff(self.cell_ends, prepend=0.0)

    def mean_s(self, batch: int, idled: bool = False) -> float:
        """Mean service time of a batch in seconds."""
        return float(self.seconds[int(idled), batch] @ self.weights)

    @property
    def spread(self) -> float:
        """The squared coefficient of variation of the service time of a single request that comes to a busy replica."""
        return float(self.seconds[0, 1] ** 2 @ self.weights) / self.mean_s(1) ** 2 - 1 if self.mean_s(1) else 0.0

    @property
    def median_s(self) -> float:
        """Median service time of a single request that comes to a busy replica, in seconds."""
        return float(self.seconds[0, 1, self.cell_of(np.array([0.5]))[0]])

    def quantile_s(self, share: float, batch: int) -> float:
        """Return a quantile in seconds of the service time of a batch size, over busy and idle replicas."""
        return float(self.seconds[:, batch, self.cell_of(np.array([share]))[0]].max())

    @property
    def capacity_per_s(self) -> float:
        return max(size / self.mean_s(size) for size in range(1, self.max_batch + 1))

    def cell_of(self, quantile: NDArray[np.floating]) -> NDArray[np.int32]:
        """Return the cell of each quantile (0 to below 1); both of shape (n,)."""
        if self.cell_ends is None:
            return (quantile * self.cells).astype(np.int32)
        part = (quantile * _PARTS).astype(np.int32)
        cell = self._first_cells[part]
        torn = cell < self._first_cells[part + 1]
        cell[torn] = np.searchsorted(self.cell_ends, quantile[torn], side="right")
        return cell

    @cached_property
    def _first_cells(self) -> NDArray[np.int32]:
        return np.searchsorted(_ends(self), np.arange(_PARTS + 1) / _PARTS, side="right").astype(np.int32)


def constant(*seconds: float) -> LatencyTable:
    """Return a table of fixed service times in seconds for batches of 1, 2, ..., where nothing is known of their spread."""
    return LatencyTable(np.tile(np.array([0.0, *seconds])[:, None], (2, 1, 1)))


def drawn(sample_s: Floats, mean_s: float) -> LatencyTable:
    """Return the table of single requests for a sample of service times, busy and idle alike; `mean_s` is its exact mean."""
    steps = steps_of(sample_s)
    steps *= mean_s / steps.mean()
    return _table([{1: steps}, {1: steps}], 1)


def profiled(profile: Profile, threads: int, max_batch: int, passes: float = 1) -> LatencyTable:
    """Return the table for one pool; all times `passes` times as long, as of so many runs one after the other for each answer.

    Raises LatencyError where the profile lacks the thread count, or batches from 1 to `max_batch`.
    """
    answers = profile.answers
    if (threads, max_batch) not in answers:
        answers[threads, max_batch] = _profiled(profile, threads, max_batch)
    table: LatencyTable = answers[threads, max_batch]
    return replace(table, seconds=table.seconds * passes)


def _profiled(profile: Profile, threads: int, max_batch: int) -> LatencyTable:
    run = _run(profile, threads)
    sizes = [calls.batch for calls in run.calls]
    if max_batch > max(sizes):
        raise LatencyError(f"{profile.key} was measured up to batch {max(sizes)}; max_batch is {max_batch}")
    kinds = [{calls.batch: _of_kind(calls, idled) for calls in run.calls} for idled in (False, True)]
    return _table(kinds, max_batch)


def singles(profiles: Sequence[Profile], threads: int) -> LatencyTable:
    """Return a table of single requests in several profiles, whose batch size is the profile's place, from 1.

    Raises LatencyError where a profile lacks the thread count or batch 1.
    """
    calls = [next(calls for calls in _run(profile, threads).calls if calls.batch == 1) for profile in profiles]
    return _table(
        [{place: _of_kind(each, idled) for place, each in enumerate(calls, 1)} for idled in (False, True)], len(calls)
    )


def _run(profile: Profile, threads: int) -> ThreadRun:
    """Return the calls of a profile with so many threads, single requests among them."""
    try:
        run = profile.run(threads)
    except KeyError as error:
        raise LatencyError(str(error.args[0])) from error
    smallest = min(calls.batch for calls in run.calls)
    if smallest > 1:
        raise LatencyError(f"{profile.key} was measured from batch {smallest} on; any max_batch needs batch 1")
    return run


def summed(tables: Sequence[LatencyTable]) -> LatencyTable:
    """Return the table of models that run one after the other, their service times independent of each other."""
    total, rng = tables[0], np.random.default_rng(0)
    for table in tables[1:]:
        total = _plus(total, table, rng)
    return total


def _plus(first: LatencyTable, second: LatencyTable, rng: np.random.Generator) -> LatencyTable:
    """All of the second, shuffled, within each of many equal parts of the first, so that slow does not always meet slow.

    Each keeps its own distribution. The cells are ordered by the time of a single request.
    """
    parts = max(_SUM_CELLS // second.cells, 1)
    order = rng.permuted(np.tile(np.arange(second.cells), (parts, 1)), axis=1).ravel()
    own = _ends(first), np.append(np.cumsum(second.weights[order] / parts)[:-1], 1.0)
    ends = np.unique(np.concatenate(own))
    weights = np.diff(ends, prepend=0.0)
    there = [np.searchsorted(edges, ends - weights / 2) for edges in own]
    seconds = first.seconds[..., there[0]] + second.seconds[..., order[there[1]]]
    ascending = np.argsort(seconds[0, 1], kind="stable")
    return LatencyTable(seconds[..., ascending], first.gaps_s, np.append(np.cumsum(weights[ascending])[:-1], 1.0))


def steps_of(values: Floats) -> Floats:
    """Return equal steps of a sample's quantile function: its values ascending, or GRID means of equal parts."""
    ordered = np.sort(values)
    if len(ordered) <= GRID:
        return ordered
    below = np.interp(np.arange(GRID + 1) / GRID, np.arange(len(ordered) + 1) / len(ordered), np.append(0, ordered.cumsum()))
    return np.asarray(np.diff(below) * GRID / len(ordered))


def _of_kind(calls: Calls, idled: bool) -> Floats:
    latency, idle = np.array(calls.latency_ms), np.array(calls.idle_ms)
    chosen = latency[(idle >= IDLE_GAP_MS) == idled]
    return steps_of((chosen if len(chosen) >= 5 else latency) / 1000)


def _table(kinds: Sequence[Mapping[int, Floats]], max_batch: int) -> LatencyTable:
    """Return the table of these steps, by idle gap and measured size: a cell ends wherever a step does."""
    counts = sorted({len(steps) for kind in kinds for steps in kind.values()})
    ends = np.unique(np.concatenate([np.arange(1, count + 1) / count for count in counts]))
    middles = ends - np.diff(ends, prepend=0.0) / 2
    sizes = sorted(kinds[0])
    rows = np.stack([[kind[size][(middles * len(kind[size])).astype(int)] for size in sizes] for kind in kinds])
    between = np.stack([np.interp(np.arange(max_batch + 1), sizes, unit) for unit in np.eye(len(sizes))], axis=1)
    seconds = between @ rows
    seconds[:, 0] = 0.0
    return LatencyTable(seconds, cell_ends=ends if len(counts) > 1 else None)


def _ends(table: LatencyTable) -> Floats:
    return np.arange(1, table.cells + 1) / table.cells if table.cell_ends is None else table.cell_ends


#: Parts between the smallest and the largest size in which a distribution is looked at.
_SIZED_PARTS = 20_000


@dataclass(frozen=True)
class SizedTable:
    """Service times of single requests at several sizes; in between they are interpolated, quantile by quantile.

    A request below the smallest size takes as long as one of that size, and one above the largest likewise.

    by: the attribute that says how large a request is
    sizes: those that were measured, ascending, shape (k,)
    table: their times, with the place of a size, from 1, where other tables have the batch size
    """

    by: str
    sizes: Floats
    table: LatencyTable

    def seconds(self, values: NDArray[np.floating], cells: NDArray[np.int32]) -> Floats:
        """Service times in s, by idle gap and request, shape (gaps + 1, n).

        values: how large each request is; cells: in which cell of the quantiles its draw lies; shapes (n,)
        """
        seconds: Floats = np.zeros((len(self.table.seconds), len(values)))
        for place, weight in enumerate(self._weights(values), start=1):
            seconds += weight * self.table.seconds[:, place, cells]
        return seconds

    def average(self, chances: Floats, values: NDArray[np.floating]) -> LatencyTable:
        """Return the times of requests of these sizes: each quantile is the mean over them, and so is the mean.

        chances: how likely each size is, shape (m,); values: the sizes, shape (m,)
        """
        mixed = np.tensordot(self._weights(values) @ chances, self.table.seconds[:, 1:], (0, 1))
        return replace(self.table, seconds=np.stack([np.zeros_like(mixed), mixed], axis=1))

    def bounds(self) -> Floats:
        return np.append(
            np.linspace(self.sizes[0], self.sizes[-1], _SIZED_PARTS + 1), np.nextafter(np.float32(self.sizes[-1]), np.inf)
        )

    def _weights(self, values: NDArray[np.floating]) -> Floats:
        """Return how much each measured size counts at each value, shape (k, m)."""
        return np.stack([np.interp(values, self.sizes, unit) for unit in np.eye(len(self.sizes))])


def sized(by: str, profiles: dict[float, Profile], threads: int, times: float = 1.0) -> SizedTable:
    """Return the table of profiles that were measured at these sizes; times: how many times as long as measured they take.

    Raises LatencyError where a profile lacks the thread count or calls of single requests.
    """
    sizes = sorted(profiles)
    table = singles([profiles[size] for size in sizes], threads)
    return SizedTable(by, np.array(sizes), replace(table, seconds=table.seconds * times))
