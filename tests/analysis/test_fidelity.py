"""What a report comes to: marks against their bars, and a row a point."""

import pytest

from simulator.analysis.fidelity import marks, point_rows, told
from simulator.evidence.fidelity import IN_PROCESS, OVER_HTTP
from tests.evidence.test_fidelity import GOOD, NOISY, report


def test_a_mark_is_met_up_to_its_bar():
    found = {mark.label: mark for mark in marks(report(GOOD, NOISY))}
    p50, goodput = found["p50, median error"], found["In time, mean error"]
    assert p50.reached == pytest.approx(0.1)
    assert not p50.met
    assert goodput.reached == pytest.approx(1.0)
    assert not goodput.met
    assert found["In time, largest error"].met
    assert found["p50 replayed, largest error"].reached == pytest.approx(0.001)
    assert goodput.words == "missed: at most 0.50 points"
    assert p50.words == "missed: at most 5.0%"


def test_without_a_point_to_judge_there_is_no_mark():
    assert marks(report(NOISY)) == []
    assert marks(report(GOOD), OVER_HTTP) == []


def test_the_points_that_are_not_judged_are_counted():
    sentence = told(report(GOOD, NOISY), IN_PROCESS)
    assert sentence.startswith("2 points.")
    assert "1 points are not judged" in sentence


def test_a_row_holds_what_was_predicted_beside_what_happened():
    rows = point_rows(report(GOOD, NOISY), IN_PROCESS)
    first = rows.iloc[0]
    assert first["p50 real (ms)"] == pytest.approx(1000)
    assert first["p50 predicted (ms)"] == pytest.approx(1100)
    assert first["p50 error (%)"] == pytest.approx(10)
    assert first["in time error (points)"] == pytest.approx(1)
    assert rows["judged"].tolist() == [True, False]
    assert rows["p50 repeat differs (%)"].tolist() == pytest.approx([0, 20])
    assert rows["p50 replay error (%)"].isna().tolist() == [False, True]
