"""The thresholds of a gate: from the score table, from what is assumed of the photos, or from values and shares."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.engine.requests import quality_separation

if TYPE_CHECKING:
    from simulator.engine.attribute_columns import Column
    from simulator.engine.plan import Plan
    from simulator.stages.gate import Gate, Route


def thresholds(plan: Plan, gate: Gate) -> list[float]:
    """One threshold for each route of the gate but the last, in the order of the routes."""
    if gate.by_chance:
        return _chances(gate)
    if gate.by_source or gate.values(plan.scenario):
        return [float(rank) for rank in range(len(gate.routes) - 1, 0, -1)]
    return [_threshold(plan, gate, route) for route in gate.routes if not route.is_rest]


def attribute_values(plan: Plan, gate: Gate, column: Column) -> NDArray[np.float32]:
    """What a gate compares with its thresholds of the values of the attribute that it asks, shape of `column`.

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
    """The same of frames, by their sensors or by their numbers, both counted from 0 and of the same shape."""
    if not gate.by_frame:
        return attribute_values(plan, gate, sensors)
    rank = np.zeros(len(frames), np.float32)
    for place, route in enumerate(reversed(gate.routes)):
        if route.every is not None:
            rank[frames % route.every == route.first] = place
    return rank


def _chances(gate: Gate) -> list[float]:
    """A uniform draw u takes the first route whose share it reaches from above: u >= 1 - shares up to there."""
    shares = [route.share or 0.0 for route in gate.routes if not route.is_rest]
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
    return _quality_threshold(plan, route)


def _quality_threshold(plan: Plan, route: Route) -> float:
    """Of a value that is standard normal for unusable photos and as far above for usable ones as the check's AUC says."""
    if route.at_specificity is not None:
        return float(ndtri(route.at_specificity))
    assert route.at_sensitivity is not None
    assert plan.scenario.population is not None
    assert plan.scenario.population.quality is not None
    if route.at_sensitivity >= 1:
        return -inf
    return quality_separation(plan.scenario.population.quality.auc.value) - float(ndtri(route.at_sensitivity))
