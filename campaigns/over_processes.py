"""Work of a campaign, spread over processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from simulator.processes import ProcessPool

Given = TypeVar("Given")
Found = TypeVar("Found")


def over_processes(work: Callable[[Given], Found], wanted: Sequence[Given], count: int) -> Iterator[Found]:
    """Yield each result in order, from `count` processes or this one. Raises KilledError."""
    if count == 1:
        yield from map(work, wanted)
        return
    with ProcessPool(count) as pool:
        yield from pool.map(work, wanted)
