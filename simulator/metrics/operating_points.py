"""Operating points: the thresholds of a design on the curve of its score table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.case.choices import Pick
from simulator.engine.compiled_plan import Plan
from simulator.engine.stages.gate import score_gates
from simulator.engine.stages.gate_routes import thresholds
from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import Interval, clustered_share, percentile_interval
from simulator.metrics.label_uncertainty import threshold_draws
from simulator.metrics.resampled_labels import weights_of

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
