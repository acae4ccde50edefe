"""A canary against the sample size of a textbook, its promised false alarms, and counts of a run."""

import numpy as np
import pytest
from scipy.stats import norm

from simulator.experiments.canary import Canary, FieldShare, canary_report


def test_arms_have_the_share_of_people_and_of_successes_that_they_are_drawn_with():
    both = Canary(people=10_000, share=0.1, days=20).arms(0.5, 0.3, 50, seed=0)
    usual, new = (count[:, -1].mean() / 20 for count in both.trials)
    assert (usual, new) == (pytest.approx(9000, rel=0.01), pytest.approx(1000, rel=0.01))
    assert both.difference[:, -1].mean() == pytest.approx(-0.2, abs=0.005)


def test_the_last_look_of_the_plain_test_has_its_promised_alarms_and_the_power_of_the_textbook():
    """Half of 2,000 people a day for ten days: 10,000 each, 30% against 31.5%."""
    report = canary_report(FieldShare("referred", 0.3, 0.315), Canary(2000, 0.5, 10))
    rows = report.table().set_index("test")
    once = rows.loc["plain test, last day only"]
    assert once["false_low"] <= 0.05 <= once["false_high"]
    error = np.sqrt((0.3 * 0.7 + 0.315 * 0.685) / 10_000)
    assert once["power"] == pytest.approx(norm.cdf(0.015 / error - norm.ppf(0.975)), abs=0.05)


def test_peeking_raises_the_plain_test_s_false_alarms_to_those_of_the_docs_and_not_those_of_the_sequential_one():
    report = canary_report(FieldShare("referred", 0.62, 0.6), Canary(12_000, 0.1, 30))
    rows = report.table().set_index("test")
    daily, sequential = rows.loc["plain test, every day"], rows.loc["sequential test, every day"]
    assert daily["false_low"] <= 0.28 <= daily["false_high"]
    assert sequential["false_high"] <= 0.05


def test_a_smaller_difference_takes_longer():
    days = [
        canary_report(FieldShare("referred", 0.6, 0.6 - gap), Canary(12_000, 0.1, 60)).table()["days_to_decision"].iloc[-1]
        for gap in (0.05, 0.02)
    ]
    assert days[0] < days[1] < 30


def test_without_a_difference_nothing_is_decided():
    rows = canary_report(FieldShare("referred", 0.6, 0.6), Canary(12_000, 0.1, 20), experiments=200).table()
    assert rows["power"].iloc[-1] <= 0.05
    assert np.isnan(rows["days_to_decision"].iloc[-1])
