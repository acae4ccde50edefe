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

Their columns are described in `COLUMNS`. Photos are not part of it. `simulator.evidence.object_scales` reads the tables beside
them, on objects of the road and the networks whose latency is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter

from simulator.errors import InputError
from simulator.evidence.evidence_files import COUNT, SHARE, MeasuredOrigin, Range, check_ranges, read_table, read_yaml
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
_NETWORK, _SETTING = ["detector", "precision"], ["condition", "severity"]
_FIGURES = ["ap", "ap50", "ap_less_clean", "ap50_less_clean", "ap_less_fp32", "ap50_less_fp32"]

#: Columns of each table. box and image are numbers and names in `boxes`; scores and AP are parts of 1, lengths pixels of the
#: image; found_<n> and false_<n> count detections, and false ones, whose score is in the bin that begins at n hundredths.
COLUMNS: dict[str, list[str]] = {
    "boxes": ["box", "image", "category", "left_px", "top_px", "width_px", "height_px", "area_px"],
    "outcomes": [*_NETWORK, *_SETTING, "box", "score"],
    "images": [*_SETTING, "image", *IMAGE_STATISTICS],
    "answers": [
        *_NETWORK,
        *_SETTING,
        "image",
        *("input_mean", "input_std", "input_first_less_last", "score_max", "score_mean"),
        *(f"{kind}_{round(100 * low):02d}" for kind in ("found", "false") for low in BINS),
    ],
    "summary": [*_NETWORK, *_SETTING, *(f"{name}{end}" for name in _FIGURES for end in ("", "_low", "_high"))],
}
#: What their figures may be; scores are checked below.
_RANGES = {
    "boxes": dict.fromkeys(["width_px", "height_px", "area_px"], Range(0, 1e9)),
    "images": dict.fromkeys(IMAGE_STATISTICS, Range(-1e9, 1e9)),
    "answers": dict.fromkeys(["score_max", "score_mean"], SHARE)
    | {column: COUNT for column in COLUMNS["answers"] if column.startswith(("found_", "false_"))},
    "summary": dict.fromkeys([f"{name}{end}" for name in _FIGURES for end in ("", "_low", "_high")], Range(-1, 1))
    | dict.fromkeys(["ap", "ap50"], SHARE),
}


class DetectionError(InputError):
    """A detection table cannot be used; the message says which and why."""


class _DetectionRecord(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DetectorRecord(_DetectionRecord):
    """A detector: origin of its weights, and the largest difference of its clean AP from a reference figure."""

    label: str
    file: str
    sha256: str
    licence: str
    takes: str
    reference_ap: float | None = None


class ConditionRecord(_DetectionRecord):
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


@dataclass(frozen=True)
class DetectionTables:
    """The tables of one campaign; see the module."""

    about: About
    boxes: pd.DataFrame
    outcomes: pd.DataFrame
    images: pd.DataFrame
    answers: pd.DataFrame
    summary: pd.DataFrame

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
    about = read_about(folder)
    frames = {name: _read(folder / f"{name}.{'csv' if name == 'summary' else 'parquet'}", name) for name in COLUMNS}
    tables = DetectionTables(about, **frames)
    _check(tables, folder)
    return tables


def read_about(folder: Path = DETECTIONS) -> About:
    return read_yaml(folder / "about.yaml", TypeAdapter(About), DetectionError, _MADE_BY)


def _read(path: Path, name: str) -> pd.DataFrame:
    rows = read_table(path, COLUMNS[name], DetectionError, _MADE_BY)
    check_ranges(path, rows, _RANGES.get(name, {}), DetectionError)
    return rows


def _check(tables: DetectionTables, folder: Path) -> None:
    score, outcomes = tables.outcomes["score"], folder / "outcomes.parquet"
    if not score.between(0, 1).all():
        raise DetectionError(f"{outcomes}: score: every score should lie between 0 and 1")
    if len(tables.boxes) != tables.about.boxes:
        raise DetectionError(
            f"{folder / 'boxes.parquet'}: has {len(tables.boxes)} rows, but about.yaml says {tables.about.boxes}"
        )
    if len(tables.outcomes) != len(tables.summary) * len(tables.boxes):
        raise DetectionError(
            f"{outcomes}: has {len(tables.outcomes)} rows, and {len(tables.summary)} rows of summary.csv with "
            f"{len(tables.boxes)} boxes each ask for {len(tables.summary) * len(tables.boxes)}"
        )
    for name in (CLEAN, *tables.about.conditions):
        if name not in set(tables.summary["condition"]):
            raise DetectionError(f"{folder / 'summary.csv'}: condition: has no row of '{name}', which about.yaml lists")


class CocoCModel(_DetectionRecord):
    """AP of a published detector on COCO's validation images: clean, and under each corruption at severities 1 to 5."""

    clean: float
    corrupted: dict[str, list[float]]


class CocoC(_DetectionRecord):
    """Published figures of COCO-C."""

    source: str
    caution: str
    models: dict[str, CocoCModel]


def coco_c(path: Path = CATALOGUE / "coco_c.yaml") -> CocoC:
    """Read published results under the same corruptions; raises DetectionError."""
    return read_yaml(path, TypeAdapter(CocoC), DetectionError)


#: Measures of each image. A detection counts from the score with the best F1 on clean images.
MEASURES = {
    "ap": "average precision over all images, a part of 1",
    "found_share": "share of the image's labelled boxes that are found",
    "found_count": "detections that count",
    "false_count": "detections that count and are false",
    "score_mean": "mean score of all detections",
    "score_max": "highest score",
    "feature_distance": "distance of the image's features from the middle of the reference, in standard deviations",
    "feature_shift": "distance of the middle of the features from where it is on clean images, in standard deviations",
}
#: The measures that need labels.
QUALITY = ("ap", "found_share", "false_count")
#: The features come from one network's layer; their rows stand under its name and hold for the image, not for the detector.
FEATURE_NETWORK = "yolox_nano"
_NAMES = ["detector", "condition", "severity", "measure"]
_EFFECTS_FIGURES = ["images", "clean", "change", "low", "high", "q", "smallest_paired", "smallest_apart"]
EFFECT_COLUMNS = [*_NAMES, *_EFFECTS_FIGURES]
#: Rows whose q is below have an effect.
LIMIT = 0.05


class EffectError(InputError):
    """The table of effects cannot be used; the message gives the reason."""


@dataclass(frozen=True)
class Effects:
    """The table; see the module."""

    rows: pd.DataFrame

    def of(self, detector: str, condition: str, severity: int, measure: str) -> pd.Series:
        """One row; raises EffectError that lists what there is."""
        left = self.rows
        wanted = {"detector": detector, "condition": condition, "severity": severity, "measure": measure}
        for column, value in wanted.items():
            found = left[left[column] == value]
            if found.empty:
                there = ", ".join(map(str, left[column].drop_duplicates()))
                raise EffectError(f"effects.csv: {column}: holds no '{value}'; there are: {there}")
            left = found
        return left.iloc[0]

    def decoys(self) -> pd.DataFrame:
        """Detector, condition and severity where no measure of `QUALITY` has an effect: columns of the names, `moves`.

        moves: the other measures that have an effect there, with which such a condition can look like a cause.
        """
        rows = self.rows.assign(seen=self.rows["q"] < LIMIT, quality=self.rows["measure"].isin(QUALITY))
        spared = []
        for names, condition_rows in rows.groupby(_NAMES[:3], sort=False):
            if not condition_rows.loc[condition_rows["quality"], "seen"].any():
                moves = ", ".join(condition_rows.loc[condition_rows["seen"], "measure"])
                spared.append(dict(zip(_NAMES[:3], names, strict=True)) | {"moves": moves})
        return pd.DataFrame(spared, columns=[*_NAMES[:3], "moves"])

    def shown_apart(self) -> pd.Series:
        return self.rows["change"].abs() >= self.rows["smallest_apart"]


def load_effects(folder: Path = DETECTIONS) -> Effects:
    """Read the table; raises EffectError with the file, the line, the column and what is wrong."""
    path = folder / "effects.csv"
    rows = read_table(path, EFFECT_COLUMNS, EffectError, "python -m campaigns.detections features")
    _effects_check(rows, path)
    return Effects(rows)


def _effects_check(rows: pd.DataFrame, path: Path) -> None:
    for column in _EFFECTS_FIGURES:
        numbers = pd.to_numeric(rows[column], errors="coerce")
        _refuse(path, rows, column, ~np.isfinite(numbers), "expected a number")
    _refuse(path, rows, "measure", ~rows["measure"].isin(list(MEASURES)), f"expected one of {', '.join(MEASURES)}")
    _refuse(path, rows, "change", ~rows["change"].between(rows["low"], rows["high"]), "expected it between low and high")
    _refuse(path, rows, "q", ~rows["q"].between(0, 1), "expected 0 to 1")
    for column in ("smallest_paired", "smallest_apart"):
        _refuse(path, rows, column, rows[column] < 0, "expected 0 or more")
    _refuse(path, rows, "measure", rows.duplicated(_NAMES), "has the same detector, condition and severity in an earlier line")


def _refuse(path: Path, rows: pd.DataFrame, column: str, faulty: pd.Series, sentence: str) -> None:
    if faulty.any():
        place = int(np.flatnonzero(faulty)[0])
        raise EffectError(f"{path}: line {place + 2}: {column}: {sentence}, got {rows[column].iloc[place]}")


#: Average precision at 8 bits on processors of two kinds; saturates: whether the processor's sums of 8-bit products do.
PROCESSOR_COLUMNS = ["detector", "precision", "recipe", "saturates", "ap", "ap50"]


def load_processors(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read `processors.csv`, by PROCESSOR_COLUMNS; raises DetectionError with the file and the fault."""
    path = folder / "processors.csv"
    rows = read_table(path, PROCESSOR_COLUMNS, DetectionError, "python -m campaigns.detections processors")
    for column in ("ap", "ap50"):
        if not pd.to_numeric(rows[column], errors="coerce").between(0, 1).all():
            raise DetectionError(f"{path}: {column}: every value should lie between 0 and 1")
    return rows


_REFIT_FIGURES = [
    *("ap_before", "ap_after", "ap_change", "ap_low", "ap_high"),
    *("recall_before", "recall_after", "recall_change", "recall_low", "recall_high"),
]
#: The last layer of the served detector before and after it is fitted to labelled frames of a condition, on other images.
REFIT_COLUMNS = ["detector", "condition", "severity", "frames", "images", *_REFIT_FIGURES]


def load_refits(folder: Path = DETECTIONS) -> pd.DataFrame:
    """Read `refits.csv`, by REFIT_COLUMNS; raises DetectionError with the file and the fault."""
    path = folder / "refits.csv"
    rows = read_table(path, REFIT_COLUMNS, DetectionError, "python -m campaigns.detections refits")
    check_ranges(path, rows, dict.fromkeys(_REFIT_FIGURES, Range(-1, 1)), DetectionError)
    return rows
