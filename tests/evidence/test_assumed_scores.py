"""Assumed scores: the area is the one asked for, and thresholds do what two normal distributions say."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from sklearn.metrics import roc_auc_score

from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.score_tables import Assumed, assumed_scores, check_paired
from tests.builders import score_table


def assume(auc, positives=200, negatives=200):
    about = {"model": "tiny", "precision": "fp32", "source": "a guess"}
    return assumed_scores(Assumed(**about, auc=auc, positives=positives, negatives=negatives))


def rank_step(*counts):
    """What a slice of the smaller class is worth: shares of so few people come in steps of it."""
    return 1 / min(counts)


SIZES = [(200, 200), (40, 1000), (1000, 50)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("auc", [0.51, 0.7, 0.9, 0.99, 0.9999])
def test_the_area_that_scikit_learn_finds_is_the_one_asked_for(auc, size):
    table = assume(auc, *size)
    labels = np.repeat([1, 0], size)
    found = roc_auc_score(labels, np.concatenate([table.positives, table.negatives]))
    assert found == pytest.approx(auc, abs=rank_step(*size) / 8)
    assert table.auc == pytest.approx(found)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("sensitivity", [0.6, 0.9, 0.95])
def test_a_threshold_finds_and_refers_as_two_normal_distributions_say(sensitivity, size):
    table, apart = assume(0.9, *size), np.sqrt(2) * ndtri(0.9)
    cut = table.threshold_at(sensitivity)
    latent = ndtri(cut) + apart / 2  # where negatives are standard normal and positives `apart` above
    assert table.sensitivity_at(cut) == pytest.approx(ndtr(apart - latent), abs=rank_step(*size))
    assert table.specificity_at(cut) == pytest.approx(ndtr(latent), abs=rank_step(*size))
    assert table.specificity_at(cut) == pytest.approx(ndtr(apart - ndtri(sensitivity)), abs=2 * rank_step(*size))


def test_a_better_area_scores_every_positive_higher_and_no_two_items_are_one_patient():
    good, better = assume(0.8), assume(0.9)
    assert (better.positives > good.positives).all()
    assert (better.negatives < good.negatives).all()
    assert good.name != better.name
    assert len({*good.positive_patients, *good.negative_patients}) == 400


def test_assumed_scores_do_not_stand_beside_others():
    with pytest.raises(EvidenceError, match="is assumed; its score of a photo of 'test' is not known"):
        check_paired(score_table([0.5], [0.1]), assume(0.9))
