"""Suspicions: Brier scores by hand, and a proper score's law that the true probabilities score best on average."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.incident.incident_course import equal_brier, many_brier, suspicion_scores
from simulator.incident.reveal_panels import suspicion_chart
from tests.incident.test_incident_rules import ALARM, COUNTERS, believe, course


@pytest.mark.parametrize(
    ("shares", "score"),
    [
        ({"fog": 1.0}, 0.0),
        ({"camera": 1.0}, 2.0),
        ({"fog": 0.6, "camera": 0.4}, 0.16 + 0.16),
        ({"fog": 0.5, "camera": 0.2}, 0.25 + 0.04 + 0.09),  # 0.3 for no named cause
        ({}, 1.0 + 1.0),
    ],
)
def test_a_score_is_the_sum_of_squared_distances(shares, score):
    assert many_brier(shares, {"fog": 1.0}) == pytest.approx(score)


def test_equal_suspicion_of_fifteen_causes_scores_fourteen_fifteenths():
    equal = {str(number): 1 / 15 for number in range(15)}
    assert many_brier(equal, {"3": 1.0}) == pytest.approx(equal_brier(15)) == pytest.approx(14 / 15)


weights = st.lists(st.integers(1, 50), min_size=3, max_size=3)


@given(weights, weights)
def test_honest_suspicions_score_best_on_average(honest, other):
    chances = {name: weight / sum(honest) for name, weight in zip("abc", honest, strict=True)}
    stated = {name: weight / sum(other) for name, weight in zip("abc", other, strict=True)}

    def mean(shares):
        return sum(chance * many_brier(shares, {name: 1.0}) for name, chance in chances.items())

    assert mean(chances) <= mean(stated) + 1e-12


def test_suspicions_stand_beside_the_findings_of_their_moment():
    log = course(
        ALARM,
        believe(fog_season=0.2, overload=0.8),
        COUNTERS,
        believe(fog_season=0.75),
        shares=[{"fog_season": 0.9, "overload": 0.1}],
    )
    first, second = suspicion_scores(log)
    assert (first.place, first.true_share, first.brier) == (1, 0.2, pytest.approx(0.64 + 0.64))
    assert first.likely == pytest.approx(1 / 22) and first.likely_brier == pytest.approx(21 / 22)
    assert second.brier == pytest.approx(0.0625 + 0.0625)
    assert second.likely == 0.9 and second.likely_brier == pytest.approx(0.01 + 0.01)
    chart = suspicion_chart(log, [first, second])
    assert chart.takeaway == (
        "You gave the true cause 20% at first and 75% at last; the findings made it 90% likely by then. "
        "Your suspicions score 0.70 (Brier), better than equal ones, which score 0.95."
    )
    assert list(chart.table["line"]) == [2, 4] and list(chart.figure.data[1].y) == [20, 75]
    assert list(chart.figure.data[0].x) == [1, 3, 4]
