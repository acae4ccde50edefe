"""The order in which a queue is served: one function per order, smallest key first.

A request keeps the key that it has when it joins the queue: its score and its tag count as they are known by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from simulator.engine.annotations import as_memoryview

if TYPE_CHECKING:
    from simulator.engine.requests import Requests

#: The place of a request, by row number, that joins the queue at a time (s).
Key = Callable[[int, float], float]


def fifo(requests: Requests) -> Key:
    """First come, first served."""
    return lambda row, time: 0.0


def risk(requests: Requests) -> Key:
    """The highest score first; a request that no model has scored comes before all."""
    score = requests.risks.at
    return lambda row, time: -score(row, time)


def tag(requests: Requests) -> Key:
    """By the route that a gate gave, in the order of the gate's routes; untagged requests come first."""
    return requests.tags.at


def priority(requests: Requests) -> Key:
    """By the priority of the request's class, 1 first."""
    priorities = as_memoryview(requests.priority)
    return lambda row, time: priorities[row]


def deadline(requests: Requests) -> Key:
    """The earliest deadline first."""
    deadlines = as_memoryview(requests.deadline)
    return lambda row, time: deadlines[row]


def freshest(requests: Requests) -> Key:
    """The request sent last comes first, as for frames of a camera."""
    arrived = as_memoryview(requests.arrived)
    return lambda row, time: -arrived[row]


#: Order to key: built once for a run, called for each request that joins the queue. Ties go to the earlier arrival.
ORDERS: dict[str, Callable[[Requests], Key]] = {
    "fifo": fifo,
    "risk": risk,
    "tag": tag,
    "priority": priority,
    "deadline": deadline,
    "freshest": freshest,
}

#: The orders that use the marks of stages on requests.
BY_MARKS = {"risk", "tag"}


class Freshness:
    """Requests are of one stream, or of one for each sensor; of a stream, the newest is the one that was sent last.

    Of two sent at the same time, the one that arrives later counts as newer.
    """

    def __init__(self, requests: Requests, rule: Literal["newest", "newest_of_sensor"]) -> None:
        self._sent = as_memoryview(requests.arrived)
        self._sensor = as_memoryview(requests.sensor) if rule == "newest_of_sensor" else None

    def sent(self, row: int) -> float:
        """When a request was sent (s)."""
        time: float = self._sent[row]
        return time

    def replaces(self, comer: int, other: int) -> bool:
        """Whether the arriving one is newer in the same stream."""
        return self.same(comer, other) and self._sent[comer] >= self._sent[other]

    def same(self, row: int, other: int) -> bool:
        """Whether two requests are of one stream; visits of one request from several branches do not replace each other."""
        return row != other and (self._sensor is None or self._sensor[row] == self._sensor[other])
