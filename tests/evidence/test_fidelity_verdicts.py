"""What a report comes to: marks against their bars, and a row a point."""

import pytest
from scipy.stats import binomtest

from simulator.evidence.fidelity_reports import (
    IN_PROCESS,
    OVER_HTTP,
    forecasts_held,
    held_sentence,
    marks,
    point_rows,
    spread_sentence,
)
from tests.evidence.test_fidelity_reports import FORECAST, GOOD, NOISY, report


def test_a_mark_is_met_up_to_its_bar():
    found = {mark.label: mark for mark in marks(report(*[GOOD] * 6, NOISY))}
    p50, goodput = found["p50, median error"], found["In time, mean error"]
    assert p50.reached == pytest.approx(0.1)
    assert not p50.met
    assert goodput.reached == pytest.approx(1.0)
    assert not goodput.met
    assert found["In time, largest error"].met
    assert found["p50 replayed, largest error"].reached == pytest.approx(0.001)
    assert goodput.words == "not met: at most 0.50 points"
    assert p50.words == "not met: at most 5.0%"


def test_without_a_point_to_judge_there_is_no_mark():
    assert marks(report(NOISY)) == []
    assert marks(report(GOOD), OVER_HTTP) == []


def test_the_points_that_are_not_judged_are_counted():
    sentence = spread_sentence(report(GOOD, NOISY), IN_PROCESS)
    assert sentence.startswith("2 points.")
    assert "1 points are not judged" in sentence
    assert "Judged: 1, too few for a median." in sentence
    assert "too few" not in spread_sentence(report(*[GOOD] * 6), IN_PROCESS)
    assert "Other programs" not in sentence
    assert spread_sentence(report(FORECAST), IN_PROCESS).endswith("Other programs took 40% of the machine meanwhile.")


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


def test_every_real_run_counts_by_load_and_over_all():
    heavy = FORECAST.model_copy(update={"load": 0.9})
    found = {(one.load, one.figure): one for one in forecasts_held(report(FORECAST, heavy, heavy), IN_PROCESS)}
    assert [found[load, "p50"].held for load in (0.5, 0.9, None)] == [1, 2, 3]
    assert [found[load, "p50"].runs for load in (0.5, 0.9, None)] == [2, 4, 6]
    assert found[None, "p50"].width == pytest.approx(0.3)
    assert found[None, "in time"].width == pytest.approx(5)


def test_two_runs_that_share_a_forecast_tell_less_than_two_that_do_not():
    none = FORECAST.model_copy(update={"high": FORECAST.low})
    both = FORECAST.model_copy(update={"high": FORECAST.high.model_copy(update={"p50_s": 2.0})})
    (share,) = (one.share for one in forecasts_held(report(*[none, both] * 10), IN_PROCESS)[-5:-4])
    exact = binomtest(10, 20).proportion_ci()  # 20 points, not 40 runs
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high), abs=0.01)


def test_a_report_without_intervals_has_no_share():
    assert forecasts_held(report(GOOD), IN_PROCESS) == []
    assert held_sentence(report(GOOD), IN_PROCESS) == ""


def test_the_share_is_told_for_each_figure():
    assert held_sentence(report(FORECAST), IN_PROCESS).startswith(
        "Real runs within their 95% forecast interval, with no run left out: p50 1 of 2 (50.0% [0, 100]), p95"
    )
