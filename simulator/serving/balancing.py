"""Which replica's queue a request joins: one function per rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Protocol

from simulator.serving.columns import elements

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class Lane(Protocol):
    """A queue that can be chosen."""

    @property
    def outstanding(self) -> int:
        """Requests that wait there or are in service."""


#: Picks one of the queues for a request, by row number.
Chooser = Callable[[Sequence[Lane], int], int]


def round_robin(run: Run, name: str) -> Chooser:
    """One after the other."""
    turns = count()
    return lambda lanes, row: next(turns) % len(lanes)


def least_outstanding(run: Run, name: str) -> Chooser:
    """The one with the fewest requests; the first of several."""
    return lambda lanes, row: min(range(len(lanes)), key=lambda lane: lanes[lane].outstanding)


def two_choices(run: Run, name: str) -> Chooser:
    """The better of two drawn at random (Mitzenmacher 2001, the power of two choices)."""
    first, second = (elements(run.uniform(f"{name}.choice.{index}")) for index in (1, 2))

    def choose(lanes: Sequence[Lane], row: int) -> int:
        one, other = int(first[row] * len(lanes)), int(second[row] * len(lanes))
        return one if lanes[one].outstanding <= lanes[other].outstanding else other

    return choose


def at_random(run: Run, name: str) -> Chooser:
    """Any, with equal probability."""
    drawn = elements(run.uniform(f"{name}.choice.1"))
    return lambda lanes, row: int(drawn[row] * len(lanes))


#: Built once for a run; streams are named after the pool.
BALANCERS: dict[str, Callable[[Run, str], Chooser]] = {
    "round_robin": round_robin,
    "least_outstanding": least_outstanding,
    "two_choices": two_choices,
    "random": at_random,
}
