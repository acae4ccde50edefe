"""What `casesim fidelity` says before anything is measured."""

import json

import pytest

from simulator.cli.exits import answer
from simulator.evidence.fidelity_reports import read_report
from simulator.measure.fidelity_command import report_parts
from simulator.measure.http_server import ServerError
from tests.evidence.test_fidelity_reports import FORECAST, GOOD, NOISY, report


@pytest.fixture
def refused(casesim):
    def run(out):
        status, said, err = casesim("fidelity", "--quick", "--out", out)
        assert (status, said) == (2, "")
        return err

    return run


def test_a_report_that_stands_there_is_not_lost(refused, tmp_path):
    kept = tmp_path / "report.json"
    kept.write_text("of last year")
    assert f"{kept}: already exists; name another file" in refused(kept)
    assert kept.read_text() == "of last year"


def test_a_folder_that_cannot_be_made_is_told_before_the_runs(refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'}" in refused(tmp_path / "file" / "report.json")


def test_a_server_that_fails_is_told_in_words(casesim, monkeypatch):
    def failing(grid, ready, minutes):
        raise ServerError("the server answered 500 Internal Server Error")
        yield

    monkeypatch.setattr("simulator.measure.fidelity_grid.measure", failing)
    status, out, err = casesim("fidelity", "--quick")
    assert (status, out) == (2, "")
    assert err.strip().endswith("the server answered 500 Internal Server Error")


def test_what_is_printed_says_how_often_forecasts_hold_and_how_busy_the_machine_was(capsys):
    answer(False, None, report_parts(report(FORECAST, FORECAST.model_copy(update={"load": 0.9}))), least=220)
    said = capsys.readouterr().out
    assert "900.00 to 1200.00" in said
    assert "Other programs took 40% of the machine meanwhile." in said
    assert "no run left out: p50 2 of 4 (50.0%" in said
    assert "load 0.9: p50 1 of 2 (50.0%" in said


def test_points_that_cannot_be_judged_are_measured_again_and_an_interrupt_keeps_them(casesim, monkeypatch, tmp_path):
    """Two of three points differ at first; one of them agrees when measured again, then the user stops."""
    asked = []

    def measure(grid, ready, minutes):
        asked.append(minutes)
        yield from [one.model_copy(update={"seconds": 6.0}) for one in (GOOD, NOISY, NOISY)]
        yield GOOD.model_copy(update={"seconds": 6.0, "attempt": 2})
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.measure.fidelity_grid.measure", measure)
    status, out, err = casesim("fidelity", "--quick", "--minutes", 2, "--json", "--out", tmp_path / "report.json")
    told = json.loads(out)
    assert (status, asked) == (130, [2.0])
    assert (told["points"], told["points_judged"], told["measurements"]) == (3, 2, 4)
    assert told["more_minutes"] == {"3": pytest.approx(6 / 60)}, "one point is left, and one of one was judged in 6 s"
    report = tmp_path / "report.json"
    kept = f"stopped: 3 of 18 points were measured (1 of them again) and are in {report}; the same command begins again"
    assert kept in err.replace("\n", " ")
    assert [one.attempt for one in read_report(tmp_path / "report.json").points] == [1, 1, 1, 2]


def test_a_report_without_forecasts_is_printed_as_well(capsys):
    answer(False, None, report_parts(report(GOOD)))
    assert "forecast interval" not in capsys.readouterr().out
