"""Profiling a server through its own queue and worker, so that what a request costs beside the model is in the profile.

A call takes longer after an idle gap, the longer the gap the more, and when another batch size came before it. So a profile
is taken with the sizes and gaps that a queue makes of random arrivals, at light and at heavy load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.fidelity.batcher import Batch, Batcher
from simulator.fidelity.generator import SAMPLES
from simulator.serving.latency import LatencyTable, steps_of

Compute = Callable[[list[int]], object]
Call = tuple[int, float]  # a batch size, and the idle time before it in s
Times = NDArray[np.float64]

#: The loads that a profile goes through.
LOADS = (0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
#: Idle gaps, in s, from which on a call is told from one after a shorter gap.
GAPS_S = (0.0005, 0.002, 0.006, 0.02, 0.06)
#: Calls of every size, at least.
LEAST = 6
#: Rounds that separate what a size takes from what a gap adds; a median each, so that they settle soon.
_ROUNDS = 8


class _Script:
    """A rule that lets batches of given sizes go, one after the other."""

    delay_s = 0.0

    def __init__(self, sizes: Iterator[int]) -> None:
        self._sizes = sizes
        self._next: int = next(sizes)

    def take(self, waiting: int, overdue: bool) -> int:
        """The next size, as soon as so many wait."""
        if waiting < self._next:
            return 0
        size, self._next = self._next, next(self._sizes, 2**62)
        return size


def serve_calls(compute: Compute, calls: list[Call]) -> list[Batch]:
    """Serve these batches in this order; a call without a gap is queued while the one before it is served."""
    server = Batcher(_Script(iter([size for size, _ in calls])), compute, lambda _: None)
    with server:
        for size, gap_s in calls:
            if gap_s:
                server.wait_until(lambda server: server.idle)
                time.sleep(gap_s)
            else:
                server.wait_until(lambda server: not server.queued)
            server.submit([(0, number % SAMPLES) for number in range(size)])
        server.wait_until(lambda server: server.idle)
    return server.served


def queue_like(seconds: Times, budget_s: float, seed: int) -> list[Call]:
    """Batches and gaps as a queue with no delay makes them at each of LOADS, taking about `budget_s` in all.

    seconds: about how long a batch of 0, 1, ... takes, shape (max_batch + 1,)
    """
    rng, largest = np.random.default_rng(seed), len(seconds) - 1
    capacity = (np.arange(1, largest + 1) / seconds[1:]).max()
    calls = [(size, 0.0) for size in range(1, largest + 1) for _ in range(LEAST)]
    calls = [calls[place] for place in rng.permutation(len(calls))]
    for load in rng.permutation(LOADS):
        calls += _busy_period(rng, seconds, float(load) * capacity, budget_s / len(LOADS))
    return calls


def _busy_period(rng: np.random.Generator, seconds: Times, rate: float, length: float) -> Iterator[Call]:
    """One load: requests come at random, and a free server takes all that wait, up to its largest batch."""
    arrived = np.cumsum(rng.exponential(1 / rate, int(2 * rate * length) + 2))
    at, free = 0, 0.0
    while free < length and at < len(arrived):
        start = max(free, arrived[at])
        size = min(int(np.searchsorted(arrived, start, "right")) - at, len(seconds) - 1)
        yield size, max(start - free, 0.0)
        at, free = at + size, start + seconds[size]


def table_of(served: list[Batch], largest: int) -> LatencyTable:
    """Service times by idle gap and size: what a size takes, what a gap adds to it, and the spread of the rest."""
    sizes = np.array([len(batch.requests) for batch in served])
    took = np.array([batch.done - batch.start for batch in served])
    gaps = np.digitize([batch.start - batch.free for batch in served], GAPS_S)
    added = np.zeros(len(GAPS_S) + 1)
    for _ in range(_ROUNDS):
        by_size = _medians(took - added[gaps], sizes, np.arange(largest + 1))
        rest = took - by_size[sizes]
        known = np.flatnonzero(np.bincount(gaps, minlength=len(added)) >= LEAST)
        added = np.interp(np.arange(len(added)), known, [np.median(rest[gaps == gap]) for gap in known])
        added -= added[0]
    usual = by_size[None, :] + added[:, None]
    spread = steps_of(took / usual[gaps, sizes])
    table = usual[:, :, None] * spread
    table[:, 0] = 0.0
    return LatencyTable(table, GAPS_S)


def by_size(served: list[Batch], largest: int) -> Times:
    """The median time of a batch by its size, 0 to `largest`, in s; between sizes that occurred, on a line."""
    took = np.array([batch.done - batch.start for batch in served])
    return _medians(took, np.array([len(batch.requests) for batch in served]), np.arange(largest + 1))


def speed_of(served: list[Batch], table: LatencyTable) -> float:
    """What these batches took against what the table says of their sizes and gaps; the median."""
    gaps = np.digitize([batch.start - batch.free for batch in served], table.gaps_s)
    usual = (table.seconds @ table.weights)[gaps, [len(batch.requests) for batch in served]]
    return float(np.median(np.array([batch.done - batch.start for batch in served]) / usual))


def _medians(values: Times, keys: NDArray[np.int_], wanted: NDArray[np.int_]) -> Times:
    """The median for each key, on a line between the keys that occur."""
    seen = np.unique(keys)
    return np.asarray(np.interp(wanted, seen, [np.median(values[keys == key]) for key in seen]))
