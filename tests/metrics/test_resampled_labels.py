"""Resamples draw whole patients, and as many people as stand behind a published curve."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.evidence.score_tables import load_scores
from simulator.metrics.resampled_labels import weights_of
from tests.metrics.test_label_uncertainty import TABLE


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
