"""What projected latencies are worth, as rows: each held-out prediction, errors by device and family, and the comparisons."""

from __future__ import annotations

from typing import cast

import pandas as pd

from simulator.analysis.statistics import Mark
from simulator.evidence.projection.heldout import BARS, COMPETITOR, COVERS, Basis, HeldOut, label_of
from simulator.evidence.projection.points import OFFLINE
from simulator.units import percent

#: The other model, and its errors on the same comparisons.
OTHER, OTHER_MEDIAN, OTHER_WORST = cast(tuple[str, float, float], tuple(COMPETITOR.values()))

#: What is published on a device of a network that was hidden.
FOOTINGS: dict[Basis, str] = {
    "family": "others of its family",
    "elsewhere": "other families only",
    "precision": "other precisions only",
}


def marks(found: HeldOut) -> list[Mark]:
    """For each footing the median error and how often the band covers, beside their bars."""
    marks = []
    for errors in found.overall:
        footing = FOOTINGS[errors.basis]
        marks.append(Mark(f"Median error: {footing}", errors.median, BARS[errors.basis]))
        marks.append(Mark(f"Band covers: {footing}", errors.covered, COVERS, at_least=True))
    return marks


def prediction_rows(found: HeldOut) -> pd.DataFrame:
    """One row per published latency and footing, in ms, with what was projected of it while its network was hidden."""
    rows = [
        {
            "device": label_of(one.device),
            "model": one.model,
            "precision": one.precision,
            "batch": batch(one.batch),
            "published there": FOOTINGS[one.basis],
            "published (ms)": 1000 * one.published,
            "projected (ms)": 1000 * one.projected,
            "low (ms)": 1000 * one.low,
            "high (ms)": 1000 * one.high,
            "error (%)": 100 * (one.projected / one.published - 1),
            "in the band": one.low <= one.published <= one.high,
        }
        for one in found.predictions
    ]
    return pd.DataFrame(rows)


def error_rows(found: HeldOut) -> pd.DataFrame:
    """One row per device, family and footing: absolute errors and coverage in %, each with its bar."""
    rows = [
        {
            "device": label_of(errors.device),
            "family": errors.family,
            "published there": FOOTINGS[errors.basis],
            "predictions": errors.points,
            "median error (%)": 100 * errors.median,
            "90% within (%)": 100 * errors.p90,
            "band covers (%)": 100 * errors.covered,
            "bars": f"at most {percent(BARS[errors.basis])}, at least {percent(COVERS)}",
            "met": errors.met,
        }
        for errors in sorted(found.rows, key=lambda row: (row.device, row.family, row.basis))
    ]
    return pd.DataFrame(rows)


def comparison_rows(found: HeldOut) -> pd.DataFrame:
    """The published figures that another model predicted as well: int8 ResNet-50, hidden on every device."""
    rows = [
        {
            "device": label_of(one.device),
            "batch": batch(one.batch),
            "published (ms)": 1000 * one.published,
            "projected (ms)": 1000 * one.projected,
            "error (%)": 100 * one.error,
        }
        for one in found.comparisons
    ]
    return pd.DataFrame(rows)


def compared(found: HeldOut) -> str:
    """Our errors over the comparisons beside those of the other model."""
    return (
        f"Int8 ResNet-50, hidden on every device, is projected with a median error of {percent(found.comparison_median)} "
        f"over {len(found.comparisons)} published figures, {found.comparison_worst:+.0%} at worst; an analytic model, "
        f"{OTHER}, came to {percent(OTHER_MEDIAN)} and {OTHER_WORST:+.0%}."
    )


def reached(rows: pd.DataFrame) -> str:
    """How many rows of `error_rows` reach both bars."""
    return f"{int(rows['met'].sum())} of {len(rows)} pairs of device and family reach both bars."


def batch(size: int) -> str:
    """A batch size in words: many items at a time where it is none."""
    return "offline" if size == OFFLINE else str(size)
