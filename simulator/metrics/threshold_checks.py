"""Thresholds that labelled items set: scores that curveballs shift, draws of each threshold, and checks of what it was set to.

The number of labelled items below the threshold that the labels of everybody would give is binomial, whatever their
distribution, which says between which two scores it lies (David and Nagaraja 2003, Order Statistics, section 7.1).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from math import ceil, log
from operator import add
from typing import Any

import numpy as np

from simulator.case.curveball import AffectedQuantity
from simulator.engine.compiled_plan import Plan, changes, latest, strikes_of
from simulator.engine.stages.gate import Gate, Route
from simulator.engine.stages.gate_routes import thresholds
from simulator.evidence.photo_checks import changed_scores, score_changes
from simulator.evidence.score_tables import ScoreTable
from simulator.intervals import LEVEL, Floats, Interval, share_interval
from simulator.keeper import remembers
from simulator.metrics.resampled_labels import RESAMPLES, item_gates, labelled_class
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import Span, Steps, steps
from simulator.units import percent, spoken_within


def score_stretches(plan: Plan) -> tuple[Floats, list[Plan]]:
    """Return the stretches of a run in which curveballs leave scores alone: their starts (s), and the plan with scores as then.

    Thresholds stay those of the plan itself.
    """
    starts, tables = _tables_by_stretch(plan)
    return starts, [plan if scores is plan.tables else replace(plan, tables=scores) for scores in tables]


@cache_per_plan
def _tables_by_stretch(plan: Plan) -> tuple[Floats, list[dict[str, ScoreTable]]]:
    numbers = [number for pool in plan.tables for positive in (False, True) for number in _shifts(plan, pool, positive)]
    if all(number.steady for number in numbers):
        return np.zeros(1), [plan.tables]
    starts = sorted({time for number in numbers for time in number.times if time < plan.arrivals_end_s})
    return np.array(starts), [_tables_at(plan, start) for start in starts]


def _tables_at(plan: Plan, time: float) -> dict[str, ScoreTable]:
    negatives, positives = (
        {pool: _scores_at(plan, pool, positive, time) for pool in plan.tables} for positive in (False, True)
    )
    return {pool: replace(table, positives=positives[pool], negatives=negatives[pool]) for pool, table in plan.tables.items()}


def paths_shift(plan: Plan) -> bool:
    return plan.changes or any(plan.scenario.curveballs[name].shifts_scores for name in plan.strikes)


def struck_scores(plan: Plan, pool: str, positive: bool) -> tuple[list[Floats], tuple[str, ...]]:
    """Return the scores of a class in each stretch of the run, and the labels of the curveballs that change them."""
    spans = [*changes(plan, AffectedQuantity.PHOTOS), *_added(plan, pool, positive)]
    starts = {start for (start, _), _ in spans}
    labels = [strike.label for strike in strikes_of(plan) if strike.start_s in starts and strike.shifts_scores]
    times = {time for number in _shifts(plan, pool, positive) for time in number.times if time < plan.arrivals_end_s}
    return [_scores_at(plan, pool, positive, time) for time in times], tuple(labels)


def _added(plan: Plan, pool: str, positive: bool) -> list[tuple[Span, float]]:
    of_class = changes(plan, AffectedQuantity.POSITIVES, pool) if positive else ()
    return [*changes(plan, AffectedQuantity.SCORES), *of_class]


def _shifts(plan: Plan, pool: str, positive: bool) -> tuple[Steps, Steps]:
    """Return what curveballs add to the scores of a class, and the condition of the photos, by number, over time."""
    return steps(0.0, _added(plan, pool, positive), add), steps(0.0, changes(plan, AffectedQuantity.PHOTOS), latest)


def _scores_at(plan: Plan, pool: str, positive: bool, time: float) -> Floats:
    """Return the scores of the labelled items of a class at a time of the run (s)."""
    table, place = plan.tables[pool], 0 if positive else 1
    scores = table.positives if positive else table.negatives
    shift, condition = (number.at(time) for number in _shifts(plan, pool, positive))
    if condition:
        change = score_changes(table.about.model, table.about.precision)[place][int(condition)]
        items, count = np.arange(len(scores)), len(scores)
        if plan.items is not None:
            items, count = plan.items[place], plan.counts[place]
        scores = changed_scores(scores, change[items * len(change) // count])
    return scores + shift


def cuts_of(plan: Plan, gate: Gate, paired: bool = False) -> Floats:
    """Return the threshold of each route of a gate in each resample, shape (routes, resamples)."""
    if gate.asks:
        return np.repeat(np.array(thresholds(plan, gate))[:, None], RESAMPLES, axis=1)
    table, promised = plan.table_of(gate), gate.holds == "next"
    cuts = [_cuts(table, route, promised, paired) for route in gate.routes if not route.is_rest]
    return np.array(cuts).reshape(len(cuts), RESAMPLES)


def _asks_of(table: ScoreTable, route: Route, promised: bool, paired: bool) -> Hashable:
    return table.content, route.at_sensitivity, route.at_specificity, route.at_least, promised, paired


@remembers(1024, _asks_of)
def _cuts(table: ScoreTable, route: Route, promised: bool, paired: bool) -> Floats:
    """Return draws of a route's threshold, shape (RESAMPLES,); shared by designs with equal scores and routes."""
    if route.at_sensitivity is not None:
        return threshold_draws(table, route.at_sensitivity, promised, paired)
    if route.at_specificity is not None:
        now = table.threshold_above(route.at_specificity, promised)
        if np.isinf(now):
            return np.full(RESAMPLES, now)
        below = np.nextafter(np.float32(now), np.float32(-np.inf))
        highest = labelled_class(table, 0).quantiles(route.at_specificity, below, paired)
        # As scores are compared in single precision, just above the last negative that is to stay below.
        return np.where(np.isinf(highest), highest, np.nextafter(highest.astype(np.float32), np.float32(np.inf)))
    assert route.at_least is not None
    return np.full(RESAMPLES, route.at_least)


def threshold_draws(table: ScoreTable, sensitivity: float, promised: bool = False, paired: bool = False) -> Floats:
    """Return draws of the threshold that everybody's labels would give for a sensitivity, shape (RESAMPLES,).

    -inf in draws where there may be positives below all that are labelled. A threshold that is infinite on the table, where
    all or none is to pass, stays as it is.
    """
    now = table.threshold_at(sensitivity, promised)
    if np.isinf(now):
        return np.full(RESAMPLES, now)
    return -labelled_class(table, 1).mirrored.quantiles(sensitivity, -now, paired)


@dataclass(frozen=True)
class ThresholdCheck:
    """A threshold that was chosen on the labelled items of one class: what it was set to, and what to expect on the next ones.

    reached: the share of the labelled on its right side; next: the same for people it was not chosen on, with its interval
    worth: the number of independent labelled items that they are worth; needed: how many it takes to bound the threshold on
    its open side, so that the figures behind it are bounded too
    struck: the least share of the labelled on its right side while scores are shifted; None where nothing shifts them
    struck_by: the labels of the curveballs that do
    """

    gate: str
    route: str
    of: str
    promised: float
    reached: float
    next: Interval
    of_positives: bool
    worth: float
    struck: float | None = None
    struck_by: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.struck is None or self.struck == self.reached

    @property
    def sentence(self) -> str:
        """The share that was promised and, if scores shift, that this is no longer true."""
        puts = f"{self.gate}: the threshold of “{self.route}” puts {percent(self.reached)} of the {self.of} on the right side"
        if self.struck is None or self.holds:
            share, bounds = spoken_within(self.next.value, self.next.low, self.next.high, "share")
            return f"{puts}; on the next ones, expect {share} (95% interval {bounds}).{self._too_few}"
        by = " and ".join(f"“{label}”" for label in self.struck_by)
        return f"{puts}. That is no longer true once {by} has struck: then it puts {percent(self.struck)} of them there."

    @property
    def needed(self) -> int:
        """The fewest items that bound the threshold: s to the power of n is the chance that none of n lies beyond it."""
        return ceil(log((1 - LEVEL) / 2) / log(self.promised)) if 0 < self.promised < 1 else 0

    @property
    def _too_few(self) -> str:
        if self.worth >= self.needed:
            return ""
        article = "a lower" if self.of_positives else "an upper"
        return (
            f" They are worth {self.worth:,.0f} independent ones, too few for {article} bound of this threshold: the intervals "
            f"behind it reach to the end. {self.needed:,} would be enough."
        )

    def to_json(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("gate", "route", "of", "promised", "reached", "worth", "needed")}
        struck = {} if self.struck is None else {"struck": self.struck, "struck_by": list(self.struck_by)}
        return {**own, **struck, "next": vars(self.next)}


@cache_per_plan
def threshold_checks(plan: Plan) -> list[ThresholdCheck]:
    """Return the thresholds that are chosen on labelled items, gate by gate, except those that nothing or everything passes.

    None if picks change in the run: then only the run says what a threshold does.

    On the items that chose it, a threshold meets its target; on the next ones, not quite: of n that reach it, n / (n + 1) are
    to be expected. The gap is the optimism (Efron and Gong 1983, Am Stat 37:36).
    """
    if plan.changes:
        return []
    return [
        _threshold_check(plan, gate, route, now)
        for gate in item_gates(plan).values()
        for now, route in zip(thresholds(plan, gate), gate.routes, strict=False)
        if gate.by == "score" and np.isfinite(now) and route.at_least is None
    ]


def _threshold_check(plan: Plan, gate: Gate, route: Route, now: float) -> ThresholdCheck:
    table, of_positives = plan.table_of(gate), route.at_sensitivity is not None
    scores = table.positives if of_positives else table.negatives
    reached = float(np.mean((scores >= now) == of_positives))
    worth = labelled_class(table, int(of_positives)).worth
    next_one = replace(share_interval(reached * worth, worth), value=reached * worth / (worth + 1))
    promised = route.at_sensitivity if route.at_sensitivity is not None else route.at_specificity
    assert promised is not None
    of = f"{table.about.counted} {'positives' if of_positives else 'negatives'}"
    check = ThresholdCheck(
        gate.label, route.tag or plan.scenario.label_of(route.to), of, promised, reached, next_one, of_positives, worth
    )
    changed, labels = struck_scores(plan, plan.scenario.scorer_of(gate), of_positives)
    struck = min((float(np.mean((struck_scores >= now) == of_positives)) for struck_scores in changed), default=None)
    return replace(check, struck=struck, struck_by=labels) if labels else check
