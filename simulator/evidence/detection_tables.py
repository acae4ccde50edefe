"""Detection tables: answers of trained detectors on labelled images, clean and spoilt, at every precision.

    about.yaml        authors, dates, images and licences
    boxes.parquet     one row per labelled box
    outcomes.parquet  one row per detector, precision, condition, severity and labelled box: the score of its detection
    images.parquet    one row per condition, severity and image: statistics of the image
    answers.parquet   one row per detector, precision, condition, severity and image: statistics of input and answers
    summary.csv       one row per detector, precision, condition and severity: average precision with its intervals

Severities are 0 for clean images, 1 to 5 for a corruption (about as strong as COCO-C's) and 1 to 2 for a bug. At 8 bits only
1, 3 and 5 are measured, and a bug only where it strikes every image. The road's table `conditions.csv` beside them counts
its severities 1, 2 and 3, which are 1, 3 and 5 of these.

Photos are not part of it. `simulator.evidence.object_scales` reads the tables beside
them, on objects of the road and the networks whose latency is measured.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter

from simulator.errors import InputError
from simulator.evidence.evidence_files import EvidenceRecord, MeasuredOrigin, read_yaml
from simulator.evidence.evidence_tables import (
    CHANGE,
    COUNT,
    SHARE,
    Range,
    Table,
    TableGroup,
    columns,
)
from simulator.paths import CATALOGUE, DETECTIONS

_MADE_BY = "python -m campaigns.detections tables"

CLEAN = "clean"
FP32 = "fp32"
#: First scores of the bins of the histograms in `answers`.
BINS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: Statistics of an image, with their units; `campaigns.detections.signals` computes them.
IMAGE_STATISTICS = {
    "brightness": "mean luma, part of white",
    "contrast": "standard deviation of luma, part of white",
    "sharpness": "variance of the Laplacian of luma, grey levels squared",
    "saturation": "mean saturation, 0 to 1",
    "red_less_blue": "mean red less mean blue, part of white",
    "entropy_bits": "entropy of luma, bits",
    "noise": "noise of the smallest structures, part of white",
    "jpeg_bytes_per_pixel": "size as JPEG of quality 75, bytes a pixel",
}
_NETWORK, _SETTING = columns("detector precision"), columns("condition severity")
_SCORES = [f"{name}{end}" for name in ("ap", "ap50") for end in ("", "_low", "_high")]
_CHANGES = [f"{name}_less_{of}{end}" for of in (CLEAN, FP32) for name in ("ap", "ap50") for end in ("", "_low", "_high")]


class DetectionError(InputError):
    """A detection table cannot be used; the message says which and why."""


class DetectorRecord(EvidenceRecord):
    """A detector: origin of its weights, and the largest difference of its clean AP from a reference figure."""

    label: str
    file: str
    sha256: str
    licence: str
    takes: str
    reference_ap: float | None = None


class ConditionRecord(EvidenceRecord):
    """A condition: its strength at each severity that was measured, the meaning of a strength, and its name in COCO-C.

    The strength of a bug is the share of the images that it strikes.
    """

    label: str
    kind: str
    means: str
    strengths: dict[int, float] = {}
    coco_c: str | None = None


class About(MeasuredOrigin):
    """Origin of the tables."""

    cores: int
    images: int
    boxes: int
    seed: int
    resamples: int
    intervals: str
    calibration: str
    detectors: dict[str, DetectorRecord]
    precisions: dict[str, str]
    conditions: dict[str, ConditionRecord]
    notes: list[str] = []


#: box and image are numbers and names in `boxes`; lengths are pixels of the image.
BOXES = Table("boxes.parquet", columns("box image category left_px top_px") | columns("width_px height_px area_px", COUNT))
IMAGES = Table("images.parquet", _SETTING | columns("image") | columns(IMAGE_STATISTICS, Range(-1e9, 1e9)))
#: found_<n> and false_<n> count detections, and false ones, whose score is in the bin that begins at n hundredths.
ANSWERS = Table(
    "answers.parquet",
    _NETWORK
    | _SETTING
    | columns("image input_mean input_std input_first_less_last")
    | columns("score_max score_mean", SHARE)
    | columns((f"{kind}_{round(100 * low):02d}" for kind in ("found", "false") for low in BINS), COUNT),
)


class DetectionTables(TableGroup):
    """The tables of one campaign; see the module. Scores and average precision are parts of 1."""

    about: About
    boxes = BOXES
    outcomes = Table("outcomes.parquet", _NETWORK | _SETTING | columns("box") | columns("score", SHARE))
    images = IMAGES
    answers = ANSWERS
    summary = Table(
        "summary.csv",
        _NETWORK | _SETTING | columns(_SCORES, CHANGE) | columns("ap ap50", SHARE) | columns(_CHANGES, CHANGE),
    )

    def of(self, table: str, detector: str, precision: str, condition: str, severity: int) -> pd.DataFrame:
        return _picked(getattr(self, table), detector=detector, precision=precision, condition=condition, severity=severity)

    def severities(self, detector: str, precision: str, condition: str) -> list[int]:
        rows = _picked(self.summary, detector=detector, precision=precision, condition=condition)
        return sorted(map(int, rows["severity"]))

    def scores(self, detector: str, precision: str, condition: str, severity: int) -> NDArray[np.float64]:
        return self.of("outcomes", detector, precision, condition, severity)["score"].to_numpy(float)


def _picked(rows: pd.DataFrame, **wanted: str | int) -> pd.DataFrame:
    keep = np.ones(len(rows), bool)
    for column, value in wanted.items():
        keep &= (rows[column] == value).to_numpy()
    return rows[keep]


def load_detections(folder: Path = DETECTIONS) -> DetectionTables:
    """Read the tables; raises DetectionError with the file, the column and the fault."""
    tables = DetectionTables.read(read_about(folder), folder, DetectionError, _MADE_BY)
    _check(tables, folder)
    return tables


def read_about(folder: Path = DETECTIONS) -> About:
    return read_yaml(folder / "about.yaml", TypeAdapter(About), DetectionError, _MADE_BY)


def _check(tables: DetectionTables, folder: Path) -> None:
    if len(tables.boxes) != tables.about.boxes:
        raise DetectionError(
            f"{folder / 'boxes.parquet'}: has {len(tables.boxes)} rows, but about.yaml says {tables.about.boxes}"
        )
    asked = len(tables.summary) * len(tables.boxes)
    if len(tables.outcomes) != asked:
        raise DetectionError(
            f"{folder / 'outcomes.parquet'}: has {len(tables.outcomes)} rows, and {len(tables.summary)} rows of summary.csv "
            f"with {len(tables.boxes)} boxes each ask for {asked}"
        )
    for name in (CLEAN, *tables.about.conditions):
        if name not in set(tables.summary["condition"]):
            raise DetectionError(f"{folder / 'summary.csv'}: condition: has no row of '{name}', which about.yaml lists")


class CocoCModel(EvidenceRecord):
    """AP of a published detector on COCO's validation images: clean, and under each corruption at severities 1 to 5."""

    clean: float
    corrupted: dict[str, list[float]]


class CocoC(EvidenceRecord):
    """Published figures of COCO-C."""

    source: str
    caution: str
    models: dict[str, CocoCModel]


def coco_c(path: Path = CATALOGUE / "coco_c.yaml") -> CocoC:
    """Read published results under the same corruptions; raises DetectionError."""
    return read_yaml(path, TypeAdapter(CocoC), DetectionError)


#: Average precision at 8 bits on processors of two kinds; saturates: whether the processor's sums of 8-bit products do.
PROCESSORS = Table("processors.csv", columns("detector precision recipe saturates") | columns("ap ap50", SHARE))


def load_processors(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read `PROCESSORS`; raises DetectionError with the file and the fault."""
    return PROCESSORS.read(folder, DetectionError, "python -m campaigns.detections processors")
