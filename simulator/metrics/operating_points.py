"""Operating points: the thresholds of a design on the curve of its score table, and the limits of people behind a threshold.

Only a part of the flagged requests may come to a stage of people, and other requests may come there as well. So the limits
follow the routes of the case.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import pandas as pd

from simulator.case.choices import Pick
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import at_threshold, score_gates
from simulator.engine.stages.gate_routes import thresholds
from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import Interval, clustered_share, percentile_interval
from simulator.metrics.label_uncertainty import threshold_draws
from simulator.metrics.resampled_labels import weights_of
from simulator.records.streams import cache_per_plan
from simulator.theory.loads import loads

#: The sensitivities of the points on a curve of flagged shares.
TARGETS = np.concatenate([np.linspace(0.70, 0.98, 29), np.linspace(0.99, 1, 6)])


@dataclass(frozen=True)
class OperatingPoint:
    """The effect of one threshold on the labelled items; the scores come from `pool`."""

    pool: str
    label: str
    threshold: float
    sensitivity: Interval
    false_positives: Interval


def operating_points(plan: Plan) -> list[OperatingPoint]:
    """Return the thresholds that the design sets on the scores of its models, gate by gate, strictest first."""
    gates = score_gates(plan.scenario).values()
    if not plan.tables:
        return []
    return [
        operating_point(plan.table_of(gate), cut, route.tag or route.to, plan.scenario.scorer_of(gate))
        for gate in gates
        for cut, route in zip(thresholds(plan, gate), gate.routes, strict=False)
        if cut < np.inf  # a closed route
    ]


def operating_point(table: ScoreTable, threshold: float, label: str = "", pool: str = "") -> OperatingPoint:
    """Return a threshold's sensitivity and false-positive rate, with intervals for the number of labelled people."""
    above, below = table.positives >= threshold, table.negatives >= threshold
    return OperatingPoint(
        pool,
        label,
        threshold,
        clustered_share(table.positive_patients, np.ones(len(above)), above, table.positive_evidence),
        clustered_share(table.negative_patients, np.ones(len(below)), below, table.negative_evidence),
    )


def flagged_curve(plan: Plan) -> pd.DataFrame:
    """Return the share of requests that a threshold flags, by its sensitivity: sensitivity, flagged, low, high.

    The band draws the labelled people and each threshold anew; it holds at one sensitivity at a time.
    """
    assert plan.scores is not None
    assert plan.scenario.population is not None
    table, ill = plan.scores, plan.scenario.population.prevalence.value
    negative = weights_of(table)[:, len(table.positives) :]
    order = np.argsort(table.negatives)
    below = np.pad(np.cumsum(negative[:, order], axis=1), ((0, 0), (1, 0)))
    rows = []
    for target in TARGETS:
        cut, anew = table.threshold_at(target), threshold_draws(table, target)
        reached, value = table.sensitivity_at(cut), 1 - table.specificity_at(cut)
        places = np.searchsorted(table.negatives[order], anew)[:, None]
        with np.errstate(invalid="ignore"):  # a resample of few patients may hold nobody of a class
            drawn = 1 - np.take_along_axis(below, places, axis=1)[:, 0] / below[:, -1]
        band = percentile_interval(value, drawn)
        rows.append((target, *(ill * reached + (1 - ill) * alarms for alarms in (band.value, band.low, band.high))))
    return pd.DataFrame(rows, columns=["sensitivity", "flagged", "low", "high"])


@dataclass(frozen=True)
class Dial:
    """The widest threshold of the deciding model, where it is set by a sensitivity, and the choice that sets it.

    sensitivity: as it is set now; promised: of the next positive, not of the labelled ones (`ScoreTable.threshold_at`)
    choice: the name of the choice that writes it, None without one; picks: its picks by the sensitivity that they write
    """

    sensitivity: float
    promised: bool
    choice: str | None
    picks: dict[float, Pick]


def dial_of(plan: Plan) -> Dial | None:
    """Return the setting of a design's widest threshold; None where none is set by a sensitivity."""
    route = widest_route(plan)
    if route is None or plan.scenario.population is None:
        return None
    gate = score_gates(plan.scenario)[route[0]]
    now, promised = gate.routes[route[1]].at_sensitivity, gate.holds == "next"
    if now is None:
        return None
    place = ("stages", route[0], "routes", route[1], "at_sensitivity")
    for name, choice in plan.scenario.choices.items():
        writes = {pick: choice.changes(pick) for pick in choice.picks()}
        if all(list(changes) == [place] for changes in writes.values()):
            picks = {float(changes[place][0]): pick for pick, changes in writes.items()}
            return Dial(now, promised, name, dict(sorted(picks.items())))
    return Dial(now, promised, None, {})


def widest_route(plan: Plan) -> tuple[str, int] | None:
    """Return the gate and the place of the route with the widest threshold on the deciding model's scores; None without one.

    The widest one that is set by a sensitivity, if any is; else the lowest.
    """
    if plan.scores is None:
        return None
    gates = {name: gate for name, gate in score_gates(plan.scenario).items() if plan.table_of(gate) is plan.scores}
    by_sensitivity = {
        (name, index): route.at_sensitivity
        for name, gate in gates.items()
        for index, route in enumerate(gate.routes)
        if route.at_sensitivity is not None
    }
    if by_sensitivity:
        return max(by_sensitivity, key=by_sensitivity.__getitem__)
    cuts = {(name, index): cut for name, gate in gates.items() for index, cut in enumerate(thresholds(plan, gate))}
    return min(cuts, key=cuts.__getitem__, default=None)


@dataclass(frozen=True)
class FlaggedCrowd:
    """The effect of a threshold on a crowd: positives and negatives, and those of each whose score reaches it.

    crowd: 1,000 or as many times ten as it takes to hold a hundred positives, at most 1,000,000
    """

    crowd: int
    positives: float
    flagged_positives: float
    negatives: float
    flagged_negatives: float

    @property
    def unflagged_positives(self) -> float:
        return self.positives - self.flagged_positives

    @property
    def unflagged_negatives(self) -> float:
        return self.negatives - self.flagged_negatives

    @property
    def share(self) -> float:
        return (self.flagged_positives + self.flagged_negatives) / self.crowd


def flagged_at(plan: Plan, sensitivity: float, promised: bool = False) -> FlaggedCrowd:
    """Return the effect of the deciding model's threshold for this sensitivity, by labelled items and stated prevalence.

    promised: whether the sensitivity is promised of the next positive (`ScoreTable.threshold_at`)
    """
    assert plan.scores is not None
    assert plan.scenario.population is not None
    table, ill = plan.scores, plan.scenario.population.prevalence.value
    crowd = next((size for size in (1_000, 10_000, 100_000) if size * ill >= 100), 1_000_000)
    cut, positives = table.threshold_at(sensitivity, promised), ill * crowd
    flagged_negatives = (crowd - positives) * (1 - table.specificity_at(cut))
    return FlaggedCrowd(crowd, positives, positives * table.sensitivity_at(cut), crowd - positives, flagged_negatives)


def widest_sensitivity(plan: Plan) -> float | None:
    """Return the sensitivity of the deciding model's widest threshold on the labelled photos; None without one."""
    points = [point for point in operating_points(plan) if plan.tables[point.pool] is plan.scores]
    return max((point.sensitivity.value for point in points), default=None)


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
    moved = map(at_threshold, gate.routes, cuts)
    stage = gate.model_copy(update={"routes": [*moved, *gate.routes[len(cuts) :]]})
    scenario = plan.scenario.model_copy(update={"stages": plan.scenario.stages | {name: stage}})
    return replace(plan, scenario=scenario)
