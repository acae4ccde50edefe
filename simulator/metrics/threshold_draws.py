"""Draws of the thresholds that the labels of everybody would give.

The number of labelled items below such a threshold is binomial, whatever their distribution, which says between which two
scores it lies (David and Nagaraja 2003, Order Statistics, section 7.1).
"""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from simulator.engine.plan import Plan
from simulator.engine.stages.gate import Gate, Route
from simulator.engine.stages.gate_thresholds import thresholds
from simulator.evidence.score_tables import ScoreTable
from simulator.metrics.resampled_labels import RESAMPLES, item_gates, labelled_class
from simulator.records.streams import cache_per_plan

Floats = NDArray[np.float64]


@cache_per_plan
def resampled_cuts(plan: Plan) -> list[tuple[Gate, Floats]]:
    """Return the gates of the labelled items, each with the threshold of each of its routes but the last in each resample.

    Shape of the thresholds: (routes, resamples).
    """
    return [(gate, cuts_of(plan, gate)) for gate in item_gates(plan).values()]


def cuts_of(plan: Plan, gate: Gate, paired: bool = False) -> Floats:
    """Return the threshold of each route of a gate in each resample, shape (routes, resamples)."""
    if gate.asks:
        return np.repeat(np.array(thresholds(plan, gate))[:, None], RESAMPLES, axis=1)
    table, promised = plan.table_of(gate), gate.holds == "next"
    cuts = [_cuts(table, route, promised, paired) for route in gate.routes if not route.is_rest]
    return np.array(cuts).reshape(len(cuts), RESAMPLES)


def _asks_of(table: ScoreTable, route: Route, promised: bool, paired: bool) -> Hashable:
    return table.content, route.at_sensitivity, route.at_specificity, route.at_least, promised, paired


@cached(LRUCache(1024), _asks_of, Lock())
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
