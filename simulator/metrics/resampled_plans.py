"""Replications run again on resampled tables, where queues answer to what passes a gate by score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.engine.plan import Plan, with_items
from simulator.engine.plan_cache import once_a_plan
from simulator.metrics.label_uncertainty import downstream, item_gates, paths_shift, weights_of

Floats = NDArray[np.float64]

#: Replications that run again, each on a resampled table of its own, where queues answer.
RUNS = 7


def resampled_plan(plan: Plan, resample: int) -> Plan:
    """The same design for other people of the same kind: each table holds a resample of the labelled, the thresholds follow.

    Every request meets the resampled item of the rank that its own item has among the labelled, by the score that has the last
    word: whoever scores high still does, so that the run differs from its pair by the resample, and not by who is drawn.
    """
    last = plan.scores
    assert last is not None
    positive, negative = np.split(weights_of(last)[resample], [len(last.positives)])
    ill, well = _matched(last.positives, positive), _matched(last.negatives, negative)
    return with_items(plan, ill, well)


def _matched(scores: Floats, weights: Floats) -> NDArray[np.intp]:
    """The resampled items, each as often as it was drawn, in an order that gives each place of the table one of its rank."""
    if not weights.any():  # a resample of few patients may hold nobody of a class
        return np.arange(len(scores))
    order = np.argsort(scores, kind="stable")
    drawn = np.repeat(order, weights[order].astype(int))
    count, rank = len(drawn), np.argsort(order)
    places = ((np.arange(count) + 0.5) / count * len(scores)).astype(int)
    found = np.empty(count, np.intp)
    found[np.argsort(rank[places], kind="stable")] = drawn
    return found


@once_a_plan
def needs_runs(plan: Plan) -> bool:
    """Whether replications have to run again: where queues answer to what passes a gate by score, or scores shift in a run."""
    waits = any(plan.scenario.stages[name].waits for name in downstream(plan))
    return bool(item_gates(plan)) and (waits or paths_shift(plan))
