"""Effects of conditions by hand, and the smallest effect against published tables and by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind, ttest_rel

from campaigns.detections.condition_effects import effect_rows, measured, paired, smallest_apart, smallest_paired
from tests.detections import small_tables
from tests.features import small_features


def test_the_smallest_difference_of_two_groups_is_cohens():
    # Cohen 1988, table 2.4.1 (two-sided 5%, power 80%): 393, 64 and 26 a group for d = 0.2, 0.5 and 0.8.
    for count, effect in ((393, 0.2), (64, 0.5), (26, 0.8)):
        assert smallest_apart(count + 1, count + 1) < effect < smallest_apart(count - 1, count - 1)


def test_the_smallest_difference_of_pairs_is_gpowers():
    # G*Power 3.1, difference of two dependent means: 199, 34 and 15 pairs for dz = 0.2, 0.5 and 0.8.
    for count, effect in ((199, 0.2), (34, 0.5), (15, 0.8)):
        assert smallest_paired(count) <= effect < smallest_paired(count - 1)


def test_a_test_finds_the_smallest_effect_four_times_in_five():
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((2, 4000, 64))
    found = ttest_ind(one + smallest_apart(64, 64), other, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 4000))


def test_pairs_are_compared_as_scipy_does():
    one, other = np.random.default_rng(1).standard_normal((2, 30))
    found, p = paired(pd.Series(other - one + 0.3))
    expected = ttest_rel(other + 0.3, one)
    bounds = expected.confidence_interval(0.95)
    assert (p, found.low, found.high) == pytest.approx((expected.pvalue, bounds.low, bounds.high))
    assert paired(pd.Series([0.0, 0.0, 0.0])) == (found.__class__(0, 0, 0), 1.0)


def test_an_image_is_measured_by_hand(tmp_path):
    tables = small_tables(tmp_path)
    clean = measured(tables, "yolox_nano", "clean", 0, 0.6)
    # Three of four boxes of an image are 32 px high or more; from 0.6 there are three detections, none of them false.
    assert (clean["found_share"] == 0.75).all() and (clean["found_count"] == 3).all() and (clean["false_count"] == 0).all()
    low = measured(tables, "yolox_nano", "clean", 0, 0.3)
    assert (low["found_count"] == 8).all() and (low["false_count"] == 5).all()
    # Fog at severity 5 leaves boxes of 256 px.
    assert (measured(tables, "yolox_nano", "fog", 5, 0.6)["found_share"] == 0.25).all()


def test_a_family_counts_as_one_image_by_its_mean(tmp_path):
    tables, features = small_tables(tmp_path / "tables"), small_features(tmp_path / "features")
    families = pd.Series({"i0": "a", "i1": "a", "i2": "b", "i3": "c", "i4": "c", "i5": "d"})
    rows = effect_rows(tables, features, families).set_index(["detector", "condition", "severity", "measure"])
    lost = rows.loc[("yolox_nano", "fog", 5, "found_share")]
    assert (lost["clean"], lost["change"], lost["images"]) == (0.75, -0.5, 4)
    # Production's distances move from 1, 0 and 1 to the square roots of 17, 16 and 17, in the families c, c and d.
    far = rows.loc[("yolox_nano", "fog", 1, "feature_distance")]
    assert far["images"] == 2
    assert far["change"] == pytest.approx(((np.sqrt(17) - 1 + 4) / 2 + np.sqrt(17) - 1) / 2)


def test_effects_come_of_both_tables(tmp_path):
    tables, features = small_tables(tmp_path / "tables"), small_features(tmp_path / "features")
    rows = effect_rows(tables, features).set_index(["detector", "condition", "severity", "measure"])
    lost = rows.loc[("yolox_nano", "fog", 5, "found_share")]
    assert (lost["clean"], lost["change"], lost["images"]) == (0.75, -0.5, 6)
    assert rows.loc[("yolox_nano", "fog", 1, "found_share"), "change"] == 0
    # Production's distances are 1, 0 and 1, and the square roots of 17, 16 and 17 in fog.
    far = rows.loc[("yolox_nano", "fog", 1, "feature_distance")]
    assert far["change"] == pytest.approx((2 * np.sqrt(17) + 4 - 2) / 3)
    assert far["images"] == 3
    within = np.sqrt((np.var([1, 0, 1], ddof=1) + np.var([np.sqrt(17), 4, np.sqrt(17)], ddof=1)) / 2)
    assert far["smallest_apart"] == pytest.approx(smallest_apart(3, 3) * within)
    assert ("fastestdet", "fog", 1, "feature_distance") not in rows.index
    # Six images at 95%: the interval of the small tables is 0.04 wide, a standard error of 0.0102.
    ap = rows.loc[("yolox_nano", "fog", 5, "ap")]
    assert ap["change"] == pytest.approx(-0.3 * 0.34)
    assert ap["smallest_paired"] == pytest.approx((1.95996 + 0.84162) * 0.04 / (2 * 1.95996))
    assert ap["smallest_apart"] == pytest.approx(2 * ap["smallest_paired"])
    assert "feature_shift" not in rows.index.get_level_values("measure")  # fewer images than numbers
    assert (rows["q"] >= 0).all() and (rows["low"] <= rows["change"]).all()
