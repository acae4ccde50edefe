"""What a design finds by distance, in its weather, and how far it needs to see, from curves that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from simulator.vehicle.sight import quickest_stop_m, recall_at, sighted, sights_of, stopping_m
from tests.builders import assumed
from tests.encounters import encounters, recall, step_recall, vehicle_plan

DARK = {"dark": {"label": "Night", "corruption": "night", "severity": 2, "deceleration_mps2": assumed(4)}}


def in_the_dark(shift):
    """Seven of ten are found by day; at night the quantile of the normal distribution moves by `shift`."""
    plan = vehicle_plan(recall(0.7), encounters=encounters(conditions=DARK, condition="dark"))
    sight = sights_of(plan).by_stage["look"]
    moved = replace(sight, shifts={"dark": np.full_like(sight.shifts["dark"], shift)})
    return replace(plan, of_sections={"encounters": replace(sights_of(plan), by_stage={"look": moved})})


def test_an_object_is_found_as_far_as_its_height_in_the_picture_allows():
    """1.7 m at 700 pixels are 35 pixels high at 34 m."""
    (found,) = sighted(vehicle_plan(step_recall(35)), "pedestrian")
    assert found.recall[found.distance_m < 33.9] == pytest.approx(1)
    assert found.recall[found.distance_m > 34.1] == pytest.approx(0)


def test_what_is_shown_and_promised_is_found_in_the_weather_of_the_design():
    plan = in_the_dark(-0.8)
    expected = norm.cdf(norm.ppf(0.7) - 0.8)
    (found,) = sighted(plan, "pedestrian")
    assert found.recall == pytest.approx(expected)
    assert (found.low, found.high) == (pytest.approx(expected), pytest.approx(expected))
    assert recall_at(plan, "look", 20) == pytest.approx(expected)


def test_the_way_to_a_stop_by_hand():
    """10 m/s for 0.5 s, then braked at 5 m/s^2, at night at 4; at least 0.1 s of network and 0.005 s until a tick."""
    assert stopping_m(vehicle_plan(), 36, 0.5) == pytest.approx(5 + 10)
    assert stopping_m(in_the_dark(0), 36, 0.5) == pytest.approx(5 + 12.5)
    gentle = encounters(conditions=DARK, condition="dark", braking={"deceleration_mps2": assumed(2)})
    assert stopping_m(vehicle_plan(encounters=gentle), 36, 0.5) == pytest.approx(5 + 25)  # the road gives more than it takes
    assert quickest_stop_m(vehicle_plan()) == pytest.approx(1.05 + 10)
