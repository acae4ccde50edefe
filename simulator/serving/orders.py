"""The order in which a queue is served: one function per order, smallest key first.

A request keeps the key that it has when it joins the queue: its score and its tag count as they are known by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.serving.columns import elements

if TYPE_CHECKING:
    from simulator.serving.requests import Requests

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
    priorities = elements(requests.priority)
    return lambda row, time: priorities[row]


def deadline(requests: Requests) -> Key:
    """The earliest deadline first."""
    deadlines = elements(requests.deadline)
    return lambda row, time: deadlines[row]


def freshest(requests: Requests) -> Key:
    """The request sent last comes first, as for frames of a camera."""
    arrived = elements(requests.arrived)
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
