"""What a report comes to: marks against their bars, and a row a point."""

import pytest
from scipy.stats import binomtest

from simulator.evidence.fidelity_reports import IN_PROCESS, OVER_HTTP, forecasts_held, marks
from simulator.measure.fidelity_sentences import held_sentence, more_minutes, spread_sentence
from simulator.sources.fidelity_charts import point_rows
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
    assert "1 point is not judged" in sentence
    assert "Judged: 1, too few for a median." in sentence
    assert "too few" not in spread_sentence(report(*[GOOD] * 6), IN_PROCESS)
    assert "Other programs" not in sentence
    assert spread_sentence(report(FORECAST), IN_PROCESS).endswith("Other programs took 40% of the machine meanwhile.")


def timed(one, attempt=1, **fields):
    return one.model_copy(update={"seconds": 12.0, "attempt": attempt, **fields})


def test_the_time_until_more_are_judged_follows_from_the_rate_of_this_run():
    """3 of 12 are judged, 12 s each: one in 48 s. Three more take 144 s, nine more 432 s."""
    quarter = report(*[timed(GOOD)] * 3, *[timed(NOISY)] * 9)
    assert more_minutes(quarter, IN_PROCESS) == {6: pytest.approx(144 / 60), 12: pytest.approx(432 / 60)}
    assert "At this run's rate, `--minutes` would judge 6 after about 2 minutes and 12 after about 7 minutes more." in (
        spread_sentence(quarter, IN_PROCESS)
    )


def test_what_is_left_resembles_the_points_that_were_measured_again():
    """8 of 12 at once, but of 4 measurements again 1: one in 48 s. Three are left."""
    again = report(*[timed(GOOD)] * 8, *[timed(NOISY)] * 4, *[timed(NOISY, 2)] * 3, timed(GOOD, 2))
    assert more_minutes(again, IN_PROCESS) == {12: pytest.approx(144 / 60)}
    sentence = spread_sentence(again, IN_PROCESS)
    assert sentence.startswith("12 points, measured 16 times in all.")
    assert "3 points are not judged: their two real runs differ by more than 5.0% (p50 in 7)." in sentence


def test_without_a_judged_point_no_time_is_estimated():
    none = report(*[timed(NOISY)] * 4)
    assert more_minutes(none, IN_PROCESS) == {}
    assert "so the time until more are judged is unknown" in spread_sentence(none, IN_PROCESS)
    assert "unknown" not in spread_sentence(report(NOISY), IN_PROCESS), "a report without times says nothing of them"


def test_a_machine_whose_speed_changes_says_so():
    """From 1.0 to 1.1 and back: 10% up and 9.1% down, 9.5% in the median."""
    slow, fast = timed(NOISY, speed=1.0), timed(NOISY, speed=1.1)
    assert "speed changes by 9.5% from one measurement to the next (median)." in spread_sentence(
        report(slow, fast, slow), IN_PROCESS
    )
    assert "speed" not in spread_sentence(report(GOOD, GOOD), IN_PROCESS)


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
