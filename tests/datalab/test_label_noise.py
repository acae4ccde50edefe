"""Readers' noise: panels against theory and simulation, and labels drawn at the rates that the panel promises."""

import numpy as np
import pytest
from scipy.stats import binom

from simulator.datalab.lab_evidence import MALIGNANT as CANCERS
from simulator.datalab.lab_evidence import reader_table
from simulator.datalab.label_noise import (
    LABELLERS,
    Panel,
    called_by_class,
    disagreement,
    drawn_labels,
    majority_of_three,
)

CALLED = np.array([0.05, 0.2, 0.5, 0.8, 0.95])
MALIGNANT = np.array([False, False, False, True, True])


def test_a_majority_of_three_is_two_successes_of_three():
    assert np.allclose(majority_of_three(CALLED), binom.sf(1, 3, CALLED))


def simulated(labeller: str, errors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let readers of `errors` (photos,) judge and return whether the label is wrong, person by person."""
    n = 40_000
    wrong = rng.random((3, n, len(errors))) < errors
    if labeller == "one":
        return wrong[0].mean(axis=0)
    if labeller == "three":
        return (wrong.sum(axis=0) >= 2).mean(axis=0)
    expert = rng.random((n, len(errors))) < errors / 2
    return np.where(wrong[0] == wrong[1], wrong[0], expert).mean(axis=0)


@pytest.mark.parametrize("labeller", ["one", "three", "adjudicated"])
def test_a_panel_errs_as_often_as_its_people_simulated_one_by_one(labeller):
    errors = np.where(MALIGNANT, 1 - CALLED, CALLED)
    called = Panel(labeller).called(CALLED, MALIGNANT)
    found = simulated(labeller, errors, np.random.default_rng(7))
    assert np.allclose(np.where(MALIGNANT, 1 - called, called), found, atol=4 * 0.5 / np.sqrt(40_000))


def test_guidelines_leave_a_part_of_the_errors_and_a_biopsy_none():
    followed = Panel("one", guidelines=True, guideline_errors=0.5).called(CALLED, MALIGNANT)
    assert np.allclose(followed, [0.025, 0.1, 0.25, 0.9, 0.975])
    assert np.array_equal(Panel().called(CALLED, MALIGNANT), MALIGNANT)


def error_rates(panel, table):
    """Return the share of wrong labels by true class."""
    by_class = called_by_class(table)
    reader, malignant = np.array([*by_class.values()]), np.isin([*by_class], CANCERS)
    called = panel.called(reader, malignant)
    return dict(zip(by_class, np.where(malignant, 1 - called, called).tolist(), strict=True))


def test_more_people_err_less_in_every_class_where_one_is_right_more_often_than_not():
    table = reader_table()
    one, three, expert = (error_rates(Panel(labeller), table) for labeller in LABELLERS[1:])
    for name, rate in one.items():
        assert 0 < three[name] < rate < 0.5 and expert[name] < rate


def test_labels_are_wrong_at_the_rates_of_the_panel():
    table = reader_table()
    diagnoses = np.repeat(np.array(["MEL", "BCC", "NEV"], object), 20_000)
    labels = drawn_labels(Panel("one"), table, diagnoses, np.random.default_rng(1))
    called = called_by_class(table)
    for name, part in zip(["MEL", "BCC", "NEV"], np.split(labels, 3), strict=True):
        assert part.mean() == pytest.approx(called[name], abs=0.015)


def test_proven_labels_have_no_error():
    diagnoses = np.array(["MEL", "NEV", "ACK", "SCC"], object)
    labels = drawn_labels(Panel(), reader_table(), diagnoses, np.random.default_rng(0))
    assert list(labels) == [True, False, False, True]


def test_two_readers_differ_twice_as_often_as_the_product_of_right_and_wrong():
    table, diagnoses = reader_table(), np.array(["MEL", "NEV"], object)
    called = called_by_class(table)
    expected = np.mean([2 * called[name] * (1 - called[name]) for name in diagnoses])
    assert disagreement(Panel("adjudicated"), table, diagnoses) == pytest.approx(expected)
