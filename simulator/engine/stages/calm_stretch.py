"""A stretch of requests that are each served alone: over columns, and one by one only around those that wait."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from math import inf
from sys import maxsize
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.records.trace import as_memoryview

Times = NDArray[np.float64]

#: The most services before a wait, for each replica, that are looked through for the state of the replicas.
_LOOKED_AT = 64


#: The largest share of requests that are served one by one: of more, the pool's own loop takes less time.
BUSY = 0.25


class CalmStretch(NamedTuple):
    """Requests served alone, from the first on: the beginning and the end of each service (s), and its replica.

    free: when each replica is free again (s), and its number, ascending
    """

    started: Times
    done: Times
    servers: list[int]
    free: list[tuple[float, int]]


@dataclass(frozen=True)
class Bounds:
    """The bounds of a stretch, which ends with the first request that meets one of them.

    before: no service begins then or later (s); timeout_s, most: a request that waits longer than that, or has more requests
    behind it, is left to the pool; alone: so is one that waits together with another, which form a batch
    """

    before: float = inf
    timeout_s: float = inf
    most: int = maxsize
    alone: bool = False


def calm_stretch(
    times: Times, services: Times, gaps: Sequence[float], free: Sequence[tuple[float, int]], bounds: Bounds
) -> CalmStretch | None:
    """Serve requests one at a time, in the order in which they come; returns None where the first one meets a bound.

    A request takes the replica that has been free for longest. No service ends before the last one began, so that the k-th
    request takes the replica that comes free as the k-th of all. First each request is assumed to find a free replica. Where
    one waits, or its idle gap is another one than assumed, the requests from there on are served one by one, until the replicas
    are free at the times that were assumed. Where many are to be, the stretch ends before the first of them.

    times: when each comes (s), each later than the one before, perhaps with some that come after the stretch
    services: its time by idle gap (s), shape (gaps + 1, n); gaps: where the next idle gap begins (s); free: as in the result
    """
    count, replicas = services.shape[1], [replica for _, replica in free]
    came, since, each = times[:count], np.array([since for since, _ in free]), np.arange(count)
    guess = np.full(count, len(gaps))
    for _ in range(2):
        gap_of = guess
        done = came + services[gap_of, each]
        ends = np.sort(np.concatenate([since, done]), kind="stable")  # quick, since most are in order already
        idle = came - ends[:count]
        guess = np.searchsorted(gaps, idle, side="right")
    doubtful = np.flatnonzero((idle < 0) | (guess != gap_of) | (done <= came))
    started = came.copy()
    if len(doubtful) > BUSY * count:
        count = int(doubtful[0])
    elif len(doubtful):
        columns = [as_memoryview(column) for column in (started, done, ends)]
        of_gaps = [as_memoryview(of_gap) for of_gap in services]
        count = _OneByOne(as_memoryview(times), of_gaps, gaps, since.tolist(), bounds, *columns).serve(doubtful.tolist())
    order, count = _order(since, done[:count])
    for place in order[:count].tolist():
        replicas.append(replicas[place])
    if not count:
        return None
    ends = np.concatenate([since, done[:count]])
    after = sorted((float(ends[place]), replicas[place]) for place in order[count:].tolist())
    return CalmStretch(started[:count], done[:count], replicas[len(since) :], after)


def _order(since: Times, done: Times) -> tuple[NDArray[np.intp], int]:
    """Return the order in which replicas come free, and for how many requests it is known.

    Of two replicas that come free at once, the lower number serves first, whichever came free as the first.
    """
    ends, count = np.concatenate([since, done]), len(done)
    order = np.argsort(ends, kind="stable")
    frees = ends[order]
    twins = np.flatnonzero((frees[1 : count + 1] == frees[:count]) & (order[1 : count + 1] >= len(since)))
    return (order, count) if not len(twins) else _order(since, done[: twins[0]])


@dataclass
class _OneByOne:
    """Serves the requests whose services may differ from the assumed ones, and writes these into the columns.

    times, services, gaps, since, bounds: as `calm_stretch` has them; started, done: the columns that are written, shape (n,)
    ends: when a replica comes free, as assumed, ascending
    """

    times: Any
    services: Sequence[Any]
    gaps: Sequence[float]
    since: list[float]
    bounds: Bounds
    started: Any
    done: Any
    ends: Any

    def serve(self, doubtful: Sequence[int]) -> int:
        """Serve these requests and those that they touch; return the number of requests before the first that meets a bound."""
        at, doubts = 0, {*doubtful}
        for place in doubtful:
            if place < at:
                continue
            free = self._free_at(place)
            if free is None:
                return place
            at, met = self._serve_from(place, free, doubts)
            if met:
                return at
        return len(self.done)

    def _free_at(self, place: int) -> list[float] | None:
        """Return when each replica is free before a request takes one, as a heap; None where this would take long.

        The request before, if there is one, has found a replica free as assumed: the others come free later than that one.
        """
        done, replicas, free = self.done, len(self.since), list[float]()
        taken, stop = self.ends[place - 1] if place else inf, max(place - _LOOKED_AT * replicas, 0)
        for before in range(place - 1, stop - 1, -1):
            if done[before] > taken:
                free.append(done[before])
                if len(free) == replicas:
                    break
        else:
            if stop:
                return None
            free += sorted(self.since, reverse=True)[: replicas - len(free)]
        heapify(free)
        return free

    def _serve_from(self, at: int, free: list[float], doubts: set[int]) -> tuple[int, bool]:
        """Serve one by one until all is as assumed; return the next request, and whether it meets a bound."""
        times, services, gaps, done, started = self.times, self.services, self.gaps, self.done, self.started
        before, timeout, most, alone = self.bounds.before, self.bounds.timeout_s, self.bounds.most, self.bounds.alone
        count, known, at_once = len(done), len(times), bisect_right(gaps, 0.0)
        odd: set[float] = set()
        latest = -inf
        while at < count:
            least = free[0]
            if not odd and latest <= least and at not in doubts:
                return at, False
            came = times[at]
            if least > came:
                behind = at + most
                if (
                    least >= before
                    or came + timeout < least
                    or (behind < known and times[behind] < least)
                    or (alone and at + 1 < known and times[at + 1] <= least)
                ):
                    return at, True
                started[at] = least
                end = least + services[at_once][at]
            else:
                end = came + services[bisect_right(gaps, came - least)][at]
            heapreplace(free, end)
            odd.discard(least)
            if end != done[at]:
                odd.add(end)
                latest = max(latest, done[at])
                done[at] = end
            at += 1
        return at, False
