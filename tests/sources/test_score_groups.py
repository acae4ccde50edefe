"""What a threshold does to groups, counted by hand; where there are too few, nothing is said."""

import numpy as np
import pytest

from simulator.intervals import share_interval
from simulator.sources.threshold_transfer import group_rows, prevalence_rows
from tests.builders import score_frame


def frame():
    """Type II: 40 positives of whom 30 lie above one half, 40 negatives of whom 8 do; type VI: 2 positives."""
    labels = [1] * 40 + [0] * 40 + [1, 1]
    scores = [0.9] * 30 + [0.1] * 10 + [0.9] * 8 + [0.1] * 32 + [0.9, 0.9]
    return score_frame(labels, scores, fitzpatrick=[2] * 80 + [6, 6], diagnosis=["MEL"] * 40 + [""] * 42)


def test_shares_are_counted_with_their_intervals():
    rows = group_rows(frame(), 0.5, "fitzpatrick").set_index(["group", "what"])
    ill, well = rows.loc["type II", "sensitivity"], rows.loc["type II", "specificity"]
    assert (ill["share"], ill["n"], ill["patients"]) == (0.75, 40, 40)
    assert well["share"] == 0.8
    exact = share_interval(30, 40)
    assert (ill["low"], ill["high"]) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_of_two_nothing_is_said():
    rows = group_rows(frame(), 0.5, "fitzpatrick").set_index(["group", "what"])
    few = rows.loc["type VI", "sensitivity"]
    assert few["verdict"] == "too few to say"
    assert np.isnan(few["share"])
    assert few["n"] == 2


def test_what_is_not_told_is_a_group_too():
    assert set(group_rows(frame(), 0.5, "diagnosis")["group"]) == {"MEL", "not known"}
    rows = score_frame([1, 0] * 40, [0.5] * 80)
    assert set(group_rows(rows, 0.5, "fitzpatrick")["group"]) == {"not known"}


def test_a_prevalence_weighs_both_classes():
    rows = prevalence_rows(frame().iloc[:80], 0.5, [0.5, 0.02]).set_index("prevalence")
    # Of 1,000 people 20 are ill, 15 found; 0.2 of 980 flagged too.
    assert rows.loc[0.02, "flagged"] == pytest.approx(15 + 196)
    assert rows.loc[0.02, "right"] == pytest.approx(100 * 15 / 211)
    assert rows.loc[0.02, "unflagged"] == pytest.approx(5)
    assert rows.loc[0.5, "right"] == pytest.approx(100 * 0.75 / 0.95)
    exact = share_interval(10, 40)
    assert (rows.loc[0.02, "unflagged low"], rows.loc[0.02, "unflagged high"]) == pytest.approx(
        (20 * exact.low, 20 * exact.high), abs=0.5
    )
