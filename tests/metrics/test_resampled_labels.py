"""The labelled people behind a plan: their resamples, and draws of shares and quantiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import bdtrik

from simulator.evidence.score_tables import load_scores
from simulator.intervals import quantile_interval, share_interval
from simulator.metrics import resampled_labels
from simulator.metrics.resampled_labels import LabelledClass, threshold_checks, weights_of
from tests.builders import score_table
from tests.coverage.few_labels import PLAIN, few
from tests.metrics.test_label_uncertainty import TABLE, screened

DRAWS = 1000


def labelled(scores, patients=None):
    """Labelled items, each of a patient of its own unless told otherwise, resampled by patient."""
    scores = np.asarray(scores, float)
    patients = np.arange(len(scores)) if patients is None else np.asarray(patients)
    people = patients.max() + 1
    weights = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), DRAWS).astype(float)[:, patients]
    return LabelledClass(scores, patients, weights, float(len(scores)))


def outer(draws):
    return np.quantile(draws, [0.025, 0.975], method="inverted_cdf")


@given(st.integers(5, 300), st.floats(0.01, 0.99))
def test_the_outer_draws_of_a_quantile_are_the_scores_that_order_statistics_name(count, share):
    scores = np.linspace(0.1, 0.9, count)
    now = np.sort(scores)[min(int(np.ceil(share * count)), count) - 1]
    exact = quantile_interval(scores, share)
    drawn = np.sort(labelled(scores).quantiles(share, now))
    assert drawn[24] <= exact.low <= drawn[25]  # draws stand at 2.45% and 2.55%
    assert drawn[974] <= exact.high <= drawn[975]


@pytest.mark.parametrize(("count", "share"), [(60, 0.8), (200, 0.9), (1000, 0.95)])
def test_draws_to_compare_models_by_spread_as_the_number_below_a_quantile_does(count, share):
    """The number of n items below the quantile of everybody is binomial; the scores here are their own places."""
    scores = (np.arange(count) + 0.5) / count
    spread = np.std(labelled(scores).quantiles(share, np.sort(scores)[int(share * count) - 1], paired=True))
    assert spread == pytest.approx(np.sqrt(share * (1 - share) / count), rel=0.04)


@given(st.integers(2, 300), st.data())
def test_the_outer_draws_of_a_share_are_the_bounds_of_clopper_and_pearson(count, data):
    hits = data.draw(st.integers(0, count))
    scores = np.linspace(0.9, 0.1, count)
    taken, ways = np.where(np.arange(count) < hits, 0, 1), np.array([0, 1])
    drawn = labelled(scores).shares(taken, ways, np.ones(2, bool))
    exact = share_interval(hits, count)
    assert drawn.sum(1) == pytest.approx(np.ones(DRAWS))
    assert outer(drawn[:, 0]) == pytest.approx((exact.low, exact.high), abs=0.004)


def test_a_higher_share_below_a_threshold_goes_with_a_lower_true_threshold():
    """Both rest on the same people: a resample that holds more low scores moves the two together."""
    scores = np.random.default_rng(1).beta(3, 2, 120)
    positives = replace(labelled(-scores), scores=-scores)
    cut = np.sort(scores)[12]
    thresholds = -positives.quantiles(0.9, -cut)
    missed = labelled(scores).shares(np.where(scores >= cut, 0, 1), np.array([0, 1]), np.ones(2, bool))[:, 1]
    assert np.corrcoef(thresholds, missed)[0, 1] < -0.9


def test_photos_of_one_patient_are_worth_as_much_as_they_differ():
    rng = np.random.default_rng(2)
    alone = labelled(rng.random(120))
    alike = labelled(np.repeat(rng.random(40), 3), np.repeat(np.arange(40), 3))
    unlike = labelled(rng.random(120), np.repeat(np.arange(40), 3))
    assert alone.worth == 120
    assert alike.worth < 40
    assert 75 < unlike.worth <= 120
    assert replace(alone, evidence=30.0).worth == 30


def test_a_resample_that_holds_nobody_of_a_class_is_in_the_middle():
    few_weights = np.zeros((DRAWS, 2))
    few_weights[::2] = 1
    one = LabelledClass(np.array([0.2, 0.8]), np.array([0, 1]), few_weights, 2.0)
    assert np.isfinite(one.shares(np.array([1, 0]), np.array([0, 1]), np.ones(2, bool))).all()


@pytest.mark.parametrize(("positives", "told"), [(60, "60 independent ones"), (367, "367 independent"), (368, "")])
def test_the_number_of_positives_that_would_bound_a_threshold_is_told(positives, told):
    """.99 ** 367 is just above 2.5%, .99 ** 368 just below."""
    table = score_table(np.linspace(0.2, 0.9, positives), np.linspace(0.1, 0.6, 50))
    [check] = threshold_checks(screened({"at_sensitivity": 0.99, "to": "clinic"}, table=table))
    assert check.needed == 368
    assert (told in check.sentence) == bool(told) or not told
    assert ("too few for a lower bound" in check.sentence) == bool(told)


@pytest.mark.long
@pytest.mark.parametrize("figure", ["sensitivity", "specificity", "missed_per_1000", "cost_per_1000_usd"])
def test_intervals_hold_the_truth_with_60_positives_and_a_threshold_at_99_percent(figure):
    samples = 120
    claimed = [one for number in range(samples) for one in few(PLAIN, 60, 0.99, number) if one.figure == figure]
    held = sum(one.interval.low <= one.truth <= one.interval.high for one in claimed)
    assert share_interval(held, samples).high >= 0.95


@pytest.mark.parametrize(("worth", "share"), [(60.0, 0.95), (452.0, 0.9975), (381.7, 0.05), (2.5, 0.4), (1510.0, 0.5)])
def test_counts_below_a_quantile_are_the_inverse_of_the_binomial_distribution(worth, share):
    places = (np.arange(1000) + 0.5) / 1000
    np.testing.assert_array_equal(
        resampled_labels._counts_below(1000, worth, share), np.ceil(bdtrik(places, worth, share) - 1e-9)
    )


def test_patients_come_along_whole():
    table = replace(TABLE, positive_patients=np.arange(120) // 4, negative_patients=np.arange(180) // 4)  # some have both
    weights = weights_of(table)
    assert (weights[:, :120:4] == weights[:, 3:120:4]).all()
    assert (weights[:, :120] == weights[:, 120:240]).all()
    assert weights.mean() == pytest.approx(1, abs=0.02)


def test_a_published_curve_is_resampled_as_often_as_people_stand_behind_it():
    table = load_scores("published.skinvision_resnet50x3.fp32")
    drawn = weights_of(table).sum(1)
    assert (drawn == 2 * round(table.positive_evidence)).all()
