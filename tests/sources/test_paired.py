"""Two tables on the same items: the difference is paired, and chance is called chance."""

import numpy as np
import pytest

from simulator.evidence.evidence_files import EvidenceError
from simulator.intervals import Interval
from simulator.metrics.roc import auc, specificity_at
from simulator.sources.threshold_transfer import pair_sentence, paired
from tests.builders import binormal, score_frame

LABELS, SCORES = binormal(0, 200, 300)


def test_the_figures_are_those_of_each_table_and_their_difference():
    noisy = np.clip(SCORES + np.random.default_rng(0).normal(0, 0.2, 500), 0, 1)
    found = {pair.what: pair for pair in paired(score_frame(LABELS, SCORES), score_frame(LABELS, noisy))}
    assert found["AUC"].first == pytest.approx(auc(LABELS, SCORES))
    at_95 = found["specificity at 95% sensitivity"]
    assert at_95.second == pytest.approx(specificity_at(LABELS, noisy, 0.95))
    assert at_95.change.value == pytest.approx(at_95.second - at_95.first)
    assert found["AUC"].differs
    assert found["AUC"].change.high < 0


def test_a_table_does_not_differ_from_itself_whatever_the_order():
    rows = score_frame(LABELS, SCORES)
    for pair in paired(rows, rows.iloc[::-1]):
        assert (pair.change.low, pair.change.value, pair.change.high) == (0, 0, 0)
        assert not pair.differs


def test_what_both_find_hard_is_no_difference():
    """A little noise moves the paired difference far less than two independent samples would."""
    close = np.clip(SCORES + np.random.default_rng(1).normal(0, 0.005, 500), 0, 1)
    change = paired(score_frame(LABELS, SCORES), score_frame(LABELS, close))[0].change
    assert change.high - change.low < 0.01


def test_tables_of_other_items_are_refused():
    rows = score_frame(LABELS, SCORES)
    with pytest.raises(EvidenceError, match="share 499 of 499 and 500 items"):
        paired(rows.iloc[1:], rows)
    with pytest.raises(EvidenceError, match="label them differently"):
        paired(rows, score_frame(1 - LABELS, SCORES))


def test_one_sentence_says_which_is_better_or_that_nobody_can_tell():
    from simulator.sources.threshold_transfer import Pair

    what = "specificity at 95% sensitivity"
    better = Pair(what, 0.4, 0.5, Interval(0.1, 0.04, 0.16))
    assert pair_sentence(better, "a", "b") == (
        "Specificity at 95% sensitivity: 50.0% for b, 40.0% for a: 10.0 points higher on the same photos "
        "(95% interval 4.0 to 16.0 points)."
    )
    same = Pair("AUC", 0.832, 0.834, Interval(0.002, -0.004, 0.008))
    assert pair_sentence(same, "a", "b") == (
        "AUC: 0.834 for b, 0.832 for a: not significantly different (95% interval of the difference -0.004 to 0.008)."
    )
