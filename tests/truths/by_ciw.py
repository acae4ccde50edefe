"""Ciw (https://ciw.readthedocs.io) on the same requests: another program, written by others, in another style."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ciw
import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


class ByRow(ciw.dists.Distribution):
    """Service times that belong to the customers: `times[visit][row]` at their first, second, ... visit to the node."""

    def __init__(self, *times: Times) -> None:
        self.times = times

    def sample(self, t: float | None = None, ind: ciw.Individual | None = None) -> float:
        """The service time of the customer in front of the server; Ciw numbers customers from 1 as they arrive."""
        before = sum(record.node == ind.node for record in ind.data_records)
        return float(self.times[min(before, len(self.times) - 1)][ind.id_number - 1])


class ByWay(ciw.routing.NodeRouting):
    """Leads each customer to the node that `way(row, visits to this node before this one)` names; -1 leaves."""

    def __init__(self, way: Callable[[int, int], int]) -> None:
        self.way = way

    def next_node(self, ind: ciw.Individual) -> ciw.Node:
        """The node after this one."""
        visits = sum(record.node == self.node.id_number for record in ind.data_records)
        return self.simulation.nodes[self.way(ind.id_number - 1, visits)]


def waits(
    arrived: Times,
    services: Sequence[ByRow],
    servers: Sequence[float],
    ways: Sequence[Callable[[int, int], int]],
    classes: NDArray[np.int_] | None = None,
) -> list[tuple[int, int, float, float]]:
    """Lets customers who come to the first node at `arrived` run through a network of nodes.

    classes: the priority of each customer, 0 first. Returns (node, row, time of entry, wait) of every visit, sorted.
    """
    urgency = np.zeros(len(arrived), int) if classes is None else classes
    names = [f"class {number}" for number in np.unique(urgency)]
    idle: list[ciw.dists.Distribution | None] = [None] * (len(servers) - 1)
    arrivals = {}
    for number, name in enumerate(names):
        gaps = np.diff(arrived[urgency == number], prepend=0.0)
        arrivals[name] = [ciw.dists.Sequential([*gaps.tolist(), float("inf")]), *idle]
    network = ciw.create_network(
        arrival_distributions=arrivals,
        service_distributions={name: list(services) for name in names},
        number_of_servers=list(servers),
        routing={name: ciw.routing.NetworkRouting([ByWay(way) for way in ways]) for name in names},
        priority_classes={name: number for number, name in enumerate(names)},
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(arrived), method="Finish")
    records = simulation.get_all_records()
    return sorted((record.node, record.id_number - 1, record.arrival_date, record.waiting_time) for record in records)
