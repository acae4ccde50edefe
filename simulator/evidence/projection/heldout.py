"""What the projection is worth, as it was found on networks that it had not seen (`simulator.making.projection.holdout`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from simulator.evidence.catalogue import CatalogueError, Positive, hardware
from simulator.evidence.files import read_json, remembered
from simulator.paths import CATALOGUE

#: What the evidence on a device holds of a network: another one of its family; others only; nothing at that precision.
Basis = Literal["family", "elsewhere", "precision"]

#: The bars: the median absolute error where the family is known on the device and elsewhere, and how often the band covers.
BARS: dict[Basis, float] = {"family": 0.15, "elsewhere": 0.4, "precision": 0.4}
COVERS = 0.8

#: Bands are made to cover this part of the held-out points.
LEVEL = 0.9

#: An analytic model, and its errors on the same comparisons.
COMPETITOR = {"name": "mlsysim 0.3.0", "median": 0.24, "worst": 1.6}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Errors(_Record):
    """Absolute errors of held-out predictions, as parts of what was published; points are predictions, repeats included."""

    basis: Basis
    device: str = ""
    family: str = ""
    points: int = Field(ge=1)
    median: float = Field(ge=0)
    p90: float = Field(ge=0)
    covered: float = Field(ge=0, le=1)

    @property
    def met(self) -> bool:
        """Whether the median and the coverage reach their bars."""
        return self.median <= BARS[self.basis] and self.covered >= COVERS


class Comparison(_Record):
    """One published figure of a network that was hidden, and its projection; batch 0 is offline, with the time of one item."""

    device: str
    model: str
    batch: int = Field(ge=0)
    published: Positive
    projected: Positive
    unit: str = "s"

    @property
    def error(self) -> float:
        """By which part the projection differs."""
        return self.projected / self.published - 1


class Prediction(_Record):
    """One published latency, and what was projected of it while its network was hidden; seconds, batch 0 is offline."""

    device: str
    model: str
    precision: str
    batch: int = Field(ge=0)
    basis: Basis
    published: Positive
    projected: Positive
    low: Positive
    high: Positive


class HeldOut(_Record):
    """All that the hold-out found, and the widths of bands that follow from it."""

    fingerprint: str
    widths: dict[Basis, float]
    energy_width: float = Field(ge=0, le=10)
    overall: list[Errors]
    rows: list[Errors]
    comparisons: list[Comparison]
    energy: list[Comparison]
    predictions: list[Prediction] = []

    @property
    def comparison_median(self) -> float:
        """Median absolute error of the comparisons."""
        return float(np.median([abs(one.error) for one in self.comparisons]))

    @property
    def comparison_worst(self) -> float:
        """The error of the comparison that is furthest off, with its sign."""
        return max((one.error for one in self.comparisons), key=abs)

    @property
    def energy_median(self) -> float:
        """Median absolute error of energy."""
        return float(np.median([abs(one.error) for one in self.energy]))


def basis_of(seen: pd.DataFrame, device: str, precision: str, family: str) -> Basis:
    """What the points that were seen hold of a network of that family."""
    there = seen[seen["device"] == device]
    if precision not in set(there["precision"]):
        return "precision"
    return "family" if family in set(there["family"]) else "elsewhere"


def held_out(path: Path = CATALOGUE / "projection.json") -> HeldOut:
    """The findings that travel with the catalogue; raises CatalogueError with the first fault."""
    return _held_out(path)


@remembered()
def _held_out(path: Path) -> HeldOut:
    found = read_json(path, HeldOut, CatalogueError)
    lacking = [basis for basis in BARS if basis not in found.widths or basis not in {one.basis for one in found.overall}]
    if lacking:
        raise CatalogueError(f"{path}: widths and overall tell nothing of the basis '{lacking[0]}'")
    for field in ("comparisons", "energy"):
        if not getattr(found, field):
            raise CatalogueError(f"{path}: {field}: is empty; expected at least one")
    return found


def label_of(device: str) -> str:
    """A device as a person reads it."""
    return hardware()[device].label
