"""Class-conditional conformal prediction: clear, refer, or admit that one cannot tell, with a promised coverage.

A class stands in a photo's set unless the photo is stranger to it than nearly all of the class's own labelled photos. Where
photos are exchangeable, at least the promised share of each class finds its own name in the set, whatever the scores are worth
(Vovk, Gammerman and Shafer 2022, Algorithmic Learning in a Random World, section 4.6). Where they are worth little, many sets
hold both classes, which is what a band of unsure cases is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from simulator.analysis.bootstrap import Floats, folds_of
from simulator.analysis.statistics import Interval, clustered_share

#: The coverages at which the promise is checked.
PROMISES = (0.80, 0.90, 0.95, 0.99)


@dataclass(frozen=True)
class Band:
    """Who is cleared, referred, or neither. A score below `clear_below` holds no positive, one above `refer_above` no negative.

    Between them the set holds both; where `clear_below` exceeds `refer_above` it is empty there. Both are unsure.
    """

    clear_below: float
    refer_above: float

    def holds_positive(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Whether the positive class stands in each set."""
        return np.asarray(scores, float) >= self.clear_below

    def holds_negative(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Whether the negative class stands in each set."""
        return np.asarray(scores, float) <= self.refer_above


@dataclass(frozen=True)
class Coverage:
    """What a promise came to on held-out patients. cleared, referred, unsure: shares of all items, 1 together."""

    promised: float
    positives: Interval
    negatives: Interval
    cleared: float
    referred: float
    unsure: float


def band(labels: ArrayLike, scores: ArrayLike, promised: float) -> Band:
    """The band that labelled items support at a promised coverage of each class.

    The k-th strangest score of a class is its border, k = ceil((n + 1) promised); with fewer items than that nothing is ever
    too strange, and the border is infinite.
    """
    y, s = np.asarray(labels), np.asarray(scores, float)
    return Band(-_border(-s[y == 1], promised), _border(s[y == 0], promised))


def _border(strangeness: Floats, promised: float) -> float:
    place = int(np.ceil((len(strangeness) + 1) * promised - 1e-9))
    return float(np.sort(strangeness)[place - 1]) if place <= len(strangeness) else np.inf


def held_out_coverage(rows: pd.DataFrame, promised: float) -> Coverage:
    """The band of all other folds, applied to each fold of a table (`score_rows`) in turn; intervals know the patients."""
    labels, scores, folds = rows["label"].to_numpy(), rows["score"].to_numpy(), folds_of(rows)
    positive, negative = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    for fold in range(folds.max() + 1):
        held = folds == fold
        found = band(labels[~held], scores[~held], promised)
        positive[held], negative[held] = found.holds_positive(scores[held]), found.holds_negative(scores[held])
    cleared, referred = negative & ~positive, positive & ~negative
    patients = rows["patient"].to_numpy()
    return Coverage(
        promised,
        _share(patients[labels == 1], positive[labels == 1]),
        _share(patients[labels == 0], negative[labels == 0]),
        float(cleared.mean()),
        float(referred.mean()),
        float(1 - cleared.mean() - referred.mean()),
    )


def _share(patients: NDArray[np.object_], covered: NDArray[np.bool_]) -> Interval:
    return clustered_share(patients, np.ones(len(covered)), covered, float(len(covered)))


def coverage_rows(found: list[Coverage]) -> pd.DataFrame:
    """One row per promise, all in %."""
    return pd.DataFrame([_row(one) for one in found])


def _row(one: Coverage) -> dict[str, float]:
    row = {"promised (%)": one.promised}
    for name, part in (("positives", one.positives), ("negatives", one.negatives)):
        row |= {f"{name} covered (%)": part.value, f"{name} low": part.low, f"{name} high": part.high}
    row |= {"cleared (%)": one.cleared, "referred (%)": one.referred, "unsure (%)": one.unsure}
    return {name: 100 * value for name, value in row.items()}
