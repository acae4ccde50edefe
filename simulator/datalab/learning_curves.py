"""Learning curves: what more labelled photos bring, with intervals by patient, and paired differences of two choices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from simulator.datalab.refit import LabRequest, lab_photos, refit
from simulator.intervals import Estimate, Interval, bootstrap, estimate, mean_interval, percentile_interval
from simulator.metrics.roc import Roc, roc

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: A figure of scores (photos,) under weights of the photos (..., photos).
Measure = Callable[[Floats, Floats], Floats]

#: Melanomas are counted where this share of people without cancer is referred, about as in the default design.
REFERRED = 0.6
#: Resamples of the patients behind an interval.
RESAMPLES = 400


@dataclass(frozen=True)
class LabelledScores:
    """The labelled photos behind scores: malignant and melanoma, each (photos,), and the patients (photos,)."""

    malignant: Bools
    melanoma: Bools
    patients: NDArray[np.object_]

    def auc(self, scores: Floats, weights: Floats) -> Floats:
        return roc(self.malignant, scores, weights).auc

    def melanomas_found(self, scores: Floats, weights: Floats) -> Floats:
        """Return the share of melanomas that a threshold finds which refers REFERRED of the people without cancer."""
        among = self.melanoma | ~self.malignant
        return found_at(roc(self.melanoma[among], scores[among], weights[..., among]), REFERRED)


def found_at(curve: Roc, referred: float) -> Floats:
    """Return the share of positives at the lowest threshold that refers at most this share of the negatives."""
    place = (curve.false_rate <= referred + 1e-9).sum(axis=-1) - 1
    return np.asarray(np.take_along_axis(curve.true_rate, np.maximum(place, 0)[..., None], axis=-1)[..., 0])


def labelled() -> LabelledScores:
    photos = lab_photos()
    return LabelledScores(photos.malignant, photos.diagnoses == "MEL", photos.patients)


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve. wrong: share of wrong training labels; scores: (repeats, photos)."""

    request: LabRequest
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


def point(request: LabRequest, repeats: int, tick: Callable[[], None] = lambda: None) -> CurvePoint:
    """Refit `repeats` times, each time with other drawn photos and reading errors, and judge the scores."""
    fits = []
    for seed in _seeds(request, repeats):
        fits.append(refit(replace(request, seed=seed)))
        tick()
    scores, people = np.stack([fit.scores for fit in fits]), labelled()
    wrong = float(np.mean([fit.wrong for fit in fits]))
    return CurvePoint(
        request, judged(scores, people.auc, people), judged(scores, people.melanomas_found, people), wrong, scores
    )


def _seeds(request: LabRequest, repeats: int) -> range:
    """Return the seeds; where nothing is drawn, one is as good as many."""
    drawn = request.photos < len(lab_photos()) or request.panel.labeller != "proven"
    return range(repeats if drawn else 1)


def judged(scores: Floats, measure: Measure, people: LabelledScores) -> Estimate:
    """Return the mean figure of some draws (draws, photos) with its interval: the luck of the draws, and of the patients."""
    ones = np.ones(scores.shape[1])
    values = np.array([float(measure(one, ones)) for one in scores])
    drawn = bootstrap(people.patients, partial(_mean, scores, measure), RESAMPLES)
    mean = float(values.mean())
    run = mean_interval(values) if len(values) > 1 else Interval(mean, mean, mean)
    return estimate(run, percentile_interval(mean, drawn), least=0, most=1)


def _mean(scores: Floats, measure: Measure, weights: Floats) -> Floats:
    return np.asarray(np.mean([measure(one, weights) for one in scores], axis=0))


def curve(
    request: LabRequest, sizes: Sequence[int], repeats: int, tick: Callable[[], None] = lambda: None
) -> Iterator[CurvePoint]:
    """Yield a point for each number of labelled photos."""
    for size in sizes:
        yield point(replace(request, photos=size), repeats, tick)


def difference(one: CurvePoint, other: CurvePoint, of: str = "auc") -> PairedDifference:
    """Return what `one` has more of than `other`, on the same resampled patients; `of`: auc, or melanomas found."""
    people = labelled()
    measure: Measure = people.auc if of == "auc" else people.melanomas_found
    return paired(one.scores, other.scores, measure, people)


def paired(one: Floats, other: Floats, measure: Measure, people: LabelledScores) -> PairedDifference:
    """Return the difference of two stacks of scores (draws, photos), paired by patient, with the luck of the draws added."""
    ones = np.ones(one.shape[1])
    first, second = (np.array([float(measure(scores, ones)) for scores in stack]) for stack in (one, other))
    mean = float(first.mean() - second.mean())
    drawn = bootstrap(people.patients, lambda weights: _mean(one, measure, weights) - _mean(other, measure, weights), RESAMPLES)
    patients = percentile_interval(mean, drawn)
    lows = np.array([_spread(first), _spread(second)])
    run = Interval(mean, mean - float(np.hypot(*lows)), mean + float(np.hypot(*lows)))
    both = estimate(run, patients)
    return PairedDifference(Interval(mean, both.low, both.high), _two_sided(drawn, float(np.hypot(*lows)) / 1.96))


def _spread(values: Floats) -> float:
    if len(values) < 2:
        return 0.0
    found = mean_interval(values)
    return found.value - found.low


def _two_sided(drawn: Floats, spread: float) -> float:
    """Return twice the smaller share of resamples on one side of zero, with the luck of the draws as normal noise."""
    noisy = drawn[:, None] + spread * _QUANTILES
    below = (1 + (noisy <= 0).sum()) / (1 + noisy.size)
    above = (1 + (noisy >= 0).sum()) / (1 + noisy.size)
    return float(min(1.0, 2 * min(below, above)))


#: Seven quantiles of a normal distribution, which stand for the luck of the draws.
_QUANTILES = np.array([-1.465, -0.792, -0.366, 0.0, 0.366, 0.792, 1.465])
