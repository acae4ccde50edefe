"""In which order a queue is worked off: one function an order, smallest key first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from simulator.serving.columns import elements

if TYPE_CHECKING:
    from simulator.serving.requests import Requests


def fifo(requests: Requests) -> Callable[[int], float]:
    """First come, first served."""
    return lambda row: 0.0


def risk(requests: Requests) -> Callable[[int], float]:
    """The highest score first; a request that no model has scored comes before all."""
    scores = elements(requests.risk)
    return lambda row: -scores[row]


def tag(requests: Requests) -> Callable[[int], float]:
    """By the route that a gate gave, in the order of the gate's routes; untagged requests come first."""
    tags = elements(requests.tag)
    return lambda row: tags[row]


def priority(requests: Requests) -> Callable[[int], float]:
    """By the priority of the request's class, 1 first."""
    priorities = elements(requests.priority)
    return lambda row: priorities[row]


def deadline(requests: Requests) -> Callable[[int], float]:
    """The earliest deadline first."""
    deadlines = elements(requests.deadline)
    return lambda row: deadlines[row]


def freshest(requests: Requests) -> Callable[[int], float]:
    """Whatever was sent last comes first, as for the frames of a camera."""
    arrived = elements(requests.arrived)
    return lambda row: -arrived[row]


#: Order to key: built once for a run, called for each request that joins the queue. Ties go to the earlier arrival.
ORDERS: dict[str, Callable[[Requests], Callable[[int], float]]] = {
    "fifo": fifo,
    "risk": risk,
    "tag": tag,
    "priority": priority,
    "deadline": deadline,
    "freshest": freshest,
}
