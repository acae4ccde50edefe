"""Errors of distances on tracks whose distances are known."""

import numpy as np
import pandas as pd
import pytest

from campaigns.drives.ranges import NEEDS, WINDOW, closing_errors, half_depth_m, quantiles
from simulator.evidence.drive_tables import ERROR_PERCENTS


def test_the_nearest_face_of_a_box_by_its_heading():
    """A car 4 m long and 1.6 m wide, driving ahead and across."""
    boxes = pd.DataFrame({"length_m": [4.0, 4.0], "width_m": [1.6, 1.6], "rotation": [-np.pi / 2, 0.0]})
    assert half_depth_m(boxes).tolist() == pytest.approx([2.0, 0.8])


def track(frames, measured):
    """True distances of 30 m that close in at 5 m/s, a frame every 0.1 s, beside measured ones."""
    frames = np.asarray(frames)
    true = 30 - 0.5 * frames
    return pd.DataFrame({"drive": "0000", "track": 1, "frame": frames, "near_m": true, "by": measured(true)})


def test_distances_a_tenth_too_long_close_in_a_tenth_too_fast():
    found = closing_errors(track(range(20), lambda true: 1.1 * true), "by")
    assert found["error"].tolist() == pytest.approx([0.5] * (20 - NEEDS + 1))


def test_a_constant_offset_is_no_error_of_the_speed():
    found = closing_errors(track(range(20), lambda true: true + 3), "by")
    assert found["error"].to_numpy() == pytest.approx(0, abs=1e-9)


def test_the_slope_of_a_window_with_gaps_is_that_of_least_squares():
    frames = [0, 1, 3, 4, 5]
    noise = np.array([0.3, -0.1, 0.2, 0.0, -0.4])
    found = closing_errors(track(frames, lambda true: true + noise), "by")
    expected = [-np.polyfit(np.array(frames[:n]) / 10, noise[:n], 1)[0] for n in (4, 5)]
    assert WINDOW == 6
    assert found["error"].tolist() == pytest.approx(expected)


def test_quantiles_of_equal_weights_are_those_of_hazen():
    values = np.random.default_rng(1).normal(size=200)
    expected = np.quantile(values, np.array(ERROR_PERCENTS) / 100, method="hazen")
    assert quantiles(values, np.ones(200)) == pytest.approx(expected)


def test_a_value_of_twice_the_weight_is_one_that_is_there_twice():
    values = np.arange(50.0)
    twice = np.where(values < 25, 2.0, 1.0)
    assert quantiles(values, twice) == pytest.approx(quantiles(np.repeat(values, twice.astype(int)), np.ones(75)), abs=0.6)
