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

Photos are not part of it. Tables beside them hold the recall of vehicles and people by the detectors whose latency is measured:
on COCO's still images, not on the road.

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

from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, MeasuredOrigin, read_yaml
from simulator.evidence.evidence_tables import (
    CHANGE,
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
    """Read the tables; raises EvidenceError with the file, the column and the fault."""
    tables = DetectionTables.read(read_about(folder), folder, _MADE_BY)
    _check(tables, folder)
    return tables


def read_about(folder: Path = DETECTIONS) -> About:
    return read_yaml(folder / "about.yaml", TypeAdapter(About), _MADE_BY)


def _check(tables: DetectionTables, folder: Path) -> None:
    if len(tables.boxes) != tables.about.boxes:
        raise EvidenceError(
            f"{folder / 'boxes.parquet'}: has {len(tables.boxes)} rows, but about.yaml says {tables.about.boxes}"
        )
    asked = len(tables.summary) * len(tables.boxes)
    if len(tables.outcomes) != asked:
        raise EvidenceError(
            f"{folder / 'outcomes.parquet'}: has {len(tables.outcomes)} rows, and {len(tables.summary)} rows of summary.csv "
            f"with {len(tables.boxes)} boxes each ask for {asked}"
        )
    for name in (CLEAN, *tables.about.conditions):
        if name not in set(tables.summary["condition"]):
            raise EvidenceError(f"{folder / 'summary.csv'}: condition: has no row of '{name}', which about.yaml lists")


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
    """Read published results under the same corruptions; raises EvidenceError."""
    return read_yaml(path, TypeAdapter(CocoC))


#: Average precision at 8 bits on processors of two kinds; saturates: whether the processor's sums of 8-bit products do.
PROCESSORS = Table("processors.csv", columns("detector precision recipe saturates") | columns("ap ap50", SHARE))


def load_processors(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read `PROCESSORS`; raises EvidenceError with the file and the fault."""
    return PROCESSORS.read(folder, "python -m campaigns.detections processors")


# ---- objects of the road, by height

_SCALES_MADE_BY = "python -m campaigns.detections scales"

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
        """Return recall of an object by height, by rising x; raises EvidenceError that lists the measured ones."""
        return rows_with(self.curves, "scales.csv", seen_by=seen_by, object=of, threshold=threshold)

    def shift(self, seen_by: str, condition: str, severity: int) -> pd.Series:
        """Return the change of recall under a condition; raises EvidenceError that lists the measured ones."""
        wanted = {"seen_by": seen_by, "condition": condition, "severity": severity}
        return rows_with(self.conditions, "conditions.csv", **wanted).iloc[0]

    def false_answers(self, seen_by: str, threshold: float) -> pd.Series:
        """Return false answers an image; raises EvidenceError that lists the measured ones."""
        return rows_with(self.false, "false.csv", seen_by=seen_by, threshold=threshold).iloc[0]


def shifted(recall: NDArray[np.float64], shift: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(ndtr(ndtri(recall) + shift))


def profile_of(seen_by: str) -> tuple[str, str]:
    """Return model and precision of the latency profile of a network; raises EvidenceError."""
    parts = seen_by.split(".")
    if len(parts) != 3 or parts[0] != "coco":
        raise EvidenceError(f"'{seen_by}' names no network of these tables; expected such as coco.yolox_nano.int8_mixed")
    return f"coco_{parts[1]}", parts[2]


@remembered("scales.yaml", *(table.file for table in Scales.tables().values()))
def load_scales(folder: Path = DETECTIONS) -> Scales:
    """Read the tables; raises EvidenceError with the file, the line, the column and the fault."""
    about = read_yaml(folder / "scales.yaml", TypeAdapter(ScalesAbout), _SCALES_MADE_BY)
    scales = Scales.read(about, folder, _SCALES_MADE_BY)
    for name, table in Scales.tables().items():
        rows = getattr(scales, name)
        unlisted = ~rows["seen_by"].isin(list(about.networks))
        refuse(folder / table.file, rows, "seen_by", unlisted, "expected a network that scales.yaml lists")
    _check_monotone(scales.curves, folder / "scales.csv")
    return scales


def _check_monotone(curves: pd.DataFrame, path: Path) -> None:
    steps = curves.groupby(["seen_by", "object", "threshold", "by"], sort=False)
    refuse(path, curves, "x", steps["x"].diff() < 0, "expected heights that rise within a curve")
    for column in ("recall", *DRAW_COLUMNS):
        refuse(path, curves, column, steps[column].diff() < 0, "expected recall that never falls with height")


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
    """Read the table; raises EvidenceError with the file, the line, the column and the fault."""
    return INPUTS.read(folder, "python -m campaigns.detections inputs")


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
    """Read the table; raises EvidenceError with the file, the line, the column and the fault."""
    return WEATHER.read(folder, "python -m campaigns.detections scales")
