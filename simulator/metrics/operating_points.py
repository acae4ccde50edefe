"""Operating points: the thresholds of a design on the curve of its score table."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.choices import Pick
from simulator.engine.plan import Plan
from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import Interval, clustered_share, percentile_interval
from simulator.metrics.label_uncertainty import threshold_draws, weights_of
from simulator.stages.gate import thresholds
from simulator.theory.loads import loads

Floats = NDArray[np.float64]

#: The sensitivities at which a curve of referrals is drawn.
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
    """Return a threshold's sensitivity and false-positive rate, with intervals for the number of labelled people."""
    above, below = table.positives >= threshold, table.negatives >= threshold
    return OperatingPoint(
        pool,
        label,
        threshold,
        clustered_share(table.positive_patients, np.ones(len(above)), above, table.positive_evidence),
        clustered_share(table.negative_patients, np.ones(len(below)), below, table.negative_evidence),
    )


def referral_curve(plan: Plan) -> pd.DataFrame:
    """Return the share of people that a threshold refers, by its sensitivity: sensitivity, referred, low, high.

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
    return pd.DataFrame(rows, columns=["sensitivity", "escalated", "low", "high"])


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
    gates = [(name, gate) for name, gate in plan.scenario.score_gates().items() if plan.table_of(gate) is plan.scores]
    routes_set = [
        (route.at_sensitivity, ("stages", name, "routes", index, "at_sensitivity"), gate.holds == "next")
        for name, gate in gates
        for index, route in enumerate(gate.routes)
        if route.at_sensitivity is not None
    ]
    if not routes_set or plan.scenario.population is None:
        return None
    now, place, promised = max(routes_set, key=itemgetter(0))
    for name, choice in plan.scenario.choices.items():
        writes = {pick: choice.changes(pick) for pick in choice.picks()}
        if all(list(changes) == [place] for changes in writes.values()):
            picks = {float(changes[place][0]): pick for pick, changes in writes.items()}
            return Dial(now, promised, name, dict(sorted(picks.items())))
    return Dial(now, promised, None, {})


@dataclass(frozen=True)
class Referred:
    """The effect of a threshold on a crowd, in people: positives and negatives, and those of each that it refers.

    crowd: 1,000 or as many times ten as it takes to hold a hundred positives, at most 1,000,000
    """

    crowd: int
    positives: float
    found: float
    negatives: float
    alarms: float

    @property
    def missed(self) -> float:
        return self.positives - self.found

    @property
    def cleared(self) -> float:
        return self.negatives - self.alarms

    @property
    def share(self) -> float:
        return (self.found + self.alarms) / self.crowd


def referred_at(plan: Plan, sensitivity: float, promised: bool = False) -> Referred:
    """Return the effect of the deciding model's threshold for this sensitivity, by labelled items and stated prevalence.

    promised: whether the sensitivity is promised of the next positive (`ScoreTable.threshold_at`)
    """
    assert plan.scores is not None
    assert plan.scenario.population is not None
    table, ill = plan.scores, plan.scenario.population.prevalence.value
    crowd = next((size for size in (1_000, 10_000, 100_000) if size * ill >= 100), 1_000_000)
    cut, positives = table.threshold_at(sensitivity, promised), ill * crowd
    alarms = (crowd - positives) * (1 - table.specificity_at(cut))
    return Referred(crowd, positives, positives * table.sensitivity_at(cut), crowd - positives, alarms)


def reading_capacity(plan: Plan) -> float | None:
    """Return the share of all people whose photos the reviewers can read; None without reviewers."""
    people = [load for load in loads(plan) if plan.scenario.stages[load.stage].servers.keeps_hours]
    return min((load.visits_per_request / load.mean for load in people if load.mean), default=None)


def widest_sensitivity(plan: Plan) -> float | None:
    """Return the sensitivity of the deciding model's widest threshold on the labelled photos; None without one."""
    points = [point for point in operating_points(plan) if plan.tables[point.pool] is plan.scores]
    return max((point.sensitivity.value for point in points), default=None)
