"""Metrics that a case defines itself: the requests that its conditions select, counted in a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simulator.case.attributes import in_groups
from simulator.case.outputs import CaseOutline, CountedMetric, Metric, share_metric
from simulator.case.own_metrics import OwnMetric, RequestCount
from simulator.metrics.measures import CountedRun, Floats
from simulator.metrics.samples import Total
from simulator.records.trace import OUTCOMES

Flags = NDArray[np.bool_]


def own_metrics(case: CaseOutline) -> Iterator[CountedMetric]:
    """Yield the metrics of the section `own_metrics`."""
    for name, one in case.own.items():
        if one.share is not None:
            record = share_metric(name, one.label, one.better)
        else:
            record = Metric(name, one.label, "per 1,000", one.better, "ratio")
        yield CountedMetric(record, partial(_total, one))


def _total(metric: OwnMetric, run: CountedRun) -> Total:
    """Count the selected requests; a share counts them among those that it is a share of.

    Outcomes depend on queues more than on the way of a request: as with the shares that every run reports, runs with other
    labelled people show what labels change.
    """
    below, chosen = selected(metric.of, run), weights(metric.counted, run)
    above = chosen * below if metric.share is not None else 1000 * chosen
    if metric.counted.outcomes or metric.of.outcomes:
        return run.ratio(above[: run.n].sum(), below[: run.n].sum())
    return run.total(above, below)


def weights(count: RequestCount, run: CountedRun) -> Floats:
    """Return how much each row of a run counts, from 0 to 1, shape (rows,)."""
    found = selected(count, run).astype(np.float64)
    if count.detected:
        found *= run.detected
    if count.missed:
        found *= run.positive - run.detected
    return found


def selected(count: RequestCount, run: CountedRun) -> Flags:
    """Return the rows of a run that fulfil every condition, shape (rows,)."""
    columns, rows, scenario = run.columns, run.rows, run.scenario
    found = np.ones(len(rows), bool)
    if count.ends:
        found &= _is_one_of(columns.end, count.ends, [*scenario.ends])[rows]
    if count.tags:
        found &= _is_one_of(columns.tag, count.tags, ["", *scenario.tags()])[rows]
    if count.classes:
        found &= _is_one_of(columns.kind, count.classes, [*scenario.classes])[rows]
    if count.outcomes:
        found &= _is_one_of(columns.outcome, count.outcomes, OUTCOMES)[rows]
    if count.stages:
        found &= _came_to(count.stages, run)[rows]
    if count.groups:
        found &= in_groups(scenario.attributes, columns.attributes, count.groups, columns.n)[rows]
    for wanted, flags in ((count.positive, run.positive), (count.escalated, run.escalated)):
        if wanted is not None:
            found &= flags == wanted
    return found


def _is_one_of(column: NDArray[np.integer], names: Sequence[str], known: Sequence[str]) -> Flags:
    """Return which entries of a column of places in a list have one of these names, shape as the column."""
    return np.isin(column, [known.index(name) for name in names])


def _came_to(stages: list[str], run: CountedRun) -> Flags:
    came = np.zeros(run.columns.n, bool)
    for name in stages:
        if name in run.visits:
            came[run.visits[name].request] = True
    return came
