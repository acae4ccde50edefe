"""Answers of detectors on real drives: sums and curves, never a row of a box or a track.

    about.yaml       authors, dates, drives and licence
    recall.csv       share found, by height, distance and occlusion
    curves.csv       recall as a curve over height or distance, with one row for each resample of the drives
    persistence.csv  shares of a miss that stay with the object, pass slowly, or belong to one frame
    follows.csv      how hits and misses follow each other from frame to frame
    joint.csv        joint answers of camera and LiDAR
    false.csv        answers without an object
    lateness.csv     losses by late answers of cameras
    lidar_lateness.csv   losses by late answers of the LiDAR
    tracking.csv     HOTA and MOTA
    heldout_drives.csv   predicted and real distances of confirmation, with each drive left out once
    ranges.csv       errors of measured distances and closing speeds
    sent_home.csv    missed cars in the frames that a rule sends home

`campaigns.drives` writes them from the drives themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter
from scipy.special import gammaincinv, ndtri

from simulator.errors import InputError, suggest
from simulator.evidence.evidence_files import read_yaml, remembered
from simulator.evidence.evidence_tables import COUNT, SECONDS, SHARE, Range, Table, TableGroup, columns
from simulator.evidence.object_scales import load_scales
from simulator.evidence.table_lookups import keeps_answers
from simulator.paths import DETECTIONS, DRIVES

_MADE_BY = "python -m campaigns.drives"

#: The tables are a distribution of their own, because the licence of the drives excludes commercial use.
NOT_INSTALLED = (
    "the recorded drives are not installed; `pip install casesim-drives` adds them, for non-commercial use (CC BY-NC-SA 3.0)"
)

Floats = NDArray[np.float64]
By = Literal["height_px", "distance_m"]

#: Frames a second of the recorded drives.
RECORDED_PER_S = 10.0
#: The score from which a detector's answers usually count.
USUAL = 0.25
#: Resamples of the drives, or of the images, that each curve carries along.
DRAWS = 40
DRAW_COLUMNS = [f"d{number:02d}" for number in range(DRAWS)]
#: The row of `persistence.csv` that is the estimate itself.
ESTIMATE = -1

#: The quantiles of errors of distances that are tabulated, in percent.
ERROR_PERCENTS = (1, 5, 25, 50, 75, 95, 99)

#: What counts once in the curves that are played, as `heldout_drives.csv` names it.
PLAYED = "objects"

_FOUND = columns("found found_low found_high", SHARE)
_PARTS = columns("object_share slow_share", SHARE)
_CORRELATION = Range(-1, 1, unknown=True)


class DriveError(InputError):
    """Evidence of drives cannot be used; `field` names the faulty field of a case, if it is known."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class AboutDrives(BaseModel):
    """Origin of the tables."""

    model_config = ConfigDict(extra="allow", frozen=True)

    date: str
    attribution: str
    licence: str


class Drives(TableGroup):
    """The tables; see the module."""

    about: AboutDrives
    recall = Table("recall.csv", columns("seen_by object threshold by low high boxes tracks") | _FOUND)
    curves = Table(
        "curves.csv",
        columns("seen_by object threshold by")
        | columns("x", Range(1e-3, 1e5))
        | columns(["recall", "recall_low", "recall_high", *DRAW_COLUMNS], SHARE),
    )
    persistence = Table(
        "persistence.csv",
        columns("seen_by object draw") | _PARTS | columns("white_share", SHARE) | columns("tau_s", SECONDS),
    )
    follows = Table("follows.csv", columns("seen_by object"))
    joint = Table(
        "joint.csv",
        columns("camera lidar object low_m high_m boxes")
        | columns("camera_share lidar_share both either either_low either_high", SHARE)
        | columns("independent_either")
        | columns("correlation correlation_low correlation_high", _CORRELATION),
    )
    false = Table(
        "false.csv",
        columns("seen_by object threshold where kept_frames frames")
        | columns("hours", Range(1e-6, 1e6))
        | columns("count per_hour per_hour_low per_hour_high", COUNT),
    )
    lateness = Table(
        "lateness.csv",
        columns("seen_by late_frames")
        | columns("late_s", Range(0, 3600))
        | columns("iou predicted by low high boxes")
        | _FOUND,
    )
    tracking = Table(
        "tracking.csv", columns("seen_by") | columns("hota deta assa", Range(0, 100)) | columns("mota published_hota")
    )
    heldout_drives = Table(
        "heldout_drives.csv",
        columns("seen_by each misses tracks real_median_m predicted_median_m bias_m bias_low bias_high")
        | columns("even_80 even_95", SHARE),
    )
    ranges = Table(
        "ranges.csv",
        columns("seen_by object of draw")
        | columns("x", Range(1e-3, 1e5))
        | columns("tracks")
        | _PARTS
        | columns("tau_s", SECONDS)
        | columns(f"q{percent:02d}" for percent in ERROR_PERCENTS),
    )
    sent_home = Table(
        "sent_home.csv",
        columns("rule frames")
        | columns("sent_share", SHARE)
        | columns("missed")
        | columns("missed_share", SHARE)
        | columns("per_frame per_frame_low per_frame_high"),
    )


@remembered("about.yaml", *(table.file for table in Drives.tables().values()))
def load_drives(folder: Path = DRIVES) -> Drives:
    """Read the tables; raises DriveError with the file, the column and the fault, or that they are not installed."""
    if not folder.is_dir():
        raise DriveError(NOT_INSTALLED)
    about = read_yaml(folder / "about.yaml", TypeAdapter(AboutDrives), DriveError, _MADE_BY)
    return Drives.read(about, folder, DriveError, _MADE_BY)


@dataclass(frozen=True, eq=False)
class Recall:
    """The share of objects that is found in a frame, as a curve.

    by: over the height in pixels of the network's input, or over the distance in metres
    x: ascending, shape (k,); shares: row 0 is the estimate, the others are resamples, shape (1 + DRAWS, k)
    """

    by: By
    x: Floats
    shares: Floats

    def at(self, x: Floats, draw: int = 0) -> Floats:
        return np.asarray(self.drawn_at(x, np.array([draw]))[0])

    def drawn_at(self, x: Floats, draws: NDArray[np.intp]) -> Floats:
        """Return the curves of several draws at places x, shape (draws, k): linear over the logarithm, as by `np.interp`."""
        at, knots, shares = np.log(np.maximum(x, 1e-6)), np.log(self.x), self.shares[draws]
        slopes = np.diff(shares, axis=1) / np.diff(knots)
        place = np.clip(np.searchsorted(knots, at, "right") - 1, 0, len(knots) - 2)
        between = slopes[:, place] * (at - knots[place]) + shares[:, place]
        return np.where(at >= knots[-1], shares[:, -1:], np.where(at < knots[0], shares[:, :1], between))


@dataclass(frozen=True, eq=False)
class Misses:
    """Parts of a miss, as shares of the variance of a latent normal process, shape (1 + DRAWS,) each.

    of_object: stays the same for one object; slow: passes with the time constant tau_s; the rest belongs to one frame
    """

    of_object: Floats
    slow: Floats
    tau_s: Floats


@dataclass(frozen=True)
class Alarms:
    """Answers without an object in the vehicle's way, kept over several frames: a count over `hours` of driving.

    stays_s: the time from the first of these frames to the last
    """

    count: float
    hours: float
    per_hour: float
    low: float
    high: float
    kept_frames: int
    stays_s: float = 0.2


@dataclass(frozen=True)
class Finder:
    """A detector and its evidence, which the first part of its name identifies."""

    name: str

    @property
    def on_road(self) -> bool:
        return self.name.startswith("kitti.")

    @property
    def restored(self) -> bool:
        """Return whether finds that a tracker withheld were put back."""
        return ".restored" in self.name

    @property
    def series(self) -> str:
        """Return words on the answers of a camera of the drives; empty for others."""
        if not self.name.startswith("kitti.yolo"):
            return ""
        tracked = "boxes of the tracker OC-SORT, from scores of 0.6 on, from pictures with red and blue exchanged"
        return f"{tracked}, with the finds that it withheld after each miss put back; " if self.restored else f"{tracked}; "


def _drive_tables(*_: Any) -> tuple[Drives]:
    return (load_drives(DRIVES),)


@keeps_answers(lambda finder, what, threshold: (_curves(finder),))
def recall_of(finder: str, what: str, threshold: float | None) -> Recall:
    """Return the recall of a detector on a kind of object; raises DriveError that lists the measured ones."""
    rows = _curves(finder)
    if finder not in set(rows["seen_by"]):
        known = [name for one in (load_drives(DRIVES), load_scales(DETECTIONS)) for name in sorted(set(one.curves["seen_by"]))]
        raise DriveError(f"'{finder}' was not measured; {suggest(finder, known)}")
    rows = rows[rows["seen_by"] == finder]
    objects = ", ".join(sorted(set(rows["object"])))
    rows = _only(rows, "object", what, f"'{finder}' was not measured on the object {what}; measured: {objects}")
    rows = _at_threshold(rows, finder, threshold)
    by: By = "height_px" if "height_px" in set(rows["by"]) else "distance_m"
    rows = rows[rows["by"] == by].sort_values("x")
    return Recall(by, rows["x"].to_numpy(float), rows[["recall", *DRAW_COLUMNS]].to_numpy(float).T)


class JudgedFinder(NamedTuple):
    """A detector at a score; None for one without scores."""

    finder: str
    threshold: float | None


#: Heights in pixels over which two kinds of object are compared, and the recalls that count as none and as all.
_COMPARED_PX = np.geomspace(25, 100, 9)
_LEAST, _MOST = 0.01, 0.99


def difference_of(judged: Sequence[JudgedFinder], what: str, like: str) -> Floats:
    """Return how much less detectors find one kind of object than another of the same height, shape (1 + DRAWS,).

    It is s in Phi(Phi^-1(recall) + s), a mean over heights and over the detectors. Each of its resamples is one of a single
    detector, so that how much they differ is part of the doubt. Raises DriveError.
    """
    shifts = np.stack([_less_found(one, what, like) for one in judged])
    each = np.arange(1, DRAWS + 1)
    return np.append(shifts[:, 0].mean(), shifts[each % len(shifts), each])


def _less_found(judged: JudgedFinder, what: str, like: str) -> Floats:
    both = [recall_of(judged.finder, one, judged.threshold) for one in (what, like)]
    if any(recall.by != "height_px" for recall in both):
        raise DriveError(f"'{judged.finder}' was measured by distance; give one that was measured by height in its picture")
    drawn = (recall.drawn_at(_COMPARED_PX, np.arange(1 + DRAWS)) for recall in both)
    less, more = (ndtri(np.clip(shares, _LEAST, _MOST)) for shares in drawn)
    return np.asarray((less - more).mean(axis=1), float)


@keeps_answers(lambda finder: (_curves(finder),))
def has_scores(finder: str) -> bool:
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


@keeps_answers(_drive_tables)
def misses_of(finder: str, what: str) -> Misses:
    """Return how misses of one object follow each other; where only cars were measured, those of cars stand for all."""
    rows = load_drives(DRIVES).persistence
    rows = _only(rows, "seen_by", finder, f"how the misses of '{finder}' follow each other was not measured; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = rows[rows["object"] == (what if what in set(rows["object"]) else "car")].sort_values("draw")
    if len(rows) != 1 + DRAWS or rows["draw"].iloc[0] != ESTIMATE:
        raise DriveError(f"{DRIVES / 'persistence.csv'}: holds {len(rows)} rows of {finder}, {what}; {1 + DRAWS} are needed")
    return Misses(*(rows[name].to_numpy(float) for name in ("object_share", "slow_share", "tau_s")))


@keeps_answers(_drive_tables)
def correlation_of(camera: str, lidar: str, what: str) -> Floats:
    """Return the correlation of misses of camera and LiDAR over all distances: the estimate, then its bounds, shape (3,)."""
    rows = load_drives(DRIVES).joint
    found = rows[(rows["camera"] == camera) & (rows["lidar"] == lidar) & (rows["low_m"] == 0) & np.isinf(rows["high_m"])]
    found = found[found["object"] == (what if what in set(found["object"]) else "car")]
    if found.empty:
        raise DriveError(f"{camera} and {lidar} were not measured together on the object {what}")
    return np.asarray(found.iloc[0][["correlation", "correlation_low", "correlation_high"]].to_numpy(float))


@keeps_answers(_drive_tables)
def alarms_of(finder: str, threshold: float | None, hits: int, rate_per_s: float = RECORDED_PER_S) -> Alarms:
    """Count false answers in the vehicle's way that stay for `hits` frames of a sensor with this rate, over all objects.

    Their number follows the time that they stay, (hits - 1) / rate: interpolated between recorded times, constant beyond. Those
    that were there for one recorded frame alone are taken to be new in each frame, so that a faster sensor has more of them.
    The interval is that of a Poisson count (Garwood 1936); of none, at most 3 over the hours (rule of three).
    """
    rows = load_drives(DRIVES).false
    rows = _only(rows[rows["where"] == "corridor"], "seen_by", finder, f"the false answers of '{finder}' were not counted; "
                 f"{suggest(finder, sorted(set(rows['seen_by'])))}")  # fmt: skip
    rows = _at_threshold(rows, finder, threshold)
    counts = rows.groupby("kept_frames")["count"].sum()
    return alarms_at_rate(counts.index.to_numpy(float), counts.to_numpy(float), float(rows["hours"].iloc[0]), hits, rate_per_s)


def alarms_at_rate(kept_frames: Floats, counted: Floats, hours: float, hits: int, rate_per_s: float) -> Alarms:
    """Return the false answers of a sensor with this rate, from those counted at the recorded one; see `alarms_of`.

    kept_frames: the recorded frames on end, ascending from 1; counted: how many stayed for them
    """
    stays_s, recorded_s = (hits - 1) / rate_per_s, (kept_frames - 1) / RECORDED_PER_S
    faster = counted.copy()
    faster[0] = counted[1] + (counted[0] - counted[1]) * rate_per_s / RECORDED_PER_S
    count, real = (float(np.interp(stays_s, recorded_s, those)) for those in (faster, counted))
    # a bound holds even if all, or none, of those that were counted are new in each frame
    times = float(np.interp(stays_s, recorded_s, [rate_per_s / RECORDED_PER_S, *np.ones(len(counted) - 1)]))
    low = min(times, 1.0) * float(gammaincinv(real, 0.025)) if real else 0.0
    high = max(times, 1.0) * (float(gammaincinv(real + 1, 0.975)) if real else 3.0)
    return Alarms(count, hours, count / hours, low / hours, high / hours, hits, stays_s)


@keeps_answers(lambda finder, condition, severity: (load_scales(DETECTIONS),))
def shifts_of(finder: str, condition: str, severity: int) -> Floats:
    """Return the shift s of a detector's recall r under a condition, Phi(Phi^-1(r) + s); shape (1 + DRAWS,).

    Where a precision was not measured under it, the same detector in floats stands in for it. A detector of which nothing was
    measured is taken to lose what the others lose on average; each of its resamples is one of a
    single other detector, so that how much detectors differ is part of the doubt.
    """
    rows = load_scales(DETECTIONS).conditions
    known = sorted(set(rows["condition"]))
    rows = rows[rows["condition"] == condition]
    if rows.empty:
        raise DriveError(f"the condition '{condition}' was not measured; {suggest(condition, known)}", "corruption")
    found = rows[rows["severity"] == severity]
    if found.empty:
        there = ", ".join(str(row) for row in sorted(set(rows["severity"])))
        raise DriveError(f"'{condition}' was not measured at severity {severity}; expected one of {there}", "severity")
    own = found[found["seen_by"] == finder]
    alike = found[found["seen_by"] == f"{finder.rpartition('.')[0]}.fp32"]
    used = next((rows for rows in (own, alike) if len(rows)), found)
    draws = used[DRAW_COLUMNS].to_numpy(float)
    each = np.arange(DRAWS)
    return np.append(used["shift"].mean(), draws[each % len(draws), each])


def alarms_at(alarms: Alarms, finder: str, threshold: float | None) -> Alarms:
    """Scale the alarms of a detector judged on still images to another threshold.

    They grow as its answers that touch nothing do, against those at the threshold `USUAL`.
    """
    if Finder(finder).on_road or threshold is None:
        return alarms
    at, usual = (load_scales(DETECTIONS).false_answers(finder, one)["phantoms_per_image"] for one in (threshold, USUAL))
    times = float(at / usual) if usual else 1.0
    return replace(alarms, per_hour=times * alarms.per_hour, low=times * alarms.low, high=times * alarms.high)


def drive_files(folder: Path) -> dict[str, Path]:
    names = ("curves", "persistence", "joint", "false", "ranges")
    return {f"drives/{name}.csv": folder / f"{name}.csv" for name in names}
