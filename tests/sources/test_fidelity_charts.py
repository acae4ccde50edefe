"""Simulated against real: the points that are not judged are hollow."""

import numpy as np
import pytest

from simulator.evidence.fidelity_reports import IN_PROCESS
from simulator.sources.fidelity_charts import FIGURES, error_by_load, forecasts_against_runs, simulated_against_real
from tests.evidence.test_fidelity_reports import FORECAST, GOOD, NOISY, report


def test_a_point_stands_at_what_was_real_and_what_was_simulated():
    chart = simulated_against_real(report(GOOD, NOISY), IN_PROCESS, "p50")
    points = chart.figure.data[1]
    assert list(points.x) == pytest.approx([1000, 1100])
    assert list(points.y) == pytest.approx([1100, 1000])
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert chart.takeaway == "Over 1 judged points the simulated p50 is off by 10% (median) and by 10% at most."


def test_errors_stand_at_their_load_with_the_noise_of_the_real_side():
    chart = error_by_load(report(GOOD, NOISY), IN_PROCESS, "p50")
    *_, band, points = chart.figure.data
    assert list(points.y) == pytest.approx([10, 100 * (1 / 1.1 - 1)])
    assert list(band.y) == pytest.approx([10])  # the median of 0 and 20%
    assert set(points.x) == {0.5}


@pytest.mark.parametrize("what", FIGURES)
def test_without_a_point_to_judge_the_sentence_says_so(what):
    assert "None of the 1 points can be judged" in simulated_against_real(report(NOISY), IN_PROCESS, what).takeaway


def test_the_forecast_interval_is_a_bar_with_both_real_runs_on_it():
    chart = forecasts_against_runs(report(FORECAST), IN_PROCESS, "p50")
    bar, inside, outside = chart.figure.data
    np.testing.assert_allclose(bar.y, [0.9, 1.2, np.nan])  # the forecast's middle is 1
    assert (list(inside.y), list(outside.y)) == ([pytest.approx(1.1)], [pytest.approx(1.3)])
    assert inside.x == outside.x == (bar.x[0],)
    assert chart.takeaway == "1 of 2 real runs lie within their 95% forecast interval for p50: 50.0% [0, 100]; load 0.5 1 of 2."


def test_points_of_one_load_stand_together():
    other = FORECAST.model_copy(update={"load": 0.9})
    chart = forecasts_against_runs(report(other, FORECAST, other), IN_PROCESS, "in time")
    places = chart.figure.data[0].x[::3]
    assert places[2] - places[1] < places[1] - places[0]
    assert list(chart.figure.layout.xaxis.ticktext) == ["0.5", "0.9"]
    assert chart.takeaway.endswith("load 0.5 0 of 2, load 0.9 0 of 4.")
