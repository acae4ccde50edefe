"""Checks of photos before a model scores them: each gives a photo a value, higher for a fine one than for a faulty one.

A case assumes the area under a binormal curve, or names a check that was measured on spoiled and foreign photos.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri

from simulator.errors import suggest
from simulator.evidence.lab_evidence import LabEvidenceError
from simulator.evidence.score_tables import score_rows
from simulator.evidence.spoiled_photos import PhotoAnswers, SpoiledPhotos, load_spoiled, spoiled_logits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: The table whose photos were spoiled: folds, patients and labels of the photos.
SPOILED_TABLE = "pad_ufes20.efficientnet_lite0.fp32"
#: Conditions whose photos are not worth scoring, by the definition of `simulator.datalab.spoiled_studies`.
NOT_WORTH_SCORING = ("blur.2", "blur.3", "jpeg.2", "jpeg.3", "exposure.3")
_SLACK = 1e-9
_EDGE = 1e-6


class PhotoCheck(Protocol):
    """Values of fine and of faulty photos."""

    def values(self, normal: NDArray[np.float32], fine: Bools) -> NDArray[np.float32]:
        """Return the value of each photo from a draw of a standard normal distribution; fine: whether it has no fault."""

    def threshold_at(self, share: float) -> float:
        """Return the highest threshold that this share of the fine photos reaches; -inf at 1."""

    def threshold_above(self, share: float) -> float:
        """Return the lowest threshold that this share of the faulty photos stays below; inf at 1."""

    def passing(self, threshold: float, fine: bool) -> float:
        """Return the share of the fine or of the faulty photos that reach a threshold."""


@dataclass(frozen=True)
class BinormalCheck:
    """Values that are standard normal for faulty photos, and `separation` higher for fine ones."""

    separation: float

    @classmethod
    def of_auc(cls, auc: float) -> BinormalCheck:
        """Return the check with this area under its curve. At an AUC of 1 the separation is large, not infinite."""
        return cls(float(np.sqrt(2) * ndtri(np.clip(auc, 1e-9, 1 - 1e-9))))

    def values(self, normal: NDArray[np.float32], fine: Bools) -> NDArray[np.float32]:
        return np.asarray(normal + self.separation * fine, np.float32)

    def threshold_at(self, share: float) -> float:
        return -inf if share >= 1 else self.separation - float(ndtri(share))

    def threshold_above(self, share: float) -> float:
        return float(ndtri(share))

    def passing(self, threshold: float, fine: bool) -> float:
        return float(ndtr(self.separation * fine - threshold))


@dataclass(frozen=True)
class MeasuredCheck:
    """Values that were measured, ascending: of fine photos and of faulty ones. source: what was measured, on which photos."""

    fine: NDArray[np.float32]
    faulty: NDArray[np.float32]
    source: str = ""

    @classmethod
    def of(cls, fine: Floats, faulty: Floats, source: str = "") -> MeasuredCheck:
        one, other = (np.sort(np.asarray(values, np.float32).ravel()) for values in (fine, faulty))
        return cls(one, other, source)

    @property
    def auc(self) -> float:
        """Return the share of pairs whose fine photo has the higher value; a tie counts half."""
        twice = sum(np.searchsorted(self.faulty, self.fine, side).sum() for side in ("left", "right"))
        return float(twice / 2 / (len(self.fine) * len(self.faulty)))

    @property
    def words(self) -> str:
        return f"AUC {self.auc:.3f}, {len(self.fine):,} values of fine photos and {len(self.faulty):,} of faulty ones"

    def values(self, normal: NDArray[np.float32], fine: Bools) -> NDArray[np.float32]:
        quantile = ndtr(np.asarray(normal, np.float64))
        return np.where(fine, *(_at(values, quantile) for values in (self.fine, self.faulty)))

    def threshold_at(self, share: float) -> float:
        needed = ceil(share * len(self.fine) - _SLACK)
        return -inf if share >= 1 else inf if needed < 1 else float(self.fine[len(self.fine) - needed])

    def threshold_above(self, share: float) -> float:
        needed = ceil(share * len(self.faulty) - _SLACK)
        return inf if share >= 1 else -inf if needed < 1 else float(np.nextafter(self.faulty[needed - 1], np.float32(inf)))

    def passing(self, threshold: float, fine: bool) -> float:
        return float(np.mean((self.fine if fine else self.faulty) >= np.float32(threshold)))


def _at(ascending: NDArray[Any], quantile: Floats) -> NDArray[Any]:
    return ascending[np.minimum((quantile * len(ascending)).astype(np.intp), len(ascending) - 1)]


def photo_folds() -> NDArray[np.int64]:
    """Return the fold of each photo that was spoiled, shape (photos,)."""
    return score_rows(SPOILED_TABLE)["fold"].to_numpy(np.int64)


def sharp_and_lit(answers: PhotoAnswers, clean: PhotoAnswers, folds: NDArray[np.int64]) -> Floats:
    """Return the value of the check of sharpness and light, of labelled photos by condition: (conditions, photos).

    The lower of two numbers, each in standard deviations of the clean photos of the other folds: how far the logarithm of the
    variance of the Laplacian lies above their mean, and how far the light lies from theirs, with a minus.
    """
    found = np.empty(answers.sharpness.shape)
    for fold in np.unique(folds):
        tested, learnt = folds == fold, folds != fold
        found[..., tested] = _lower(answers, clean, learnt, tested)
    return found


def sharp_and_lit_foreign(spoiled: SpoiledPhotos) -> Floats:
    """Return the value of that check of each foreign photo, beside all clean photos, shape (photos,)."""
    everyone = np.ones(spoiled.about.photos, bool)
    return _lower(spoiled.foreign, spoiled.skin, everyone, slice(None))


def _lower(answers: PhotoAnswers, clean: PhotoAnswers, learnt: Bools, asked: Bools | slice) -> Floats:
    sharp, lit = (
        (of[..., asked] - base[0, learnt].mean()) / base[0, learnt].std()
        for of, base in ((answers.sharpness, clean.sharpness), (answers.light, clean.light))
    )
    return np.asarray(np.minimum(sharp, -np.abs(lit)))


def _sharpness_and_light(spoiled: SpoiledPhotos) -> tuple[Floats, Floats]:
    values = sharp_and_lit(spoiled.skin, spoiled.skin, photo_folds())
    return values[0], values[[spoiled.about.place(name) for name in NOT_WORTH_SCORING]]


def _familiar(detector: str) -> Callable[[SpoiledPhotos], tuple[Floats, Floats]]:
    return lambda spoiled: (-spoiled.skin.distances[detector][0], -spoiled.foreign.distances[detector])


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
    """Return a check that looks for this fault; raises LabEvidenceError that lists them."""
    kinds = {other: kind for other, kind in MEASURED_CHECKS.items() if kind.fault == fault}
    if name not in kinds:
        raise LabEvidenceError(f"'{name}' is no measured check by {fault}; {suggest(name, kinds)}")
    spoiled = load_spoiled()
    source = f"{kinds[name].words}; casesim lab, {spoiled.about.attribution}, {spoiled.about.date}"
    return MeasuredCheck.of(*kinds[name].values(spoiled), source)


def check_of(fault: str, auc: float | None, measured: str | None) -> PhotoCheck:
    """Return the check that a case assumes by its AUC, or names; raises LabEvidenceError."""
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
    negatives = np.sort(spoiled.skin.logits[0, 0][~positive])
    return np.sort(np.searchsorted(negatives, spoiled.foreign.logits.ravel()) / len(negatives))


def scores_by_rank(negatives: Floats, ranks: Floats) -> Floats:
    """Return the scores that have these shares of the negatives below them; the highest of all for a share of 1."""
    return _at(np.sort(negatives), ranks)


def changed_scores(scores: Floats, added: Floats) -> Floats:
    """Return scores with a number added to the logit of each; a score of 0 or 1 has no finite one, and is taken in a little."""
    return np.where(added == 0, scores, expit(logit(np.clip(scores, _EDGE, 1 - _EDGE)) + added))
