"""A head fitted again on other data: the photos that are labelled next, by whom, and how they are split; no torch is needed.

Patients, folds and photos are those of the committed score tables, and so is the recipe of the head.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from simulator.arrays import Bools, Floats, Ints
from simulator.datalab.lab_evidence import lab_about, load_features, reader_table
from simulator.datalab.label_noise import Panel, drawn_labels
from simulator.errors import InputError, suggest
from simulator.evidence.linear_head import new_head
from simulator.evidence.score_tables import score_rows

Selection = Literal["random", "uncertainty", "diversity", "rare"]
SELECTIONS: tuple[Selection, ...] = get_args(Selection)

#: Photos that are drawn at random before a head can choose, and rounds in which the rest is chosen.
START, ROUNDS = 48, 5
#: Principal components in which photos are far from each other.
_NUMBERS = 32


def chosen(
    selection: Selection, features: Floats, labels: Bools, melanoma: Bools, count: int, rng: np.random.Generator
) -> Ints:
    """Return `count` photos of a pool, as places in it; labels of photos that are not chosen are not looked at.

    features (n, numbers); labels: malignant, as the panel says; melanoma: those that it calls a melanoma
    All selections begin with the same random photos, under the same generator.
    """
    order = rng.permutation(len(features))
    if selection == "random" or count <= START:
        return order[:count]
    if selection == "diversity":
        return _far_apart(features, order[:START], count)
    wanted = melanoma if selection == "rare" else labels
    return _by_rounds(features, labels, wanted, selection, order, count)


def _by_rounds(features: Floats, labels: Bools, wanted: Bools, selection: Selection, order: Ints, count: int) -> Ints:
    taken = order[:START]
    for size in np.linspace(START, count, ROUNDS + 1).round().astype(int)[1:]:
        others = np.setdiff1d(order, taken, assume_unique=True)
        target = wanted if wanted[taken].any() and not wanted[taken].all() else labels
        if not 0 < target[taken].sum() < len(taken):
            taken = np.concatenate([taken, others[: size - len(taken)]])
            continue
        score = new_head().fit(features[taken], target[taken]).decision_function(features[others])
        # With few photos the head hardly moves from the share of positives, so that a cut at one half says nothing.
        cut = np.quantile(score, 1 - target[taken].mean())
        first = np.argsort(-score if selection == "rare" else np.abs(score - cut), kind="stable")
        taken = np.concatenate([taken, others[first[: size - len(taken)]]])
    return taken


def _far_apart(features: Floats, start: Ints, count: int) -> Ints:
    """Add the photo that is farthest from all taken ones, again and again (k-center: Sener and Savarese 2018)."""
    standard = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    spread, vectors = np.linalg.eigh(standard @ standard.T)
    at = vectors[:, -_NUMBERS:] * np.sqrt(np.maximum(spread[-_NUMBERS:], 0))
    taken = list(start)
    nearest = np.min([((at - at[photo]) ** 2).sum(axis=1) for photo in taken], axis=0)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((at - at[taken[-1]]) ** 2).sum(axis=1))
    return np.array(taken)


Texts = NDArray[np.object_]

#: The committed table whose photos, patients and folds the lab shares.
TABLE = "pad_ufes20.efficientnet_lite0.fp32"
#: Fewer labelled photos leave a fold without a class.
LEAST_PHOTOS = 40

#: All photos count alike; each class counts as much as the other; each diagnosis counts as much as any other.
ClassWeights = Literal["none", "class", "diagnosis"]
Split = Literal["patient", "photo"]


class LabError(InputError):
    """The lab cannot do what was asked; the message says why."""


@dataclass(frozen=True)
class LabPhotos:
    """The labelled photos, a row each: names, patients, diagnoses, and the fold that tests each."""

    items: Texts
    patients: Texts
    diagnoses: Texts
    malignant: Bools
    folds: Ints

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def photo_folds(self) -> Ints:
        """Return folds that split photos and not patients: a mistake, since a head sees other photos of a tested patient."""
        folds = np.zeros(len(self), np.int64)
        splitter = StratifiedKFold(int(self.folds.max()) + 1, shuffle=True, random_state=0)
        for fold, (_, tested) in enumerate(splitter.split(self.items, self.malignant)):
            folds[tested] = fold
        return folds


@lru_cache(maxsize=1)
def lab_photos() -> LabPhotos:
    """Return the photos of the committed tables; raises EvidenceError."""
    rows = score_rows(TABLE)
    items, patients, diagnoses = (rows[name].to_numpy(object) for name in ("item", "patient", "diagnosis"))
    return LabPhotos(items, patients, diagnoses, rows["label"].to_numpy(np.int64) == 1, rows["fold"].to_numpy(np.int64))


@dataclass(frozen=True)
class LabRequest:
    """Choices of the lab.

    photos: labelled photos, of all that there are
    views: whether the mean of four views of a photo is scored
    seed: of the draw of photos and of the readers' errors
    """

    backbone: str = "efficientnet_lite0"
    views: bool = False
    photos: int = 1071
    panel: Panel = field(default_factory=Panel)
    selection: Selection = "random"
    weights: ClassWeights = "none"
    split: Split = "patient"
    seed: int = 0

    def check(self, there: int) -> None:
        """Raise LabError for a choice that cannot be."""
        names = [backbone.name for backbone in lab_about().backbones]
        if self.backbone not in names:
            raise LabError(f"backbone: there are no features of '{self.backbone}'; {suggest(self.backbone, names)}")
        if not LEAST_PHOTOS <= self.photos <= there:
            raise LabError(f"photos: {self.photos:,} is out of range; from {LEAST_PHOTOS} to {there:,} photos can be labelled")


@dataclass(frozen=True)
class LabScores:
    """Out-of-fold scores of every photo, (photos,), and the training labels that were wrong, as a share of those used."""

    request: LabRequest
    scores: Floats
    wrong: float


def refit(request: LabRequest) -> LabScores:
    """Fit the head fold by fold and score the photos that it has not seen.

    Labels of tested photos are always the proven ones. Raises LabError or EvidenceError.
    """
    photos = lab_photos()
    request.check(len(photos))
    features = load_features(request.backbone)
    scored = load_features(request.backbone, views=True) if request.views else features
    labels = drawn_labels(request.panel, reader_table(), photos.diagnoses, np.random.default_rng([request.seed, 1]))
    folds = photos.folds if request.split == "patient" else photos.photo_folds
    training = Training(features, labels, photos.diagnoses, folds, request.weights)
    scores, used = training.out_of_fold(scored, lambda pool, fold: _selected(request, features, labels, pool, fold))
    wrong = np.concatenate([labels[places] != photos.malignant[places] for places in used])
    return LabScores(request, scores, float(wrong.mean()))


@dataclass(frozen=True)
class Training:
    """Photos to learn from: features (photos, numbers), labels that a panel gave, diagnoses, and the fold that tests each."""

    features: Floats
    labels: Bools
    diagnoses: Texts
    folds: Ints
    weights: ClassWeights = "none"

    def out_of_fold(self, scored: Floats, select: Callable[[Ints, int], Ints]) -> tuple[Floats, list[Ints]]:
        """Fit a head for each fold and score the photos that it has not seen; return the scores, and the photos used by fold.

        scored: features that the head scores, as many as there are photos
        select: from the photos outside a fold, and its number, to places of those that are labelled
        """
        scores, used = np.empty(len(self.folds)), []
        for fold in range(int(self.folds.max()) + 1):
            pool, tested = np.flatnonzero(self.folds != fold), self.folds == fold
            used.append(pool[select(pool, fold)])
            scores[tested] = self.head(used[-1]).predict_proba(scored[tested])[:, 1]
        return scores, used

    def head(self, used: Ints) -> Pipeline:
        """Return the head fitted on some of the photos."""
        labels = self.labels[used]
        groups = {"none": None, "class": labels.astype(str), "diagnosis": self.diagnoses[used].astype(str)}[self.weights]
        weight = None if groups is None else compute_sample_weight("balanced", groups)
        return new_head().fit(self.features[used], labels, logisticregression__sample_weight=weight)


def _selected(request: LabRequest, features: Floats, labels: Bools, pool: Ints, fold: int) -> Ints:
    """Return which photos of the pool are labelled; in each fold as large a share as of all photos."""
    count = round(len(pool) * request.photos / len(lab_photos()))
    if count >= len(pool):
        return np.arange(len(pool))
    rng = np.random.default_rng([request.seed, 2, fold])
    melanoma = lab_photos().diagnoses[pool] == "MEL"
    return chosen(request.selection, features[pool], labels[pool], melanoma & labels[pool], count, rng)
