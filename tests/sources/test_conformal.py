"""Conformal sets against the library crepes, the theory of ranks, and patients that were held out."""

import numpy as np
import pytest

from simulator.intervals import share_interval
from simulator.sources.calibration import PROMISES, band, coverage_rows, held_out_coverage
from tests.builders import binormal, score_frame

crepes = pytest.importorskip("crepes")


@pytest.mark.parametrize("promised", PROMISES)
def test_the_sets_are_those_of_crepes(promised):
    # 170 and 230 items: no rank falls exactly on a promise, where the library decides the other way.
    labels, scores = binormal(0, 170, 230)
    fresh = np.linspace(0, 1, 501)
    found = band(labels, scores, promised)
    strangeness = np.where(labels == 1, 1 - scores, scores)
    theirs = crepes.ConformalClassifier().fit(strangeness, bins=labels)
    for label, holds in ((1, found.holds_positive(fresh)), (0, found.holds_negative(fresh))):
        alphas = np.stack([1 - fresh if label else fresh], axis=1)
        sets = theirs.predict_set(alphas, bins=np.full(len(fresh), label), confidence=promised, smoothing=False)
        assert (sets[:, 0] == 1).tolist() == holds.tolist()


def test_a_border_worked_out_by_hand():
    # Nine of each: at 80% the 8th strangest, ceil(10 * 0.8), is the border and still inside.
    scores = np.r_[np.arange(1, 10) / 10, np.arange(1, 10) / 10]
    found = band(np.repeat([1, 0], 9), scores, 0.8)
    assert (found.clear_below, found.refer_above) == pytest.approx((0.2, 0.8))
    assert found.holds_positive([0.19, 0.2]).tolist() == [False, True]
    assert found.holds_negative([0.8, 0.81]).tolist() == [True, False]


def test_with_too_few_items_nothing_is_ever_too_strange():
    found = band(np.repeat([1, 0], 9), np.full(18, 0.5), 0.95)
    assert found.holds_positive([0.0]).all()
    assert found.holds_negative([1.0]).all()


def test_a_fresh_item_is_covered_as_often_as_ranks_say():
    # k = ceil(40 * 0.9) = 36 of 39: a fresh positive is inside with chance 36 / 40, whatever the scores.
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(4000):
        scores = rng.beta(2, 1, 40)
        found = band(np.r_[np.ones(39), 0], np.r_[scores[:39], 0.1], 0.9)
        inside += found.holds_positive(scores[39:]).item()
    interval = share_interval(inside, 4000)
    assert interval.low <= 0.9 <= interval.high


@pytest.mark.parametrize("promised", PROMISES)
def test_the_promise_is_kept_for_each_class_on_patients_held_out(promised):
    labels, scores = binormal(1, 1500, 2500)
    found = held_out_coverage(score_frame(labels, scores, fold=np.arange(4000) % 5), promised)
    for part in (found.positives, found.negatives):
        assert part.low <= promised <= part.high
    assert found.cleared + found.referred + found.unsure == pytest.approx(1)


def test_a_higher_promise_leaves_more_unsure():
    labels, scores = binormal(2, 400, 600)
    rows = coverage_rows([held_out_coverage(score_frame(labels, scores), promised) for promised in (0.9, 0.95, 0.99)])
    assert rows["unsure (%)"].is_monotonic_increasing
    assert rows["promised (%)"].tolist() == pytest.approx([90, 95, 99])
