"""Checks of photos before a model scores them: each gives a photo a value, higher for a fine one than for a faulty one.

A case assumes the area under a binormal curve, or names a check that was measured on spoiled and foreign photos.

Answers to spoiled photos and to photos that show no skin, in `assets/datalab/`.

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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import inf
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from scipy.special import expit, logit, ndtr, ndtri

from simulator.arrays import Bools, Floats
from simulator.errors import suggest
from simulator.evidence.evidence_files import EvidenceError, EvidenceRecord, MeasuredOrigin, read_evidence, read_yaml
from simulator.evidence.score_tables import area_under, highest_reached, lowest_above, score_rows
from simulator.paths import DATALAB
from simulator.phrases import phrase

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
        """Return the number of a condition, such as `blur.2`; raises EvidenceError that lists them."""
        names = [condition.key for condition in self.conditions]
        if condition not in names:
            raise EvidenceError(f"'{condition}' was not measured; {suggest(condition, names)}")
        return names.index(condition)


class TrainedAbout(MeasuredOrigin):
    """Origin of the answers of trained networks. networks: with a precision, such as `efficientnet_lite0_finetuned.fp32`"""

    networks: list[str]
    notes: list[str]


@dataclass(frozen=True)
class SpoiledPhotos:
    """Answers to labelled photos, spoiled, and to foreign ones: the arrays of the file by name; photos are the last axis."""

    about: SpoiledAbout
    skin: Mapping[str, Floats]
    foreign: Mapping[str, Floats]


def spoiled_files(trained: bool = False) -> dict[str, Path]:
    """Return the files by names that are equal on every machine. trained: those of the trained networks too"""
    names = ("spoiled.yaml", "spoiled.npz", *(("spoiled_networks.yaml", "spoiled_networks.npz") if trained else ()))
    return {f"datalab/{name}": DATALAB / name for name in names}


@lru_cache(maxsize=2)
def load_spoiled(folder: Path = DATALAB) -> SpoiledPhotos:
    """Return the answers to spoiled and to foreign photos; raises EvidenceError."""
    about = read_yaml(folder / "spoiled.yaml", TypeAdapter(SpoiledAbout), _MADE_BY)
    path = folder / "spoiled.npz"
    arrays = _arrays(path, _MADE_BY)
    _check(path, arrays, _shapes(about))
    foreign = {name.removeprefix("foreign."): array for name, array in arrays.items() if name.startswith("foreign.")}
    return SpoiledPhotos(about, arrays, foreign)


@lru_cache(maxsize=2)
def load_trained(folder: Path = DATALAB) -> Mapping[str, Floats]:
    """Return the logits (conditions, photos) of each trained network at a precision; raises EvidenceError."""
    about = read_yaml(folder / "spoiled_networks.yaml", TypeAdapter(TrainedAbout), _TRAINED_BY)
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
    logits: Floats = frozen.skin["logits"][measured.index(precision) if precision in measured else 0]
    return logits


def _arrays(path: Path, made_by: str) -> dict[str, Floats]:
    try:
        with np.load(BytesIO(read_evidence(path, made_by)), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float64) for name in arrays.files}
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise EvidenceError(f"{path}: cannot be read: {error}") from error


def _shapes(about: SpoiledAbout) -> dict[str, tuple[int, ...]]:
    by_condition, others = (len(about.conditions), about.photos), sum(photos.photos for photos in about.foreign)
    shapes: dict[str, tuple[int, ...]] = {"logits": (len(about.precisions), *by_condition)}
    shapes |= dict.fromkeys(("sharpness", "light", *DETECTORS), by_condition)
    shapes |= {f"foreign.{name}": (about.folds, others) for name in ("logits", *DETECTORS)}
    return shapes | {f"foreign.{name}": (others,) for name in ("sharpness", "light")}


def _check(path: Path, arrays: Mapping[str, Floats], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise EvidenceError for an array that is missing, or whose shape or values are not as the yaml file says."""
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            got = arrays[name].shape if name in arrays else "no such array"
            raise EvidenceError(f"{path}: '{name}' should hold finite numbers of shape {shape}; got {got}")


#: The table whose photos were spoiled: folds, patients and labels of the photos.
SPOILED_TABLE = "pad_ufes20.efficientnet_lite0.fp32"
#: Conditions whose photos are not worth scoring, by the definition of `campaigns.datalab.spoiled_studies`.
NOT_WORTH_SCORING = ("blur.2", "blur.3", "jpeg.2", "jpeg.3", "exposure.3")
_EDGE = 1e-6


@dataclass(frozen=True)
class BinormalCheck:
    """Values that are standard normal for faulty photos, and `separation` higher for fine ones."""

    separation: float

    @classmethod
    def of_auc(cls, auc: float) -> BinormalCheck:
        """Return the check with this area under its curve. At an AUC of 1 the separation is large, not infinite."""
        return cls(float(np.sqrt(2) * ndtri(np.clip(auc, 1e-9, 1 - 1e-9))))

    def values(self, normal: NDArray[np.float32], fine: Bools) -> NDArray[np.float32]:
        """Return the value of each photo from a draw of a standard normal distribution; fine: whether it has no fault."""
        return np.asarray(normal + self.separation * fine, np.float32)

    def threshold_at(self, share: float) -> float:
        """Return the highest threshold that this share of the fine photos reaches; -inf at 1."""
        return -inf if share >= 1 else self.separation - float(ndtri(share))

    def threshold_above(self, share: float) -> float:
        """Return the lowest threshold that this share of the faulty photos stays below; inf at 1."""
        return float(ndtri(share))

    def passing(self, threshold: float, fine: bool) -> float:
        """Return the share of the fine or of the faulty photos that reach a threshold."""
        return float(ndtr(self.separation * fine - threshold))


@dataclass(frozen=True)
class MeasuredCheck:
    """Values that were measured, ascending: of fine photos and of faulty ones. source: what was measured, on which photos."""

    fine: NDArray[np.float32]
    faulty: NDArray[np.float32]
    source: str = ""

    @classmethod
    def of(cls, fine: Floats, faulty: Floats, source: str = "") -> MeasuredCheck:
        of_fine, of_faulty = (np.sort(np.asarray(values, np.float32).ravel()) for values in (fine, faulty))
        return cls(of_fine, of_faulty, source)

    @property
    def auc(self) -> float:
        """The area under the curve of fine photos against faulty ones."""
        return area_under(self.fine, self.faulty)

    @property
    def words(self) -> str:
        return phrase("photo_checks.auc", auc=self.auc, fine=len(self.fine), faulty=len(self.faulty))

    def values(self, normal: NDArray[np.float32], fine: Bools) -> NDArray[np.float32]:
        quantile = ndtr(np.asarray(normal, np.float64))
        return np.where(fine, *(_at(values, quantile) for values in (self.fine, self.faulty)))

    def threshold_at(self, share: float) -> float:
        return highest_reached(self.fine, share)

    def threshold_above(self, share: float) -> float:
        return lowest_above(self.faulty, share)

    def passing(self, threshold: float, fine: bool) -> float:
        return float(np.mean((self.fine if fine else self.faulty) >= np.float32(threshold)))


def _at(ascending: NDArray[Any], quantile: Floats) -> NDArray[Any]:
    return ascending[np.minimum((quantile * len(ascending)).astype(np.intp), len(ascending) - 1)]


#: A check of photos. Both kinds have the same methods.
PhotoCheck = BinormalCheck | MeasuredCheck


def photo_folds() -> NDArray[np.int64]:
    """Return the fold of each photo that was spoiled, shape (photos,)."""
    return score_rows(SPOILED_TABLE)["fold"].to_numpy(np.int64)


def sharp_and_lit(answers: Mapping[str, Floats], clean: Mapping[str, Floats], folds: NDArray[np.int64]) -> Floats:
    """Return the value of the check of sharpness and light, of labelled photos by condition: (conditions, photos).

    The lower of two numbers, each in standard deviations of the clean photos of the other folds: how far the logarithm of the
    variance of the Laplacian lies above their mean, and how far the light lies from theirs, with a minus.
    """
    values = np.empty(answers["sharpness"].shape)
    for fold in np.unique(folds):
        tested, learnt = folds == fold, folds != fold
        values[..., tested] = _lower(answers, clean, learnt, tested)
    return values


def sharp_and_lit_foreign(spoiled: SpoiledPhotos) -> Floats:
    """Return the value of that check of each foreign photo, beside all clean photos, shape (photos,)."""
    everyone = np.ones(spoiled.about.photos, bool)
    return _lower(spoiled.foreign, spoiled.skin, everyone, slice(None))


def _lower(answers: Mapping[str, Floats], clean: Mapping[str, Floats], learnt: Bools, asked: Bools | slice) -> Floats:
    sharp, lit = (
        (answers[name][..., asked] - clean[name][0, learnt].mean()) / clean[name][0, learnt].std()
        for name in ("sharpness", "light")
    )
    return np.asarray(np.minimum(sharp, -np.abs(lit)))


def _sharpness_and_light(spoiled: SpoiledPhotos) -> tuple[Floats, Floats]:
    values = sharp_and_lit(spoiled.skin, spoiled.skin, photo_folds())
    return values[0], values[[spoiled.about.place(name) for name in NOT_WORTH_SCORING]]


def _familiar(detector: str) -> Callable[[SpoiledPhotos], tuple[Floats, Floats]]:
    return lambda spoiled: (-spoiled.skin[detector][0], -spoiled.foreign[detector])


@dataclass(frozen=True)
class MeasuredCheckKind:
    """A check that was measured. fault: the fault that it looks for, as a gate's `by` names it; values: of fine and faulty."""

    fault: str
    words: str
    values: Callable[[SpoiledPhotos], tuple[Floats, Floats]]


_FEATURES = "{} in frozen features, on photos of skin, of objects and of groceries"
#: The checks that a case may name.
MEASURED_CHECKS = {
    "sharpness_and_light": MeasuredCheckKind(
        "quality", "variance of the Laplacian and mean light, on photos of skin, as taken and spoiled", _sharpness_and_light
    ),
    "mahalanobis": MeasuredCheckKind("ood", _FEATURES.format("Mahalanobis distance"), _familiar("mahalanobis")),
    "neighbours": MeasuredCheckKind("ood", _FEATURES.format("distance to the tenth neighbour"), _familiar("neighbours")),
}


@lru_cache(maxsize=8)
def measured_check(fault: str, name: str) -> MeasuredCheck:
    """Return a check that looks for this fault; raises EvidenceError that lists them."""
    kinds = {other: kind for other, kind in MEASURED_CHECKS.items() if kind.fault == fault}
    if name not in kinds:
        raise EvidenceError(f"'{name}' is no measured check by {fault}; {suggest(name, kinds)}")
    spoiled = load_spoiled()
    source = f"{kinds[name].words}; casesim lab, {spoiled.about.attribution}, {spoiled.about.date}"
    return MeasuredCheck.of(*kinds[name].values(spoiled), source)


def check_of(fault: str, auc: float | None, measured: str | None) -> PhotoCheck:
    """Return the check that a case assumes by its AUC, or names; raises EvidenceError."""
    if measured is not None:
        return measured_check(fault, measured)
    assert auc is not None
    return BinormalCheck.of_auc(auc)


@lru_cache(maxsize=16)
def score_changes(model: str, precision: str) -> tuple[Floats, Floats]:
    """Return what each condition adds to a photo's logit, (conditions, positives) and (conditions, negatives), as in a table.

    A network that was not measured gets the changes that `spoiled_logits` stands in.
    """
    positive, logits = score_rows(SPOILED_TABLE)["label"].to_numpy() == 1, spoiled_logits(model, precision)
    changes = logits - logits[:1]
    return changes[:, positive], changes[:, ~positive]


@lru_cache(maxsize=1)
def foreign_ranks() -> Floats:
    """Return the share of the labelled negatives that score below each foreign photo, ascending, by the measured network.

    A photo counts once for the network of each fold.
    """
    spoiled, positive = load_spoiled(), score_rows(SPOILED_TABLE)["label"].to_numpy() == 1
    negatives = np.sort(spoiled.skin["logits"][0, 0][~positive])
    return np.sort(np.searchsorted(negatives, spoiled.foreign["logits"].ravel()) / len(negatives))


def scores_by_rank(negatives: Floats, ranks: Floats) -> Floats:
    """Return the scores that have these shares of the negatives below them; the highest of all for a share of 1."""
    return _at(np.sort(negatives), ranks)


def changed_scores(scores: Floats, added: Floats) -> Floats:
    """Return scores with a number added to the logit of each; a score of 0 or 1 has no finite one, and is taken in a little."""
    return np.where(added == 0, scores, expit(logit(np.clip(scores, _EDGE, 1 - _EDGE)) + added))
