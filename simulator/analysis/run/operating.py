"""Where a design's thresholds lie on the curve of its score table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.bootstrap import corrected_interval, percentile_interval
from simulator.analysis.run.labels import never_seen, paths_shift, resampled_cuts, thresholds_anew, weights_of
from simulator.analysis.statistics import Interval, clustered_share
from simulator.evidence.scores import ScoreTable
from simulator.scenario.stages import Gate, Route
from simulator.serving.plan import Plan
from simulator.serving.theory import loads
from simulator.serving.thresholds import thresholds
from simulator.units import percent

Floats = NDArray[np.float64]

#: The sensitivities at which a curve of referrals is drawn.
TARGETS = np.concatenate([np.linspace(0.70, 0.98, 29), np.linspace(0.99, 1, 6)])


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does to the labelled items; the scores come from `pool`."""

    pool: str
    label: str
    threshold: float
    sensitivity: Interval
    false_positives: Interval


def operating_points(plan: Plan) -> list[OperatingPoint]:
    """The thresholds that the design sets on the scores of its models, gate by gate, strictest first."""
    gates = plan.scenario.score_gates().values()
    if not plan.tables:
        return []
    return [
        operating_point(plan.table_of(gate), cut, route.tag or route.to, plan.scenario.scorer_of(gate))
        for gate in gates
        for cut, route in zip(thresholds(plan, gate), gate.routes, strict=False)
        if cut < np.inf  # a closed route
    ]


def operating_point(table: ScoreTable, threshold: float, label: str = "", pool: str = "") -> OperatingPoint:
    """A threshold's sensitivity and false-positive rate, with intervals for the number of labelled people."""
    above, below = table.positives >= threshold, table.negatives >= threshold
    return OperatingPoint(
        pool,
        label,
        threshold,
        clustered_share(table.positive_patients, np.ones(len(above)), above, table.positive_evidence),
        clustered_share(table.negative_patients, np.ones(len(below)), below, table.negative_evidence),
    )


@dataclass(frozen=True)
class Kept:
    """A threshold that was chosen on the labelled items of one class: what it was set to, and what to expect on the next ones.

    reached: the share of the labelled on its right side; next: the same for people it was not chosen on, with its interval
    """

    gate: str
    route: str
    of: str
    promised: float
    reached: float
    next: Interval

    @property
    def sentence(self) -> str:
        """Both, in words."""
        found = self.next
        return (
            f"{self.gate}: the threshold of “{self.route}” puts {percent(self.reached)} of the {self.of} on the "
            f"right side; on new people, expect {percent(found.value)} "
            f"(95% interval {percent(found.low)} to {percent(found.high)})."
        )

    def to_json(self) -> dict[str, Any]:
        """The threshold as `casesim run --json` prints it."""
        return {**{name: value for name, value in vars(self).items() if name != "next"}, "next": vars(self.next)}


def kept_thresholds(plan: Plan) -> list[Kept]:
    """The thresholds that are chosen on labelled items, gate by gate, except those that nothing or everything passes.

    None if scores shift in the run: then only the run says what a threshold does.

    On the resample that chose it, a threshold meets its target; on the table, which stands for everybody, not quite. The
    gap is the optimism (Efron and Gong 1983, Am Stat 37:36).
    """
    if paths_shift(plan):
        return []
    return [
        _kept(plan, gate, route, now, cuts)
        for gate, of_gate in resampled_cuts(plan)
        for now, route, cuts in zip(thresholds(plan, gate), gate.routes, of_gate, strict=False)
        if gate.by == "score" and np.isfinite(now) and route.at_least is None
    ]


def _kept(plan: Plan, gate: Gate, route: Route, now: float, cuts: Floats) -> Kept:
    table, found = plan.table_of(gate), route.at_sensitivity is not None
    positive, negative = np.split(weights_of(table), [len(table.positives)], axis=1)
    scores, mine = (table.positives, positive) if found else (table.negatives, negative)
    reached = float(np.mean((scores >= now) == found))
    told = mine.any(1)  # a resample of few patients may hold nobody of a class
    mine, right = mine[told], (scores[None, :] >= cuts[told, None]) == found
    draws = reached - (mine * right).sum(1) / mine.sum(1) + right.mean(1)
    if right.all():
        draws = 1 - never_seen(len(np.unique(table.positive_patients if found else table.negative_patients)))
    spread = percentile_interval(reached, draws)
    promised = route.at_sensitivity if route.at_sensitivity is not None else route.at_specificity
    assert promised is not None
    of = f"{table.about.counted} {'positives' if found else 'negatives'}"
    expected = Interval(float(draws.mean()), max(spread.low, 0.0), min(spread.high, 1.0))
    return Kept(gate.label, route.tag or plan.scenario.label_of(route.to), of, promised, reached, expected)


def referral_curve(plan: Plan) -> pd.DataFrame:
    """The share of all people that a threshold refers, by the sensitivity it is set to: sensitivity, referred, low, high.

    The band resamples the labelled people and chooses each threshold anew; it holds at one sensitivity at a time.
    """
    assert plan.scores is not None
    assert plan.scenario.population is not None
    table, ill = plan.scores, plan.scenario.population.prevalence.value
    positive, negative = np.split(weights_of(table), [len(table.positives)], axis=1)
    order = np.argsort(table.negatives)
    below = np.pad(np.cumsum(negative[:, order], axis=1), ((0, 0), (1, 0)))
    rows = []
    for target in TARGETS:
        cut, anew = table.threshold_at(target), thresholds_anew(table.positives, positive, target)
        found, value = table.sensitivity_at(cut), 1 - table.specificity_at(cut)
        places = np.searchsorted(table.negatives[order], anew)[:, None]
        with np.errstate(invalid="ignore"):  # a resample of few patients may hold nobody of a class
            drawn = 1 - np.take_along_axis(below, places, axis=1)[:, 0] / below[:, -1]
        band = corrected_interval(value, drawn)
        rows.append((target, *(ill * found + (1 - ill) * alarms for alarms in (band.value, band.low, band.high))))
    return pd.DataFrame(rows, columns=["sensitivity", "escalated", "low", "high"])


def reading_capacity(plan: Plan) -> float | None:
    """The share of all people whose photos the reviewers can read; None without reviewers."""
    people = [load for load in loads(plan) if plan.scenario.stages[load.stage].keeps_hours]
    return min((load.visits_per_request / load.mean for load in people if load.mean), default=None)


def widest_sensitivity(plan: Plan) -> float | None:
    """The sensitivity that the widest threshold of the deciding model reaches on the labelled photos; None without one."""
    points = [point for point in operating_points(plan) if plan.tables[point.pool] is plan.scores]
    return max((point.sensitivity.value for point in points), default=None)
