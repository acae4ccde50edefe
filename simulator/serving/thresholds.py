"""The thresholds of a gate: from the score table, from what is assumed of the photos, or from values and shares."""

from math import inf

from scipy.special import ndtri

from simulator.scenario.stages import Gate, Route
from simulator.serving.attributes import gate_thresholds, goes_by_itself
from simulator.serving.plan import Plan
from simulator.serving.requests import quality_separation


def thresholds(plan: Plan, gate: Gate) -> list[float]:
    """One threshold for each route of the gate but the last, in the order of the routes."""
    if goes_by_itself(gate):
        return gate_thresholds(plan, gate)
    return [_threshold(plan, gate, route) for route in gate.routes if not route.is_rest]


def _threshold(plan: Plan, gate: Gate, route: Route) -> float:
    if route.at_least is not None:
        return route.at_least
    if gate.by == "score":
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
