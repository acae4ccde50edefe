"""Summary of a score table: its size, its AUC, and the specificity at each sensitivity, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from simulator.evidence.score_tables import Measured, load_scores, score_rows
from simulator.intervals import Floats, Interval, bootstrap, percentile_interval
from simulator.metrics.roc import roc

#: The sensitivities at which a table is judged.
TARGETS = (0.90, 0.95, 0.99)
#: The sensitivities at which the band of a ROC curve is drawn.
BAND = np.concatenate([np.linspace(0.02, 0.98, 49), [0.99, 0.995, 1.0]])


@dataclass(frozen=True)
class Size:
    """The numbers of labelled items, of positives among them, and of patients."""

    rows: int
    positives: int
    patients: int


@dataclass(frozen=True)
class ScoreSummary:
    """A table in figures. size: None for a published curve, whose figures have no interval: their bounds are NaN.

    specificity_at: by sensitivity, one of TARGETS
    """

    name: str
    dataset: str
    model: str
    precision: str
    kind: str
    size: Size | None
    auc: Interval
    specificity_at: dict[float, Interval]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what a published curve does not have is absent."""
        own = {name: getattr(self, name) for name in ("name", "dataset", "model", "precision", "kind")}
        size = vars(self.size) if self.size else {}
        specificities = {f"{target:.2f}": _plain(interval) for target, interval in self.specificity_at.items()}
        return own | size | {"auc": _plain(self.auc), "specificity_at": specificities}


def _plain(interval: Interval) -> dict[str, float]:
    return {name: value for name, value in vars(interval).items() if not isnan(value)}


def score_summary(name: str, folder: Path | None = None, resampled: bool = True) -> ScoreSummary:
    """Return the figures of a table, with intervals by resampling its patients; raises ScoreError.

    resampled: without it, the bounds of a measured table are NaN too
    Each resample chooses its threshold anew, so that what a threshold owes to chance is in the interval.
    """
    table = load_scores(name, folder)
    about = table.about
    if not isinstance(about, Measured):
        labels = np.repeat([1, 0], [len(table.positives), len(table.negatives)])
        intervals, size = _alone(labels, np.concatenate([table.positives, table.negatives])), None
        dataset = name.split(".")[0]
    else:
        rows = score_rows(name, folder)
        intervals, dataset = _with_intervals(rows) if resampled else _alone(rows["label"], rows["score"]), about.dataset
        size = Size(len(rows), int(rows["label"].sum()), int(rows["patient"].nunique()))
    specificities = dict(zip(TARGETS, intervals[1:], strict=True))
    return ScoreSummary(name, dataset, about.model, about.precision, about.origin, size, intervals[0], specificities)


def _alone(labels: ArrayLike, scores: ArrayLike) -> list[Interval]:
    values = _figures(np.asarray(labels), np.asarray(scores))
    return [Interval(float(value), np.nan, np.nan) for value in values]


def _with_intervals(rows: pd.DataFrame) -> list[Interval]:
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    draws = bootstrap(rows["patient"], lambda weights: _figures(labels, scores, weights))
    values = _figures(labels, scores)
    return [percentile_interval(value, draws[:, place]) for place, value in enumerate(values)]


def _figures(labels: Floats, scores: Floats, weights: Floats | None = None) -> Floats:
    curve = roc(labels, scores, weights)
    return np.stack([curve.auc, *(curve.specificity_at(target) for target in TARGETS)], axis=-1)


def summary_rows(summaries: list[ScoreSummary]) -> pd.DataFrame:
    return pd.DataFrame([_row(summary) for summary in summaries])


def _row(summary: ScoreSummary) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(summary, name) for name in ("name", "model", "precision", "kind")}
    row |= vars(summary.size) if summary.size else dict.fromkeys(("rows", "positives", "patients"))
    row |= {"AUC": summary.auc.value, "AUC low": summary.auc.low, "AUC high": summary.auc.high}
    for target, interval in summary.specificity_at.items():
        what = f"specificity at {target:.0%} (%)"
        row |= {what: 100 * interval.value, f"{what} low": 100 * interval.low, f"{what} high": 100 * interval.high}
    return row


def roc_band(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table's ROC curve by sensitivity: sensitivity, false, low, high; shares, with a 95% band of false positives.

    Read across: at each sensitivity a resample chooses its own threshold. The band holds at one sensitivity at a time.
    """
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()

    def false(weights: Floats | None = None) -> Floats:
        curve = roc(labels, scores, weights)
        return np.stack([1 - curve.specificity_at(target) for target in BAND], axis=-1)

    value, draws = false(), bootstrap(rows["patient"], false)
    bounds = [percentile_interval(middle, draws[:, place]) for place, middle in enumerate(value)]
    return pd.DataFrame(
        {
            "sensitivity": BAND,
            "false": value,
            "low": [interval.low for interval in bounds],
            "high": [interval.high for interval in bounds],
        }
    )
