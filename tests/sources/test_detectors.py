"""Charts of detectors: what is drawn is what the tables say, and the sentence above says it in words."""

import pandas as pd
import pytest

from simulator.evidence.detection_tables import PROCESSORS
from simulator.sources.detector_panel import (
    ap_by_condition,
    ap_by_precision,
    ap_by_processor,
    image_shifts,
    recall_by_box_height,
    recall_curve,
    statistic_rows,
)
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


def test_the_same_file_stands_beside_itself_on_another_processor():
    ap = {("32-bit floats", False): (0.34, 0.2), ("8-bit weights", False): (0.14, 0.18), ("8-bit weights", True): (0.11, 0.05),
          ("7-bit weights", True): (0.13, 0.19)}  # fmt: skip
    rows = pd.DataFrame(
        [
            (detector, "fp32" if recipe == "32-bit floats" else "int8_all", recipe, saturates, values[place], 0.5)
            for (recipe, saturates), values in ap.items()
            for place, detector in enumerate(("yolox_nano", "fastestdet"))
        ],
        columns=PROCESSORS.names,
    )
    chart = ap_by_processor(rows, {"yolox_nano": "YOLOX-nano", "fastestdet": "FastestDet"})
    assert [list(bar.y) for bar in chart.figure.data] == [list(values) for values in ap.values()]
    assert chart.takeaway == (
        "The same 8-bit file of FastestDet has an AP of 0.180 on a processor with VNNI and of 0.050 on one without. With 7-bit "
        "weights it has 0.190 there."
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
