"""Checks of photos against scikit-learn, normal distributions, and a count by hand."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from simulator.evidence.lab_evidence import LabEvidenceError
from simulator.evidence.photo_checks import (
    MEASURED_CHECKS,
    BinormalCheck,
    MeasuredCheck,
    changed_scores,
    measured_check,
    photo_folds,
    score_changes,
    sharp_and_lit,
)
from simulator.evidence.score_tables import score_rows
from simulator.evidence.spoiled_photos import load_spoiled

BY_HAND = MeasuredCheck.of(np.array([5.0, 3, 4, 1]), np.array([[0.0, 2], [4, -1]]))


@pytest.mark.parametrize(("share", "threshold"), [(1.0, -np.inf), (0.75, 3), (0.7, 3), (0.5, 4), (0.0, np.inf)])
def test_a_threshold_lets_a_share_of_the_fine_photos_through(share, threshold):
    assert BY_HAND.threshold_at(share) == threshold
    assert BY_HAND.passing(threshold, fine=True) >= share


@pytest.mark.parametrize(("share", "passing"), [(1.0, 0.0), (0.75, 0.25), (0.5, 0.5), (0.0, 1.0)])
def test_a_threshold_keeps_a_share_of_the_faulty_photos_out(share, passing):
    assert BY_HAND.passing(BY_HAND.threshold_above(share), fine=False) == passing


def test_draws_follow_the_measured_values():
    normal = norm.ppf((np.arange(1000) + 0.5) / 1000).astype(np.float32)
    for fine, values in ((True, [1, 3, 4, 5]), (False, [-1, 0, 2, 4])):
        found, counts = np.unique(BY_HAND.values(normal, np.full(1000, fine)), return_counts=True)
        assert found.tolist() == values and counts.tolist() == [250] * 4


@pytest.mark.parametrize("name", MEASURED_CHECKS)
def test_the_area_of_a_measured_check_is_scikit_learns(name):
    check = measured_check(MEASURED_CHECKS[name].fault, name)
    labels = np.repeat([1, 0], [len(check.fine), len(check.faulty)])
    assert check.auc == pytest.approx(roc_auc_score(labels, np.concatenate([check.fine, check.faulty])), abs=1e-9)
    assert f"AUC {check.auc:.3f}" in check.words


def test_an_assumed_check_is_two_normal_distributions():
    check = BinormalCheck.of_auc(0.9)
    apart = np.sqrt(2) * norm.ppf(0.9)
    assert check.passing(check.threshold_at(0.95), fine=True) == pytest.approx(0.95)
    assert check.passing(check.threshold_at(0.95), fine=False) == pytest.approx(norm.cdf(norm.ppf(0.95) - apart))
    assert check.passing(check.threshold_above(0.8), fine=False) == pytest.approx(0.2)


def test_a_measured_check_looks_for_one_fault():
    with pytest.raises(LabEvidenceError, match="'mahalanobis' is no measured check by quality"):
        measured_check("quality", "mahalanobis")


def test_the_check_of_sharpness_and_light_uses_the_other_folds_alone():
    found, folds = load_spoiled().skin, photo_folds()
    photo = 17
    others = folds != folds[photo]
    sharp = (found.sharpness[2, photo] - found.sharpness[0, others].mean()) / found.sharpness[0, others].std()
    lit = (found.light[2, photo] - found.light[0, others].mean()) / found.light[0, others].std()
    assert sharp_and_lit(found, found, folds)[2, photo] == pytest.approx(min(sharp, -abs(lit)))


def test_a_changed_score_is_the_score_that_was_measured():
    found = load_spoiled()
    table = score_rows("pad_ufes20.efficientnet_lite0.fp32")
    positive = table["label"].to_numpy() == 1
    place = found.about.place("white_balance.2")
    changed = changed_scores(table["score"].to_numpy()[positive], score_changes("efficientnet_lite0", "fp32")[0][place])
    assert changed == pytest.approx(1 / (1 + np.exp(-found.skin.logits[0, place][positive])), abs=2e-3)
    assert changed_scores(np.array([0.0, 1.0, 0.3]), np.array([0.0, 1.0, 0.0])).tolist() == pytest.approx([0, 1, 0.3], abs=1e-6)
