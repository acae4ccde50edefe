"""Labelled images for detectors: a folder in YOLO's format, or COCO's JSON beside its images.

YOLO: `images/`, and `labels/` (or `labels_yolo/`) with one text file per image, one line per box: class, then centre and size
as parts of the image's width and height. An image without a file has no box. Names stand in `config.yaml`, `data.yaml` or
`dataset.yaml` under `names`, as a list or by class.
COCO: one JSON file in the folder or in `annotations/`, with `images`, `annotations` and `categories`. Boxes of crowds are
left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from simulator.arrays import Pixels
from simulator.evidence.evidence_files import first_fault
from simulator.files import read_within
from simulator.limits import EVIDENCE_TEXT, LABELS_FILE
from simulator.measure.guarded import CannotMeasureError
from simulator.measure.image_steps import load_photo, opened
from simulator.metrics.detection_quality import Boxes
from simulator.phrases import phrase

_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
_LABELS = ("labels", "labels_yolo")
_NAMES = ("config.yaml", "data.yaml", "dataset.yaml")
_REPLACE = "replace it, or take it out with its labels"
#: By how much a box may stand out of its image: what rounding in the file explains, as a part of a side.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Dataset:
    """Labelled images.

    files: the images by name; sizes: width and height of each in pixels
    names, ids: of the classes, which are numbered from 0 here, and as the labels number them
    labels: all labelled boxes, in pixels, with the place of their image in `files`
    """

    folder: Path
    files: tuple[Path, ...]
    sizes: tuple[tuple[int, int], ...]
    names: tuple[str, ...]
    ids: tuple[int, ...]
    labels: Boxes

    def __len__(self) -> int:
        return len(self.files)

    def pixels(self, image: int) -> Pixels:
        """Read the image, (height, width, 3) in RGB; raises CannotMeasureError."""
        return np.asarray(load_photo(self.files[image], f"is not a photo that can be decoded; {_REPLACE}"))


def read_dataset(folder: Path) -> Dataset:
    """Read the labelled images in `folder`, in either format; raises CannotMeasureError with file, line and value."""
    if not folder.is_dir():
        raise CannotMeasureError(f"{folder}: there is no such folder; --data takes one with labelled images")
    files = [path for place in (folder, folder / "annotations") for path in sorted(place.glob("*.json"))]
    if len(files) > 1:
        listed = ", ".join(path.name for path in files[:5])
        raise CannotMeasureError(f"{folder}: holds {len(files)} JSON files, {listed}; leave the one with the labels there")
    dataset = _read_coco(folder, files[0]) if files else _read_yolo(folder)
    if not len(dataset.labels):
        raise CannotMeasureError(f"{folder}: its labels hold no box; without one nothing can be found")
    return dataset


# YOLO


def _read_yolo(folder: Path) -> Dataset:
    images, labels = folder / "images", next((folder / name for name in _LABELS if (folder / name).is_dir()), None)
    if not images.is_dir() or labels is None:
        raise CannotMeasureError(phrase("labels.none", folder=str(folder)))
    files = tuple(sorted(path for path in images.iterdir() if path.suffix.lower() in _ENDINGS))
    if not files:
        raise CannotMeasureError(f"{images}: holds no image; expected files that end in {', '.join(sorted(_ENDINGS))}")
    _check_every_label_has_an_image(labels, files)
    names, rows = _yolo_names(folder), []
    sizes = tuple(map(_image_size, files))
    for place, file in enumerate(files):
        rows += [(place, *box) for box in _yolo_boxes(labels / f"{file.stem}.txt", len(names), sizes[place])]
    return Dataset(folder, files, sizes, names, tuple(range(len(names))), _boxes_of_rows(rows))


def _check_every_label_has_an_image(labels: Path, files: tuple[Path, ...]) -> None:
    there = {file.stem for file in files}
    lost = [path for path in sorted(labels.glob("*.txt")) if path.stem not in there]
    if lost:
        raise CannotMeasureError(f"{lost[0]}: labels an image that is missing: images/ holds no '{lost[0].stem}'")


def _yolo_names(folder: Path) -> tuple[str, ...]:
    file = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if file is None:
        raise CannotMeasureError(phrase("labels.names", folder=str(folder), file=_NAMES[0]))
    content = read_within(file, EVIDENCE_TEXT)
    try:
        names = (YAML(typ="safe", pure=True).load(content) or {}).get("names")
    except RecursionError as error:
        raise CannotMeasureError(f"{file}: is nested too deeply; expected names: a list of the classes") from error
    except (YAMLError, AttributeError, ValueError) as error:
        raise CannotMeasureError(f"{file}: is not a YAML mapping: {' '.join(str(error).split())}") from error
    listed = list(names.values()) if isinstance(names, dict) and list(names) == list(range(len(names))) else names
    if not isinstance(listed, list) or not listed:
        raise CannotMeasureError(f"{file}: names: expected the classes as a list, or numbered from 0 without a gap")
    return tuple(map(str, listed))


def _yolo_boxes(file: Path, classes: int, size: tuple[int, int]) -> Iterator[tuple[float, ...]]:
    if not file.is_file():
        return
    for line, text in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if text.strip():
            yield _yolo_box(text, classes, size, f"{file}:{line}")


def _yolo_box(text: str, classes: int, size: tuple[int, int], where: str) -> tuple[float, ...]:
    try:
        category, x, y, width, height = map(float, text.split())
    except ValueError:
        raise CannotMeasureError(f"{where}: '{text.strip()}': expected five numbers: class, x, y, width, height") from None
    if category not in range(classes):
        raise CannotMeasureError(f"{where}: class {category:g} is out of range; config.yaml names classes 0 to {classes - 1}")
    box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    if not (np.isfinite(box).all() and width > 0 and height > 0 and box.min() >= -_ROUNDING and box.max() <= 1 + _ROUNDING):
        raise CannotMeasureError(phrase("labels.yolo_box", where=where, x=x, y=y, width=width, height=height))
    return (category, *(box * np.array([*size, *size])))


# COCO


class _Pictured(BaseModel):
    id: int
    file_name: str
    width: int | None = None
    height: int | None = None


class _Annotated(BaseModel):
    id: int | None = None
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0


class _Category(BaseModel):
    id: int
    name: str


class _Coco(BaseModel):
    images: list[_Pictured]
    annotations: list[_Annotated]
    categories: list[_Category]


def _read_coco(folder: Path, file: Path) -> Dataset:
    try:
        content = _Coco.model_validate_json(read_within(file, LABELS_FILE))
    except ValidationError as error:
        raise CannotMeasureError(first_fault(file, error)) from error
    if not content.images:
        raise CannotMeasureError(f"{file}: images: is empty; expected at least one")
    for what, listed in (("images", content.images), ("annotations", content.annotations), ("categories", content.categories)):
        _check_ids(file, what, [entry.id for entry in listed])
    pictures = sorted(content.images, key=lambda picture: picture.id)
    files = tuple(_pictured(folder, file, picture) for picture in pictures)
    sizes = tuple(map(_image_size, files))
    _check_sizes(file, pictures, sizes)
    categories = sorted(content.categories, key=lambda category: category.id)
    places = {picture.id: place for place, picture in enumerate(pictures)}
    classes = {category.id: place for place, category in enumerate(categories)}
    rows = []
    for number, annotated in enumerate(content.annotations):
        if not annotated.iscrowd:
            rows.append(_coco_box(annotated, places, classes, sizes, f"{file}: annotations.{number}"))
    return Dataset(folder, files, sizes, tuple(category.name for category in categories), tuple(classes), _boxes_of_rows(rows))


def _check_ids(file: Path, what: str, ids: list[int | None]) -> None:
    first: dict[int | None, int] = {None: -1}
    for place, name in enumerate(ids):
        if name is not None and first.setdefault(name, place) != place:
            where, there = f"{file}: {what}.{place}.id", f"{what}.{first[name]}"
            raise CannotMeasureError(phrase("labels.same_id", where=where, id=str(name), there=there))


def _check_sizes(file: Path, pictures: list[_Pictured], sizes: tuple[tuple[int, int], ...]) -> None:
    for picture, size in zip(pictures, sizes, strict=True):
        stated = (picture.width or size[0], picture.height or size[1])
        if stated != size:
            sides = {"stated": [*map(str, stated)], "sides": [*map(str, size)]}
            raise CannotMeasureError(phrase("labels.size", file=str(file), id=picture.id, name=picture.file_name, **sides))


def _pictured(folder: Path, file: Path, picture: _Pictured) -> Path:
    """Return a picture's file, which lies below the folder, links followed: a list of labels opens no other file."""
    name, about = PurePath(picture.file_name), {"file": str(file), "id": str(picture.id), "folder": str(folder)}
    if name.is_absolute() or ".." in name.parts or "\0" in picture.file_name:
        raise CannotMeasureError(phrase("labels.outside", **about, name=picture.file_name))
    candidates = [folder / "images" / picture.file_name, folder / picture.file_name]
    candidates += [path / picture.file_name for path in sorted(folder.iterdir()) if path.is_dir()]
    there = next((path for path in candidates if os.path.isfile(path)), None)  # noqa: PTH113 - no error for a name too long
    if there is None:
        raise CannotMeasureError(phrase("labels.missing", **about, name=picture.file_name))
    if not there.resolve().is_relative_to(folder.resolve()):
        raise CannotMeasureError(phrase("labels.link", **about, path=str(there)))
    return there


def _coco_box(
    annotated: _Annotated, places: dict[int, int], classes: dict[int, int], sizes: tuple[tuple[int, int], ...], where: str
) -> tuple[float, ...]:
    if annotated.image_id not in places:
        raise CannotMeasureError(f"{where}.image_id: {annotated.image_id} is the id of no image in this file")
    if annotated.category_id not in classes:
        there = [*map(str, list(classes)[:8])]
        raise CannotMeasureError(phrase("labels.category", where=where, category=annotated.category_id, there=there))
    place = places[annotated.image_id]
    left, top, width, height = annotated.bbox
    box, sides = np.array([left, top, left + width, top + height]), np.array([*sizes[place], *sizes[place]])
    if not (width > 0 and height > 0 and (box >= -1).all() and (box <= sides + 1).all()):
        pixels = [*map(str, sizes[place])]
        raise CannotMeasureError(phrase("labels.coco_box", where=where, box=str(list(annotated.bbox)), sides=pixels))
    return (place, classes[annotated.category_id], *box)


def _image_size(file: Path) -> tuple[int, int]:
    with opened(file, f"is not an image that can be decoded; {_REPLACE}") as image:
        return image.size


def _boxes_of_rows(rows: list[Any]) -> Boxes:
    table = np.array(rows, float).reshape(len(rows), 6)
    return Boxes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])
