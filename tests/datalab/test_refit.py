"""The head fitted again: the committed table with all labels, patients kept apart, and what a split by photo pretends."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from simulator.datalab.label_noise import Panel
from simulator.datalab.refit import TABLE, LabError, LabRequest, Training, lab_photos, refit
from simulator.evidence.score_tables import load_scores, score_rows

#: Half precision of the features, and five digits of a score, move it by less than this.
ROUNDING = 0.0002


@pytest.mark.parametrize(
    ("request_", "table"),
    [(LabRequest(), TABLE), (LabRequest(views=True), "pad_ufes20.efficientnet_lite0_tta.fp32")],
    ids=["one view", "four views"],
)
def test_all_labels_without_noise_give_the_committed_table(request_, table):
    rows, found = score_rows(table), refit(request_)
    assert np.abs(found.scores - rows["score"].to_numpy(float)).max() < ROUNDING
    assert roc_auc_score(rows["label"], found.scores) == pytest.approx(load_scores(table).auc, abs=5e-4)
    assert found.wrong == 0


def test_a_split_by_photo_puts_patients_on_both_sides_and_one_by_patient_none():
    photos = lab_photos()

    def shared(folds):
        return sum(len(set(folds[photos.patients == patient])) > 1 for patient in set(photos.patients))

    assert shared(photos.folds) == 0
    assert shared(photos.photo_folds) > 100


def test_a_split_by_photo_pretends_what_a_head_learns_of_patients():
    """Photos of one patient share features and no feature tells of cancer: by patient the area is a half."""
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(150), 2)
    features = np.repeat(rng.normal(size=(150, 400)), 2, axis=0) + 0.3 * rng.normal(size=(300, 400))
    malignant = np.repeat(rng.random(150) < 0.5, 2)

    def area(folds):
        training = Training(features, malignant, malignant.astype(object), folds)
        return roc_auc_score(malignant, training.out_of_fold(features, lambda pool, _: np.arange(len(pool)))[0])

    assert area(patients % 5) == pytest.approx(0.5, abs=0.12)
    assert area(np.arange(300) % 5) > 0.85


def test_wrong_labels_lower_the_auc_and_are_counted():
    malignant = lab_photos().malignant
    noisy = [refit(LabRequest(panel=Panel("one"), seed=seed)) for seed in range(3)]
    assert all(0.1 < one.wrong < 0.25 for one in noisy)
    areas = [roc_auc_score(malignant, one.scores) for one in noisy]
    assert np.mean(areas) < roc_auc_score(malignant, refit(LabRequest()).scores)


def test_the_same_request_gives_the_same_scores_and_another_seed_others():
    once, again, other = (refit(LabRequest(photos=200, seed=seed)).scores for seed in (1, 1, 2))
    assert np.array_equal(once, again) and not np.array_equal(once, other)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (LabRequest("resnet"), "backbone: there are no features of 'resnet'"),
        (LabRequest(photos=10), "photos: 10 is out of range; from 40 to 1,071"),
    ],
)
def test_a_choice_that_cannot_be_is_named(request_, message):
    with pytest.raises(LabError, match=message):
        refit(request_)
