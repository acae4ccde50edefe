"""Predictions over all sessions: the share that held with its exact interval, and a picture whose dots lie where results do."""

import pytest
from scipy.stats import binomtest

from simulator.you.signal_history import (
    ENOUGH,
    calibration_chart,
    held_sentences,
    held_share,
    score_table,
    settled_intervals,
)
from tests.you.records import DRIFT, prediction, session


def intervals(*values, low=10.0, high=20.0):
    return settled_intervals([session(predictions=[prediction(place, low, high, value) for place, value in enumerate(values)])])


@pytest.mark.parametrize(("held", "missed"), [(9, 1), (10, 0), (0, 10), (21, 7), (1, 0)])
def test_the_interval_of_the_share_is_that_of_clopper_and_pearson(held, missed):
    share = held_share(intervals(*[15.0] * held, *[99.0] * missed))
    exact = binomtest(held, held + missed).proportion_ci(0.95, "exact")
    assert (share.value, share.low, share.high) == pytest.approx((held / (held + missed), exact.low, exact.high))


@pytest.mark.parametrize(
    ("held", "missed", "lesson"),
    [(3, 7, "too seldom"), (9, 1, "Chance alone may explain"), (40, 0, "too often"), (1, 0, "Chance alone may explain")],
)
def test_the_lesson_is_drawn_only_where_the_interval_excludes_nine_in_ten(held, missed, lesson):
    words = held_sentences(intervals(*[15.0] * held, *[99.0] * missed))
    assert words.startswith(f"{held} of {held + missed} interval")
    assert lesson in words


def test_each_dot_lies_in_half_widths_from_the_middle_and_the_farthest_at_the_edge():
    # middle 15, half-width 5: 15 -> 0, 20 -> 1, 10 -> -1, 22.5 -> 1.5, 100 -> the edge
    drawn = calibration_chart(intervals(15.0, 20.0, 10.0, 22.5, 100.0)).figure
    held, missed = (trace for trace in drawn.data)
    assert (list(held.x), list(held.y)) == ([1, 2, 3], [0.0, 1.0, -1.0])
    assert (list(missed.x), list(missed.y)) == ([4, 5], [1.5, 3.0])
    assert list(missed.marker.symbol) == ["x", "triangle-up"]


def test_an_interval_without_a_width_holds_its_own_value_alone():
    one, other = intervals(5.0, 4.0, low=5.0, high=5.0)
    assert (one.held, one.place, other.held, other.place) == (True, 0.0, False, -3.0)


def test_the_table_holds_every_prediction_with_its_result_in_its_unit():
    table = calibration_chart(intervals(15.0, 99.0)).table
    assert list(table["held"]) == ["yes", "no"]
    assert list(table["your interval"]) == ["10.0 s to 20.0 s"] * 2
    assert list(table["the run"]) == ["15.0 s", "99.0 s"]


def test_predictions_without_a_result_and_bottlenecks_are_left_out_and_the_rest_are_in_order_of_time():
    first = session(predictions=[prediction(7, 1, 2, 1.5), prediction(3, 1, 2, None)])
    second = session(DRIFT, predictions=[prediction(2, 1, 2, 3.0)])
    found = settled_intervals([first, second])
    assert [(one.at, one.value, one.case) for one in found] == [
        (2.0, 3.0, second.scenario.title),
        (7.0, 1.5, first.scenario.title),
    ]


def test_scores_are_means_of_each_metric_and_of_no_two_units():
    own = session(predictions=[prediction(1, 0, 2, 1.0), prediction(2, 0, 4, 1.0), prediction(3, 0, 0.5, 0.7, "done_share")])
    table = score_table(settled_intervals([own]))
    assert list(table["held"]) == ["2 of 2", "0 of 1"]
    assert list(table["mean width"]) == ["3.00 s", "50.0 points"]
    assert list(table["mean score"]) == ["3.00 s", "50.0 points"]


def test_ten_predictions_are_enough():
    assert ENOUGH == 10
