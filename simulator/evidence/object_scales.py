"""Recall of vehicles and people by the detectors whose latency is measured: on COCO's still images, not on the road.

    scales.yaml      authors, images, and the hash of each network's file
    scales.csv       recall by height in pixels of the network's input: the columns `CURVES`
    full_size.csv    recall of all boxes where the images have their usual size: `FULL_SIZE`
    conditions.csv   change of recall under a condition: `CONDITIONS`
    false.csv        false answers an image: `FALSE`

A network is called `coco.DETECTOR.PRECISION`; its latency is in the profile `coco_DETECTOR.PRECISION`. Shares are parts of 1,
intervals 95%; d00 to d39 are bootstrap draws of images.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from scipy.special import ndtr, ndtri

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.evidence_files import SHARE, MeasuredOrigin, Range, check_ranges, read_table, read_yaml, remembered
from simulator.evidence.profiles import Profile
from simulator.paths import DETECTIONS

_MADE_BY = "python -m campaigns.detections scales"

DRAWS = [f"d{number:02d}" for number in range(40)]
_NETWORK = ["seen_by", "object", "threshold"]
#: x: a height in pixels; recall never falls with it.
CURVES = [*_NETWORK, "by", "x", "recall", "recall_low", "recall_high", *DRAWS]
#: boxes: number of labelled boxes; images: number of images with them.
FULL_SIZE = [*_NETWORK, "images", "boxes", "found", "found_low", "found_high"]
#: shift: the s for which boxes with the clean recall r are found with Phi(Phi^-1(r) + s).
CONDITIONS = ["seen_by", "condition", "severity", "shift", "shift_low", "shift_high", *DRAWS]
#: false_per_image: answers that take no labelled box; phantoms_per_image: those that touch none of the road's objects at all.
FALSE = [
    *("seen_by", "threshold", "images", "false_per_image", "low", "high"),
    *("phantoms_per_image", "phantoms_low", "phantoms_high"),
]
_FILES = {"scales.csv": CURVES, "full_size.csv": FULL_SIZE, "conditions.csv": CONDITIONS, "false.csv": FALSE}
#: Columns that name a row, and a value with its bounds, by file.
_KEYS = {
    "scales.csv": [*_NETWORK, "by", "x"],
    "full_size.csv": _NETWORK,
    "conditions.csv": ["seen_by", "condition", "severity"],
    "false.csv": ["seen_by", "threshold"],
}
_BOUNDED = {
    "scales.csv": [("recall", "recall_low", "recall_high")],
    "full_size.csv": [("found", "found_low", "found_high")],
    "conditions.csv": [("shift", "shift_low", "shift_high")],
    "false.csv": [("false_per_image", "low", "high"), ("phantoms_per_image", "phantoms_low", "phantoms_high")],
}
#: What their figures may be; a shift of 20 leaves nothing, or all.
_RANGES = {
    "scales.csv": {"x": Range(1e-3, 1e5)} | dict.fromkeys(["recall", "recall_low", "recall_high", *DRAWS], SHARE),
    "full_size.csv": dict.fromkeys(["found", "found_low", "found_high"], SHARE),
    "conditions.csv": dict.fromkeys(["shift", "shift_low", "shift_high", *DRAWS], Range(-20, 20)),
    "false.csv": dict.fromkeys(FALSE[3:], Range(0, 1e6)),
}


class _ScaleRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoredNetwork(_ScaleRecord):
    """A network that was judged: the hash of its file, and AP on all of COCO's classes at the usual size of the images."""

    sha256: str
    ap: float = Field(ge=0, le=1)
    ap_low: float
    ap_high: float


class ScalesAbout(MeasuredOrigin):
    """Origin of the tables."""

    images: int = Field(ge=1)
    boxes: dict[str, int]
    objects: dict[str, list[str]]
    parts: list[float]
    thresholds: list[float]
    condition_threshold: float
    conditions: dict[str, str]
    seed: int
    resamples: int
    intervals: str
    networks: dict[str, ScoredNetwork]
    notes: list[str]


@dataclass(frozen=True)
class Scales:
    """The tables; see the module."""

    about: ScalesAbout
    curves: pd.DataFrame
    full_size: pd.DataFrame
    conditions: pd.DataFrame
    false: pd.DataFrame

    def curve(self, seen_by: str, of: str, threshold: float) -> pd.DataFrame:
        """Return recall of an object by height, by rising x; raises DetectionError that lists the measured ones."""
        return _rows(self.curves, "scales.csv", seen_by=seen_by, object=of, threshold=threshold)

    def shift(self, seen_by: str, condition: str, severity: int) -> pd.Series:
        """Return the change of recall under a condition; raises DetectionError that lists the measured ones."""
        rows = _rows(self.conditions, "conditions.csv", seen_by=seen_by, condition=condition, severity=severity)
        return rows.iloc[0]

    def false_answers(self, seen_by: str, threshold: float) -> pd.Series:
        """Return false answers an image; raises DetectionError that lists the measured ones."""
        return _rows(self.false, "false.csv", seen_by=seen_by, threshold=threshold).iloc[0]


def shifted(recall: NDArray[np.float64], shift: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndtr(ndtri(recall) + shift))


def profile_of(seen_by: str) -> tuple[str, str]:
    """Return model and precision of the latency profile of a network; raises DetectionError."""
    parts = seen_by.split(".")
    if len(parts) != 3 or parts[0] != "coco":
        raise DetectionError(f"'{seen_by}' names no network of these tables; expected such as coco.yolox_nano.int8_mixed")
    return f"coco_{parts[1]}", parts[2]


def other_files(about: ScalesAbout, profiles: Iterable[Profile]) -> dict[str, str]:
    """Return the networks that were judged and timed as two different files: names, and the hash of the timed file.

    For these a latency has to be measured anew before latency and recall are those of one file.
    """
    timed = {(profile.model, profile.precision): profile.provenance.model_sha256 for profile in profiles}
    pairs = ((name, network.sha256, timed.get(profile_of(name))) for name, network in about.networks.items())
    return {name: other for name, scored, other in pairs if other is not None and other != scored}


def _rows(table: pd.DataFrame, file: str, **wanted: str | float) -> pd.DataFrame:
    """Return the rows with these values; raises DetectionError that names the first missing value."""
    left = table
    for column, value in wanted.items():
        found = left[left[column] == value]
        if found.empty:
            there = ", ".join(map(str, left[column].drop_duplicates()))
            raise DetectionError(f"{file}: {column}: holds no '{value}'; there are: {there}")
        left = found
    return left


def load_scales(folder: Path = DETECTIONS) -> Scales:
    """Read the tables; raises DetectionError with the file, the line, the column and the fault."""
    return _load(folder)


@remembered("scales.yaml", *_FILES)
def _load(folder: Path) -> Scales:
    about = read_yaml(folder / "scales.yaml", TypeAdapter(ScalesAbout), DetectionError, _MADE_BY)
    tables = [_read(folder / name, columns) for name, columns in _FILES.items()]
    for name, table in zip(_FILES, tables, strict=True):
        _check(table, folder / name, about)
    _check_monotone(tables[0], folder / "scales.csv")
    return Scales(about, *tables)


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    table = read_table(path, columns, DetectionError, _MADE_BY)
    for column in columns:
        bad = pd.to_numeric(table[column], errors="coerce").isna() if column not in _WORDS else table[column].isna()
        _refuse(path, table, column, bad, "a value" if column in _WORDS else "a number")
    return table[columns]


_WORDS = {"seen_by", "object", "by", "condition"}


def _check(table: pd.DataFrame, path: Path, about: ScalesAbout) -> None:
    name = path.name
    _refuse(path, table, "seen_by", ~table["seen_by"].isin(list(about.networks)), "a network that scales.yaml lists")
    keys = _KEYS[name]
    _refuse(path, table, keys[-1], table.duplicated(keys), "one row per " + ", ".join(keys))
    check_ranges(path, table, _RANGES[name], DetectionError)
    for value, low, high in _BOUNDED[name]:
        outside = (table[value] < table[low]) | (table[value] > table[high])
        _refuse(path, table, value, outside, f"a figure between {low} and {high}")


def _check_monotone(curves: pd.DataFrame, path: Path) -> None:
    steps = curves.groupby([*_NETWORK, "by"], sort=False)
    _refuse(path, curves, "x", steps["x"].diff() < 0, "heights that rise within a curve")
    for column in ("recall", *DRAWS):
        _refuse(path, curves, column, steps[column].diff() < 0, "recall that never falls with height")


def _refuse(path: Path, table: pd.DataFrame, column: str, bad: pd.Series, expected: str) -> None:
    places = np.flatnonzero(bad.to_numpy())
    if len(places):
        value = table[column].iloc[int(places[0])]
        raise DetectionError(f"{path}:{int(places[0]) + 2}: {column}: {value}: expected {expected}")
