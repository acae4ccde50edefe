"""Features of images: what a trained network makes of each image of the detection tables under each condition.

    about.yaml         which layer of which network, how it was reduced, and the licences
    features.parquet   one row per condition, severity and image: whether it is a reference image, and the columns `NUMBERS`

A feature of a layer is its mean over all places; principal components of the clean reference images reduce them to `NUMBERS`,
and each is divided by its standard deviation there. So a distance counts standard deviations of the reference images, and it
tells how unlike them an image is. Half of the images are the reference; the others are production and took no part in the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from simulator.errors import InputError
from simulator.evidence.detections import CLEAN
from simulator.evidence.files import read_table, read_yaml
from simulator.paths import FEATURES

_MADE_BY = "casesim detect-features"

NUMBERS = [f"f{number:02d}" for number in range(16)]
COLUMNS = ["condition", "severity", "image", "reference", *NUMBERS]


class FeatureError(InputError):
    """A table of features cannot be used; the message says which and why."""


class FeaturesAbout(BaseModel):
    """Where the features come from.

    explained: the part of the layer's variance on clean reference images that the numbers keep
    detections_sha256: hash of the detection tables' `boxes.parquet`, which tells of the same images
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: str
    processor: str
    system: str
    libraries: dict[str, str]
    dataset: str
    attribution: str
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
        """The numbers of each image under a condition, (images, 16), by name of the image.

        reference: only reference images, or only those of production. Raises FeatureError that lists what there is.
        """
        left = self.rows
        for column, value in (("condition", condition), ("severity", severity)):
            found = left[left[column] == value]
            if found.empty:
                there = ", ".join(map(str, left[column].drop_duplicates()))
                raise FeatureError(f"features.parquet: {column}: holds no '{value}'; there are: {there}")
            left = found
        kept = left if reference is None else left[left["reference"] == reference]
        return kept.set_index("image")[NUMBERS]

    def distances(self, condition: str, severity: int, reference: bool | None = None) -> pd.Series:
        """How far each image is from the middle of the clean reference images, by name of the image.

        In standard deviations of these: with components that are uncorrelated, it is the distance of Mahalanobis.
        """
        middle: NDArray[np.float64] = self.of(CLEAN, 0, reference=True).to_numpy(float).mean(axis=0)
        found = self.of(condition, severity, reference)
        return pd.Series(np.linalg.norm(found.to_numpy(float) - middle, axis=1), found.index)


def load_features(folder: Path = FEATURES) -> Features:
    """Read them; raises FeatureError with the file, the column and what is wrong."""
    told = read_yaml(folder / "about.yaml", TypeAdapter(FeaturesAbout), FeatureError, _MADE_BY)
    path = folder / "features.parquet"
    rows = read_table(path, COLUMNS, FeatureError, _MADE_BY).astype({"condition": str, "image": str})
    _check(rows, told, path)
    return Features(told, rows)


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
        raise FeatureError(f"{path}: condition: holds no row of '{CLEAN}', with which the others are compared")
