"""Held-out errors as rows, and beside their bars."""

import pytest

from simulator.evidence.projection_accuracy import Errors, HeldOut, Prediction, ProjectionComparison
from simulator.sources.latency_rows import compared, comparison_rows, error_rows, prediction_rows, projection_marks, reached

CELL = {"points": 5, "p90": 0.5}
T4 = {"device": "nvidia-t4", "model": "resnet50@224"}


def prediction(published, projected, batch=1):
    band = {"low": projected / 2, "high": projected * 2}
    told = {"precision": "int8", "basis": "family", "published": published, "projected": projected}
    return Prediction(**T4, batch=batch, **told, **band)


FOUND = HeldOut(
    fingerprint="",
    widths={"family": 1.0},
    energy_width=1.0,
    overall=[Errors(basis="family", median=0.1, covered=0.7, **CELL)],
    rows=[
        Errors(basis="family", device="nvidia-t4", family="resnet", median=0.1, covered=0.9, **CELL),
        Errors(basis="family", device="nvidia-t4", family="vit", median=0.2, covered=0.9, **CELL),
    ],
    comparisons=[
        ProjectionComparison(**T4, batch=1, published=0.001, projected=0.0011),
        ProjectionComparison(**T4, batch=0, published=0.001, projected=0.0007),
    ],
    energy=[],
    predictions=[prediction(0.010, 0.012), prediction(0.001, 0.004, batch=0)],
)


def test_a_median_is_met_below_its_bar_and_a_coverage_above():
    error, covers = projection_marks(FOUND)
    assert (error.met, covers.met) == (True, False)
    assert error.words == "met: at most 15.0%"
    assert covers.words == "not met: at least 80.0%"


def test_a_prediction_stands_beside_what_was_published():
    rows = prediction_rows(FOUND)
    assert rows["error (%)"].tolist() == pytest.approx([20, 300])
    assert rows["in the band"].tolist() == [True, False]
    assert rows["batch"].tolist() == ["1", "offline"]
    assert rows["published (ms)"].tolist() == pytest.approx([10, 1])


def test_pairs_of_device_and_family_are_counted():
    rows = error_rows(FOUND)
    assert rows["met"].tolist() == [True, False]
    assert reached(rows) == "1 of 2 pairs of device and family reach both bars."


def test_the_comparisons_tell_both_models_errors():
    assert comparison_rows(FOUND)["error (%)"].tolist() == pytest.approx([10, -30])
    sentence = compared(FOUND)
    assert "a median error of 20.0% over 2 published figures, -30% at worst" in sentence
    assert sentence.endswith("came to 24.0% and +160%.")
