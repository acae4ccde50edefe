"""Projected against published: equal on the line, hollow outside the band."""

import pytest

from simulator.sources.latency_charts import comparisons, projected_against_published
from simulator.sources.latency_rows import prediction_rows
from tests.sources.test_projection_rows import FOUND


def test_a_point_stands_at_what_was_published_and_projected_with_its_band():
    chart = projected_against_published(prediction_rows(FOUND))
    points = chart.figure.data[1]
    assert list(points.x) == pytest.approx([10, 1])
    assert list(points.y) == pytest.approx([12, 4])
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert list(points.error_y.array) == pytest.approx([12, 4])
    assert list(points.error_y.arrayminus) == pytest.approx([6, 2])
    assert chart.takeaway == (
        "2 published latencies, projected with their network held out: half are off by less than 160%, and 50.0% lie "
        "within their band."
    )


def test_without_a_prediction_the_sentence_says_so():
    rows = prediction_rows(FOUND)
    assert "No held-out prediction" in projected_against_published(rows[rows["device"] == ""]).takeaway


def test_the_comparisons_are_drawn_in_the_order_of_the_list():
    points = comparisons(FOUND).figure.data[0]
    assert list(points.x) == pytest.approx([10, -30])
    assert [label.rsplit(", ", 1)[1] for label in points.y] == ["batch 1", "offline"]
