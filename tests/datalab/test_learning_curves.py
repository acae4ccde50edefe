"""Learning curves: figures against scikit-learn, paired differences by hand, and intervals where the truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from simulator.datalab.learning_curves import REFERRED, DrawnScores, LabelledScores, found_at, judged, labelled, paired, point
from simulator.datalab.refit import LabRequest, Training
from simulator.metrics.roc import roc

RNG = np.random.default_rng(0)
N = 240
OF = np.repeat(np.arange(N // 2), 2)
MALIGNANT = RNG.random(N) < 0.4
PEOPLE = LabelledScores(MALIGNANT, (RNG.random(N) < 0.15) & MALIGNANT, OF.astype(object), OF % 5, np.ones(N, bool))
SCORES = np.stack([RNG.normal(size=N) + PEOPLE.malignant for _ in range(3)])


def areas(scores: np.ndarray, people: LabelledScores = PEOPLE) -> DrawnScores:
    return DrawnScores(scores, people.auc)


def outscored(scores: np.ndarray, people: LabelledScores, weights: np.ndarray) -> float:
    """Count, for each photo with cancer, the photos without one that score lower in its own fold."""
    others = weights * ((people.folds[:, None] == people.folds) & ~people.malignant & people.tested)
    lower = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    shares = (lower * others).sum(axis=1) / others.sum(axis=1)
    counted = weights * (people.malignant & people.tested)
    return float((shares * counted).sum() / counted.sum())


def test_a_figure_is_the_mean_over_the_draws_of_the_share_that_is_outscored():
    found = judged(areas(SCORES), PEOPLE.patients)
    assert found.value == pytest.approx(np.mean([outscored(one, PEOPLE, np.ones(N)) for one in SCORES]))
    assert found.low < found.value < found.high and found.labels is not None
    assert found.low <= found.labels.low and found.labels.high <= found.high


def test_the_area_counts_resampled_patients_as_often_as_they_are_drawn_and_is_scikit_learn_s_in_one_fold():
    scores, weights = SCORES[0].round(1), RNG.integers(0, 3, N).astype(float)
    one_fold = replace(PEOPLE, folds=np.zeros(N, int))
    assert float(PEOPLE.auc(scores, weights)) == pytest.approx(outscored(scores, PEOPLE, weights))
    expected = roc_auc_score(PEOPLE.malignant, scores, sample_weight=weights)
    assert float(one_fold.auc(scores, weights)) == pytest.approx(expected)


def test_a_fold_whose_head_has_a_scale_of_its_own_costs_no_area():
    shifted = SCORES[0] + 3 * PEOPLE.folds
    assert float(PEOPLE.auc(shifted, np.ones(N))) == pytest.approx(float(PEOPLE.auc(SCORES[0], np.ones(N))))
    assert roc_auc_score(PEOPLE.malignant, shifted) < roc_auc_score(PEOPLE.malignant, SCORES[0]) - 0.05


def test_a_test_set_without_some_photos_is_judged_by_the_others_alone():
    left = replace(PEOPLE, tested=RNG.random(N) < 0.5)
    kept = left.tested.astype(float)
    assert float(left.auc(SCORES[0], np.ones(N))) == pytest.approx(outscored(SCORES[0], left, np.ones(N)))
    expected = PEOPLE.melanomas_found(SCORES[0], kept)
    assert float(left.melanomas_found(SCORES[0], np.ones(N))) == pytest.approx(float(expected))


def test_melanomas_found_are_those_above_a_threshold_of_their_fold_that_refers_a_share_of_the_others():
    scores, found = SCORES[0], 0.0
    for fold in range(5):
        inside = PEOPLE.folds == fold
        cut = np.quantile(scores[inside & ~PEOPLE.malignant], 1 - REFERRED)
        found += (scores[inside & PEOPLE.melanoma] >= cut).sum()
    there = PEOPLE.melanoma.sum()
    assert float(PEOPLE.melanomas_found(scores, np.ones(N))) == pytest.approx(found / there, abs=2 / there)


def test_the_share_found_lies_on_a_line_between_two_thresholds():
    assert float(found_at(roc([1, 0, 1, 0], [0.9, 0.8, 0.5, 0.1]), 0.25)) == pytest.approx(0.5)
    assert float(found_at(roc([1, 0], [0.5, 0.5]), 0.6)) == pytest.approx(0.6)


def test_scores_do_not_differ_from_themselves_and_much_better_ones_do():
    patients = PEOPLE.patients
    assert paired(areas(SCORES), areas(SCORES), patients).interval.value == 0
    better = paired(areas(SCORES + 2 * PEOPLE.malignant), areas(SCORES), patients)
    assert better.significant and better.p < 0.01
    noisy = SCORES + 0.01 * RNG.normal(size=SCORES.shape)
    assert not paired(areas(SCORES), areas(noisy), patients).significant


def test_a_paired_interval_is_narrower_than_two_that_are_not():
    """Each draw is paired with its own twin: how far the draws differ among themselves is no doubt about a difference."""
    other = SCORES + 0.3 * RNG.normal(size=SCORES.shape)
    gap = paired(areas(SCORES), areas(other), PEOPLE.patients).interval
    one, two = (judged(areas(stack), PEOPLE.patients) for stack in (SCORES, other))
    assert gap.high - gap.low < np.hypot(one.high - one.low, two.high - two.low)
    assert gap.value == pytest.approx(one.value - two.value)


def test_more_labelled_photos_of_the_real_ones_do_better():
    few, many = (point(LabRequest(photos=photos), 2) for photos in (100, 1071))
    assert many.auc.value > few.auc.value
    assert many.scores.shape == (1, len(labelled().patients)) and len(few.scores) == 2


# A world whose truth is known: photos of patients with features of two normal classes.

FEATURES, PATIENTS, FOLDS, SHIFT, LABELLED = 12, 130, 5, 0.45, 90
FIGURES = ("auc", "melanomas_found")
#: Studies of a test, and 0.95 less three standard errors of them.
STUDIES, LEAST_HELD = 200, 0.904


def world(patients: int, rng: np.random.Generator) -> tuple[np.ndarray, LabelledScores]:
    """Draw two photos a patient, who shares part of the features; a third of the cancers are melanomas."""
    of = np.repeat(np.arange(patients), 2)
    malignant, melanoma = (np.repeat(rng.random(patients) < share, 2) for share in (0.4, 1 / 3))
    own = np.repeat(rng.normal(size=(patients, FEATURES)), 2, axis=0)
    features = np.sqrt(0.5) * (own + rng.normal(size=(2 * patients, FEATURES)))
    features[:, :4] += SHIFT * malignant[:, None]
    return features, LabelledScores(malignant, malignant & melanoma, of.astype(object), of % FOLDS, malignant | True)


def true_figures(head: Pipeline) -> list[float]:
    """Return FIGURES of a head on new patients: its scores of both classes are normal with one spread."""
    weights = head[1].coef_[0] / head[0].scale_
    apart = SHIFT * weights[:4].sum() / np.linalg.norm(weights)
    return [norm.cdf(apart / 2**0.5), norm.cdf(apart + norm.ppf(REFERRED))]


def study(rng: np.random.Generator, draws: int = 4) -> tuple[np.ndarray, LabelledScores, np.ndarray]:
    """Return scores (draws, photos), the people behind them, and the mean FIGURES of the heads that were fitted."""
    features, people = world(PATIENTS, rng)
    training = Training(features, people.malignant, people.malignant.astype(object), people.folds)
    count, scores, true = round(LABELLED * (FOLDS - 1) / FOLDS), [], []
    for _ in range(draws):
        made, used = training.out_of_fold(features, lambda pool, _: rng.permutation(len(pool))[:count])
        scores.append(made)
        true += [true_figures(training.head(photos)) for photos in used]
    return np.stack(scores), people, np.mean(true, axis=0)


@pytest.mark.long
def test_intervals_of_a_curve_hold_the_true_figures_of_its_heads_as_often_as_they_say():
    """Heads that learnt from other patients would do better or worse, which no interval here holds."""
    rng = np.random.default_rng(11)
    scores, people, true = zip(*(study(rng) for _ in range(STUDIES)), strict=True)
    for name, truth in zip(FIGURES, np.transpose(true), strict=True):
        found = [judged(DrawnScores(made, getattr(one, name)), one.patients) for made, one in zip(scores, people, strict=True)]
        low, value, high = np.array([[one.low, one.value, one.high] for one in found]).T
        held, of_others = (float(np.mean((low <= one) & (one <= high))) for one in (truth, truth.mean()))
        print(f"{name}: truth {truth.mean():.4f}, mean {value.mean():.4f}; {held:.3f} of {STUDIES} intervals hold it")
        print(f"  {of_others:.3f} hold the mean of heads that learnt from other patients")
        assert held >= LEAST_HELD
        assert abs(value.mean() - truth.mean()) < 3.5 * value.std() / STUDIES**0.5
    pooled = np.mean([[roc_auc_score(one.malignant, each) for each in made] for made, one in zip(scores, people, strict=True)])
    print(f"AUC pooled over folds: {pooled:.4f}")
    assert pooled < np.mean(true, axis=0)[0] - 0.05


@pytest.mark.long
def test_intervals_of_a_difference_hold_none_as_often_as_they_say():
    rng, held = np.random.default_rng(12), []
    for _ in range(STUDIES):
        scores, people, _ = study(rng, draws=6)
        measures = [getattr(people, name) for name in FIGURES]
        gaps = [paired(*(DrawnScores(half, one) for half in (scores[:3], scores[3:])), people.patients) for one in measures]
        held.append([not gap.significant for gap in gaps])
    shares = np.mean(held, axis=0)
    print(f"of {STUDIES} intervals of a difference that is not there, {shares} hold zero: {FIGURES}")
    assert (shares >= LEAST_HELD).all()
