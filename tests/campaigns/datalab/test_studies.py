"""The committed studies are what this code makes of their evidence."""

import numpy as np
import pytest

from campaigns.datalab import lab_studies
from campaigns.datalab.lab_studies import affordable
from campaigns.datalab.spoiled_studies import false_alarms, not_worth_scoring
from simulator.datalab.lab_evidence import study_rows
from simulator.datalab.label_noise import Panel
from simulator.datalab.label_prices import price, price_of
from simulator.datalab.learning_curves import point
from simulator.datalab.refit import LabRequest
from simulator.evidence.photo_checks import NOT_WORTH_SCORING


def test_the_study_of_splits_is_what_the_lab_makes_of_it():
    made, there = lab_studies.splits_and_weights(), study_rows("splits_and_weights")
    assert list(made["choice"]) == list(there["choice"])
    for column in ("auc", "auc_gain", "melanomas"):
        assert np.allclose(made[column], there[column], atol=1e-3)


def test_a_point_of_the_curve_is_what_the_lab_makes_of_it():
    rows = study_rows("selections")
    [there] = rows[(rows["photos"] == 100) & (rows["selection"] == "random")].to_dict("records")
    made = point(LabRequest(photos=100), lab_studies.REPEATS)
    assert made.auc.value == pytest.approx(there["auc"], abs=1e-3)
    assert price_of(made.request).usd == pytest.approx(there["usd"], rel=1e-3)


def test_photos_not_worth_scoring_are_those_of_the_definition():
    assert not_worth_scoring(study_rows("spoiled")) == NOT_WORTH_SCORING


def test_the_false_alarms_are_those_of_the_study():
    assert np.allclose(false_alarms()["stopped"], study_rows("false_alarms")["stopped"], atol=1e-4)


@pytest.mark.parametrize("labeller", ["proven", "one", "three", "adjudicated"])
def test_a_budget_labels_as_many_photos_as_it_pays_for(labeller):
    count = affordable(10_000, 1071, Panel(labeller), "random", 0.2)
    assert price(count, 1071, Panel(labeller), "random", 0.2).usd <= 10_000
    assert price(count + 1, 1071, Panel(labeller), "random", 0.2).usd > 10_000


def test_no_budget_labels_more_than_there_are():
    assert affordable(1e9, 1071, Panel("one"), "random", 0.2) == 1071
    assert affordable(1, 1071, Panel("one"), "random", 0.2) == 0
