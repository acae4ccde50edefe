"""`casesim sweep` and `pareto`: what they print, keep and refuse, together with the other studies."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest

from simulator.cli.options import _kept_designs
from simulator.kept_results import KeptRuns
from tests.case.texts import SMALL
from tests.cli.conftest import Here

OVER = ("--over", "readers=1:3", "--over", "arrivals.rate_per_s=0.01,0.02")


@pytest.fixture
def small(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_a_sweep_prints_one_object_with_a_row_a_design_as_a_run_of_it_reports(casesim, case):
    status, out, _ = casesim("sweep", case, *OVER, "--replications", 3, "--seed", 5, "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["scenario"], told["seed"], told["replications"], told["method"]) == ("queue", 5, 3, "grid")
    assert [axis["name"] for axis in told["axes"]] == ["readers", "arrivals.rate_per_s"]
    assert len(told["rows"]) == 6
    run = json.loads(casesim("run", case, "--set", "readers=3", "--replications", 3, "--seed", 5, "--json")[1])
    (row,) = (row for row in told["rows"] if (row["readers"], row["arrivals.rate_per_s"]) == (3, 0.02))
    found = run["metrics"]["latency_mean_s"]
    assert [row["latency_mean_s"], row["latency_mean_s.low"], row["latency_mean_s.high"]] == pytest.approx(
        [found["value"], found["low"], found["high"]]
    )
    assert row["latency_mean_s.verdict"] == run["objectives"][0]["verdict"]


@pytest.mark.long
def test_a_sweep_in_processes_prints_the_same_as_one_in_this_process(casesim, case, tmp_path, monkeypatch):
    printed = []
    for number in (1, 2):
        monkeypatch.setattr("simulator.sweeps.outcome_cache.SWEEPS", tmp_path / f"sweeps{number}")
        printed.append(casesim("sweep", case, *OVER, "--replications", 2, "--json"))
        monkeypatch.setattr("simulator.processes.ProcessPool", Here)
    assert printed[0].status == 0
    assert printed[0].out == printed[1].out


@pytest.mark.parametrize("ending", [".parquet", ".csv"])
def test_a_sweep_writes_its_table_with_what_identifies_it(casesim, case, tmp_path, ending):
    file = tmp_path / f"table{ending}"
    assert casesim("sweep", case, *OVER, "--replications", 2, "--out", file).status == 0
    table = pd.read_parquet(file) if ending == ".parquet" else pd.read_csv(file)
    assert len(table) == 6
    assert {"readers", "latency_mean_s", "latency_mean_s.low", "latency_mean_s.verdict", "run_hash"} <= set(table.columns)
    if ending == ".parquet":
        told = json.loads(pq.read_schema(file).metadata[b"casesim"])
        assert {"scenario_hash", "engine", "evidence", "axes", "seed"} <= told.keys()


def test_a_second_sweep_runs_nothing_and_writes_the_same_bytes(casesim, case, tmp_path, monkeypatch):
    files = [tmp_path / f"{number}.parquet" for number in (1, 2)]
    casesim("sweep", case, *OVER, "--replications", 2, "--out", files[0])
    monkeypatch.setattr("simulator.sweeps.sweep.solve", lambda task: pytest.fail("it ran again"))
    casesim("sweep", case, *OVER, "--replications", 2, "--out", files[1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_damaged_outcome_is_named_and_its_point_runs_again(casesim, case, tmp_path):
    first = casesim("sweep", case, *OVER, "--replications", 2, "--json")
    harmed = sorted(tmp_path.glob("sweeps/*/*"))[0]
    harmed.write_bytes(harmed.read_bytes()[:-9])
    again = casesim("sweep", case, *OVER, "--replications", 2, "--json")
    assert f"{harmed}: was damaged; its point has run again" in again.err
    assert again.out == first.out


def test_a_folder_that_takes_no_outcome_is_named_and_a_stop_promises_nothing(casesim, case, tmp_path, monkeypatch):
    monkeypatch.setattr(KeptRuns, "refusing", set())
    assert _kept_designs().startswith("the designs that have run are kept")
    (tmp_path / "sweeps").write_text("a file in the place of the folder")
    ended = casesim("sweep", case, *OVER, "--replications", 2, "--json")
    assert ended.status == 0
    assert f"{tmp_path / 'sweeps'}: no result could be kept there" in ended.err
    assert _kept_designs() == "nothing is kept; the same command begins again"


def test_the_front_names_who_is_not_beaten_and_what_the_own_design_leaves_lying(casesim, case):
    words = ("pareto", case, *OVER[:2], "--metric", "latency_mean_s", "--metric", "cost_per_1000_usd", "--set", "readers=3")
    told = json.loads(casesim(*words, "--replications", 4, "--json")[1])
    assert set(told["front_by_value"]) <= set(told["front"])
    assert {one["place"] for one in told["dominated"]} | set(told["front"]) | set(told["untold"]) == {0, 1, 2}
    assert told["regret"]["own"]["latency_mean_s"]["value"] > 0
    assert not [words for words in told["regret"]["sentences"] if "Readers: 3" in words], "the own picks are not named again"
    out = casesim(*words, "--replications", 4).out
    assert "designs" in out
    assert "Mean (less is better)" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sweep",), "nothing to sweep: name a choice or a figure, such as --over replicas=1:4"),
        (("sweep", "--over", "reeders"), "there is no choice and no figure 'reeders'; did you mean 'readers'?"),
        (("sweep", "--over", "readers", "--method", "random"), "--method random: expected one of: grid, sobol, lhs"),
        (("sweep", "--over", "readers", "--out", "table.xlsx"), "--out table.xlsx: should end in .parquet or .csv"),
        (("sweep", "--over", "readers", "--figure", "x"), "--figure x: write it as PLACE=NUMBER"),
        (("pareto", "--over", "readers", "--metric", "latency_mean_s"), "a front is over 2 to 4 metrics, got 1"),
        (("sensitivity", "--way", "anova"), "--way anova: expected one of: morris, sobol"),
        (("sensitivity", "--way", "sobol", "--points", 6), "Sobol's indices take at least 16 base points"),
        (("breakeven", "--doubt", "readers"), "--doubt readers: this design has no assumed or projected figure of that name"),
        (("capacity", "--objective", "cost"), "--objective cost: the case has no such objective"),
        (("best", "--least", "nonsense"), "--least nonsense: there is no such metric"),
    ],
)
def test_what_cannot_be_asked_is_wrong_use_with_what_would_be_right(casesim, case, words, message):
    status, out, err = casesim(words[0], case, *words[1:])
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.long
def test_a_sweep_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(case, tmp_path):
    """Ten times: kill -9 at a random moment, begin again, and compare the table with that of an undisturbed sweep."""
    rng = random.Random(7)
    over = ("--over", "readers", "--over", "arrivals.rate_per_s=0.005:0.02:6", "--replications", "4")

    def begun(home, file) -> subprocess.Popen:
        command = [sys.executable, "-m", "simulator.cli", "sweep", str(case), *over, "--out", str(file)]
        said = subprocess.DEVNULL
        return subprocess.Popen(command, env=os.environ | {"XDG_CACHE_HOME": str(home)}, stdout=said, stderr=said)

    began = time.monotonic()
    plain = tmp_path / "plain.parquet"
    assert begun(tmp_path / "home", plain).wait() == 0
    usual_s = time.monotonic() - began
    for number in range(10):
        home, file = tmp_path / f"home{number}", tmp_path / f"{number}.parquet"
        for _ in range(2):
            one = begun(home, file)
            time.sleep(rng.uniform(0.3 * usual_s, usual_s))
            one.send_signal(signal.SIGKILL)
            one.wait()
        assert begun(home, file).wait() == 0
        assert file.read_bytes() == plain.read_bytes()


def test_a_front_and_what_matters_are_written_as_charts_too(casesim, case, tmp_path):
    front, matters = tmp_path / "front.html", tmp_path / "matters.html"
    assert casesim("pareto", case, *OVER, "--chart", front).status == 0
    assert "your design" in front.read_text(encoding="utf-8")
    request = ("sensitivity", case, *OVER, "--metric", "latency_mean_s", "--points", 8)
    assert casesim(*request, "--chart", matters).status == 0
    assert "moves it most" in matters.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pareto", "--chart", "front.pdf"), "should end in .html, .svg or .png"),
        (("capacity", "--chart", "nowhere/load.html"), "there is no folder nowhere"),
        (("sensitivity", "--metric", "done_share", "--metric", "latency_mean_s", "--chart", "x.html"), "draws one metric"),
    ],
)
def test_a_chart_that_cannot_be_written_is_refused_before_anything_runs(casesim, case, words, told):
    command, *rest = words
    status, out, err = casesim(command, case, *rest)
    assert (status, out) == (2, "")
    assert told in err


def test_a_sweep_says_why_designs_cannot_run(casesim, small):
    ended = casesim("sweep", small, "--over", "stages.classify.projected_ms=1:2:2", "--replications", 2)
    assert ended.status == 0
    assert "2 cannot run: 2 because there is no projected latency `stages.classify.projected_ms`" in ended.out
