"""Checks of the detection tables: on small ones by hand, and those that come along."""

import numpy as np
import pytest

from simulator.evidence.detection_tables import coco_c, load_detections
from simulator.metrics.detection_quality import damage_rows, int8_loss, operating_score, report, spearman_interval
from simulator.sources.detector_panel import ap_rows, recall_curve, statistic_rows
from tests.detections import small_tables


@pytest.fixture
def tables(tmp_path):
    return small_tables(tmp_path)


def test_clean_ap_and_int8_are_held_against_their_bars(tables):
    marks = {mark.label.split(",")[0] + str(index): mark for index, mark in enumerate(report(tables, coco_c()).marks)}
    yolox, fastest, collapsed, spared = marks.values()
    assert (yolox.reached, fastest.reached) == pytest.approx((0.3, 1.7))
    assert yolox.met and fastest.met
    assert collapsed.reached == pytest.approx(1 - 0.08 / 0.34) and collapsed.met
    assert spared.reached == pytest.approx(0.05) and spared.met


def test_damage_is_the_part_of_clean_ap_that_is_lost(tables):
    [row] = damage_rows(tables, coco_c()).to_dict("records")
    assert row["YOLOX-nano"] == pytest.approx(20)
    # COCO-C's fog at severities 1, 3 and 5: 0.3259, 0.2981 and 0.2755 of 0.3639.
    assert row["faster_rcnn_r50_fpn_1x"] == pytest.approx(100 * (1 - (0.3259 + 0.2981 + 0.2755) / 3 / 0.3639))


def test_spearmans_interval_covers_the_correlation_it_is_drawn_from():
    rng, covered = np.random.default_rng(0), 0
    rho = 0.6
    population = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of a bivariate normal (Kruskal 1958)
    from scipy.stats import spearmanr

    for _ in range(300):
        x, e = rng.standard_normal((2, 12))
        found = spearman_interval(float(spearmanr(x, rho * x + np.sqrt(1 - rho**2) * e).statistic), 12)
        covered += found.low <= population <= found.high
    assert covered / 300 == pytest.approx(0.95, abs=0.035)


def test_the_operating_score_is_where_f1_is_best(tables):
    # From 0.4: 18 of 24 found and nothing false; from 0.3: 30 false ones more.
    assert operating_score(tables, "yolox_nano") == 0.4


def test_recall_by_height_follows_the_outcomes(tables):
    clean = recall_curve(tables, "yolox_nano", "fp32", "clean", 0, 0.6)
    spoilt = recall_curve(tables, "yolox_nano", "fp32", "fog", 5, 0.6)
    at = int(np.abs(clean.height_px - 64).argmin())
    assert clean.recall[at] > 0.95 and spoilt.recall[at] < 0.05
    assert recall_curve(tables, "yolox_nano", "fp32", "clean", 0, 0.7).recall.max() == 0
    assert spoilt.less(clean).high[at] < 0


def test_conditions_stand_in_the_order_of_damage(tables):
    rows = ap_rows(tables, "yolox_nano", "fp32")
    assert list(dict.fromkeys(rows["label"])) == ["Clean", "Fog", "Red and blue swapped"]


def test_a_shift_is_told_in_standard_deviations_of_clean_images(tables):
    rows = statistic_rows(tables).set_index(["condition", "severity", "statistic"])["moved"]
    spread = np.linspace(0.3, 0.7, 6).std(ddof=1)
    assert rows["fog", 5, "brightness"] == pytest.approx(0.3 / spread)
    assert rows["bgr", 1, "brightness"] == pytest.approx(0)


def test_the_tables_that_come_along_meet_the_checks_on_clean_images():
    tables = load_detections()
    found = report(tables, coco_c())
    assert all(mark.met for mark in found.marks), [mark.label for mark in found.marks if not mark.met]
    assert int8_loss(tables, "yolox_nano", "int8_all") > int8_loss(tables, "fastestdet", "int8_all")
    assert all(order.corruptions == len(found.damage) >= 8 for order in found.orders)
