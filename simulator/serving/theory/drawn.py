"""Which way gates by chance and by drawn or replayed attributes send requests, and how likely that is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.stages import Gate
from simulator.scenario.stages.gate import RANDOM
from simulator.serving.attributes import KINDS, gate_values, goes_by_items, goes_by_itself
from simulator.serving.plan import Plan
from simulator.serving.thresholds import thresholds

#: By gate: the share of the requests that takes each of its routes.
Routes = dict[str, list[float]]

#: One outcome of the draws: how likely it is, and where it sends a request.
Drawn = tuple[float, Routes]


def drawn_routes(plan: Plan) -> list[Drawn]:
    """Every outcome of the draws that gates go by; one that says nothing where no gate goes by any.

    Gates by the same attribute belong together; attributes, and gates by chance, are independent of each other. A request that
    comes to a gate again goes the way it went before.
    """
    gates = {name: stage for name, stage in plan.scenario.stages.items() if isinstance(stage, Gate)}
    mine = {name: gate for name, gate in gates.items() if goes_by_itself(gate) and not goes_by_items(plan, gate)}
    found: list[Drawn] = [(1.0, {})]
    for draws in _independent(plan, mine):
        found = [(one * other, routes | further) for one, routes in found for other, further in draws]
    return found


def _independent(plan: Plan, gates: dict[str, Gate]) -> Iterator[list[Drawn]]:
    for name, gate in gates.items():
        if gate.by == RANDOM:
            above = 1 - np.array([1.0, *thresholds(plan, gate), 0.0])
            yield from _outcomes({name: gate}, np.diff(above), np.arange(len(gate.routes))[None])
    for attribute in dict.fromkeys(gate.by for gate in gates.values() if gate.by != RANDOM):
        asking = {name: gate for name, gate in gates.items() if gate.by == attribute}
        cells = KINDS[plan.scenario.attributes[attribute].kind].cells
        assert cells is not None
        cuts = np.unique([cut for gate in asking.values() for cut in thresholds(plan, gate)])
        chances, column = cells(plan, attribute, cuts)
        taken = np.stack([_routes(plan, gate, column) for gate in asking.values()])
        yield from _outcomes(asking, chances, taken)


def _routes(plan: Plan, gate: Gate, column: NDArray[np.generic]) -> NDArray[np.int64]:
    """The route that each value takes."""
    values = gate_values(plan, gate, column)
    cuts = np.array(thresholds(plan, gate), np.float32)
    return np.asarray((values < cuts[:, None]).sum(0)) if len(cuts) else np.zeros(len(values), np.int64)


def _outcomes(gates: dict[str, Gate], chances: NDArray[np.float64], taken: NDArray[np.int64]) -> Iterator[list[Drawn]]:
    """The outcomes of one draw.

    chances: of each value, shape (values,); taken: the route of each gate, shape (gates, values)
    """
    ways, which = np.unique(taken, axis=1, return_inverse=True)
    shares = np.bincount(which.ravel(), chances)
    yield [
        (
            float(share),
            {name: _one_hot(len(gate.routes), route) for (name, gate), route in zip(gates.items(), way, strict=True)},
        )
        for share, way in zip(shares, ways.T.tolist(), strict=True)
        if share > 0
    ]


def _one_hot(count: int, place: int) -> list[float]:
    return [float(index == place) for index in range(count)]
