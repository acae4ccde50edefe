"""Measures of quality against scikit-learn, against each other, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from simulator.metrics.roc import (
    auc,
    bins_of,
    calibration_error,
    calibration_floor,
    log_loss,
    predictive_value,
    roc,
    roc_of,
    share,
    specificity_at,
)
from tests.builders import score_table

LEVELS = st.integers(1, 19).map(lambda level: level / 20)  # ties are common
ITEMS = st.lists(st.tuples(LEVELS, st.integers(1, 4)), min_size=1, max_size=20)


@st.composite
def weighted(draw):
    """Labels, scores and weights, with both classes."""
    classes = draw(ITEMS), draw(ITEMS)
    labels = np.repeat([1, 0], [len(items) for items in classes])
    scores, weights = np.array([*classes[0], *classes[1]], float).T
    order = draw(st.permutations(range(len(labels))))
    return labels[order], scores[order], weights[order]


@given(weighted())
def test_the_curve_and_its_area_are_those_of_scikit_learn(case):
    labels, scores, weights = case
    curve = roc(labels, scores, weights)
    false, true, thresholds = metrics.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    assert curve.false_rate == pytest.approx(false)
    assert curve.true_rate == pytest.approx(true)
    assert curve.thresholds == pytest.approx(thresholds)
    assert auc(labels, scores, weights) == pytest.approx(metrics.roc_auc_score(labels, scores, sample_weight=weights))


@given(weighted())
def test_the_log_loss_is_that_of_scikit_learn(case):
    labels, scores, weights = case
    expected = metrics.log_loss(labels, scores, sample_weight=weights, labels=[0, 1])
    assert log_loss(labels, scores, weights) == pytest.approx(expected)


@given(weighted(), st.floats(0.01, 0.999))
def test_a_weight_is_so_many_copies(case, sensitivity):
    labels, scores, weights = case
    copied = np.repeat(labels, weights.astype(int)), np.repeat(scores, weights.astype(int))
    assert auc(*copied) == pytest.approx(auc(labels, scores, weights))
    assert specificity_at(*copied, sensitivity) == pytest.approx(specificity_at(labels, scores, sensitivity, weights))


@given(weighted(), st.floats(0.01, 0.999))
def test_the_threshold_of_a_sensitivity_is_the_highest_that_reaches_it(case, sensitivity):
    labels, scores, weights = case
    cut, ill = roc(labels, scores, weights).threshold_at(sensitivity), labels == 1
    assert share(scores[ill] >= cut, weights[ill]) >= sensitivity - 1e-9
    assert not any(share(scores[ill] >= higher, weights[ill]) >= sensitivity for higher in scores if higher > cut)
    expected = share(scores[~ill] < cut, weights[~ill])
    assert specificity_at(labels, scores, sensitivity, weights) == pytest.approx(expected)


@given(ITEMS, ITEMS, st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]) | st.floats(0, 1))
def test_a_threshold_is_the_one_that_a_gate_uses(positives, negatives, sensitivity):
    ill, well = ([level for level, count in items for _ in range(count)] for items in (positives, negatives))
    table = score_table(ill, well)
    assert roc_of(table).threshold_at(sensitivity) == table.threshold_at(sensitivity)
    assert roc_of(table).specificity_at(sensitivity) == pytest.approx(table.specificity_at(table.threshold_at(sensitivity)))


@given(weighted())
def test_rows_of_weights_are_samples_of_their_own(case):
    labels, scores, weights = case
    both = np.stack([weights, np.ones_like(weights)])
    for measure in (auc, log_loss, calibration_error):
        one_by_one = [float(measure(labels, scores, weights)), float(measure(labels, scores))]
        assert measure(labels, scores, both) == pytest.approx(one_by_one)


def test_a_sample_without_a_class_has_no_area():
    labels, scores = np.array([1, 0]), np.array([0.5, 0.4])
    assert np.isnan(auc(labels, scores, np.array([1, 0])))


def test_bins_hold_as_many_and_never_part_a_tie():
    assert bins_of(np.arange(100) / 100).tolist() == np.repeat(np.arange(10), 10).tolist()
    bins = bins_of(np.repeat([0.1, 0.9], [95, 5]))
    assert len(set(bins[:95])) == 1


def test_the_calibration_error_worked_out_by_hand():
    # Two bins: scores 0.2, 0.4 with one positive of two are off by 0.2; 0.6, 0.8 with two of two by 0.3.
    assert calibration_error([0, 1, 1, 1], [0.2, 0.4, 0.6, 0.8], bins=2) == pytest.approx(0.25)
    assert calibration_error([0, 1, 1, 1], [0.2, 0.4, 0.6, 0.8], [1, 1, 0, 0], bins=2) == pytest.approx(0.2)


def test_perfectly_calibrated_scores_seem_off_by_the_floor():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0, 1, 1000)
    errors = [float(calibration_error(rng.random(1000) < scores, scores)) for _ in range(400)]
    standard_error = np.std(errors) / 20
    assert np.mean(errors) == pytest.approx(calibration_floor(scores), abs=4 * standard_error)


def test_the_predictive_value_is_that_of_bayes():
    # Of 1,000 people 20 are ill, 19 of them found; of 980 healthy 196 are referred: 19 of 215 are right.
    assert predictive_value(0.95, 0.8, 0.02) == pytest.approx(19 / 215)
    labels, predicted = np.repeat([1, 0], [20, 980]), np.r_[np.ones(19), np.zeros(1), np.ones(196), np.zeros(784)]
    assert predictive_value(0.95, 0.8, 0.02) == pytest.approx(metrics.precision_score(labels, predicted))
    assert np.isnan(predictive_value(0, 1, 0.02))
