"""Simulated against real: the points that are not judged are hollow."""

import pytest

from simulator.charts import FIGURES, error_by_load, simulated_against_real
from simulator.evidence.fidelity import IN_PROCESS
from tests.evidence.test_fidelity import GOOD, NOISY, report


def test_a_point_stands_at_what_was_real_and_what_was_simulated():
    chart = simulated_against_real(report(GOOD, NOISY), IN_PROCESS, "p50")
    points = chart.figure.data[1]
    assert list(points.x) == pytest.approx([1000, 1100])
    assert list(points.y) == pytest.approx([1100, 1000])
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert chart.takeaway == "Over 1 judged points the simulated p50 is off by 10% (median), at most by 10%."


def test_errors_stand_at_their_load_with_the_noise_of_the_real_side():
    chart = error_by_load(report(GOOD, NOISY), IN_PROCESS, "p50")
    *_, band, points = chart.figure.data
    assert list(points.y) == pytest.approx([10, 100 * (1 / 1.1 - 1)])
    assert list(band.y) == pytest.approx([10])  # the median of 0 and 20%
    assert set(points.x) == {0.5}


@pytest.mark.parametrize("what", FIGURES)
def test_without_a_point_to_judge_the_sentence_says_so(what):
    assert "None of the 1 points can be judged" in simulated_against_real(report(NOISY), IN_PROCESS, what).takeaway
