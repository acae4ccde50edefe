"""Small drives that the tests write themselves, in the layout of KITTI's tracking benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from campaigns.drives.read import Drives, read_drives
from campaigns.drives.sensors import PUBLISHED_CAMERAS, SENSORS

Box = tuple[float, float, float, float]
Lines = Mapping[str, Sequence[str]]

CODES = {"Pedestrian": 1, "Car": 2, "Cyclist": 3}
CALIBRATION = """P0: 1 0 0 0 0 1 0 0 0 0 1 0
P2: 700 0 600 45 0 700 180 0.2 0 0 1 0.003

R_rect 1 0 0 0 1 0 0 0 1
"""


def label(
    frame: int,
    track: int,
    kind: str,
    box: Box,
    z: float = 20.0,
    x: float = 0.0,
    truncation: int = 0,
    occlusion: int = 0,
) -> str:
    """A line of labels/."""
    sides = " ".join(map(str, box))
    return f"{frame} {track} {kind} {truncation} {occlusion} -1.5 {sides} 1.5 1.6 4.0 {x} 1.7 {z} -1.6"


def answer(frame: int, track: int, kind: str, box: Box) -> str:
    """A line of camera/, as a tracker of boxes without distances writes it."""
    sides = " ".join(map(str, box))
    return f"{frame} {track} {kind} -1.000000 -1 -1 {sides} -1 -1 -1 -1 -1 -1 -1 -1 1 "


def scored(frame: int, kind: str, box: Box, score: float, z: float = 20.0) -> str:
    """A line of lidar_pointrcnn/."""
    sides = ",".join(map(str, box))
    return f"{frame},{CODES[kind]},{sides},{score},1.5,1.6,4.0,0.0,1.7,{z},-1.6,-1.5"


def write_folder(
    folder: Path, labels: Lines, cameras: Mapping[str, Lines] | None = None, lidar: Mapping[str, Lines] | None = None
) -> Path:
    """A folder of drives: lines by drive, of the cameras by sensor, of LiDAR by class; what is not given has empty files."""
    for drive, lines in labels.items():
        _write(folder / "labels" / f"{drive}.txt", lines)
        _write(folder / "calib" / f"{drive}.txt", CALIBRATION.splitlines())
        for camera in PUBLISHED_CAMERAS:
            _write(folder / SENSORS[camera].folder / f"{drive}.txt", (cameras or {}).get(camera, {}).get(drive, []))
        for kind in CODES:
            _write(folder / "lidar_pointrcnn" / kind / f"{drive}.txt", (lidar or {}).get(kind, {}).get(drive, []))
    return folder


def drives_of(
    folder: Path, labels: Lines, cameras: Mapping[str, Lines] | None = None, lidar: Mapping[str, Lines] | None = None
) -> Drives:
    """What `write_folder` writes, read."""
    return read_drives(write_folder(folder, labels, cameras, lidar))


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
