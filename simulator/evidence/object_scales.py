"""Recall of vehicles and people by the detectors whose latency is measured: on COCO's still images, not on the road.

    scales.yaml      authors, images, and the hash of each network's file
    scales.csv       recall by height in pixels of the network's input
    full_size.csv    recall of all boxes where the images have their usual size
    conditions.csv   change of recall under a condition
    false.csv        false answers an image
    inputs.csv       recall and time with a smaller picture
    weather.csv      false answers under a condition

A network is called `coco.DETECTOR.PRECISION`; its latency is in the profile `coco_DETECTOR.PRECISION`. Shares are parts of 1,
intervals 95%; d00 to d39 are bootstrap draws of images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from scipy.special import ndtr, ndtri

from simulator.evidence.detection_tables import DetectionError
from simulator.evidence.evidence_files import EvidenceRecord, MeasuredOrigin, read_yaml
from simulator.evidence.evidence_tables import (
    COUNT,
    DRAW_COLUMNS,
    NUMBER,
    SHARE,
    CellWords,
    Range,
    Table,
    TableGroup,
    columns,
    refuse,
    rows_with,
)
from simulator.files import remembered
from simulator.paths import DETECTIONS

_MADE_BY = "python -m campaigns.detections scales"

_NAMES = CellWords()
_SHIFT = Range(-20, 20)  # leaves nothing, or all


class ScoredNetwork(EvidenceRecord):
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


class Scales(TableGroup):
    """The tables; see the module."""

    about: ScalesAbout
    #: x: a height in pixels; recall never falls with it.
    curves = Table(
        "scales.csv",
        columns("seen_by object", _NAMES)
        | columns("threshold", NUMBER)
        | columns("by", _NAMES)
        | columns("x", Range(1e-3, 1e5))
        | columns(["recall", "recall_low", "recall_high", *DRAW_COLUMNS], SHARE),
        key=("seen_by", "object", "threshold", "by", "x"),
        bounded=(("recall", "recall_low", "recall_high"),),
    )
    #: boxes: number of labelled boxes; images: number of images with them.
    full_size = Table(
        "full_size.csv",
        columns("seen_by object", _NAMES)
        | columns("threshold images boxes", NUMBER)
        | columns("found found_low found_high", SHARE),
        key=("seen_by", "object", "threshold"),
        bounded=(("found", "found_low", "found_high"),),
    )
    #: shift: the s for which boxes with the clean recall r are found with Phi(Phi^-1(r) + s).
    conditions = Table(
        "conditions.csv",
        columns("seen_by condition", _NAMES)
        | columns("severity", NUMBER)
        | columns(["shift", "shift_low", "shift_high", *DRAW_COLUMNS], _SHIFT),
        key=("seen_by", "condition", "severity"),
        bounded=(("shift", "shift_low", "shift_high"),),
    )
    #: false_per_image: answers that take no labelled box; phantoms_per_image: those that touch none of the road's objects.
    false = Table(
        "false.csv",
        columns("seen_by", _NAMES)
        | columns("threshold images", NUMBER)
        | columns("false_per_image low high phantoms_per_image phantoms_low phantoms_high", Range(0, 1e6)),
        key=("seen_by", "threshold"),
        bounded=(("false_per_image", "low", "high"), ("phantoms_per_image", "phantoms_low", "phantoms_high")),
    )

    def curve(self, seen_by: str, of: str, threshold: float) -> pd.DataFrame:
        """Return recall of an object by height, by rising x; raises DetectionError that lists the measured ones."""
        return rows_with(self.curves, "scales.csv", DetectionError, seen_by=seen_by, object=of, threshold=threshold)

    def shift(self, seen_by: str, condition: str, severity: int) -> pd.Series:
        """Return the change of recall under a condition; raises DetectionError that lists the measured ones."""
        wanted = {"seen_by": seen_by, "condition": condition, "severity": severity}
        return rows_with(self.conditions, "conditions.csv", DetectionError, **wanted).iloc[0]

    def false_answers(self, seen_by: str, threshold: float) -> pd.Series:
        """Return false answers an image; raises DetectionError that lists the measured ones."""
        return rows_with(self.false, "false.csv", DetectionError, seen_by=seen_by, threshold=threshold).iloc[0]


def shifted(recall: NDArray[np.float64], shift: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndtr(ndtri(recall) + shift))


def profile_of(seen_by: str) -> tuple[str, str]:
    """Return model and precision of the latency profile of a network; raises DetectionError."""
    parts = seen_by.split(".")
    if len(parts) != 3 or parts[0] != "coco":
        raise DetectionError(f"'{seen_by}' names no network of these tables; expected such as coco.yolox_nano.int8_mixed")
    return f"coco_{parts[1]}", parts[2]


@remembered("scales.yaml", *(table.file for table in Scales.tables().values()))
def load_scales(folder: Path = DETECTIONS) -> Scales:
    """Read the tables; raises DetectionError with the file, the line, the column and the fault."""
    about = read_yaml(folder / "scales.yaml", TypeAdapter(ScalesAbout), DetectionError, _MADE_BY)
    scales = Scales.read(about, folder, DetectionError, _MADE_BY)
    for name, table in Scales.tables().items():
        rows = getattr(scales, name)
        unlisted = ~rows["seen_by"].isin(list(about.networks))
        _refuse(folder / table.file, rows, "seen_by", unlisted, "a network that scales.yaml lists")
    _check_monotone(scales.curves, folder / "scales.csv")
    return scales


def _check_monotone(curves: pd.DataFrame, path: Path) -> None:
    steps = curves.groupby(["seen_by", "object", "threshold", "by"], sort=False)
    _refuse(path, curves, "x", steps["x"].diff() < 0, "heights that rise within a curve")
    for column in ("recall", *DRAW_COLUMNS):
        _refuse(path, curves, column, steps[column].diff() < 0, "recall that never falls with height")


def _refuse(path: Path, rows: pd.DataFrame, column: str, faulty: pd.Series, expected: str) -> None:
    refuse(path, rows, column, faulty, f"expected {expected}", DetectionError)


#: Recall and time with a smaller picture, where an object of h pixels has h times the part. shift: the s for which objects of
#: that height are found with Phi(Phi^-1(r) + s), r by a curve; played: that of scales.csv; natural: that of objects with their
#: height in the usual picture. times: the time of a run over that of the usual one on one core.
INPUTS = Table(
    "inputs.csv",
    columns("seen_by")
    | columns("part", SHARE)
    | columns("against usual_side side")
    | columns("operations", SHARE)
    | columns("times times_low times_high", Range(1e-6, 1e3))
    | columns("images boxes found_usual found", COUNT)
    | columns("expected")
    | columns(["shift", "shift_low", "shift_high", *DRAW_COLUMNS], Range(-20, 20)),
)


@remembered("inputs.csv")
def load_inputs(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read the table; raises DetectionError with the file, the line, the column and the fault."""
    return INPUTS.read(folder, DetectionError, "python -m campaigns.detections inputs")


#: The score from which an answer counts in `WEATHER`.
THRESHOLD = 0.25
#: False answers under a condition. times: the answers that touch none of the road's objects, on the spoilt images over those on
#: the clean ones, from scores of THRESHOLD on.
WEATHER = Table(
    "weather.csv",
    columns("seen_by condition severity")
    | columns("images clean spoilt", COUNT)
    | columns(["times", "times_low", "times_high", *DRAW_COLUMNS], Range(0, 1e6)),
)


@remembered("weather.csv")
def load_weather(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read the table; raises DetectionError with the file, the line, the column and the fault."""
    return WEATHER.read(folder, DetectionError, "python -m campaigns.detections scales")
