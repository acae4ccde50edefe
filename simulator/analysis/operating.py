"""Where the thresholds of a design lie on the curve of its score table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.analysis.statistics import Interval, clustered_share
from simulator.evidence.scores import ScoreTable
from simulator.scenario.stages import Gate, People
from simulator.serving.plan import Plan
from simulator.serving.theory import loads
from simulator.serving.thresholds import thresholds

#: The sensitivities at which a curve of referrals is drawn.
TARGETS = np.concatenate([np.linspace(0.70, 0.98, 29), np.linspace(0.99, 1, 6)])


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does to the labelled items; `pool` gave the scores that it refers to."""

    pool: str
    label: str
    threshold: float
    sensitivity: Interval
    false_positives: Interval


def operating_points(plan: Plan) -> list[OperatingPoint]:
    """The thresholds that the design sets on the scores of its models, gate by gate, strictest first."""
    gates = [stage for stage in plan.scenario.stages.values() if isinstance(stage, Gate) and stage.by == "score"]
    if not plan.tables:
        return []
    return [
        operating_point(plan.table_of(gate), cut, route.tag or route.to, plan.scenario.scorer_of(gate))
        for gate in gates
        for cut, route in zip(thresholds(plan, gate), gate.routes, strict=False)
        if cut < np.inf  # a route that is closed
    ]


def operating_point(table: ScoreTable, threshold: float, label: str = "", pool: str = "") -> OperatingPoint:
    """A threshold's sensitivity and false-positive rate, with intervals that know how many labelled people there are."""
    above, below = table.positives >= threshold, table.negatives >= threshold
    return OperatingPoint(
        pool,
        label,
        threshold,
        clustered_share(table.positive_patients, np.ones(len(above)), above, table.positive_evidence),
        clustered_share(table.negative_patients, np.ones(len(below)), below, table.negative_evidence),
    )


def referral_curve(plan: Plan) -> pd.DataFrame:
    """The share of all people that a threshold refers, by the sensitivity it reaches: sensitivity, referred, low, high."""
    assert plan.scores is not None
    rows = [_referred(plan, plan.scores, target) for target in TARGETS]
    return pd.DataFrame(rows, columns=["sensitivity", "referred", "low", "high"])


def _referred(plan: Plan, table: ScoreTable, target: float) -> tuple[float, ...]:
    assert plan.scenario.population is not None
    ill = plan.scenario.population.prevalence.value
    point = operating_point(table, table.threshold_at(target))
    found, healthy = point.sensitivity.value, point.false_positives
    return target, *(ill * found + (1 - ill) * share for share in (healthy.value, healthy.low, healthy.high))


def reading_capacity(plan: Plan) -> float | None:
    """The share of all people whose photo the reviewers can read; None where there are none."""
    people = [load for load in loads(plan) if isinstance(plan.scenario.stages[load.stage], People)]
    return min((load.visits_per_request / load.mean for load in people if load.mean), default=None)


def widest_sensitivity(plan: Plan) -> float | None:
    """What the widest threshold of the model that has the last word reaches on the labelled photos; None without any."""
    points = [point for point in operating_points(plan) if plan.tables[point.pool] is plan.scores]
    return max((point.sensitivity.value for point in points), default=None)
