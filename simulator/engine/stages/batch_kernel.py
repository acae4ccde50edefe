"""The loop of a queue in order of arrival whose replicas serve in batches.

Where numba is installed (the extra `fast`), the loop is compiled; elsewhere Python runs the same function. Compiled it reads
arrays at their addresses; Python takes memoryviews and lists of the same elements, which it reads faster. What is compiled
stands in this file: numba compiles anew what it keeps on disk when the file changes, and looks at no other one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from heapq import heapreplace
from math import inf, nextafter
from os import environ
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Why the loop gives the turn back. DONE: nothing is due before the limit. LATE: a single delivery comes first. FULL, EXPIRED:
#: requests are to be turned away. BACK: a request is served that may come back. ROOM: the columns are full.
DONE, LATE, FULL, EXPIRED, BACK, ROOM = range(6)

#: Places in the column that the loop and its caller share: the next request and the end of the requests that are here; the
#: number of batches noted; times (s): no batch begins before NOW; when the next one begins (with BACK: when the last one ends);
#: nothing is done at BEFORE or later; when the next single delivery comes.
AT, END, NOTED, NOW, START, BEFORE, COMES = range(7)


def serve_batches(
    replicas: Any,
    rows: Any,
    times: Any,
    quantile: Any,
    seconds: Any,
    gaps: Any,
    sizes: Any,
    awaited: Any,
    returning: Any,
    state: Any,
    size_of: Any,
    began: Any,
    left: Any,
    server: Any,
    delay: float,
    timeout: float,
    most: int,
    since: float,
    loops: bool,
) -> int:
    """Serve until the pool must act, or nothing is due, and return the reason; a later call goes on from there.

    replicas: a heap of (free since or from when on (s), number); rows, times, quantile, seconds, gaps: as the pool has them
    sizes: by whether the oldest request has waited for `delay` (0 or 1), how many of the waiting go as a batch; 0: none yet
    awaited: of how many waiting requests a batch forms before that, given how many wait; 0 for none
    returning: by row, whether the request may come back, which is asked where the pool is part of a ring (loops)
    state: see AT; size_of, began, left, server: of each batch
    """
    largest = len(sizes[0]) - 2
    room = len(began)
    at, end, noted = int(state[AT]), int(state[END]), int(state[NOTED])
    now, before, comes = state[NOW], state[BEFORE], state[COMES]
    until = min(before, comes)
    start = now
    while True:
        if noted == room:
            reason = ROOM
            break
        free_at = replicas[0][0]
        came = times[at] if at < end else inf
        start = came if came > free_at else free_at
        start = start if start > now else now
        if start >= until:
            reason = LATE if comes <= start and comes < inf else DONE
            break
        if start > came:
            full = end - at > most and times[at + most] < start and start > since
            reason = FULL if full else EXPIRED if came + timeout < start else 0
            if reason:
                break
        waiting = 1 if largest == 1 else bisect_right(times, start, at, min(end, at + largest + 1)) - at
        size = sizes[1 if came + delay <= start else 0][waiting]
        if size == 0:
            # A deadline is passed just after its instant, not at it: waking at it would find nothing to do.
            now = min(came + delay, nextafter(came + timeout, inf))
            last = at + awaited[waiting] - 1
            joins = times[last] if last < end else inf
            now = min(now, joins, comes) if last >= at else now
            if now >= before:
                reason, start = DONE, now
                break
            continue
        done = start + seconds[bisect_right(gaps, start - free_at)][size - 1][quantile[rows[at]]]
        replica = replicas[0][1]
        heapreplace(replicas, (done, replica))
        size_of[noted] = size
        began[noted] = start
        left[noted] = done
        server[noted] = replica
        noted += 1
        at += size
        if loops and (size > 1 or returning[rows[at - 1]]):
            reason, start = BACK, done
            break
    state[AT], state[NOTED], state[NOW], state[START] = at, noted, now, start
    return reason


#: The two kinds of number in the columns.
FLOAT, WHOLE = np.float64, np.int32


def addresses(columns: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the address and the number of elements of each column, which its caller holds; shape (columns, 2)."""
    return np.array([(column.__array_interface__["data"][0], column.size) for column in columns])


def column(at: Any, place: int, kind: type[np.generic]) -> Any:
    """Return a column of a kind of number by its place among addresses; only compiled."""
    raise NotImplementedError


def serve_at(at: Any) -> int:
    """Serve as `serve_batches`, which see, over columns at addresses: numba takes one argument in a tenth of the time of all.

    at: of the arguments in their order, but for the numbers at the end. These are in one column, with the number of batch
    sizes in `seconds` behind them. A generator would take its arguments once, but numba never frees those of a generator.
    """
    replicas, seconds, gaps, rule = column(at, 0, FLOAT), column(at, 4, FLOAT), column(at, 5, FLOAT), column(at, 14, FLOAT)
    sizes = column(at, 6, WHOLE)
    idles, most = len(gaps) + 1, int(rule[5])
    return serve_batches(
        replicas.reshape((len(replicas) // 2, 2)),
        column(at, 1, WHOLE),
        column(at, 2, FLOAT),
        column(at, 3, WHOLE),
        seconds.reshape((idles, most, len(seconds) // (idles * most))),
        gaps,
        sizes.reshape((2, len(sizes) // 2)),
        column(at, 7, WHOLE),
        column(at, 8, WHOLE),
        column(at, 9, FLOAT),
        column(at, 10, WHOLE),
        column(at, 11, FLOAT),
        column(at, 12, FLOAT),
        column(at, 13, WHOLE),
        rule[0],
        rule[1],
        int(rule[2]),
        rule[3],
        rule[4] > 0,
    )


#: Set to 0, it lets Python run the loops even where numba is installed.
COMPILED = "CASESIM_COMPILED"


@cache
def compiled(loop: Callable[..., Any]) -> Any:
    """Return a loop as machine code, kept on disk for other processes; None where it cannot be compiled, or should not be.

    Numba is imported with the first run.
    """
    if environ.get(COMPILED) == "0":
        return None
    try:
        import numba
    except ImportError:
        return None
    _prepare()
    try:
        return numba.njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # no folder may hold it: each process would compile it again for some seconds
        return None


@cache
def _prepare() -> None:
    """Teach numba what the loops call: columns at addresses, and a search and a heap in arrays."""
    import numba
    from numba import types
    from numba.extending import intrinsic, overload

    carray: Any = vars(numba)["carray"]

    def from_address(typing: Any, address: Any) -> Any:
        def cast(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

        return types.voidptr(types.int64), cast

    pointer: Any = intrinsic(from_address)

    @overload(column)
    def column_at(at: Any, place: int, kind: Any) -> Any:
        def column_of(at: Any, place: int, kind: Any) -> Any:
            return carray(pointer(at[place, 0]), at[place, 1], kind)

        return column_of

    overload(serve_batches, strict=False)(lambda *columns: serve_batches)
    for function, in_arrays in ((bisect_right, search), (heapreplace, replace_first)):
        overload(function, strict=False)(lambda *of, written=in_arrays: written if isinstance(of[0], types.Array) else None)


def search(column: Any, value: Any, low: Any = 0, high: Any = None) -> Any:
    """Do what `bisect_right` does, in an array."""
    first: int = low
    last: int = len(column) if high is None else high
    while first < last:
        middle = (first + last) // 2
        if value < column[middle]:
            last = middle
        else:
            first = middle + 1
    return first


def replace_first(heap: Any, item: Any) -> None:
    """Do what `heapreplace` does, in a heap that is an array of rows (key, number)."""
    key, number = item
    place, count = 0, len(heap)
    while 2 * place + 1 < count:
        child = 2 * place + 1
        other = child + 1
        if other < count and (
            heap[other, 0] < heap[child, 0] or (heap[other, 0] == heap[child, 0] and heap[other, 1] < heap[child, 1])
        ):
            child = other
        if heap[child, 0] > key or (heap[child, 0] == key and heap[child, 1] > number):
            break
        heap[place, 0], heap[place, 1] = heap[child, 0], heap[child, 1]
        place = child
    heap[place, 0], heap[place, 1] = key, number
