"""Learning curves: figures against scikit-learn, paired differences by hand, and intervals where the truth is known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from simulator.datalab.learning_curves import REFERRED, LabelledScores, curve, judged, labelled, paired
from simulator.datalab.refit import LabRequest, Training

RNG = np.random.default_rng(0)
N = 240
PEOPLE = LabelledScores(RNG.random(N) < 0.4, RNG.random(N) < 0.15, np.repeat(np.arange(N // 2), 2).astype(object))
PEOPLE = LabelledScores(PEOPLE.malignant, PEOPLE.melanoma & PEOPLE.malignant, PEOPLE.patients)
SCORES = np.stack([RNG.normal(size=N) + PEOPLE.malignant for _ in range(3)])


def test_a_figure_is_the_mean_over_the_draws_of_scikit_learn_s_area():
    found = judged(SCORES, PEOPLE.auc, PEOPLE)
    assert found.value == pytest.approx(np.mean([roc_auc_score(PEOPLE.malignant, one) for one in SCORES]))
    assert found.low < found.value < found.high and found.labels is not None
    assert found.low <= found.labels.low and found.labels.high <= found.high


def test_melanomas_found_are_those_above_a_threshold_that_refers_a_share_of_the_others():
    scores = SCORES[0]
    cut = np.sort(scores[~PEOPLE.malignant])[::-1][int(REFERRED * (~PEOPLE.malignant).sum()) - 1]
    expected = (scores[PEOPLE.melanoma] >= cut).mean()
    found = float(PEOPLE.melanomas_found(scores, np.ones(N)))
    assert found == pytest.approx(expected, abs=1.01 / PEOPLE.melanoma.sum())


def test_scores_do_not_differ_from_themselves_and_much_better_ones_do():
    assert paired(SCORES, SCORES, PEOPLE.auc, PEOPLE).interval.value == 0
    better = paired(SCORES + 2 * PEOPLE.malignant, SCORES, PEOPLE.auc, PEOPLE)
    assert better.significant and better.p < 0.01
    assert not paired(SCORES, SCORES + 0.01 * RNG.normal(size=SCORES.shape), PEOPLE.auc, PEOPLE).significant


def test_a_paired_interval_is_narrower_than_two_that_are_not():
    other = SCORES + 0.3 * RNG.normal(size=SCORES.shape)
    gap = paired(SCORES[:1], other[:1], PEOPLE.auc, PEOPLE).interval
    one, two = (judged(stack[:1], PEOPLE.auc, PEOPLE) for stack in (SCORES, other))
    assert gap.high - gap.low < np.hypot(one.high - one.low, two.high - two.low)


def test_more_labelled_photos_of_the_real_ones_do_better():
    few, many = curve(LabRequest(), (100, 1071), 2)
    assert many.auc.value > few.auc.value
    assert many.scores.shape == (1, len(labelled().patients)) and len(few.scores) == 2


# A world whose truth is known: photos of patients with features of two normal classes.

FEATURES, PATIENTS, FOLDS, SHIFT, LABELLED = 12, 130, 5, 0.45, 90


def world(patients: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw two photos a patient, who shares part of the features: features, malignant, patients."""
    of = np.repeat(np.arange(patients), 2)
    malignant = np.repeat(rng.random(patients) < 0.4, 2)
    own = np.repeat(rng.normal(size=(patients, FEATURES)), 2, axis=0)
    features = np.sqrt(0.5) * (own + rng.normal(size=(2 * patients, FEATURES)))
    features[:, :4] += SHIFT * malignant[:, None]
    return features, malignant, of


def study(rng: np.random.Generator, draws: int = 4) -> tuple[np.ndarray, LabelledScores]:
    features, malignant, of = world(PATIENTS, rng)
    training = Training(features, malignant, malignant.astype(object), of % FOLDS)
    count = round(LABELLED * (FOLDS - 1) / FOLDS)
    scores = [training.out_of_fold(features, lambda pool, _: rng.permutation(len(pool))[:count])[0] for _ in range(draws)]
    return np.stack(scores), LabelledScores(malignant, malignant, of.astype(object))


@pytest.mark.long
def test_intervals_of_a_curve_hold_the_mean_area_of_pooled_folds_as_often_as_they_say():
    """The curve's area pools the scores of all folds, as the case does; its truth is the mean over many worlds."""
    rng = np.random.default_rng(11)
    found = [judged(scores, people.auc, people) for scores, people in (study(rng) for _ in range(120))]
    truth = np.mean([one.value for one in found])
    held = np.mean([one.low <= truth <= one.high for one in found])
    print(f"the mean area is {truth:.4f}; {held:.3f} of 120 intervals hold it")
    assert held >= 0.89  # 0.95 less three standard errors of 120 studies


@pytest.mark.long
def test_intervals_of_a_difference_hold_none_as_often_as_they_say():
    rng, held = np.random.default_rng(12), []
    for _ in range(200):
        scores, people = study(rng, draws=6)
        gap = paired(scores[:3], scores[3:], people.auc, people)
        held.append(not gap.significant)
    print(f"{np.mean(held):.3f} of 200 intervals of a difference that is not there hold zero")
    assert np.mean(held) >= 0.90
