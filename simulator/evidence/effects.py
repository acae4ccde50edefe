"""What each condition changes, image by image, and the smallest change that so many images can show.

`effects.csv` lies beside the detection tables and holds one row per detector (at fp32), condition, severity and measure: the
columns `COLUMNS`.

    images           images that are compared with themselves, clean
    clean, change    mean of the measure on clean images, and by how much the condition moves it; low, high: 95% interval
    q                Benjamini and Hochberg's (1995) adjusted p of a paired t test: rows below 0.05 hold one false one in twenty
    smallest_paired  the change that a paired test of these images finds with a power of 80%, at 5%, two-sided
    smallest_apart   the same for two groups of different images, half of all images each, which is what a monitor has

AP is one figure of all images: its q and its smallest effects come from the bootstrap intervals, taken as normal. The shift
of the features is a distance in 16 dimensions: its q and its smallest effects are those of Hotelling's test.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.errors import InputError
from simulator.evidence.files import read_table
from simulator.paths import DETECTIONS

#: What is measured of each image. A detection counts from the score at which F1 on clean images is best.
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
#: The measures that only somebody with labels can see.
QUALITY = ("ap", "found_share", "false_count")
#: The features come from one network's layer; their rows stand under its name and hold for the image, not for the detector.
FEATURE_NETWORK = "yolox_nano"
_NAMES = ["detector", "condition", "severity", "measure"]
_FIGURES = ["images", "clean", "change", "low", "high", "q", "smallest_paired", "smallest_apart"]
COLUMNS = [*_NAMES, *_FIGURES]
#: Rows whose q is below have an effect.
LIMIT = 0.05


class EffectError(InputError):
    """The table of effects cannot be used; the message says why."""


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
        for names, mine in rows.groupby(_NAMES[:3], sort=False):
            if not mine.loc[mine["quality"], "seen"].any():
                moves = ", ".join(mine.loc[mine["seen"], "measure"])
                spared.append(dict(zip(_NAMES[:3], names, strict=True)) | {"moves": moves})
        return pd.DataFrame(spared, columns=[*_NAMES[:3], "moves"])

    def shown_apart(self) -> pd.Series:
        """Whether each row's change is as large as what two groups of different images show with a power of 80%."""
        return self.rows["change"].abs() >= self.rows["smallest_apart"]


def load_effects(folder: Path = DETECTIONS) -> Effects:
    """Read the table; raises EffectError with the file, the line, the column and what is wrong."""
    path = folder / "effects.csv"
    rows = read_table(path, COLUMNS, EffectError, "casesim detect-features")
    _check(rows, path)
    return Effects(rows)


def _check(rows: pd.DataFrame, path: Path) -> None:
    for column in _FIGURES:
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
