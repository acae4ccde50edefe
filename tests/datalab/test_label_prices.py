"""Prices of labels: sums by hand, from the case's own rates."""

from math import exp

import pytest

from simulator.datalab import label_prices
from simulator.datalab.label_noise import Panel
from simulator.datalab.label_prices import case_rates, price


def test_a_look_costs_the_case_s_minutes_at_the_case_s_hour():
    minutes = 1.2 * exp(0.5**2 / 2)  # the mean of a lognormal distribution by its median
    assert case_rates().look_minutes == pytest.approx(minutes)
    assert case_rates().look_usd == pytest.approx(150 / 60 * minutes)
    assert case_rates().biopsy_usd == 180


def test_a_price_is_the_sum_of_its_parts_by_hand():
    look = case_rates().look_usd
    found = price(100, 1071, Panel("adjudicated", guidelines=True), "random", disagreement=0.2)
    assert found.parts == pytest.approx(
        {"photos": 2000, "readers": 200 * look, "experts": 20 * 5 / 60 * 250, "biopsies": 0, "guidelines": 6000}
    )
    assert found.usd == pytest.approx(sum(found.parts.values()))
    assert found.weeks == pytest.approx(100 / 200 + 100 * case_rates().look_minutes / 60 / 4 + 1 + 2)


def test_to_choose_photos_all_are_collected():
    by_chance, chosen = (price(100, 1071, Panel("one"), way, 0.2).parts["photos"] for way in ("random", "rare"))
    assert (by_chance, chosen) == (2000, 21_420)


def test_every_assumed_price_has_a_range():
    assert all(one.between and one.assumed for one in label_prices.ASSUMED.values())
