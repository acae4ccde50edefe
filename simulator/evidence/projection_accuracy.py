"""Errors of projections on held-out networks, measured by `campaigns.projection.holdout`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.evidence.catalogue import CatalogueError, Positive, hardware
from simulator.evidence.evidence_files import EvidenceRecord, read_json, remembered
from simulator.intervals import Mark
from simulator.paths import CATALOGUE
from simulator.units import percent

#: What the evidence on a device holds of a network: another one of its family; others only; nothing at that precision.
Basis = Literal["family", "elsewhere", "precision"]

#: The bars: the median absolute error where the family is known on the device and elsewhere, and how often the band covers.
BARS: dict[Basis, float] = {"family": 0.15, "elsewhere": 0.4, "precision": 0.4}
COVERS = 0.8

#: The batch of a point that is a rate: items served back to back, as many at once as is best.
OFFLINE = 0

#: Bands are made to cover this part of the held-out points.
LEVEL = 0.9

#: An analytic model, and its errors on the same comparisons.
COMPETITOR = {"name": "mlsysim 0.3.0", "median": 0.24, "worst": 1.6}


class Errors(EvidenceRecord):
    """Absolute errors of held-out predictions, as parts of the published figures; points are predictions, repeats included."""

    basis: Basis
    device: str = ""
    family: str = ""
    points: int = Field(ge=1)
    median: float = Field(ge=0)
    p90: float = Field(ge=0)
    covered: float = Field(ge=0, le=1)

    @property
    def met(self) -> bool:
        return self.median <= BARS[self.basis] and self.covered >= COVERS


class ProjectionComparison(EvidenceRecord):
    """One published figure of a network that was hidden, and its projection; batch 0 is offline, with the time of one item."""

    device: str
    model: str
    batch: int = Field(ge=0)
    published: Positive
    projected: Positive
    unit: str = "s"

    @property
    def error(self) -> float:
        return self.projected / self.published - 1


class Prediction(EvidenceRecord):
    """One published latency, and its projection while its network was hidden; seconds, batch 0 is offline."""

    device: str
    model: str
    precision: str
    batch: int = Field(ge=0)
    basis: Basis
    published: Positive
    projected: Positive
    low: Positive
    high: Positive


class HeldOut(EvidenceRecord):
    """Results of the hold-out, and the widths of bands from it."""

    fingerprint: str
    widths: dict[Basis, float]
    energy_width: float = Field(ge=0, le=10)
    overall: list[Errors]
    rows: list[Errors]
    comparisons: list[ProjectionComparison]
    energy: list[ProjectionComparison]
    predictions: list[Prediction] = []

    @property
    def comparison_median(self) -> float:
        return float(np.median([abs(comparison.error) for comparison in self.comparisons]))

    @property
    def comparison_worst(self) -> float:
        return max((comparison.error for comparison in self.comparisons), key=abs)

    @property
    def energy_median(self) -> float:
        return float(np.median([abs(one.error) for one in self.energy]))


def basis_of(seen: pd.DataFrame, device: str, precision: str, family: str) -> Basis:
    """Return the basis of a projection, given the points of the network's family."""
    there = seen[seen["device"] == device]
    if precision not in set(there["precision"]):
        return "precision"
    return "family" if family in set(there["family"]) else "elsewhere"


@remembered()
def held_out(path: Path = CATALOGUE / "projection.json") -> HeldOut:
    """Read the committed results; raises CatalogueError with the first fault."""
    found = read_json(path, HeldOut, CatalogueError)
    lacking = [basis for basis in BARS if basis not in found.widths or basis not in {one.basis for one in found.overall}]
    if lacking:
        raise CatalogueError(f"{path}: widths or overall lacks the basis '{lacking[0]}'")
    for field in ("comparisons", "energy"):
        if not getattr(found, field):
            raise CatalogueError(f"{path}: {field}: is empty; expected at least one")
    return found


def label_of(device: str) -> str:
    return hardware()[device].label


#: The other model, and its errors on the same comparisons.
OTHER, OTHER_MEDIAN, OTHER_WORST = cast(tuple[str, float, float], tuple(COMPETITOR.values()))

#: What is published on a device of a network that was hidden.
FOOTINGS: dict[Basis, str] = {
    "family": "others of its family",
    "elsewhere": "other families only",
    "precision": "other precisions only",
}


def marks(found: HeldOut) -> list[Mark]:
    """Return, for each basis, the median error and the coverage of the band beside their bars."""
    marks = []
    for errors in found.overall:
        footing = FOOTINGS[errors.basis]
        marks.append(Mark(f"Median error: {footing}", errors.median, BARS[errors.basis]))
        marks.append(Mark(f"Band covers: {footing}", errors.covered, COVERS, at_least=True))
    return marks


def prediction_rows(found: HeldOut) -> pd.DataFrame:
    """Return one row per published latency and basis, in ms, with its projection while the network was hidden."""
    rows = [
        {
            "device": label_of(prediction.device),
            "model": prediction.model,
            "precision": prediction.precision,
            "batch": batch(prediction.batch),
            "published there": FOOTINGS[prediction.basis],
            "published (ms)": 1000 * prediction.published,
            "projected (ms)": 1000 * prediction.projected,
            "low (ms)": 1000 * prediction.low,
            "high (ms)": 1000 * prediction.high,
            "error (%)": 100 * (prediction.projected / prediction.published - 1),
            "in the band": prediction.low <= prediction.published <= prediction.high,
        }
        for prediction in found.predictions
    ]
    return pd.DataFrame(rows)


def error_rows(found: HeldOut) -> pd.DataFrame:
    """Return one row per device, family and basis: absolute errors and coverage in %, each with its bar."""
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
    """Return the published figures that another model predicted as well: int8 ResNet-50, hidden on every device."""
    rows = [
        {
            "device": label_of(comparison.device),
            "batch": batch(comparison.batch),
            "published (ms)": 1000 * comparison.published,
            "projected (ms)": 1000 * comparison.projected,
            "error (%)": 100 * comparison.error,
        }
        for comparison in found.comparisons
    ]
    return pd.DataFrame(rows)


def compared(found: HeldOut) -> str:
    """Return a sentence that compares our errors with those of the other model."""
    return (
        f"Int8 ResNet-50, hidden on every device, is projected with a median error of {percent(found.comparison_median)} "
        f"over {len(found.comparisons)} published figures, {found.comparison_worst:+.0%} at worst; an analytic model, "
        f"{OTHER}, came to {percent(OTHER_MEDIAN)} and {OTHER_WORST:+.0%}."
    )


def reached(rows: pd.DataFrame) -> str:
    return f"{int(rows['met'].sum())} of {len(rows)} pairs of device and family reach both bars."


def batch(size: int) -> str:
    return "offline" if size == OFFLINE else str(size)
