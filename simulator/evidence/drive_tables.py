"""What detectors found on real drives: sums and curves, never a row of a box or a track.

    about.yaml       who measured what, when, on which drives, under which licence
    recall.csv       share found, by height, distance and occlusion
    curves.csv       recall as a curve over height or distance, with what resamples of the drives make of it
    persistence.csv  how much of a miss stays with the object, passes slowly, or belongs to one frame
    follows.csv      how hits and misses follow each other from frame to frame
    joint.csv        what camera and LiDAR find together
    false.csv        answers where nothing is
    lateness.csv     what late answers lose
    tracking.csv     HOTA and MOTA
    heldout.csv      predicted and real distances of confirmation, on drives that were left out

`campaigns.drives` writes them from the drives themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter
from scipy.stats import chi2

from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import (
    CORRELATION,
    COUNT,
    SECONDS,
    SHARE,
    Range,
    check_ranges,
    read_table,
    read_yaml,
    remembered,
)
from simulator.evidence.object_scales import load_scales
from simulator.paths import DETECTIONS, DRIVES

_MADE_BY = "python -m campaigns.drives"

Floats = NDArray[np.float64]
By = Literal["height_px", "distance_m"]

#: The score from which a detector's answers usually count.
USUAL = 0.25
#: Resamples of the drives, or of the images, that each curve carries along.
DRAWS = 40
DRAW_COLUMNS = [f"d{number:02d}" for number in range(DRAWS)]
#: The row of `persistence.csv` that is the estimate itself.
ESTIMATE = -1

_CURVE = ["seen_by", "object", "threshold", "by", "x", "recall", "recall_low", "recall_high", *DRAW_COLUMNS]
_SPAN = ["found_low", "found_high"]
COLUMNS: dict[str, list[str]] = {
    "recall": ["seen_by", "object", "threshold", "by", "low", "high", "boxes", "tracks", "found", *_SPAN],
    "curves": _CURVE,
    "persistence": ["seen_by", "object", "draw", "object_share", "slow_share", "white_share", "tau_s"],
    "follows": ["seen_by", "object"],
    "joint": ["camera", "lidar", "object", "low_m", "high_m", "boxes", "camera_share", "lidar_share", "both", "either",
              "either_low", "either_high", "independent_either", "correlation", "correlation_low", "correlation_high"],
    "false": ["seen_by", "object", "threshold", "where", "kept_frames", "frames", "hours", "count", "per_hour", "per_hour_low",
              "per_hour_high"],
    "lateness": ["seen_by", "late_frames", "late_s", "iou", "predicted", "by", "low", "high", "boxes", "found", *_SPAN],
    "tracking": ["seen_by", "hota", "deta", "assa", "mota", "published_hota"],
    "heldout": ["seen_by", "misses", "tracks", "real_median_m", "predicted_median_m", "bias_m", "bias_low", "bias_high",
                "coverage_80", "coverage_95"],
}  # fmt: skip
_FOUND = ["found", *_SPAN]
#: What the figures of the tables may be.
_RANGES = {
    "recall": dict.fromkeys(_FOUND, SHARE),
    "curves": {"x": Range(1e-3, 1e5)} | dict.fromkeys(["recall", "recall_low", "recall_high", *DRAW_COLUMNS], SHARE),
    "persistence": dict.fromkeys(["object_share", "slow_share", "white_share"], SHARE) | {"tau_s": SECONDS},
    "joint": dict.fromkeys(["camera_share", "lidar_share", "both", "either", "either_low", "either_high"], SHARE)
    | dict.fromkeys(["correlation", "correlation_low", "correlation_high"], CORRELATION),
    "false": dict.fromkeys(["count", "per_hour", "per_hour_low", "per_hour_high"], COUNT) | {"hours": Range(1e-6, 1e6)},
    "lateness": {"late_s": SECONDS._replace(low=0)} | dict.fromkeys(_FOUND, SHARE),
    "tracking": dict.fromkeys(["hota", "deta", "assa"], Range(0, 100)),
    "heldout": dict.fromkeys(["coverage_80", "coverage_95"], SHARE),
}


class DriveError(InputError):
    """Evidence of drives cannot be used: the message says why, `asked` which field is at fault, if one is known."""

    def __init__(self, message: str, asked: str = "") -> None:
        super().__init__(message)
        self.asked = asked


class AboutDrives(BaseModel):
    """Where the tables come from."""

    model_config = ConfigDict(extra="allow", frozen=True)

    date: str
    attribution: str
    licence: str


@dataclass(frozen=True)
class Drives:
    """The tables; see the module."""

    about: AboutDrives
    recall: pd.DataFrame
    curves: pd.DataFrame
    persistence: pd.DataFrame
    follows: pd.DataFrame
    joint: pd.DataFrame
    false: pd.DataFrame
    lateness: pd.DataFrame
    tracking: pd.DataFrame
    heldout: pd.DataFrame


@remembered("about.yaml", *(f"{name}.csv" for name in COLUMNS))
def load_drives(folder: Path = DRIVES) -> Drives:
    """Read the tables; raises DriveError with the file, the column and what is wrong."""
    about = read_yaml(folder / "about.yaml", TypeAdapter(AboutDrives), DriveError, _MADE_BY)
    return Drives(about, **{name: _table(folder / f"{name}.csv", name) for name in COLUMNS})


def _table(path: Path, name: str) -> pd.DataFrame:
    rows = read_table(path, COLUMNS[name], DriveError, _MADE_BY)
    check_ranges(path, rows, _RANGES.get(name, {}), DriveError)
    return rows


@dataclass(frozen=True, eq=False)
class Recall:
    """The share of objects that is found in a frame, as a curve.

    by: over the height in pixels of the picture that the network gets, or over the distance in metres
    x: ascending, shape (k,); shares: row 0 is the estimate, the others what resamples make of it, shape (1 + DRAWS, k)
    """

    by: By
    x: Floats
    shares: Floats

    def at(self, x: Floats, draw: int = 0) -> Floats:
        """The recall at each place, interpolated over the logarithm of x; beyond the ends, that of the end."""
        return np.asarray(np.interp(np.log(np.maximum(x, 1e-6)), np.log(self.x), self.shares[draw]))


@dataclass(frozen=True, eq=False)
class Misses:
    """What a miss belongs to, as shares of the variance of a latent normal process, shape (1 + DRAWS,) each.

    of_object: stays the same for one object; slow: passes with the time constant tau_s; the rest belongs to one frame
    """

    of_object: Floats
    slow: Floats
    tau_s: Floats


@dataclass(frozen=True)
class Alarms:
    """Answers where nothing is, in the vehicle's own way, kept over several frames: counted in so many hours of driving."""

    count: float
    hours: float
    per_hour: float
    low: float
    high: float
    kept_frames: int


@dataclass(frozen=True)
class Finder:
    """Who found something, and by which evidence: files beside each other, told apart by the first part of its name."""

    name: str

    @property
    def on_road(self) -> bool:
        """Whether its curves come from real drives, not from still images."""
        return self.name.startswith("kitti.")


def recall_of(finder: str, what: str, threshold: float | None) -> Recall:
    """The recall of a detector on a kind of object; raises DriveError with what there is."""
    rows = _curves(finder)
    if finder not in set(rows["seen_by"]):
        known = [name for one in (load_drives(DRIVES), load_scales(DETECTIONS)) for name in sorted(set(one.curves["seen_by"]))]
        raise DriveError(f"nobody measured what '{finder}' finds; {suggest(finder, known)}")
    rows = rows[rows["seen_by"] == finder]
    objects = ", ".join(sorted(set(rows["object"])))
    rows = _only(rows, "object", what, f"what '{finder}' finds of the object {what} was not measured; measured: {objects}")
    rows = _at_threshold(rows, finder, threshold)
    by: By = "height_px" if "height_px" in set(rows["by"]) else "distance_m"
    rows = rows[rows["by"] == by].sort_values("x")
    return Recall(by, rows["x"].to_numpy(float), rows[["recall", *DRAW_COLUMNS]].to_numpy(float).T)


def has_scores(finder: str) -> bool:
    """Whether its answers came with scores, so that a threshold makes a difference."""
    rows = _curves(finder)
    return bool(rows.loc[rows["seen_by"] == finder, "threshold"].notna().any())


def _curves(finder: str) -> pd.DataFrame:
    return load_drives(DRIVES).curves if Finder(finder).on_road else load_scales(DETECTIONS).curves


def _only(rows: pd.DataFrame, column: str, value: Any, otherwise: str) -> pd.DataFrame:
    found: pd.DataFrame = rows[rows[column] == value]
    if found.empty:
        raise DriveError(otherwise)
    return found


def _at_threshold(rows: pd.DataFrame, finder: str, threshold: float | None) -> pd.DataFrame:
    known = sorted(set(rows["threshold"].dropna()))
    if not known:  # published without scores: all there is counts
        return rows
    there = ", ".join(f"{one:g}" for one in known)
    if threshold is None:
        raise DriveError(f"'{finder}' has scores; give a threshold, one of {there}", "threshold")
    if not np.isclose(known, threshold).any():
        raise DriveError(f"'{finder}' was not measured from a score of {threshold:g} on; give one of {there}", "threshold")
    return rows[np.isclose(rows["threshold"], threshold)]


def misses_of(finder: str, what: str) -> Misses:
    """How misses of one object follow each other; where only cars were measured, those of cars stand for all."""
    rows = load_drives(DRIVES).persistence
    rows = _only(rows, "seen_by", finder, f"how the misses of '{finder}' follow each other was not measured; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = rows[rows["object"] == (what if what in set(rows["object"]) else "car")].sort_values("draw")
    if len(rows) != 1 + DRAWS or rows["draw"].iloc[0] != ESTIMATE:
        raise DriveError(f"{DRIVES / 'persistence.csv'}: holds {len(rows)} rows of {finder}, {what}; {1 + DRAWS} are needed")
    return Misses(*(rows[name].to_numpy(float) for name in ("object_share", "slow_share", "tau_s")))


def correlation_of(camera: str, lidar: str, what: str) -> Floats:
    """The correlation of what camera and LiDAR miss: the estimate, then its bounds, shape (3,); over all distances."""
    rows = load_drives(DRIVES).joint
    found = rows[(rows["camera"] == camera) & (rows["lidar"] == lidar) & (rows["low_m"] == 0) & np.isinf(rows["high_m"])]
    found = found[found["object"] == (what if what in set(found["object"]) else "car")]
    if found.empty:
        raise DriveError(f"what {camera} and {lidar} find together of the object {what} was not measured")
    return np.asarray(found.iloc[0][["correlation", "correlation_low", "correlation_high"]].to_numpy(float))


def alarms_of(finder: str, threshold: float | None, kept_frames: int) -> Alarms:
    """Answers where nothing is, in the vehicle's way, that stay for so many frames; of the nearest number that was counted.

    Over all objects. The interval is that of a Poisson count (Garwood 1936); of none, at most 3 over the hours (rule of three).
    """
    rows = load_drives(DRIVES).false
    rows = _only(rows[rows["where"] == "corridor"], "seen_by", finder, f"the false answers of '{finder}' were not counted; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = _at_threshold(rows, finder, threshold)
    kept = min(set(rows["kept_frames"]), key=lambda frames: abs(frames - kept_frames))
    rows = rows[rows["kept_frames"] == kept]
    count, hours = float(rows["count"].sum()), float(rows["hours"].iloc[0])
    low = float(chi2.ppf(0.025, 2 * count)) / 2 if count else 0.0
    high = float(chi2.ppf(0.975, 2 * (count + 1))) / 2 if count else 3.0
    return Alarms(count, hours, count / hours, low / hours, high / hours, int(kept))


def shifts_of(finder: str, condition: str, severity: int) -> Floats:
    """What a condition takes from a detector's recall r: the shift s of Phi(Phi^-1(r) + s); shape (1 + DRAWS,).

    Where a precision was not measured so, the same detector in floats stands in for it. A detector of which nothing was
    measured is taken to lose what the others lose on average; each of its resamples is one of a
    single other detector, so that how much detectors differ is part of the doubt.
    """
    rows = load_scales(DETECTIONS).conditions
    known = sorted(set(rows["condition"]))
    rows = rows[rows["condition"] == condition]
    if rows.empty:
        raise DriveError(f"nobody measured '{condition}'; {suggest(condition, known)}", "corruption")
    found = rows[rows["severity"] == severity]
    if found.empty:
        there = ", ".join(str(one) for one in sorted(set(rows["severity"])))
        raise DriveError(f"nobody measured '{condition}' at severity {severity}; give one of {there}", "severity")
    own = found[found["seen_by"] == finder]
    alike = found[found["seen_by"] == f"{finder.rpartition('.')[0]}.fp32"]
    used = next((rows for rows in (own, alike) if len(rows)), found)
    draws = used[DRAW_COLUMNS].to_numpy(float)
    each = np.arange(DRAWS)
    return np.append(used["shift"].mean(), draws[each % len(draws), each])


def alarms_at(alarms: Alarms, finder: str, threshold: float | None) -> Alarms:
    """Alarms that stand for those of a detector judged on still images, at another threshold.

    They grow as its answers that touch nothing do, against those at the threshold `USUAL`.
    """
    if Finder(finder).on_road or threshold is None:
        return alarms
    at, usual = (load_scales(DETECTIONS).false_answers(finder, one)["phantoms_per_image"] for one in (threshold, USUAL))
    times = float(at / usual) if usual else 1.0
    return replace(alarms, per_hour=times * alarms.per_hour, low=times * alarms.low, high=times * alarms.high)


def drive_files(folder: Path) -> dict[str, Path]:
    """The files behind all of it, by the names under which a run remembers what they say."""
    names = ("curves", "persistence", "joint", "false")
    return {f"drives/{name}.csv": folder / f"{name}.csv" for name in names}
