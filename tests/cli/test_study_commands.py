"""`casesim best`, `sensitivity`, `capacity` and `breakeven`: what they print and refuse."""

import json

import pytest


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


def test_a_chart_of_break_evens_is_not_written_where_nothing_turns(casesim, case, tmp_path):
    file = tmp_path / "flips.html"
    ended = casesim("breakeven", case, "--doubt", "ends.done.detected", "--together", 0, "--chart", file)
    assert ended.status == 0
    assert "no answer turns within the range of a figure" in ended.err
    assert not file.exists()


@pytest.mark.parametrize(
    ("against", "told"), [("nosuch=1", "there is no choice 'nosuch'"), ("readers=99", "99 is out of range")]
)
def test_a_design_to_compare_with_that_there_cannot_be_is_refused_at_once(casesim, case, against, told):
    status, out, err = casesim("breakeven", case, "--against", against)
    assert (status, out) == (2, "")
    assert told in err
