"""Answers to spoiled photos: as taken they are the committed score tables, and a broken file is refused."""

import shutil

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from simulator.evidence.lab_evidence import LabEvidenceError
from simulator.evidence.score_tables import score_rows
from simulator.evidence.spoiled_photos import CLEAN, load_spoiled, load_trained, spoiled_logits
from simulator.paths import DATALAB


@pytest.mark.parametrize("precision", ["fp32", "int8_static"])
def test_photos_as_taken_have_the_scores_of_the_committed_table(precision):
    found = load_spoiled()
    logits = found.skin.logits[found.about.precisions.index(precision), found.about.place(f"{CLEAN}.0")]
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
    trained, frozen = load_trained(), load_spoiled().skin.logits
    pruned = "efficientnet_lite0_pruned_even"
    assert spoiled_logits(pruned, "int8_static") is trained[f"{pruned}.int8_static"]
    assert spoiled_logits(pruned, "int8_dynamic") is trained[f"{pruned}.fp32"]
    assert (spoiled_logits("efficientnet_lite2", "int8_static") == frozen[1]).all()
    assert (spoiled_logits("efficientnet_lite2", "int8_dynamic") == frozen[0]).all()


def test_every_kind_of_damage_has_three_severities_that_move_the_score_more_and_more():
    found = load_spoiled()
    moved = np.abs(found.skin.logits[0] - found.skin.logits[0, :1]).mean(axis=1)
    for name in {one.name for one in found.about.conditions} - {CLEAN}:
        assert (np.diff([0.0, *(moved[found.about.place(f"{name}.{severity}")] for severity in (1, 2, 3))]) > 0).all()


def test_a_condition_that_was_not_measured_is_refused_with_those_that_were():
    with pytest.raises(LabEvidenceError, match=r"'blurr\.2' was not measured; did you mean 'blur\.2'"):
        load_spoiled().about.place("blurr.2")


def test_the_photos_of_a_set_are_told_apart():
    found = load_spoiled()
    sizes = [len(range(10**6)[found.of_set(one.name)]) for one in found.about.foreign]
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
    with pytest.raises(LabEvidenceError, match="spoiled"):
        load_spoiled(tmp_path)
