"""The thresholds between the routes of a gate, and the values that are compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulator.case.attributes import Column
    from simulator.engine.compiled_plan import Plan
    from simulator.engine.stages.gate import Gate, Route


def first_reached(values: NDArray[Any], cuts: Sequence[float] | NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of the first threshold that each value reaches, or of the rest; shape of `values`."""
    passes = [values >= cut for cut in cuts] + [np.ones(len(values), bool)]
    return np.asarray(np.argmax(passes, axis=0))


def thresholds(plan: Plan, gate: Gate) -> list[float]:
    """One threshold for each route of the gate but the last, in the order of the routes."""
    if gate.by_chance and not gate.by_label:
        return chance_thresholds(gate)
    if gate.by_label or gate.by_source or gate.values(plan.scenario):
        return [float(rank) for rank in range(len(gate.routes) - 1, 0, -1)]
    return [_threshold(plan, gate, route) for route in gate.routes if not route.is_rest]


def attribute_values(plan: Plan, gate: Gate, column: Column) -> NDArray[np.float32]:
    """Return what a gate compares with its thresholds of the values of the attribute that it asks, shape of `column`.

    Of a category, or a sensor: how many routes it takes to come to the one that names it, counted from the last, which is 0.
    """
    values = gate.values(plan.scenario)
    if not values:
        return column.astype(np.float32, copy=False)
    rank = np.zeros(len(values) + 1, np.float32)  # the last element is of those that have no value
    for index, route in enumerate(gate.routes):
        rank[[values.index(value) for value in route.values or []]] = len(gate.routes) - 1 - index
    return rank[column]


def frame_values(plan: Plan, gate: Gate, sensors: Column, frames: Column) -> NDArray[np.float32]:
    """Return the route of each frame by its sensor or its number, both counted from 0 and of one shape."""
    if not gate.by_frame:
        return attribute_values(plan, gate, sensors)
    rank = np.zeros(len(frames), np.float32)
    for place, route in enumerate(reversed(gate.routes)):
        if route.every is not None:
            rank[frames % route.every == route.first] = place
    return rank


def label_values(gate: Gate, positive: NDArray[np.bool_], drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the route of each request by its label and a uniform draw, shapes (n,): the place, counted from the last route."""
    taken = [first_reached(drawn, np.array(chance_thresholds(gate, label), np.float32)) for label in (False, True)]
    return (len(gate.routes) - 1 - np.where(positive, taken[1], taken[0])).astype(np.float32)


def chance_thresholds(gate: Gate, positive: bool = False) -> list[float]:
    shares = [route.chance(positive) for route in gate.routes if not route.is_rest]
    return [float(cut) for cut in (1 - np.cumsum(shares)).clip(0)]


def _threshold(plan: Plan, gate: Gate, route: Route) -> float:
    if route.at_least is not None:
        return route.at_least
    if gate.by_score:
        table, promised = plan.table_of(gate), gate.holds == "next"
        if route.at_sensitivity is not None:
            return table.threshold_at(route.at_sensitivity, promised)
        assert route.at_specificity is not None
        return table.threshold_above(route.at_specificity, promised)
    return _check_threshold(plan, gate, route)


def _check_threshold(plan: Plan, gate: Gate, route: Route) -> float:
    check = plan.checks[gate.by]
    if route.at_specificity is not None:
        return check.threshold_above(route.at_specificity)
    assert route.at_sensitivity is not None
    return check.threshold_at(route.at_sensitivity)
