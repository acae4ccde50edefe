"""Reads recorded drives in the layout of the KITTI tracking benchmark (Geiger, Lenz and Urtasun 2012), without its pictures.

labels/DRIVE.txt            what was there: class, box, place of every object in every frame
calib/DRIVE.txt             matrices of the cameras; P2 is the left colour camera's
camera/DETECTOR/DRIVE.txt   boxes that a camera detector reported, with the tracks of its tracker
lidar_pointrcnn/CLASS/DRIVE.txt   boxes that a LiDAR detector reported, with scores
Places are in metres in the camera's coordinates: x to the right, y down, z ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from campaigns.drives.sensors import BOX as BOX
from campaigns.drives.sensors import SENSORS, Sensor
from campaigns.drives.withheld import restored
from simulator.errors import InputError, suggest

#: Frames a second of KITTI's cameras and its LiDAR.
RATE = 10.0
FRAME_S = 1 / RATE

_SOLID = ["height_m", "width_m", "length_m", "x_m", "y_m", "z_m", "rotation"]
_TRACKED = ["frame", "track", "label", "truncation", "occlusion", "alpha", *BOX, *_SOLID]
_SCORED = ["frame", "code", *BOX, "score", *_SOLID, "alpha"]
_WHOLE = ["frame", "track", "occlusion", "code"]

#: Classes of the labels. DontCare marks a region in which objects are not labelled.
LABELS = ["Car", "Van", "Truck", "Pedestrian", "Person", "Cyclist", "Tram", "Misc", "DontCare"]
_UNLABELLED = "DontCare"
#: The folders of the LiDAR detections, and the code that stands for the class in their lines.
_CODES = {"Pedestrian": 1, "Car": 2, "Cyclist": 3}


class DrivesError(InputError):
    """A folder of drives cannot be used; the message says which file and line, what is there and what would be right."""


@dataclass(frozen=True)
class Drives:
    """Recorded drives with labels and answers, all by (drive, frame); a drive is named as its files are, such as `0007`.

    labels: a row a labelled object and frame: drive, frame, track, label, truncation, occlusion, left, top, right, bottom
        (pixels), height_px, height_m, width_m, length_m, x_m, y_m, z_m, rotation; the index counts from 0
    unlabelled: regions in which nothing is labelled: drive, frame, left, top, right, bottom
    answers: by sensor, a row a reported box: drive, frame, track (-1 where there is none), object, left, top, right, bottom,
        height_px, score (NaN where there is none), x_m, y_m, z_m (NaN where unknown). Boxes of which the edge of the image
        left nothing are not there.
    cameras: by drive, the matrix of the left colour camera, shape (3, 4); [0, 0] is the focal length in pixels
    frames: by drive, how many frames it has
    """

    labels: pd.DataFrame
    unlabelled: pd.DataFrame
    answers: dict[str, pd.DataFrame]
    cameras: dict[str, NDArray[np.float64]]
    frames: dict[str, int]

    @property
    def names(self) -> list[str]:
        """The drives in order."""
        return list(self.frames)

    @property
    def hours(self) -> float:
        """Return the duration of all drives in hours."""
        return sum(self.frames.values()) / RATE / 3600

    def only(self, names: Sequence[str]) -> Drives:
        """Return some of the drives."""
        answers = {sensor: _of(table, names) for sensor, table in self.answers.items()}
        kept = {name: self.frames[name] for name in names}
        cameras = {name: self.cameras[name] for name in names}
        return Drives(_of(self.labels, names), _of(self.unlabelled, names), answers, cameras, kept)


def _of(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    return table[table["drive"].isin(names)].reset_index(drop=True)


def read_drives(folder: Path, tell: Callable[[], None] = lambda: None) -> Drives:
    """Return the drives in `folder`; raises DrivesError.

    tell: called after each of `PARTS` parts
    """
    names = _names(folder)
    labels = _gathered(folder / "labels", names, _read_labels)
    tell()
    cameras = {name: read_camera(_file(folder / "calib", name)) for name in names}
    frames = {str(name): int(part["frame"].max()) + 1 for name, part in labels.groupby("drive")}
    answers = {}
    for sensor in SENSORS.values():
        answers[sensor.name] = _answers(folder, names, sensor)
        tell()
    nothing = labels["label"].eq(_UNLABELLED)
    objects = labels[~nothing].drop(columns="alpha").reset_index(drop=True)
    regions = labels.loc[nothing, ["drive", "frame", *BOX]].reset_index(drop=True)
    return Drives(objects, regions, answers, cameras, frames)


#: How often `read_drives` tells that it has come further.
PARTS = 1 + len(SENSORS)


def _names(folder: Path) -> list[str]:
    names = sorted(path.stem for path in (folder / "labels").glob("*.txt"))
    if names:
        return names
    if not folder.is_dir():
        raise DrivesError(f"{folder}: there is no such folder; give one with labels/, calib/, camera/ and lidar_pointrcnn/")
    raise DrivesError(f"{folder / 'labels'}: there is no file DRIVE.txt, such as 0000.txt, with the labels of a drive")


def _file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.txt"
    if path.is_file():
        return path
    what = f"labels/{name}.txt has no counterpart; add the file, or take the drive out of labels/"
    raise DrivesError(f"{path}: there is no such {'file' if folder.is_dir() else 'folder'}; {what}")


def _gathered(folder: Path, names: Sequence[str], read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """All drives of one folder below each other, with the column `drive`."""
    parts = [read(_file(folder, name)).assign(drive=name) for name in names]
    table = pd.concat(parts, ignore_index=True)
    return table[["drive", *table.columns.drop("drive")]].assign(height_px=table["bottom"] - table["top"])


def _answers(folder: Path, names: Sequence[str], sensor: Sensor) -> pd.DataFrame:
    """Return the answers of a sensor: the columns of `Drives.answers`."""
    place = folder / sensor.folder
    if sensor.scored:
        parts = [_gathered(place / name, names, _scored_reader(name)) for name in _CODES]
        table = pd.concat(parts, ignore_index=True).assign(track=-1)
    else:
        table = _gathered(place, names, _read_tracked)
        unknown = table["height_m"].le(0)
        table = table.assign(score=np.nan, **{axis: table[axis].mask(unknown) for axis in ("x_m", "y_m", "z_m")})
    table = table[(table["right"] > table["left"]) & (table["bottom"] > table["top"])]
    columns = ["drive", "frame", "track", "object", *BOX, "height_px", "score", "x_m", "y_m", "z_m"]
    answers = table.assign(object=table["label"].str.lower())[columns].reset_index(drop=True)
    return restored(answers) if sensor.restored else answers


def _read_labels(path: Path) -> pd.DataFrame:
    table = _read_tracked(path)
    if table.empty:
        raise DrivesError(f"{path}: has no line; expected a line for each labelled object and frame")
    for low, high in (("left", "right"), ("top", "bottom")):
        _refuse(path, table, table[high].le(table[low]), high, f"a number above {low}")
    twice = table.duplicated(["frame", "track"]) & table["label"].ne(_UNLABELLED)
    _refuse(path, table, twice, "track", "one line for each track and frame")
    return table


def _read_tracked(path: Path) -> pd.DataFrame:
    table = _table(path, _TRACKED, None)
    _refuse(path, table, ~table["label"].isin(LABELS), "label", lambda word: suggest(word, LABELS))
    return table


def _scored_reader(label: str) -> Callable[[Path], pd.DataFrame]:
    """Read a file of LiDAR detections of one class."""

    def read(path: Path) -> pd.DataFrame:
        table = _table(path, _SCORED, ",")
        _refuse(path, table, table["code"].ne(_CODES[label]), "code", f"{_CODES[label]} for {label}")
        return table.assign(label=label)

    return read


def _table(path: Path, columns: list[str], separator: str | None) -> pd.DataFrame:
    """Return the lines of a file as numbers, except the column `label`; the index counts lines, extra fields are ignored.

    separator: None for white space
    """
    lines = [line.split(separator) for line in _text(path).splitlines()]
    short = next((row for row, fields in enumerate(lines) if 0 < len(fields) < len(columns)), None)
    if short is not None:
        problem = f"has {len(lines[short])} fields; {len(columns)} belong there: {' '.join(columns)}"
        raise DrivesError(f"{path}, line {short + 1}: {problem}")
    rows = {number: fields[: len(columns)] for number, fields in enumerate(lines) if fields}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=object)
    return _in_numbers(path, table)


def _in_numbers(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Return the fields as numbers."""
    for column in table.columns.drop("label", errors="ignore"):
        number = pd.to_numeric(table[column], errors="coerce")
        _refuse(path, table, ~number.between(-np.finfo(float).max, np.finfo(float).max), column, "a number")
        if column in _WHOLE:
            _refuse(path, table, number.mod(1).ne(0), column, "a whole number")
            number = number.astype(np.int64)
        table[column] = number
    _refuse(path, table, table["frame"].lt(0), "frame", "0 or more")
    return table


def _refuse(path: Path, table: pd.DataFrame, bad: pd.Series[bool], column: str, right: str | Callable[[str], str]) -> None:
    """Raise DrivesError for the first line that is wrong, if there is one."""
    if not bad.any():
        return
    line = bad.idxmax()
    given = str(table.at[line, column])
    expected = right(given) if callable(right) else f"expected {right}"
    raise DrivesError(f"{path}, line {int(str(line)) + 1}: {column}: got {given[:40]!r}, {expected}")


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise DrivesError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DrivesError(f"{path}: is not a text file; expected lines of numbers") from error


def read_camera(path: Path) -> NDArray[np.float64]:
    """Return the matrix P2 of a calibration file, shape (3, 4); raises DrivesError."""
    lines = [line.split() for line in _text(path).splitlines()]
    for number, fields in enumerate(lines, 1):
        if fields and fields[0].rstrip(":") == "P2":
            return _matrix(f"{path}, line {number}", fields[1:])
    raise DrivesError(f"{path}: has no line `P2:` with the 12 numbers of the left colour camera's matrix")


def _matrix(where: str, fields: list[str]) -> NDArray[np.float64]:
    numbers = pd.to_numeric(pd.Series(fields, dtype=object), errors="coerce").to_numpy(float)
    if len(numbers) != 12 or not np.isfinite(numbers).all():
        raise DrivesError(f"{where}: P2: expected 12 numbers, got {' '.join(fields)[:60]!r}")
    return numbers.reshape(3, 4)
