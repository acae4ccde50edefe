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

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from simulator.evidence.evidence_files import EvidenceError, read_yaml
from simulator.evidence.evidence_tables import COUNT, DRAW_COLUMNS, SECONDS, SHARE, Range, Table, TableGroup, columns
from simulator.files import remembered
from simulator.paths import DRIVES

_MADE_BY = "python -m campaigns.drives"

#: The tables are a distribution of their own, because the licence of the drives excludes commercial use.
NOT_INSTALLED = (
    "the recorded drives are not installed; `pip install casesim-drives` adds them, for non-commercial use (CC BY-NC-SA 3.0)"
)

#: The quantiles of errors of distances that are tabulated, in percent.
ERROR_PERCENTS = (1, 5, 25, 50, 75, 95, 99)
ERROR_COLUMNS = [f"q{percent:02d}" for percent in ERROR_PERCENTS]

#: What counts once in the curves that are played, as `heldout_drives.csv` names it.
PLAYED = "objects"

_FOUND = columns("found found_low found_high", SHARE)
_PARTS = columns("object_share slow_share", SHARE)
_CORRELATION = Range(-1, 1, unknown=True)


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
        | columns(ERROR_COLUMNS),
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
    """Read the tables; raises EvidenceError with the file, the column and the fault, or that they are not installed."""
    if not folder.is_dir():
        raise EvidenceError(NOT_INSTALLED)
    about = read_yaml(folder / "about.yaml", TypeAdapter(AboutDrives), _MADE_BY)
    return Drives.read(about, folder, _MADE_BY)


def drive_files(folder: Path) -> dict[str, Path]:
    names = ("curves", "persistence", "joint", "false", "ranges")
    return {f"drives/{name}.csv": folder / f"{name}.csv" for name in names}
