"""Answers to spoiled photos and to photos that show no skin, in `assets/datalab/`.

    spoiled.yaml   origin, conditions, sets of foreign photos
    spoiled.npz    in half precision, photos in the order of the score tables:
        logits                (precisions, conditions, photos)   of malignancy, by a network that saw neither photo nor patient
        sharpness, light      (conditions, photos)   natural logarithm of the variance of the Laplacian; mean luma, 0 to 255
        mahalanobis, neighbours   (conditions, photos)   distance to the clean photos of the other folds, in features
        foreign.<the same>    (folds, photos), or (photos,) for sharpness and light
    spoiled_networks.yaml, spoiled_networks.npz   origin, and logits (conditions, photos) of each trained network at a precision

No photo stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceRecord, MeasuredOrigin, read_evidence, read_yaml
from simulator.evidence.lab_evidence import LabEvidenceError
from simulator.paths import DATALAB

Floats = NDArray[np.float64]

_MADE_BY, _TRAINED_BY = "python -m campaigns.datalab spoiled", "python -m campaigns.compression spoiled"
CLEAN = "clean"
#: Detectors of foreign photos.
DETECTORS = ("mahalanobis", "neighbours")


class SpoiledCondition(EvidenceRecord):
    """A kind of damage at a severity; 0 for photos as taken. means: meaning of `strength`, with its unit."""

    name: str
    label: str
    severity: int = Field(ge=0, le=3)
    strength: float
    means: str

    @property
    def key(self) -> str:
        return f"{self.name}.{self.severity}"


class ForeignSet(EvidenceRecord):
    """A set of photos that show no skin lesion."""

    name: str
    label: str
    photos: int = Field(ge=2)
    attribution: str


class SpoiledAbout(MeasuredOrigin):
    """Origin of the answers."""

    network: str
    photos: int = Field(ge=2)
    folds: int = Field(ge=2)
    precisions: list[str]
    conditions: list[SpoiledCondition]
    foreign: list[ForeignSet]
    notes: list[str]

    def place(self, condition: str) -> int:
        """Return the number of a condition, such as `blur.2`; raises LabEvidenceError that lists them."""
        names = [one.key for one in self.conditions]
        if condition not in names:
            raise LabEvidenceError(f"'{condition}' was not measured; {suggest(condition, names)}")
        return names.index(condition)


class TrainedAbout(MeasuredOrigin):
    """Origin of the answers of trained networks. networks: with a precision, such as `efficientnet_lite0_finetuned.fp32`"""

    networks: list[str]
    notes: list[str]


@dataclass(frozen=True)
class PhotoAnswers:
    """Answers to photos, the last axis of each array.

    logits: of malignancy, by precision and condition; of foreign photos by fold, at fp32 alone
    sharpness, light: by condition; of foreign photos one each
    distances: by detector, the condition or the fold
    """

    logits: Floats
    sharpness: Floats
    light: Floats
    distances: Mapping[str, Floats]


@dataclass(frozen=True)
class SpoiledPhotos:
    """Answers to the labelled photos, spoiled, and to foreign ones."""

    about: SpoiledAbout
    skin: PhotoAnswers
    foreign: PhotoAnswers

    def of_set(self, name: str) -> slice:
        """Return the places of a set among the foreign photos."""
        ends = np.cumsum([0, *(one.photos for one in self.about.foreign)])
        place = [one.name for one in self.about.foreign].index(name)
        return slice(int(ends[place]), int(ends[place + 1]))


def spoiled_files(folder: Path = DATALAB) -> dict[str, Path]:
    """Return the files by names that are equal on every machine."""
    return {f"datalab/{name}": folder / name for name in ("spoiled.yaml", "spoiled.npz")}


def trained_files(folder: Path = DATALAB) -> dict[str, Path]:
    """Return the files of the trained networks, likewise."""
    return {f"datalab/{name}": folder / name for name in ("spoiled_networks.yaml", "spoiled_networks.npz")}


@lru_cache(maxsize=2)
def load_spoiled(folder: Path = DATALAB) -> SpoiledPhotos:
    """Return the answers to spoiled and to foreign photos; raises LabEvidenceError."""
    about = read_yaml(folder / "spoiled.yaml", TypeAdapter(SpoiledAbout), LabEvidenceError, _MADE_BY)
    path = folder / "spoiled.npz"
    arrays = _arrays(path, _MADE_BY)
    _check(path, arrays, _shapes(about))
    skin, foreign = (_answers(arrays, prefix) for prefix in ("", "foreign."))
    return SpoiledPhotos(about, skin, foreign)


@lru_cache(maxsize=2)
def load_trained(folder: Path = DATALAB) -> Mapping[str, Floats]:
    """Return the logits (conditions, photos) of each trained network at a precision; raises LabEvidenceError."""
    about = read_yaml(folder / "spoiled_networks.yaml", TypeAdapter(TrainedAbout), LabEvidenceError, _TRAINED_BY)
    path, photos = folder / "spoiled_networks.npz", load_spoiled(folder).about
    arrays = _arrays(path, _TRAINED_BY)
    _check(path, arrays, dict.fromkeys(about.networks, (len(photos.conditions), photos.photos)))
    return arrays


def spoiled_logits(model: str, precision: str) -> Floats:
    """Return the logits of a network in each condition, (conditions, photos).

    Without a measurement they are those of the network at fp32, or else of the frozen Lite0.
    """
    trained, frozen = load_trained(), load_spoiled()
    for name in (f"{model}.{precision}", f"{model}.fp32"):
        if name in trained:
            return trained[name]
    measured = frozen.about.precisions
    logits: Floats = frozen.skin.logits[measured.index(precision) if precision in measured else 0]
    return logits


def _arrays(path: Path, made_by: str) -> dict[str, Floats]:
    try:
        with np.load(BytesIO(read_evidence(path, LabEvidenceError, made_by)), allow_pickle=False) as found:
            return {name: np.asarray(found[name], np.float64) for name in found.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise LabEvidenceError(f"{path}: cannot be read: {error}") from error


def _shapes(about: SpoiledAbout) -> dict[str, tuple[int, ...]]:
    by_condition, others = (len(about.conditions), about.photos), sum(one.photos for one in about.foreign)
    shapes: dict[str, tuple[int, ...]] = {"logits": (len(about.precisions), *by_condition)}
    shapes |= dict.fromkeys(("sharpness", "light", *DETECTORS), by_condition)
    shapes |= {f"foreign.{name}": (about.folds, others) for name in ("logits", *DETECTORS)}
    return shapes | {f"foreign.{name}": (others,) for name in ("sharpness", "light")}


def _check(path: Path, arrays: Mapping[str, Floats], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise LabEvidenceError for an array that is missing, or whose shape or values are not as the yaml file says."""
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            got = arrays[name].shape if name in arrays else "no such array"
            raise LabEvidenceError(f"{path}: '{name}' should hold finite numbers of shape {shape}; got {got}")


def _answers(arrays: Mapping[str, Floats], prefix: str) -> PhotoAnswers:
    logits, sharpness, light = (arrays[prefix + name] for name in ("logits", "sharpness", "light"))
    return PhotoAnswers(logits, sharpness, light, {name: arrays[prefix + name] for name in DETECTORS})
