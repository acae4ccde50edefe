"""What a threshold keeps of its promise on patients that it was not chosen on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.analysis.bootstrap import folds_of
from simulator.analysis.scores.roc import roc
from simulator.analysis.scores.summary import TARGETS
from simulator.analysis.statistics import clustered_share

SAME = "chosen and judged on all"
NEXT = "chosen on one fold, judged on the next"
REST = "chosen on the rest, judged on one fold"

Mask = NDArray[np.bool_]


def optimism_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per promise and way of judging it: promise, way, reached, low, high, least, most; shares.

    reached: sensitivity over all positives, each judged once; low, high: its 95% interval, which knows the patients
    least, most: over the folds

    Of m positives the threshold admits k = ceil(promise m). On them it reaches k / m; of a stranger's positive score it is only
    known that it falls into any of the m + 1 gaps alike, so k / (m + 1) is reached on average, and much less in some folds.
    """
    found = [_row(rows, promise, way, pairs) for promise in TARGETS for way, pairs in _ways(folds_of(rows))]
    return pd.DataFrame(found, columns=["promise", "way", "reached", "low", "high", "least", "most"])


def _ways(folds: NDArray[np.int64]) -> Iterator[tuple[str, list[tuple[Mask, Mask]]]]:
    """By name, the pairs of rows a threshold is chosen on and rows it is judged on."""
    count = int(folds.max()) + 1
    everyone = np.ones(len(folds), bool)
    yield SAME, [(everyone, everyone)]
    yield NEXT, [(folds == fold, folds == (fold + 1) % count) for fold in range(count)]
    yield REST, [(folds != fold, folds == fold) for fold in range(count)]


def _row(rows: pd.DataFrame, promise: float, way: str, pairs: list[tuple[Mask, Mask]]) -> tuple[object, ...]:
    labels, scores, patients = (rows[name].to_numpy() for name in ("label", "score", "patient"))
    found, judged_ill, by_fold = np.zeros(len(rows), bool), np.zeros(len(rows), bool), []
    for chosen, judged in pairs:
        ill = judged & (labels == 1)
        if not ill.any() or not labels[chosen].any():
            continue  # a fold of somebody else's may hold no positive
        found[ill] = scores[ill] >= roc(labels[chosen], scores[chosen]).threshold_at(promise)
        judged_ill |= ill
        by_fold.append(float(found[ill].mean()))
    count = int(judged_ill.sum())
    total = clustered_share(patients[judged_ill], np.ones(count), found[judged_ill], count)
    return promise, way, total.value, total.low, total.high, min(by_fold), max(by_fold)
