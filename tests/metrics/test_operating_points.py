"""Thresholds on the curve of a score table, against counts made by hand."""

import pytest

from simulator.intervals import share_interval
from simulator.metrics.operating_points import flagged_at, flagged_curve, operating_point, operating_points
from tests.builders import gate, people, plan, pool, population, score_table

TABLE = score_table([0.9, 0.8, 0.7, 0.2], [0.6, 0.5, 0.4, 0.3, 0.25, 0.1, 0.1, 0.1])


def made(**fields):
    routes = [{"at_sensitivity": 0.5, "to": "people", "tag": "urgent"}, {"at_sensitivity": 1, "to": "people"}, {"to": "done"}]
    stages = {
        "model": pool(to="triage", scores="test"),
        "triage": gate("score", *routes),
        "people": people(("00:00", "24:00", 1), minutes=1),
    }
    return plan(stages, scores=TABLE, population=population(0.25), **fields)


def test_a_threshold_is_counted_on_the_labelled_items():
    point = operating_point(TABLE, 0.5)
    assert point.sensitivity.value == 0.75
    assert point.false_positives.value == 0.25


def test_without_a_miss_the_interval_is_that_of_the_exact_binomial():
    point = operating_point(TABLE, 0.0)
    assert point.sensitivity.value == 1
    assert point.sensitivity.low == pytest.approx(share_interval(4, 4).low)


def test_the_thresholds_of_a_design_come_in_the_order_of_its_routes():
    points = operating_points(made())
    assert [point.label for point in points] == ["urgent", "people"]
    assert [point.sensitivity.value for point in points] == [0.5, 1]


def test_a_design_without_scores_has_no_thresholds():
    assert operating_points(plan({"pool": pool()})) == []


def test_flagged_shares_weigh_both_classes_by_the_prevalence():
    curve = flagged_curve(made()).set_index("sensitivity")
    assert curve.loc[1.0, "flagged"] == 1
    at_75 = curve.iloc[abs(curve.index - 0.75).argmin()]
    assert at_75["flagged"] == pytest.approx(0.25 * 0.75)  # three of four positives, none of the negatives
    assert (curve["low"] <= curve["flagged"]).all()
    assert (curve["flagged"] <= curve["high"]).all()


def test_a_threshold_flags_of_a_crowd_what_it_flags_of_the_labelled():
    """At 0.75 the cut is 0.7: three of four positives, none of the negatives; at 1 everybody; a quarter is positive."""
    most, all_of_them = flagged_at(made(), 0.75), flagged_at(made(), 1.0)
    assert (most.crowd, most.flagged_positives, most.unflagged_positives, most.flagged_negatives, most.unflagged_negatives) == (
        1000,
        187.5,
        62.5,
        0,
        750,
    )
    assert (all_of_them.unflagged_positives, all_of_them.unflagged_negatives, all_of_them.share) == (0, 0, 1)
    half = flagged_at(made(), 0.5)
    assert (half.flagged_positives, half.share) == (125, 0.125)


def test_a_promise_about_the_next_positive_flags_more():
    """Of four positives the next reaches the lowest of three with 3 in 5 only, so a promise of 0.75 takes all four."""
    assert flagged_at(made(), 0.75, promised=True).flagged_positives == 250
