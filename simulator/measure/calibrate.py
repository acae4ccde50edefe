"""Profiling a server through its own queue and worker, so that what a request costs beside the model is in the profile.

A call takes longer after an idle gap, the longer the gap the more, and when another batch size came before it. So a profile
is taken with the sizes and gaps that a queue makes of random arrivals, at light and at heavy load.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.measure.batch_server import SAMPLES, Batch, Batcher
from simulator.stages.pool_evidence import LatencyTable, steps_of

Compute = Callable[[list[int]], object]
Call = tuple[int, float]  # a batch size, and the idle time before it in s
Times = NDArray[np.float64]
Places = NDArray[np.int_]

#: The loads that a profile goes through.
LOADS = (0.25, 0.4, 0.55, 0.7, 0.85, 0.95)
#: Idle gaps, in s, from which on a call is told from one after a shorter gap.
GAPS_S = (0.0005, 0.002, 0.006, 0.02, 0.06)
#: Calls of every size in a stretch, at least; and calls after a gap, from which on it is told what that gap adds.
EACH, LEAST = 2, 6
#: A call that takes longer than so many times what calls of its stretch take was stalled.
STALLED = 3.0
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
    calls = list[Call]()
    for load in rng.permutation(LOADS):
        calls += _busy_period(rng, seconds, float(load) * capacity, budget_s / len(LOADS))
    for size in range(1, largest + 1):  # spread over the whole, so that a slow moment does not meet all calls of a size
        for place in rng.integers(0, len(calls) + 1, EACH):
            calls.insert(place, (size, 0.0))
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


class ServerProfile:
    """What batches of a server take, and how its speed wanders: learnt from stretches of calls that lie apart in time.

    usual: the median time of a batch in s by idle gap before it and size, shape (len(GAPS_S) + 1, largest + 1)
    speeds: how many times as long as usual batches took, stretch by stretch; their own median is 1
    """

    def __init__(self, stretches: Sequence[list[Batch]], largest: int) -> None:
        self._stretches = list(stretches)
        sizes, took, gaps = _columns([batch for stretch in stretches for batch in stretch])
        lengths, speeds = [len(stretch) for stretch in stretches], np.ones(len(stretches))
        for _ in range(_ROUNDS):  # a size that was met in slow stretches only is no slower for that
            self.usual = _usual(sizes, took / np.repeat(speeds, lengths), gaps, largest)
            speeds = np.array([self.speed(stretch) for stretch in stretches])
            self.usual *= np.median(speeds)
            speeds /= np.median(speeds)
        self.speeds = [float(speed) for speed in speeds]
        self._slowness = took / self.usual[gaps, sizes]

    def speed(self, served: list[Batch]) -> float:
        """How many times as long as usual these batches took: half of the work was done slower, half of it faster.

        A median weighted by what is usual, since what slows long calls and spares short ones makes queues.
        """
        slowness, usual = _slowness(served, self.usual)
        order = np.argsort(slowness)
        done = np.cumsum(usual[order])
        return float(slowness[order][np.searchsorted(done, done[-1] / 2)])

    @property
    def table(self) -> LatencyTable:
        """Service times by idle gap and size, with the spread of all calls around the usual time."""
        return LatencyTable(self.usual[:, :, None] * steps_of(self._slowness), GAPS_S)

    @cached_property
    def tapes(self) -> list[Tape]:
        """Each stretch as a tape of what befell one batch after the other, apart from the speed of the stretch as a whole."""
        return [Tape.of(stretch, self.usual, self.speed(stretch)) for stretch in self._stretches]


@dataclass(frozen=True)
class Tape:
    """What befell batch after batch of a stretch.

    start: of each batch, in s from the first one's, had none been slow; length: of all, in s
    slowness: how slow it was against the middle of the stretch; noise of that server, up to STALLED
    stall_s: what it took beyond; the machine stood still, which would have met any other server as well
    """

    start: Times
    slowness: Times
    stall_s: Times
    length: float

    @classmethod
    def of(cls, served: list[Batch], usual: Times, speed: float) -> Tape:
        """The tape of these batches, in order of their start, where `speed` is the middle of them."""
        slowness, would_take = _slowness(served, usual)
        idle = np.array([0.0, *(batch.start - batch.free for batch in served[1:])])
        ends = np.cumsum(np.maximum(idle, 0.0) + would_take)
        relative = slowness / speed
        stall_s = np.maximum(relative - STALLED, 0.0) * speed * would_take
        return cls(ends - would_take, np.minimum(relative, STALLED), stall_s, float(ends[-1]))

    def slowness_at(self, times: Times, offset: float) -> Times:
        """The slowness at each of these times (s, from 0 on), begun at `offset` and played again from its start at its end."""
        place = np.searchsorted(self.start, (times + offset) % self.length, "right") - 1
        return np.asarray(self.slowness[np.maximum(place, 0)])

    def stalls_at(self, times: Times, offset: float, batch: int) -> Times:
        """What each request waits longer as the machine stands still, in s: a stall meets the next `batch` to come.

        times: ascending, from 0 on; the tape is begun at `offset` and played again from its start at its end
        """
        kept = np.flatnonzero(self.stall_s)
        rounds = np.arange(int((times[-1] + offset) / self.length) + 1)
        at = (self.start[kept] - offset + self.length * rounds[:, None]).ravel()
        first = np.searchsorted(times, at)
        met, stalls = (first[:, None] + np.arange(batch))[at >= 0], np.tile(self.stall_s[kept], len(rounds))[at >= 0]
        waits = np.zeros(len(times) + batch)
        np.add.at(waits, met, stalls[:, None])
        return waits[: len(times)]


def _slowness(served: list[Batch], usual: Times) -> tuple[Times, Times]:
    """What each batch took against what is usual for its size and gap, and what is usual in s; shape (batches,) each."""
    sizes, took, gaps = _columns(served)
    would_take = usual[gaps, sizes]
    return took / would_take, would_take


def _columns(served: list[Batch]) -> tuple[Places, Times, Places]:
    """Size, time in s and class of idle gap of each batch; shape (batches,) each."""
    sizes = np.array([len(batch.requests) for batch in served])
    took = np.array([batch.done - batch.start for batch in served])
    return sizes, took, np.digitize([batch.start - batch.free for batch in served], GAPS_S)


def _usual(sizes: Places, took: Times, gaps: Places, largest: int) -> Times:
    """What a size takes and what a gap adds to it, in s; shape (len(GAPS_S) + 1, largest + 1)."""
    added = np.zeros(len(GAPS_S) + 1)
    for _ in range(_ROUNDS):
        by_size = _medians(took - added[gaps], sizes, np.arange(largest + 1))
        rest = took - by_size[sizes]
        counts = np.bincount(gaps, minlength=len(added))
        known = np.flatnonzero(counts >= min(LEAST, counts.max()))  # of a short look, the gaps that were met most often
        added = np.interp(np.arange(len(added)), known, [np.median(rest[gaps == gap]) for gap in known])
        added -= added[0]
    usual = by_size[None, :] + added[:, None]
    usual[:, 0] = 0.0
    return np.asarray(usual)


def by_size(served: list[Batch], largest: int) -> Times:
    """The median time of a batch by its size, 0 to `largest`, in s; between sizes that occurred, on a line."""
    took = np.array([batch.done - batch.start for batch in served])
    return _medians(took, np.array([len(batch.requests) for batch in served]), np.arange(largest + 1))


def _medians(values: Times, keys: Places, wanted: Places) -> Times:
    """The median for each key, on a line between the keys that occur."""
    seen = np.unique(keys)
    return np.asarray(np.interp(wanted, seen, [np.median(values[keys == key]) for key in seen]))
