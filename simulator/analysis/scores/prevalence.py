"""What a threshold means among people of whom fewer are ill than in the sample."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from simulator.analysis.bootstrap import Floats, bootstrap, percentile_interval
from simulator.analysis.scores.roc import predictive_value, share

#: Where a curve by prevalence is drawn.
GRID = tuple(float(f"{share:.3g}") for share in np.geomspace(0.001, 0.5, 40))
#: What is told of each prevalence, and in which unit.
FIGURES = {
    "referred": "people referred, of 1,000",
    "right": "referrals that are right (%)",
    "missed": "positives missed, of 1,000 people",
}


def prevalence_rows(rows: pd.DataFrame, threshold: float, prevalences: Iterable[float]) -> pd.DataFrame:
    """One row per prevalence: prevalence, then each of FIGURES with `low` and `high`, a 95% interval by resampling patients.

    The sample's positives and negatives stand for those of the population; only their mixture changes. That is the least that
    changes: where fewer are ill, the ill are often less plainly ill too.
    """
    labels, above = rows["label"].to_numpy() == 1, rows["score"].to_numpy() >= threshold

    def rates(weights: Floats | None = None) -> Floats:
        found = share(above & labels, weights) / share(labels, weights)
        alarms = share(above & ~labels, weights) / share(~labels, weights)
        return np.stack([found, alarms], axis=-1)

    value, draws = rates(), bootstrap(rows["patient"], rates)
    return pd.DataFrame([_row(prevalence, value, draws) for prevalence in prevalences])


def _row(prevalence: float, value: Floats, draws: Floats) -> dict[str, float]:
    row = {"prevalence": prevalence}
    for (name, middle), spread in zip(_figures(prevalence, value).items(), _figures(prevalence, draws).values(), strict=True):
        found = percentile_interval(float(middle), spread)
        row |= {name: found.value, f"{name} low": found.low, f"{name} high": found.high}
    return row


def _figures(prevalence: float, rates: Floats) -> dict[str, Floats]:
    found, alarms = rates[..., 0], rates[..., 1]
    return {
        "referred": 1000 * (prevalence * found + (1 - prevalence) * alarms),
        "right": 100 * predictive_value(found, 1 - alarms, prevalence),
        "missed": 1000 * prevalence * (1 - found),
    }
