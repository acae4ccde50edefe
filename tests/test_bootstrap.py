"""Resampling by patient: intervals cover what they should, and know that photos of a patient come together."""

import numpy as np
import pytest

from simulator.intervals import bootstrap, percentile_interval, pivotal_interval, share_interval
from simulator.metrics.roc import roc, share
from tests.builders import binormal

ALONE = np.arange(400)


def test_all_photos_of_a_patient_come_along_or_none_does():
    patients = np.repeat(np.arange(10), 3)
    weights = bootstrap(patients, lambda weights: weights, resamples=50)
    assert weights.shape == (50, 30)
    assert (weights.reshape(50, 10, 3) == weights.reshape(50, 10, 3)[..., :1]).all()
    assert (weights[:, ::3].sum(axis=1) == 10).all()


def test_the_same_patients_are_drawn_the_same_way_whatever_they_are_called():
    named = np.array([f"p{number:03}" for number in range(400)])
    assert (bootstrap(ALONE, lambda weights: weights, 20) == bootstrap(named, lambda weights: weights, 20)).all()


def test_a_large_table_is_resampled_in_parts(monkeypatch):
    sizes = []
    monkeypatch.setattr("simulator.intervals._CELLS", 4000)
    bootstrap(ALONE, lambda weights: sizes.append(len(weights)) or weights.sum(1), 25)
    assert sizes == [10, 10, 5]


def test_the_interval_of_a_share_is_nearly_the_binomial_one():
    hits = ALONE < 120
    found = percentile_interval(0.3, bootstrap(ALONE, lambda weights: share(hits, weights)))
    exact = share_interval(120, 400)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.006)


def test_copies_of_each_photo_teach_nothing_new():
    hits, twice = ALONE < 120, np.repeat(ALONE, 2)
    once = percentile_interval(0.3, bootstrap(ALONE, lambda weights: share(hits, weights)))
    copied = percentile_interval(0.3, bootstrap(twice, lambda weights: share(np.repeat(hits, 2), weights)))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))


def test_the_interval_of_the_area_covers_the_truth_about_as_often_as_it_says():
    truth = 0.8556  # of two normals 1.5 standard deviations apart: the normal distribution at 1.5 / sqrt(2)
    covered = 0
    for seed in range(120):
        labels, scores = binormal(seed, 60, 90)
        draws = bootstrap(np.arange(150), lambda weights, y=labels, s=scores: roc(y, s, weights).auc, 400)
        found = percentile_interval(float(roc(labels, scores).auc), draws)
        covered += found.low <= truth <= found.high
    assert share_interval(covered, 120).high >= 0.95


def test_a_pivotal_interval_is_mirrored_and_stops_at_the_least_value():
    draws = np.linspace(0.1, 0.3, 1001)
    found = pivotal_interval(0.15, draws)
    assert (found.low, found.high) == pytest.approx((0.005, 0.195))
    assert pivotal_interval(0.1, draws, least=0).low == 0
