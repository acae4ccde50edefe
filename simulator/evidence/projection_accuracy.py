"""Errors of projections on held-out networks, measured by `campaigns.projection.holdout`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from simulator.evidence.catalogue import Positive
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, read_json
from simulator.files import remembered
from simulator.paths import CATALOGUE

#: What the evidence on a device holds of a network: another one of its family; others only; nothing at that precision.
Basis = Literal["family", "elsewhere", "precision"]

#: The bars: the median absolute error where the family is known on the device and elsewhere, and how often the band covers.
BARS: dict[Basis, float] = {"family": 0.15, "elsewhere": 0.4, "precision": 0.4}
COVERS = 0.8

#: The batch of a point that is a rate: items served back to back, as many at once as is best.
OFFLINE = 0

#: Bands are made to cover this part of the held-out points.
LEVEL = 0.9


class Competitor(NamedTuple):
    """An analytic model, and its errors on the same comparisons."""

    name: str
    median: float
    worst: float


COMPETITOR = Competitor("mlsysim 0.3.0", 0.24, 1.6)


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


class ProjectedFigure(EvidenceRecord):
    """One published figure of a network that was hidden, and its projection; batch 0 is offline, with the time of one item."""

    device: str
    model: str
    batch: int = Field(ge=0)
    published: Positive
    projected: Positive

    @property
    def error(self) -> float:
        return self.projected / self.published - 1


class ProjectionComparison(ProjectedFigure):
    """A figure that another model also predicted, or an energy in J."""

    unit: str = "s"


class Prediction(ProjectedFigure):
    """A latency in seconds, with the band of its projection."""

    precision: str
    basis: Basis
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
        return float(np.median([abs(comparison.error) for comparison in self.energy]))


def basis_of(seen: pd.DataFrame, device: str, precision: str, family: str) -> Basis:
    """Return the basis of a projection, given the points of the network's family."""
    there = seen[seen["device"] == device]
    if precision not in set(there["precision"]):
        return "precision"
    return "family" if family in set(there["family"]) else "elsewhere"


@remembered()
def held_out(path: Path = CATALOGUE / "projection.json") -> HeldOut:
    """Read the committed results; raises EvidenceError with the first fault."""
    results = read_json(path, HeldOut)
    judged = results.widths.keys() & {errors.basis for errors in results.overall}
    lacking = [basis for basis in BARS if basis not in judged]
    if lacking:
        raise EvidenceError(f"{path}: widths or overall lacks the basis '{lacking[0]}'")
    for field in ("comparisons", "energy"):
        if not getattr(results, field):
            raise EvidenceError(f"{path}: {field}: is empty; expected at least one")
    return results
