"""`casesim sweep`, `pareto`, `best`, `sensitivity`, `capacity` and `breakeven`: what they print, keep and refuse."""

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

from tests.case.texts import SMALL
from tests.cli.conftest import Here
from tests.tradeoffs.test_capacity import QUEUE

OVER = ("--over", "readers=1:3", "--over", "arrivals.rate_per_s=0.01,0.02")


@pytest.fixture
def case(tmp_path):
    file = tmp_path / "queue.yaml"
    text = QUEUE.replace("BOUND", "120").replace("days: 2", "days: 0.2")
    file.write_text(text, encoding="utf-8")
    return file


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
    harmed = sorted(tmp_path.glob("sweeps/*/*.parquet"))[0]
    harmed.write_bytes(harmed.read_bytes()[:-9])
    again = casesim("sweep", case, *OVER, "--replications", 2, "--json")
    assert f"{harmed}: was damaged; its point has run again" in again.err
    assert again.out == first.out


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


def test_best_finds_the_fewest_readers_that_meet_the_bound(casesim, case):
    told = json.loads(casesim("best", case, "--designs", 8, "--json")[1])
    assert told["meets_all"]
    sweep = json.loads(casesim("sweep", case, "--over", "readers", "--replications", 2, "--json")[1])
    met = [row["readers"] for row in sweep["rows"] if row["latency_mean_s.verdict"] == "met"]
    assert told["best"]["picks"]["readers"] == min(met)
    picks = [word for name, pick in told["best"]["picks"].items() for word in ("--set", f"{name}={pick}")]
    card = json.loads(casesim("run", case, *picks, "--json")[1])["objectives"]
    assert told["best"]["verdicts"] == {one["metric"]: one["verdict"] for one in card}
    out = casesim("best", case, "--designs", 8).out
    assert "The best design\n  Mean: " in out
    assert f"casesim run {case} --set readers={min(met)}\n" in out


def test_best_names_the_nearest_misses_where_nothing_meets_all(casesim, case):
    case.write_text(case.read_text().replace("at_most: 120", "at_most: 30"), encoding="utf-8")
    status, out, _ = casesim("best", case, "--designs", 8)
    assert status == 0
    assert "No design that was tried meets all objectives." in out
    assert "Misses only “Mean at most 30.0 s” by" in out


@pytest.mark.parametrize(("way", "points"), [("morris", 8), ("sobol", 16)])
def test_sensitivity_ranks_what_moves_the_mean(casesim, case, way, points):
    words = (
        "sensitivity",
        case,
        "--over",
        "readers=2:6",
        "--over",
        "arrivals.rate_per_s=0.005:0.02",
        "--way",
        way,
        "--points",
        points,
    )
    told = json.loads(casesim(*words, "--metric", "latency_mean_s", "--json")[1])
    ranked = told["metrics"]["latency_mean_s"]["ranked"]
    assert {one["name"] for one in ranked} == {"readers", "arrivals.rate_per_s"}
    assert ("elementary" if way == "morris" else "total") in ranked[0]
    assert "Mean\n" in casesim(*words, "--metric", "latency_mean_s").out


def test_sensitivity_says_where_a_metric_has_no_figure(casesim, case):
    words = ("sensitivity", case, "--over", "readers=1:3", "--over", "arrivals.rate_per_s=0.005:0.2", "--points", 8)
    told = json.loads(casesim(*words, "--metric", "latency_p99_s", "--json")[1])
    assert "has a figure at every design of only" in told["metrics"]["latency_p99_s"]["untold"]


def test_capacity_tells_the_most_traffic_and_the_fewest_readers(casesim, case):
    words = ("capacity", case, "--replications", 3, "--set", "readers=4")
    told = json.loads(casesim(*words, "--json")[1])
    (limit,) = told["limits"]
    assert limit["to"]["times"] > 1
    assert told["fewest"][0]["fewest"] <= 4
    out = casesim(*words).out
    assert "is the first that is no longer met as traffic grows" in out
    assert "Readers: " in out


def test_breakeven_tells_where_an_answer_turns(casesim, case):
    words = ("breakeven", case, "--doubt", "stages.reader.minutes.exponential_mean", "--together", 8, "--replications", 3)
    told = json.loads(casesim(*words, "--json")[1])
    (flip,) = told["flips"]
    assert flip["figure"] == "stages.reader.minutes.exponential_mean"
    assert 1 < flip["at"] < 2
    assert told["together"][0]["of"] == 8
    printed = casesim(*words).out
    assert "not proven (95% interval" in printed
    assert "it is met if “Reader: minutes, exponential mean” lies below" in printed


def test_breakeven_compares_two_designs(casesim, case):
    words = ("breakeven", case, "--against", "readers=4", "--doubt", "stages.reader.usd_per_hour", "--together", 0)
    told = json.loads(casesim(*words, "--replications", 2, "--json")[1])
    assert told["flips"] == []
    assert told["steady"] == 1


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


def test_a_chart_of_break_evens_is_not_written_where_nothing_turns(casesim, case, tmp_path):
    file = tmp_path / "flips.html"
    ended = casesim("breakeven", case, "--doubt", "ends.done.detected", "--together", 0, "--chart", file)
    assert ended.status == 0
    assert "no answer turns within the range of a figure" in ended.err
    assert not file.exists()


def test_a_sweep_says_why_designs_cannot_run(casesim, small):
    ended = casesim("sweep", small, "--over", "stages.classify.projected_ms=1:2:2", "--replications", 2)
    assert ended.status == 0
    assert "2 cannot run: 2 because there is no projected latency `stages.classify.projected_ms`" in ended.out


@pytest.mark.parametrize(
    ("against", "told"), [("nosuch=1", "there is no choice 'nosuch'"), ("readers=99", "99 is out of range")]
)
def test_a_design_to_compare_with_that_there_cannot_be_is_refused_at_once(casesim, case, against, told):
    status, out, err = casesim("breakeven", case, "--against", against)
    assert (status, out) == (2, "")
    assert told in err
