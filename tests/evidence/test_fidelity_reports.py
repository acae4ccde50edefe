"""A fidelity report: what counts, and what its points come to."""

from __future__ import annotations

import pytest

from simulator.evidence.evidence_files import EvidenceError
from simulator.evidence.fidelity_reports import (
    OVER_HTTP,
    FidelityOutcome,
    FidelityPoint,
    FidelityReport,
    read_report,
    readable_reports,
    write_report,
)


def outcome(p50, p99=2.0, goodput=1.0):
    return FidelityOutcome(p50_s=p50, p95_s=1.5, p99_s=p99, throughput_per_s=10, goodput=goodput)


def point(predicted, first, second, **fields):
    told = {"server": "in process", "model": "m", "precision": "fp32", "policy": "one at a time", "load": 0.5, "speed": 1.0}
    told |= {"rate_per_s": 10.0, "requests": 100, "objective_s": 1.0, "replayed": None} | fields
    return FidelityPoint(predicted=predicted, real=(first, second), **told)


def report(*points):
    return FidelityReport(date="2026-01-01", processor="a processor", cores=2, libraries={"numpy": "2"}, points=list(points))


GOOD = point(outcome(1.1, goodput=0.97), outcome(1.0, goodput=0.95), outcome(1.0, goodput=0.97), replayed=outcome(1.001))
NOISY = point(outcome(1.0), outcome(1.0), outcome(1.2))
#: Of its two real runs the first lies in the forecast interval for p50, both for p99, and neither for what was in time.
FORECAST = point(
    outcome(1.0),
    outcome(1.1, goodput=0.9),
    outcome(1.3, goodput=0.8),
    low=outcome(0.9, p99=1.5, goodput=0.95),
    high=outcome(1.2, p99=2.5),
    speeds=[0.9, 1.0, 1.1],
    others_share=0.4,
)


def test_errors_are_against_the_mean_of_the_two_real_runs():
    assert GOOD.error("p50_s") == pytest.approx(0.1)
    assert GOOD.goodput_error_points == pytest.approx(1.0)
    assert GOOD.replay_error("p50_s") == pytest.approx(0.001)
    assert NOISY.noise("p50_s") == pytest.approx(0.2)


def test_real_runs_are_counted_that_lie_in_the_forecast_interval():
    assert FORECAST.bounds("p50_s") == (0.9, 1.2)
    assert [FORECAST.held(figure) for figure in ("p50_s", "p99_s", "goodput")] == [1, 2, 0]
    assert GOOD.bounds("p50_s") is GOOD.held("p50_s") is None


def test_how_busy_others_were_is_told_over_the_points_that_say_so():
    assert report(FORECAST, GOOD).others_share == 0.4
    assert report(GOOD).others_share is None


def test_the_report_that_comes_along_can_be_read():
    assert all(found.points for found in readable_reports()[0])


def test_only_points_whose_real_runs_agree_are_judged():
    found = report(*[GOOD] * 6, *[NOISY] * 6).summary()
    assert (found["points"], found["points_judged"]) == (12, 6)
    assert found["p50_error_median"] == pytest.approx(0.1)
    assert found["goodput_error_max_points"] == pytest.approx(1.0)
    assert found["all_points_p50_error_median"] == pytest.approx((0.1 + 0.1 / 1.1) / 2)
    assert found["all_points_replay_p50_error_max"] == pytest.approx(0.001)


@pytest.mark.parametrize("judged", [0, 1, 5])
def test_fewer_than_six_judged_points_give_no_median(judged):
    """The range of six values holds their median in 97% of the cases: 1 - 2 / 2 ** 6."""
    assert "p50_error_median" not in report(*[GOOD] * judged, NOISY).summary()


def test_without_a_point_to_judge_there_is_no_figure():
    found = report(NOISY).summary()
    assert "p50_error_median" not in found
    assert "all_points_replay_p50_error_max" not in found
    assert report(NOISY).summary(OVER_HTTP) == {"points": 0, "points_judged": 0}


def test_a_report_is_read_back_as_it_was_written(tmp_path):
    write_report(report(GOOD, NOISY, FORECAST), tmp_path / "a.json")
    assert readable_reports(tmp_path) == ([report(GOOD, NOISY, FORECAST)], [])


def test_a_report_that_cannot_be_used_is_told_with_its_field(tmp_path):
    (tmp_path / "a.json").write_text('{"date": "today"}')
    with pytest.raises(EvidenceError, match="processor"):
        read_report(tmp_path / "a.json")
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        read_report(tmp_path / "b.json")


def test_a_report_without_points_is_told_and_the_others_are_shown(tmp_path):
    write_report(report(GOOD), tmp_path / "a.json")
    (tmp_path / "b.json").write_text(report(GOOD).model_copy(update={"points": []}).model_dump_json())
    found, broken = readable_reports(tmp_path)
    assert found == [report(GOOD)]
    assert [sentence.partition(": ")[2] for sentence in broken] == [
        "points: List should have at least 1 item after validation, not 0"
    ]
