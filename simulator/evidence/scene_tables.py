"""Scenes: crops and mixtures of the detection tables' images, and two conditions of the world, measured as these tables are.

    about.yaml         authors, dates, images, making of the scenes, and licences
    scenes.csv         one row per scene, the images themselves included: its kind, its parents and its half
    boxes.parquet      one row per labelled box of a crop or a mixture, numbered from 0
    outcomes.parquet   one row per detector, precision, condition, severity and labelled box: the score of its detection
    images.parquet     one row per condition, severity and scene: statistics of the image
    answers.parquet    one row per detector, precision, condition, severity and scene: statistics of input and answers
    features.parquet   one row per condition, severity and scene: the numbers of `simulator.evidence.scene_tables`
    effects.csv        changes under the conditions of the world; `simulator.evidence.detection_tables` reads it

Columns are those of the detection tables and of the features, so that rows of both can stand in one table; `outcomes` has the
scene beside the box. Crops and mixtures are measured under every condition. The images themselves are in the detection tables,
and are measured here under the conditions of the world alone (`kind: world` in about.yaml: occlusion, unknown animals); their
`box` is then the one of the detection tables' `boxes.parquet`.

A scene whose parents are reference images is a reference scene, and no scene has parents in both halves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from simulator.errors import InputError
from simulator.evidence.detection_tables import CLEAN, About
from simulator.evidence.detection_tables import COLUMNS as DETECTION_COLUMNS
from simulator.evidence.evidence_files import MeasuredOrigin, read_table, read_yaml
from simulator.paths import FEATURES, SCENES

_MADE_BY = "python -m campaigns.detections scenes"

IMAGE, CROP, MIXTURE = "image", "crop", "mixture"
KINDS = (IMAGE, CROP, MIXTURE)
#: The kind of the conditions under which the images themselves are measured here.
WORLD = "world"
_SETTING, _NETWORK = ["condition", "severity"], ["detector", "precision"]
NUMBERS = [f"f{number:02d}" for number in range(16)]
FEATURE_COLUMNS = ["condition", "severity", "image", "reference", *NUMBERS]
COLUMNS: dict[str, list[str]] = {
    "scenes": ["scene", "kind", "parents", "reference", "width_px", "height_px"],
    "boxes": DETECTION_COLUMNS["boxes"],
    "outcomes": [*_NETWORK, *_SETTING, "image", "box", "score"],
    "images": DETECTION_COLUMNS["images"],
    "answers": DETECTION_COLUMNS["answers"],
    "features": FEATURE_COLUMNS,
}
#: Columns that identify a row of a table, beside the scene or the box.
_KEYS = {"outcomes": [*_NETWORK, *_SETTING], "images": _SETTING, "answers": [*_NETWORK, *_SETTING], "features": _SETTING}


class SceneError(InputError):
    """A table of scenes cannot be used; the message says which and why."""


class ScenesAbout(About):
    """Origin of the scenes; `images` counts all scenes, and `boxes` the labelled boxes of crops and mixtures.

    made: making of each kind of scene; image_boxes: labelled boxes of the images themselves
    detections_sha256: hash of the detection tables' `boxes.parquet`, to which `box` of an image itself refers
    """

    made: dict[str, str]
    image_boxes: int
    detections_sha256: str


@dataclass(frozen=True)
class SceneTables:
    """The tables of one campaign; see the module."""

    about: ScenesAbout
    scenes: pd.DataFrame
    boxes: pd.DataFrame
    outcomes: pd.DataFrame
    images: pd.DataFrame
    answers: pd.DataFrame
    features: pd.DataFrame


def load_scenes(folder: Path = SCENES) -> SceneTables:
    """Read the tables; raises SceneError with the file, the row, the column and the expected value."""
    tables = SceneTables(read_about(folder), **{name: _read(_file(folder, name), name) for name in COLUMNS})
    _check_scenes(tables, _file(folder, "scenes"))
    _check_values(tables, folder)
    _check_whole(tables, folder)
    return tables


def read_about(folder: Path = SCENES) -> ScenesAbout:
    return read_yaml(folder / "about.yaml", TypeAdapter(ScenesAbout), SceneError, _MADE_BY)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.{'csv' if name == 'scenes' else 'parquet'}"


def _read(path: Path, name: str) -> pd.DataFrame:
    texts = {"dtype": {"scene": str, "parents": str}, "keep_default_na": False} if path.suffix == ".csv" else {}
    return read_table(path, COLUMNS[name], SceneError, _MADE_BY, **texts)


def _refuse(path: Path, rows: pd.DataFrame, column: str, faulty: pd.Series, sentence: str) -> None:
    if faulty.any():
        place = int(np.flatnonzero(faulty)[0])
        where = f"line {place + 2}" if path.suffix == ".csv" else f"row {place}"
        raise SceneError(f"{path}: {where}: {column}: {sentence}, got {rows[column].iloc[place]}")


def _check_scenes(tables: SceneTables, path: Path) -> None:
    rows = tables.scenes
    _refuse(path, rows, "scene", rows["scene"].duplicated(), "expected each scene once")
    _refuse(path, rows, "kind", ~rows["kind"].isin(KINDS), f"expected one of {', '.join(KINDS)}")
    halves = rows[rows["kind"] == IMAGE].set_index("scene")["reference"]
    parents = rows["parents"].str.split("+")
    unknown = parents.map(lambda names: any(name not in halves.index for name in names))
    _refuse(path, rows, "parents", unknown, "expected scenes of the kind image, joined by +")
    mixed = pd.Series(
        [any(halves[name] != half for name in names) for names, half in zip(parents, rows["reference"], strict=True)]
    )
    _refuse(path, rows, "parents", mixed, "expected all in the half of the scene")
    if len(rows) != tables.about.images:
        raise SceneError(f"{path}: has {len(rows)} rows, but about.yaml says {tables.about.images}")


def _check_values(tables: SceneTables, folder: Path) -> None:
    for name in COLUMNS:
        if name != "scenes":
            rows, path = getattr(tables, name), _file(folder, name)
            _refuse(path, rows, "image", ~rows["image"].isin(tables.scenes["scene"]), "expected a scene of scenes.csv")
    boxes, outcomes, numbers = tables.boxes, tables.outcomes, tables.features
    _refuse(_file(folder, "boxes"), boxes, "box", boxes["box"] != np.arange(len(boxes)), "expected boxes numbered from 0")
    _refuse(
        _file(folder, "outcomes"), outcomes, "score", ~outcomes["score"].between(0, 1), "every score should lie between 0 and 1"
    )
    for column in NUMBERS:
        _refuse(_file(folder, "features"), numbers, column, ~np.isfinite(numbers[column]), "expected a finite number")
    half = tables.scenes.set_index("scene")["reference"].reindex(numbers["image"].astype(str)).to_numpy()
    _refuse(_file(folder, "features"), numbers, "reference", numbers["reference"] != half, "expected the half in scenes.csv")


def _check_whole(tables: SceneTables, folder: Path) -> None:
    """Raise SceneError unless every setting covers every scene measured under it, and each of its boxes."""
    about = tables.about
    if len(tables.boxes) != about.boxes:
        raise SceneError(f"{_file(folder, 'boxes')}: has {len(tables.boxes)} rows, but about.yaml says {about.boxes}")
    itself = int((tables.scenes["kind"] == IMAGE).sum())
    for name, keys in _KEYS.items():
        made, images = (about.boxes, about.image_boxes) if name == "outcomes" else (about.images - itself, itself)
        rows, told_of = getattr(tables, name), ["image", "box"] if name == "outcomes" else ["image"]
        twice = rows.duplicated([*keys, *told_of])
        _refuse(_file(folder, name), rows, told_of[-1], twice, "expected it once under a setting")
        for setting, condition, count in _counts(rows, keys):
            wanted = made + images * (condition in about.conditions and about.conditions[condition].kind == WORLD)
            if count != wanted:
                raise SceneError(f"{_file(folder, name)}: {setting}: has {count} rows, expected {wanted}")
    for condition in (CLEAN, *about.conditions):
        if condition not in set(tables.answers["condition"]):
            raise SceneError(f"{_file(folder, 'answers')}: condition: has no row of '{condition}', which about.yaml lists")


def _counts(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[str, str, int]]:
    for values, count in rows.groupby(keys, observed=True).size().items():
        setting = dict(zip(keys, map(str, values if isinstance(values, tuple) else (values,)), strict=True))
        yield " ".join(setting.values()), setting["condition"], int(count)


_FEATURES_MADE_BY = "python -m campaigns.detections features"


class FeatureError(InputError):
    """A table of features cannot be used; the message says which and why."""


class FeaturesAbout(MeasuredOrigin):
    """Origin of the features.

    explained: the part of the layer's variance on clean reference images that the numbers keep
    detections_sha256: hash of the detection tables' `boxes.parquet`, about the same images
    """

    network: str
    sha256: str
    licence: str
    layer: str
    channels: int = Field(ge=1)
    reduction: str
    explained: float = Field(gt=0, le=1)
    images: int = Field(ge=2)
    reference_images: int = Field(ge=1)
    seed: int
    detections_sha256: str
    notes: list[str] = []


@dataclass(frozen=True)
class Features:
    """The features of one campaign; see the module."""

    about: FeaturesAbout
    rows: pd.DataFrame

    def of(self, condition: str, severity: int, reference: bool | None = None) -> pd.DataFrame:
        """Return the numbers of each image under a condition, (images, 16), by name of the image.

        reference: only reference images, or only those of production. Raises FeatureError that lists what there is.
        """
        left = self.rows
        for column, value in (("condition", condition), ("severity", severity)):
            found = left[left[column] == value]
            if found.empty:
                there = ", ".join(map(str, left[column].drop_duplicates()))
                raise FeatureError(f"features.parquet: {column}: holds no '{value}'; there are: {there}")
            left = found
        rows = left if reference is None else left[left["reference"] == reference]
        return rows.set_index("image")[NUMBERS]

    def distances(self, condition: str, severity: int, reference: bool | None = None) -> pd.Series:
        """Return the distance of each image from the middle of the clean reference images, by name of the image.

        In standard deviations of these: with components that are uncorrelated, it is the distance of Mahalanobis.
        """
        middle: NDArray[np.float64] = self.of(CLEAN, 0, reference=True).to_numpy(float).mean(axis=0)
        found = self.of(condition, severity, reference)
        return pd.Series(np.linalg.norm(found.to_numpy(float) - middle, axis=1), found.index)


def load_features(folder: Path = FEATURES) -> Features:
    """Read the features; raises FeatureError with the file, the column and the fault."""
    about = read_yaml(folder / "about.yaml", TypeAdapter(FeaturesAbout), FeatureError, _FEATURES_MADE_BY)
    path = folder / "features.parquet"
    rows = read_table(path, FEATURE_COLUMNS, FeatureError, _FEATURES_MADE_BY).astype({"condition": str, "image": str})
    _check(rows, about, path)
    return Features(about, rows)


def _check(rows: pd.DataFrame, about: FeaturesAbout, path: Path) -> None:
    faulty = rows.index[~np.isfinite(rows[NUMBERS].to_numpy(float)).all(axis=1)]
    if len(faulty):
        raise FeatureError(f"{path}: row {faulty[0]}: every feature should be a finite number")
    twice = rows.index[rows.duplicated(["condition", "severity", "image"])]
    if len(twice):
        row = rows.loc[twice[0]]
        raise FeatureError(f"{path}: row {twice[0]}: {row['condition']}:{row['severity']} holds {row['image']} twice")
    for (condition, severity), images in rows.groupby(["condition", "severity"]):
        if len(images) != about.images or images["reference"].sum() != about.reference_images:
            raise FeatureError(
                f"{path}: {condition}:{severity}: has {len(images)} images, {int(images['reference'].sum())} of them of the "
                f"reference, but about.yaml says {about.images} and {about.reference_images}"
            )
    if CLEAN not in set(rows["condition"]):
        raise FeatureError(f"{path}: condition: holds no row of '{CLEAN}', the reference of the others")
