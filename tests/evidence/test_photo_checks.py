"""Checks of photos against scikit-learn, normal distributions, and a count by hand."""

import shutil

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from campaigns.datalab.spoiled_studies import photos_of_set
from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.photo_checks import (
    CLEAN,
    MEASURED_CHECKS,
    BinormalCheck,
    MeasuredCheck,
    changed_scores,
    load_spoiled,
    load_trained,
    measured_check,
    photo_folds,
    score_changes,
    sharp_and_lit,
    spoiled_logits,
)
from simulator.evidence.score_tables import score_rows
from simulator.paths import DATALAB

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
    with pytest.raises(EvidenceError, match="'mahalanobis' is no measured check by quality"):
        measured_check("quality", "mahalanobis")


def test_the_check_of_sharpness_and_light_uses_the_other_folds_alone():
    found, folds = load_spoiled().skin, photo_folds()
    photo = 17
    others = folds != folds[photo]
    sharp = (found["sharpness"][2, photo] - found["sharpness"][0, others].mean()) / found["sharpness"][0, others].std()
    lit = (found["light"][2, photo] - found["light"][0, others].mean()) / found["light"][0, others].std()
    assert sharp_and_lit(found, found, folds)[2, photo] == pytest.approx(min(sharp, -abs(lit)))


def test_a_changed_score_is_the_score_that_was_measured():
    found = load_spoiled()
    table = score_rows("pad_ufes20.efficientnet_lite0.fp32")
    positive = table["label"].to_numpy() == 1
    place = found.about.place("white_balance.2")
    changed = changed_scores(table["score"].to_numpy()[positive], score_changes("efficientnet_lite0", "fp32")[0][place])
    assert changed == pytest.approx(1 / (1 + np.exp(-found.skin["logits"][0, place][positive])), abs=2e-3)
    assert changed_scores(np.array([0.0, 1.0, 0.3]), np.array([0.0, 1.0, 0.0])).tolist() == pytest.approx([0, 1, 0.3], abs=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "int8_static"])
def test_photos_as_taken_have_the_scores_of_the_committed_table(precision):
    found = load_spoiled()
    logits = found.skin["logits"][found.about.precisions.index(precision), found.about.place(f"{CLEAN}.0")]
    scores = score_rows(f"pad_ufes20.efficientnet_lite0.{precision}")["score"]
    # Half precision rounds; another run of the 8-bit network rounds some activations to the other side.
    assert np.abs(1 / (1 + np.exp(-logits)) - scores).max() < 0.01
    assert np.corrcoef(1 / (1 + np.exp(-logits)), scores)[0, 1] > 0.9999


def test_networks_that_were_trained_again_answer_photos_as_taken_much_as_the_committed_tables_do():
    for network, logits in load_trained().items():
        rows = score_rows(f"pad_ufes20.{network}")
        clean = 1 / (1 + np.exp(-logits[0]))
        assert np.corrcoef(clean, rows["score"])[0, 1] > 0.95, network
        assert roc_auc_score(rows["label"], clean) == pytest.approx(roc_auc_score(rows["label"], rows["score"]), abs=0.005)


def test_a_network_that_was_not_measured_gets_the_answers_of_the_nearest_one():
    trained, frozen = load_trained(), load_spoiled().skin["logits"]
    pruned = "efficientnet_lite0_pruned_even"
    assert spoiled_logits(pruned, "int8_static") is trained[f"{pruned}.int8_static"]
    assert spoiled_logits(pruned, "int8_dynamic") is trained[f"{pruned}.fp32"]
    assert (spoiled_logits("efficientnet_lite2", "int8_static") == frozen[1]).all()
    assert (spoiled_logits("efficientnet_lite2", "int8_dynamic") == frozen[0]).all()


def test_every_kind_of_damage_has_three_severities_that_move_the_score_more_and_more():
    found = load_spoiled()
    moved = np.abs(found.skin["logits"][0] - found.skin["logits"][0, :1]).mean(axis=1)
    for name in {one.name for one in found.about.conditions} - {CLEAN}:
        assert (np.diff([0.0, *(moved[found.about.place(f"{name}.{severity}")] for severity in (1, 2, 3))]) > 0).all()


def test_a_condition_that_was_not_measured_is_refused_with_those_that_were():
    with pytest.raises(EvidenceError, match=r"'blurr\.2' was not measured; did you mean 'blur\.2'"):
        load_spoiled().about.place("blurr.2")


def test_the_photos_of_a_set_are_told_apart():
    found = load_spoiled()
    sizes = [len(range(10**6)[photos_of_set(found.about, one.name)]) for one in found.about.foreign]
    assert sizes == [one.photos for one in found.about.foreign]


@pytest.mark.parametrize("change", ["lacks an array", "holds a NaN", "is no archive"])
def test_a_broken_file_is_refused(tmp_path, change):
    shutil.copy(DATALAB / "spoiled.yaml", tmp_path)
    with np.load(DATALAB / "spoiled.npz") as found:
        arrays = dict(found)
    if change == "lacks an array":
        del arrays["light"]
    arrays["sharpness"][0, 0] = np.nan if change == "holds a NaN" else 0
    np.savez(tmp_path / "spoiled.npz", **arrays)
    if change == "is no archive":
        (tmp_path / "spoiled.npz").write_text("no archive")
    with pytest.raises(EvidenceError, match="spoiled"):
        load_spoiled(tmp_path)
