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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from simulator.evidence.detection_tables import ANSWERS, BOXES, CLEAN, IMAGES, About
from simulator.evidence.evidence_files import EvidenceError, MeasuredOrigin, read_yaml
from simulator.evidence.evidence_tables import (
    NUMBER,
    SHARE,
    CellWords,
    Table,
    TableGroup,
    columns,
    refuse,
    rows_with,
)
from simulator.paths import FEATURES, SCENES

_MADE_BY = "python -m campaigns.detections scenes"

IMAGE, CROP, MIXTURE = "image", "crop", "mixture"
KINDS = (IMAGE, CROP, MIXTURE)
#: The kind of the conditions under which the images themselves are measured here.
WORLD = "world"
NUMBERS = [f"f{number:02d}" for number in range(16)]
FEATURES_TABLE = Table("features.parquet", columns("condition severity image reference") | columns(NUMBERS, NUMBER))


class ScenesAbout(About):
    """Origin of the scenes; `images` counts all scenes, and `boxes` the labelled boxes of crops and mixtures.

    made: making of each kind of scene; image_boxes: labelled boxes of the images themselves
    detections_sha256: hash of the detection tables' `boxes.parquet`, to which `box` of an image itself refers
    """

    made: dict[str, str]
    image_boxes: int
    detections_sha256: str


class SceneTables(TableGroup):
    """The tables of one campaign; see the module."""

    about: ScenesAbout
    scenes = Table(
        "scenes.csv",
        columns("scene") | columns("kind", CellWords(KINDS)) | columns("parents reference width_px height_px"),
        key=("scene",),
        options={"dtype": {"scene": str, "parents": str}, "keep_default_na": False},
    )
    boxes = BOXES
    outcomes = Table(
        "outcomes.parquet",
        columns("detector precision condition severity image box") | columns("score", SHARE),
        key=("detector", "precision", "condition", "severity", "image", "box"),
    )
    images = replace(IMAGES, key=("condition", "severity", "image"))
    answers = replace(ANSWERS, key=("detector", "precision", "condition", "severity", "image"))
    features = replace(FEATURES_TABLE, key=("condition", "severity", "image"))


def load_scenes(folder: Path = SCENES) -> SceneTables:
    """Read the tables; raises EvidenceError with the file, the row, the column and the expected value."""
    tables = SceneTables.read(read_about(folder), folder, _MADE_BY)
    _check_scenes(tables, folder / "scenes.csv")
    _check_values(tables, folder)
    _check_whole(tables, folder)
    return tables


def read_about(folder: Path = SCENES) -> ScenesAbout:
    return read_yaml(folder / "about.yaml", TypeAdapter(ScenesAbout), _MADE_BY)


def _check_scenes(tables: SceneTables, path: Path) -> None:
    rows = tables.scenes
    halves = rows[rows["kind"] == IMAGE].set_index("scene")["reference"]
    parents = rows["parents"].str.split("+")
    unknown = parents.map(lambda names: any(name not in halves.index for name in names))
    refuse(path, rows, "parents", unknown, "expected scenes of the kind image, joined by +")
    mixed = pd.Series(
        [any(halves[name] != half for name in names) for names, half in zip(parents, rows["reference"], strict=True)]
    )
    refuse(path, rows, "parents", mixed, "expected all in the half of the scene")
    if len(rows) != tables.about.images:
        raise EvidenceError(f"{path}: has {len(rows)} rows, but about.yaml says {tables.about.images}")


def _check_values(tables: SceneTables, folder: Path) -> None:
    def check(name: str, column: str, faulty: pd.Series, expected: str) -> None:
        refuse(folder / SceneTables.tables()[name].file, getattr(tables, name), column, faulty, expected)

    for name in SceneTables.tables().keys() - {"scenes"}:
        check(name, "image", ~getattr(tables, name)["image"].isin(tables.scenes["scene"]), "expected a scene of scenes.csv")
    check("boxes", "box", tables.boxes["box"] != np.arange(len(tables.boxes)), "expected boxes numbered from 0")
    numbers = tables.features
    half = tables.scenes.set_index("scene")["reference"].reindex(numbers["image"].astype(str)).to_numpy()
    check("features", "reference", numbers["reference"] != half, "expected the half in scenes.csv")


def _check_whole(tables: SceneTables, folder: Path) -> None:
    """Raise EvidenceError unless every setting covers every scene measured under it, and each of its boxes."""
    about = tables.about
    if len(tables.boxes) != about.boxes:
        raise EvidenceError(f"{folder / 'boxes.parquet'}: has {len(tables.boxes)} rows, but about.yaml says {about.boxes}")
    itself = int((tables.scenes["kind"] == IMAGE).sum())
    for name in ("outcomes", "images", "answers", "features"):
        made, images = (about.boxes, about.image_boxes) if name == "outcomes" else (about.images - itself, itself)
        table = SceneTables.tables()[name]
        setting = [column for column in table.key if column not in ("image", "box")]
        for words, condition, count in _counts(getattr(tables, name), setting):
            wanted = made + images * (condition in about.conditions and about.conditions[condition].kind == WORLD)
            if count != wanted:
                raise EvidenceError(f"{folder / table.file}: {words}: has {count} rows, expected {wanted}")
    for condition in (CLEAN, *about.conditions):
        if condition not in set(tables.answers["condition"]):
            raise EvidenceError(f"{folder / 'answers.parquet'}: condition: has no row of '{condition}', which about.yaml lists")


def _counts(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[str, str, int]]:
    for values, count in rows.groupby(keys, observed=True).size().items():
        setting = dict(zip(keys, map(str, values if isinstance(values, tuple) else (values,)), strict=True))
        yield " ".join(setting.values()), setting["condition"], int(count)


_FEATURES_MADE_BY = "python -m campaigns.detections features"


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

        reference: only reference images, or only those of production. Raises EvidenceError that lists what there is.
        """
        rows = rows_with(self.rows, FEATURES_TABLE.file, condition=condition, severity=severity)
        rows = rows if reference is None else rows[rows["reference"] == reference]
        return rows.set_index("image")[NUMBERS]

    def distances(self, condition: str, severity: int, reference: bool | None = None) -> pd.Series:
        """Return the distance of each image from the middle of the clean reference images, by name of the image.

        In standard deviations of these: with components that are uncorrelated, it is the distance of Mahalanobis.
        """
        middle: NDArray[np.float64] = self.of(CLEAN, 0, reference=True).to_numpy(float).mean(axis=0)
        numbers = self.of(condition, severity, reference)
        return pd.Series(np.linalg.norm(numbers.to_numpy(float) - middle, axis=1), numbers.index)


def load_features(folder: Path = FEATURES) -> Features:
    """Read the features; raises EvidenceError with the file, the column and the fault."""
    about = read_yaml(folder / "about.yaml", TypeAdapter(FeaturesAbout), _FEATURES_MADE_BY)
    rows = FEATURES_TABLE.read(folder, _FEATURES_MADE_BY).astype({"condition": str, "image": str})
    _check(rows, about, folder / FEATURES_TABLE.file)
    return Features(about, rows)


def _check(rows: pd.DataFrame, about: FeaturesAbout, path: Path) -> None:
    duplicates = rows.index[rows.duplicated(["condition", "severity", "image"])]
    if len(duplicates):
        row = rows.loc[duplicates[0]]
        raise EvidenceError(f"{path}: row {duplicates[0]}: {row['condition']}:{row['severity']} holds {row['image']} twice")
    for (condition, severity), images in rows.groupby(["condition", "severity"]):
        if len(images) != about.images or images["reference"].sum() != about.reference_images:
            raise EvidenceError(
                f"{path}: {condition}:{severity}: has {len(images)} images, {int(images['reference'].sum())} of them of the "
                f"reference, but about.yaml says {about.images} and {about.reference_images}"
            )
    if CLEAN not in set(rows["condition"]):
        raise EvidenceError(f"{path}: condition: holds no row of '{CLEAN}', the reference of the others")
