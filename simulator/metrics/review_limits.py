"""Limits of people behind a threshold: the share of requests that it may flag before their work outgrows their time.

Only a part of the flagged requests may come to a stage of people, and other requests may come there as well. So the limits
follow the routes of the case.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from math import inf

import numpy as np

from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import Gate, score_gates
from simulator.engine.stages.gate_routes import thresholds
from simulator.metrics.operating_points import widest_route
from simulator.records.streams import cache_per_plan
from simulator.theory.loads import loads

#: A load grows with the flagged share if it differs by more than rounding.
_ROUNDING = 1e-9


@cache_per_plan
def review_limits(plan: Plan) -> dict[str, float]:
    """Return the flagged share at which the load of people reaches 1, smallest first; inf where they keep up with all.

    By stage of people whose load grows with the flagged share. Empty without a gate by score, and where clients wait for
    their answers: no queue then grows without end.
    """
    route = widest_route(plan)
    if route is None or plan.scenario.population is None or plan.arrivals.rates_in_run() is None:
        return {}
    swept = _SweptThreshold(plan, route)
    limits = {name: swept.limit(name) for name in swept.fed()}
    return dict(sorted(limits.items(), key=lambda limit: limit[1]))


class _SweptThreshold:
    """One threshold from above all scores down to the lowest; each step flags the items of one more score.

    cuts: the thresholds, shape (steps,); shares: of all requests, flagged at each, from 0 to 1
    """

    def __init__(self, plan: Plan, route: tuple[str, int]) -> None:
        assert plan.scores is not None
        assert plan.scenario.population is not None
        self.plan, self.route = plan, route
        table, prevalence = plan.scores, plan.scenario.population.prevalence.value
        self.cuts = np.append(inf, np.unique(np.append(table.positives, table.negatives))[::-1])
        positives, negatives = (
            1 - np.searchsorted(np.sort(scores), self.cuts) / len(scores) for scores in (table.positives, table.negatives)
        )
        self.shares = prevalence * positives + (1 - prevalence) * negatives
        self._loads: dict[int, dict[str, float]] = {}

    def loads(self, step: int) -> dict[str, float]:
        if step not in self._loads:
            moved = with_threshold(self.plan, self.route, float(self.cuts[step]))
            staffed = self.plan.scenario.staffed_stages()
            self._loads[step] = {load.stage: load.mean for load in loads(moved) if load.stage in staffed}
        return self._loads[step]

    def fed(self) -> list[str]:
        all_flagged = self.loads(len(self.cuts) - 1)
        return [name for name, load in self.loads(0).items() if all_flagged[name] > load + _ROUNDING]

    def limit(self, name: str) -> float:
        """Find the two steps between which the load reaches 1; the share is interpolated, as in a table of more items."""
        high = bisect_left(range(len(self.cuts)), True, key=lambda step: self.loads(step)[name] >= 1)
        if high in (0, len(self.cuts)):
            return inf if high else 0.0
        before, after = self.loads(high - 1)[name], self.loads(high)[name]
        part = (1 - before) / (after - before)
        return float(self.shares[high - 1] + part * (self.shares[high] - self.shares[high - 1]))


def with_threshold(plan: Plan, route: tuple[str, int], threshold: float) -> Plan:
    """Return the plan with the threshold of a route moved; stricter routes of its gate then take no score below it.

    route: the name of the gate, and the place of the route
    """
    name, place = route
    gate = score_gates(plan.scenario)[name]
    cuts = [max(cut, threshold) for cut in thresholds(plan, gate)[:place]] + [threshold]
    moved = [_at_least(gate, index, cut) for index, cut in enumerate(cuts)]
    stage = gate.model_copy(update={"routes": [*moved, *gate.routes[len(cuts) :]]})
    scenario = plan.scenario.model_copy(update={"stages": plan.scenario.stages | {name: stage}})
    return replace(plan, scenario=scenario)


def _at_least(gate: Gate, index: int, threshold: float) -> object:
    return gate.routes[index].model_copy(update={"at_least": threshold, "at_sensitivity": None, "at_specificity": None})
