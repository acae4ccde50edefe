"""Two models on the same items: how much better one is, and whether that may be chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulator.analysis.bootstrap import Floats, bootstrap, percentile_interval
from simulator.analysis.scores.roc import roc
from simulator.analysis.scores.summary import TARGETS
from simulator.analysis.statistics import Interval
from simulator.evidence.scores import ScoreError
from simulator.units import percent


@dataclass(frozen=True)
class Pair:
    """One figure of two tables, as shares. change: second minus first, resampled together."""

    what: str
    first: float
    second: float
    change: Interval

    @property
    def differs(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.change.low > 0 or self.change.high < 0


def paired(first: pd.DataFrame, second: pd.DataFrame) -> list[Pair]:
    """AUC and the specificity at each of TARGETS of two tables (`score_rows`) of the same items, with paired intervals.

    Raises ScoreError where the items, or what is said of them, differ.
    """
    one, other = (rows.set_index("item").sort_index() for rows in (first, second))
    if not one.index.equals(other.index) or not (one["label"] == other["label"]).all():
        shared = len(one.index.intersection(other.index))
        raise ScoreError(
            f"the tables share {shared:,} of {len(one):,} and {len(other):,} items, or label them differently; "
            "only scores of the same items can be paired"
        )
    labels, columns = one["label"].to_numpy(), (one["score"].to_numpy(), other["score"].to_numpy())

    def figures(weights: Floats | None = None) -> Floats:
        curves = [roc(labels, scores, weights) for scores in columns]
        found = [[curve.auc, *(curve.specificity_at(target) for target in TARGETS)] for curve in curves]
        return np.moveaxis(np.array(found), (0, 1), (-2, -1))

    value, draws = figures(), bootstrap(one["patient"], figures)
    moved, names = draws[:, 1] - draws[:, 0], ["AUC", *(f"specificity at {target:.0%} sensitivity" for target in TARGETS)]
    return [
        Pair(name, float(before), float(after), percentile_interval(after - before, moved[:, place]))
        for place, (name, before, after) in enumerate(zip(names, *value, strict=True))
    ]


def pair_sentence(pair: Pair, first: str, second: str) -> str:
    """What the pair says, with its interval, in one sentence; `first` and `second` are the names of the tables."""
    is_area = pair.what == "AUC"
    told = _three_digits if is_area else percent
    moved, low, high = (_three_digits(x) if is_area else f"{100 * x:.1f}" for x in vars(pair.change).values())
    unit = "" if is_area else " points"
    what = f"{pair.what[0].upper()}{pair.what[1:]}: {told(pair.second)} for {second}, {told(pair.first)} for {first}"
    if not pair.differs:
        return f"{what}: not significantly different (95% interval of the difference {low} to {high}{unit})."
    better = "higher" if pair.change.value > 0 else "lower"
    return f"{what}: {moved.lstrip('-')}{unit} {better} on the same photos (95% interval {low} to {high}{unit})."


def _three_digits(auc: float) -> str:
    return f"{auc:.3f}"
