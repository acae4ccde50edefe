"""Readings of score tables: counts, areas and shares at a threshold, with intervals by resampling patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.case_tests import (
    TableReading,
    TextClaim,
)
from simulator.errors import InputError, suggest
from simulator.evidence.score_tables import score_rows
from simulator.intervals import Floats, Interval, bootstrap, percentile_interval
from simulator.metrics.roc import auc


def score_reading(claim: TextClaim, reading: TableReading) -> tuple[Interval, str]:
    """Return a number of a score table, or of two tables that are compared, with its interval and its unit.

    Raises InputError for a table, a column or a text that there is not, and for tables of other items.
    """
    one, statistic = _statistic(reading)
    other = _statistic(claim.against_scores) if claim.against_scores is not None else None
    if other is not None and list(one["item"]) != list(other[0]["item"]):
        raise InputError("the two tables hold other items, so that they cannot be compared in pairs")

    def whole(weights: Floats) -> Floats:
        return statistic(weights) if other is None else _PAIRED[claim.compare](statistic(weights), other[1](weights), weights)

    value = float(whole(np.ones(len(one))))
    readings = {reading.read, claim.against_scores.read} if claim.against_scores is not None else {reading.read}
    if readings <= _COUNTS:
        return Interval(value, value, value), ""
    interval = percentile_interval(value, bootstrap(one["patient"], whole))
    share = reading.read in _SHARES and claim.compare == "difference"
    return Interval(value, interval.low, interval.high), "share" if share else ""


#: Readings that count, and say nothing about other people.
_COUNTS = {"positives", "negatives", "items", "patients", "found", "missed"}

_SHARES = {"sensitivity", "specificity", "referred"}


def _correlation(first: Floats, other: Floats, weights: Floats) -> Floats:
    """Return Pearson's correlation of two columns of scores, shape (n,), for weights of shape (..., n)."""
    total = weights.sum(-1, keepdims=True)
    apart = [scores - (weights * scores).sum(-1, keepdims=True) / total for scores in (first, other)]
    product, *squares = ((weights * a * b).sum(-1) for a, b in ((apart[0], apart[1]), (apart[0],) * 2, (apart[1],) * 2))
    return np.asarray(product / np.sqrt(squares[0] * squares[1]))


#: How two readings are compared: from both of them and the weights of the items.
_PAIRED: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "difference": lambda one, other, _: one - other,
    "ratio": lambda one, other, _: one / other,
    "correlation": _correlation,
}

Statistic = Callable[[Floats], Floats]


def _statistic(reading: TableReading) -> tuple[pd.DataFrame, Statistic]:
    """Return the rows of a table, and the reading as a function of the weights of items, shape (..., items)."""
    rows = score_rows(reading.table)
    labels, scores = rows["label"].to_numpy(float), rows["score"].to_numpy(float)
    inside = _where(rows, reading.where)
    threshold_on = (labels == 1) & _where(rows, reading.of)

    def counted_of(weights: Floats) -> Floats:
        if reading.read == "score":
            return scores
        if reading.read == "patients":
            return np.asarray(float(rows["patient"][inside].nunique()))
        if reading.read == "auc":
            return auc(labels[inside], scores[inside], weights[..., inside])
        return _counted(reading, weights, labels, scores, inside, threshold_on)

    return rows, counted_of


def _counted(
    reading: TableReading,
    weights: Floats,
    labels: Floats,
    scores: Floats,
    inside: NDArray[np.bool_],
    threshold_on: NDArray[np.bool_],
) -> Floats:
    kinds = {"positives": labels == 1, "negatives": labels == 0, "items": np.ones(len(labels), bool)}
    if reading.read in kinds:
        return np.asarray(weights[..., kinds[reading.read] & inside].sum(-1))
    if reading.at_sensitivity is None:
        raise InputError(f"`{reading.read}` needs a threshold; give at_sensitivity")
    reached = scores >= _thresholds(weights, scores, threshold_on, reading.at_sensitivity)
    of = (labels == (0 if reading.read in ("specificity", "referred") else 1)) & inside
    hit = ~reached if reading.read in ("specificity", "missed") else reached
    total = (weights * (hit & of)).sum(-1)
    if reading.read in ("found", "missed"):
        return np.asarray(total)
    return np.asarray(total / (weights * of).sum(-1))


def _thresholds(weights: Floats, scores: Floats, chosen_on: NDArray[np.bool_], sensitivity: float) -> Floats:
    """Return the highest score that at least this share of the weighted positives reaches, shape (..., 1)."""
    order = np.argsort(-scores[chosen_on], kind="stable")
    ranked = np.cumsum(weights[..., chosen_on][..., order], axis=-1)
    place = (ranked < sensitivity * ranked[..., -1:] - 1e-9).sum(-1)
    return np.asarray(scores[chosen_on][order][np.minimum(place, len(order) - 1)])[..., None]


def _where(rows: pd.DataFrame, texts: Mapping[str, str | list[str]]) -> NDArray[np.bool_]:
    inside = np.ones(len(rows), bool)
    for column, wanted in texts.items():
        if column not in rows:
            raise InputError(f"the table has no column '{column}'; {suggest(column, rows.columns)}")
        column_texts, wanted_texts = rows[column].astype(str), [wanted] if isinstance(wanted, str) else wanted
        for text in wanted_texts:
            if not (column_texts == text).any():
                raise InputError(f"no item has '{text}' in '{column}'; {suggest(text, sorted(set(column_texts)))}")
        inside &= column_texts.isin(wanted_texts).to_numpy()
    return inside
