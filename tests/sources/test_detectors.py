"""Charts of detectors: what is drawn is what the tables say, and the sentence above says it in words."""

import pytest

from simulator.metrics.detector_checks import recall_curve, statistic_rows
from simulator.sources.detector_panel import ap_by_condition, ap_by_precision, image_shifts, recall_by_box_height
from tests.detections import small_tables


@pytest.fixture
def tables(tmp_path):
    return small_tables(tmp_path)


def test_precisions_stand_side_by_side_with_their_intervals(tables):
    chart = ap_by_precision(tables)
    fp32, int8 = chart.figure.data[:2]
    assert list(fp32.y) == pytest.approx([0.34, 0.2])
    assert list(int8.y) == pytest.approx([0.08, 0.19])
    assert list(int8.error_y.array) == pytest.approx([0.02, 0.02])
    assert chart.takeaway == (
        "The same 8 bits cost YOLOX-nano 76.5% of its AP (0.340 to 0.080) and FastestDet 5.0% (0.200 to 0.190)."
    )


def test_a_dot_stands_at_the_ap_of_its_condition_and_severity(tables):
    chart = ap_by_condition(tables, "yolox_nano", "fp32")
    third = chart.figure.data[2]
    assert (list(third.x), list(third.text)) == ([pytest.approx(0.238)], ["Fog"])
    assert "From 0.340 on clean images, AP falls to 0.170 under 'Red and blue swapped'" in chart.takeaway
    assert len(chart.table) == 5


def test_recall_is_drawn_with_its_bands(tables):
    curves = [recall_curve(tables, "yolox_nano", "fp32", *key, 0.6) for key in (("clean", 0), ("fog", 5))]
    chart = recall_by_box_height(*curves, "fog")
    assert len(chart.figure.data) == 6
    assert list(chart.figure.data[2].y) == pytest.approx(list(curves[0].recall))
    assert "Boxes 24 px high" in chart.takeaway or "px high: recall" in chart.takeaway


def test_what_no_monitor_of_images_can_see_is_said(tables):
    rows = statistic_rows(tables)
    assert "a monitor of images alone sees nothing" in image_shifts(rows, "bgr", "Red and blue swapped").takeaway
    assert "Fog: brightness shifts most, by 2.0 standard deviations" in image_shifts(rows, "fog", "Fog").takeaway
