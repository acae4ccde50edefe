"""What one threshold does to parts of the people, and where there are too few of them to say."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from simulator.analysis.statistics import clustered_share

#: With fewer items of a class the interval is wider than any difference one would look for.
ENOUGH = 30
#: What a table says of an item that people may be told apart by.
Column = Literal["fitzpatrick", "diagnosis"]
UNKNOWN = "not known"
_TYPES = {number: f"type {roman}" for number, roman in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def group_rows(rows: pd.DataFrame, threshold: float, by: Column) -> pd.DataFrame:
    """Two rows a group, for the positives and the negatives in it: group, what, share, low, high, n, patients, verdict.

    what: sensitivity, the share of positives with a score of at least `threshold`, or specificity, the share of negatives below
    verdict: empty, or "too few to say" where there are fewer than ENOUGH items; the share is NaN then
    """
    named = rows.assign(group=_names(rows[by], by))
    found = [
        _row(str(group), label, mine, threshold)
        for group, members in named.groupby("group", sort=True)
        for label, mine in sorted(members.groupby("label"), key=lambda part: -int(str(part[0])))
    ]
    return pd.DataFrame(found, columns=["group", "what", "share", "low", "high", "n", "patients", "verdict"])


def _names(column: pd.Series, by: Column) -> pd.Series:
    if by == "diagnosis":
        return column.replace("", UNKNOWN)
    return column.map(_TYPES).fillna(UNKNOWN).astype(str)


def _row(group: str, label: object, mine: pd.DataFrame, threshold: float) -> tuple[object, ...]:
    ill = label == 1
    hit = (mine["score"] >= threshold) == ill
    counted = group, "sensitivity" if ill else "specificity"
    size = len(mine), mine["patient"].nunique()
    if len(mine) < ENOUGH:
        return *counted, np.nan, np.nan, np.nan, *size, "too few to say"
    part = clustered_share(mine["patient"].to_numpy(), np.ones(len(mine)), hit.to_numpy(), float(len(mine)))
    return *counted, part.value, part.low, part.high, *size, ""
