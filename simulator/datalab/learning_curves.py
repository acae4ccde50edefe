"""Learning curves: what more labelled photos bring, with intervals by patient, and paired differences of two choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Bools, Floats
from simulator.datalab.refit import LabRequest, Split, lab_photos, refit
from simulator.intervals import Estimate, Interval, bootstrap, estimate, mean_interval, percentile_interval
from simulator.metrics.roc import Roc, roc

Patients = NDArray[np.object_]
#: A figure of scores (photos,) under weights of the photos (..., photos).
Measure = Callable[[Floats, Floats], Floats]

#: Melanomas are counted where this share of people without cancer is referred, about as in the default design.
REFERRED = 0.6
#: Wrong test sets: photos of a patient on both sides; and without the class that is most like cancer.
LEAKED, EASY = "split by photo", "tested without actinic keratoses"
#: Resamples of the patients behind an interval.
RESAMPLES = 400


@dataclass(frozen=True)
class LabelledScores:
    """The labelled photos behind scores, each (photos,).

    folds: the fold that tests a photo; tested: photos that the test set holds
    """

    malignant: Bools
    melanoma: Bools
    patients: Patients
    folds: NDArray[np.int64]
    tested: Bools

    def auc(self, scores: Floats, weights: Floats) -> Floats:
        """Return the area under the curve: of the photos without cancer, the share that a photo with cancer outscores."""
        return self._by_fold(self.malignant, scores, weights, lambda curve: curve.auc)

    def melanomas_found(self, scores: Floats, weights: Floats) -> Floats:
        """Return the share of melanomas that is found where REFERRED of the people without cancer are referred."""
        return self._by_fold(self.melanoma, scores, weights, lambda curve: found_at(curve, REFERRED))

    def _by_fold(self, wanted: Bools, scores: Floats, weights: Floats, figure: Callable[[Roc], Floats]) -> Floats:
        """Return the mean figure of the folds, each against its own photos without cancer, by the weight of wanted photos.

        Each fold has a head with a scale of its own. A comparison across folds would count that as disorder, and most where
        few photos are labelled.
        """
        total, count = np.zeros(weights.shape[:-1]), np.zeros(weights.shape[:-1])
        for fold in np.unique(self.folds):
            inside = (self.folds == fold) & self.tested & (wanted | ~self.malignant)
            among, labels = weights[..., inside], wanted[inside]
            value, here = figure(roc(labels, scores[inside], among)), among @ labels
            finite = np.isfinite(value)
            total, count = total + np.where(finite, here * value, 0), count + np.where(finite, here, 0)
        return np.asarray(total / count)


def found_at(curve: Roc, referred: float) -> Floats:
    """Return the share of positives where this share of the negatives is referred, between two thresholds by a line."""
    rate = curve.false_rate
    at = np.clip((rate <= referred).sum(axis=-1), 1, rate.shape[-1] - 1)[..., None]
    (left, low), (right, high) = (
        [np.take_along_axis(rates, place, axis=-1)[..., 0] for rates in (rate, curve.true_rate)] for place in (at - 1, at)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(right > left, low + (high - low) * (referred - left) / (right - left), low))


def labelled(split: Split = "patient", without: str | None = None) -> LabelledScores:
    """Return the photos as a split tests them; without: a diagnosis that is missing from the test set."""
    photos = lab_photos()
    folds = photos.folds if split == "patient" else photos.photo_folds
    return LabelledScores(
        photos.malignant, photos.diagnoses == "MEL", photos.patients, folds, photos.diagnoses != (without or "")
    )


@dataclass(frozen=True)
class DrawnScores:
    """Scores of some draws of photos and reading errors, (draws, photos), and the figure that is read off them."""

    scores: Floats
    measure: Measure

    @property
    def values(self) -> Floats:
        """Return the figure of each draw, (draws,)."""
        return np.array([float(self.measure(score, np.ones(len(score)))) for score in self.scores])

    def mean(self, weights: Floats) -> Floats:
        """Return the mean figure over the draws under weights (..., photos)."""
        return np.asarray(np.mean([self.measure(score, weights) for score in self.scores], axis=0))


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve. wrong: share of wrong training labels; scores: (repeats, photos)."""

    request: LabRequest
    people: LabelledScores
    auc: Estimate
    melanomas: Estimate
    wrong: float
    scores: Floats


@dataclass(frozen=True)
class PairedDifference:
    """A difference of two choices on the same patients. p: of a difference at least as large, if there were none."""

    interval: Interval
    p: float

    @property
    def significant(self) -> bool:
        return self.interval.low > 0 or self.interval.high < 0


def point(request: LabRequest, repeats: int, without: str | None = None) -> CurvePoint:
    """Refit `repeats` times, each time with other drawn photos and reading errors, and judge the scores.

    without: a diagnosis that is missing from the test set
    """
    by_chance = request.photos < len(lab_photos()) or request.panel.labeller != "proven"
    seeds = range(repeats if by_chance else 1)  # where nothing is drawn, one is as good as many
    fits = [refit(replace(request, seed=seed)) for seed in seeds]
    scores, people = np.stack([fit.scores for fit in fits]), labelled(request.split, without)
    auc, melanomas = (judged(DrawnScores(scores, measure), people.patients) for measure in (people.auc, people.melanomas_found))
    return CurvePoint(request, people, auc, melanomas, float(np.mean([fit.wrong for fit in fits])), scores)


def judged(drawn: DrawnScores, patients: Patients) -> Estimate:
    """Return the mean figure with its interval: the luck of the draws, and of the patients."""
    run = _of_draws(drawn.values)
    return estimate(run, percentile_interval(run.value, bootstrap(patients, drawn.mean, RESAMPLES)), least=0, most=1)


def _of_draws(values: Floats) -> Interval:
    mean = float(values.mean())
    return mean_interval(values) if len(values) > 1 else Interval(mean, mean, mean)


def difference(made: CurvePoint, base: CurvePoint, of: str = "auc") -> PairedDifference:
    """Return what a point has more of than the base, on the same resampled patients; `of`: auc, or melanomas found."""
    return paired(_scores_for(made, of), _scores_for(base, of), lab_photos().patients)


def _scores_for(made: CurvePoint, of: str) -> DrawnScores:
    return DrawnScores(made.scores, made.people.auc if of == "auc" else made.people.melanomas_found)


def paired(scores: DrawnScores, base: DrawnScores, patients: Patients) -> PairedDifference:
    """Return the difference of two figures on the same patients, and draw by draw: equal seeds draw the same photos first."""
    run = _of_draws(scores.values - base.values)
    drawn = bootstrap(patients, lambda weights: scores.mean(weights) - base.mean(weights), RESAMPLES)
    both = estimate(run, percentile_interval(run.value, drawn))
    return PairedDifference(Interval(run.value, both.low, both.high), _two_sided(drawn, (run.high - run.value) / 1.96))


def _two_sided(drawn: Floats, spread: float) -> float:
    """Return twice the smaller share of resamples on one side of zero, with the luck of the draws as normal noise."""
    noisy = drawn[:, None] + spread * _QUANTILES
    below = (1 + (noisy <= 0).sum()) / (1 + noisy.size)
    above = (1 + (noisy >= 0).sum()) / (1 + noisy.size)
    return float(min(1.0, 2 * min(below, above)))


#: Seven quantiles of a normal distribution, which stand for the luck of the draws.
_QUANTILES = np.array([-1.465, -0.792, -0.366, 0.0, 0.366, 0.792, 1.465])
