"""A stretch of arrivals that each find a free replica: served in a few steps over columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

#: The most rounds in which the idle gaps before services are settled; few gaps depend on another one.
ROUNDS = 4


class CalmStretch(NamedTuple):
    """Requests served one by one as they come, from the first on: the end of each service (s) and its replica.

    free: when each replica is free again (s), and its number, ascending
    """

    done: Times
    servers: list[int]
    free: list[tuple[float, int]]


def calm_stretch(times: Times, services: Times, gaps: Sequence[float], free: Sequence[tuple[float, int]]) -> CalmStretch | None:
    """Serve requests for as long as each finds a free replica; returns None where the first one does not.

    A request takes the replica that has been free for longest. No service ends before the last one began, so that the k-th
    request takes the replica that comes free as the k-th of all. The end of a service depends on the idle gap before it, and
    this gap on an earlier end. A guess of the gaps is right up to the first one that it does not lead to.

    times: when each comes (s), ascending; services: its time by idle gap (s), shape (gaps + 1, n); gaps: where the next idle
    gap begins (s); free: as in the result
    """
    count, replicas = len(times), [replica for _, replica in free]
    since, each = np.array([since for since, _ in free]), np.arange(count)
    gap_of, calm = np.full(count, len(gaps)), 0
    for _ in range(ROUNDS):
        done = times + services[gap_of, each]
        ends = np.concatenate([since, done])
        order = np.argsort(ends, kind="stable")
        frees = ends[order[: count + 1]]
        idle = times - frees[:count]
        guess, gap_of = gap_of, np.searchsorted(gaps, idle, side="right")
        # Of two replicas that come free at once, the lower number serves first, whichever came free as the first.
        twins = (frees[1:] == frees[:-1]) & (order[1 : count + 1] >= len(since))
        busy = (idle < 0) | (order[:count] >= len(since) + each) | twins
        calm, right = _first(busy), _first(guess != gap_of)
        if calm <= right:
            break
        calm = right
    if not calm:
        return None
    if calm < count:
        ends = ends[: len(since) + calm]
        order = np.argsort(ends, kind="stable")
    for place in order[:calm].tolist():
        replicas.append(replicas[place])
    return CalmStretch(
        done[:calm], replicas[len(since) :], sorted((float(ends[place]), replicas[place]) for place in order[calm:].tolist())
    )


def _first(marked: NDArray[np.bool_]) -> int:
    """Return the place of the first that is marked; their number where none is."""
    return int(marked.argmax()) if marked.any() else len(marked)
