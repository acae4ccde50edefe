"""The stretches of a run between curveballs that shift scores, and the scores of the labelled items in each."""

from __future__ import annotations

from dataclasses import replace
from operator import add

import numpy as np
from numpy.typing import NDArray

from simulator.case.curveball import AffectedQuantity
from simulator.engine.plan import Plan
from simulator.engine.run_conditions import changes, latest
from simulator.evidence.photo_checks import changed_scores, score_changes
from simulator.evidence.score_tables import ScoreTable
from simulator.metrics.stage_metrics import strikes_of
from simulator.records.streams import cache_per_plan
from simulator.records.timetables import Span, Steps, steps

Floats = NDArray[np.float64]


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
    negatives, positives = ({pool: _scores_at(plan, pool, one, time) for pool in plan.tables} for one in (False, True))
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
