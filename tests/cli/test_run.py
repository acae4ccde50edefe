"""The command: what it prints, to whom, and with which exit status."""

import io
import json
import os
import subprocess
import sys
from importlib.metadata import version
from time import sleep

import pytest

from simulator.case.load import load, scenario_ids
from simulator.cli.exits import VisibleConsole
from simulator.engine.plan import compile_plan
from simulator.engine.run import ENGINE_VERSION
from simulator.explain import advice
from simulator.explain.result import replicate
from simulator.practice.run_command import print_summary
from tests.case.texts import SMALL, changed, place


@pytest.fixture
def case(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def _one_step(monkeypatch):
    """No test reads the advice, which runs many designs."""
    monkeypatch.setattr(advice, "TRIED", 1)
    monkeypatch.setattr(advice, "TRIALS", 2)


def test_a_run_prints_one_object_that_keeps_the_contract_and_nothing_else(casesim, case):
    status, out, _ = casesim("run", case, "--seed", 7, "--replications", 3, "--json", "--set", "reading=expert")
    told = json.loads(out)
    assert status == 0
    assert list(told) == ["scenario", "scenario_hash", "design", "seed", "replications", "run_hash", "requests", "metrics",
                          "objectives", "provenance", "warnings", "reasons", "trust", "thresholds", "claims",
                          "request"]  # fmt: skip
    assert (told["scenario"], told["seed"], told["replications"]) == ("small", 7, 3)
    assert told["design"] == {"point": 0.9, "urgent": 0.5, "reading": "expert"}
    for name, metric in told["metrics"].items():
        assert {"value", "low", "high", "unit", "run"} <= set(metric) <= {"value", "low", "high", "unit", "run", "labels"}
        assert metric["low"] <= metric["value"] <= metric["high"], name
    assert {"sensitivity", "specificity", "cost_per_1000_usd", "utilization.classify"} <= told["metrics"].keys()
    (objective,) = told["objectives"]
    assert {"metric", "at_least", "value", "met", "margin"} <= objective.keys()
    assert objective["margin"] == pytest.approx(objective["value"] - objective["at_least"])
    assert all(source["kind"] in ("measured", "projected", "published", "assumed") for source in told["provenance"])
    assert all(isinstance(warning, str) for warning in told["warnings"])


def test_a_run_until_its_verdicts_are_decided_is_the_beginning_of_the_whole_run(casesim, case):
    """The objective is missed by far, so that the first look decides; the first four replications are the same."""
    early = json.loads(casesim("run", case, "--json", "--replications", 30, "--until-decided")[1])
    plain = json.loads(casesim("run", case, "--json", "--replications", early["replications"])[1])
    assert (early["planned_replications"], early["run_hash"]) == (30, plain["run_hash"])
    assert early["objectives"][0]["verdict"] == plain["objectives"][0]["verdict"] == "not met"
    for name, metric in early["metrics"].items():
        assert metric["high"] - metric["low"] >= plain["metrics"][name]["high"] - plain["metrics"][name]["low"], name
    words = " ".join(casesim("run", case, "--replications", 30, "--until-decided", "--all")[1].split())
    assert f"{early['replications']} of 30 replications" in words
    assert "more replications alone could not change a verdict" in words


def test_a_run_in_json_explains_what_is_not_met_its_trust_and_its_p99_request(casesim, case):
    told = json.loads(casesim("run", case, "--json")[1])
    (reason,) = told["reasons"]
    assert (reason["metric"], reason["exhibit"]) in [("sensitivity", "threshold"), ("sensitivity", "outcomes")]
    assert reason["stage"] in ("sort", "reader")
    assert "positives are missed. " in reason["sentence"]
    assert "bottleneck" not in told  # nothing is late or turned away
    assert {note["level"] for note in told["trust"]} <= {"good", "fair", "weak"}
    path = told["request"]["to_answer"]
    assert path["share"] == 0.99
    parts = [step[part] for step in path["steps"] for part in ("queued_s", "held_s", "served_s")]
    assert sum(parts) == pytest.approx(path["total_s"], abs=1e-9)
    assert "to_end" not in told["request"]  # no gate answers: the end is the answer


def test_another_design_is_compared_on_the_same_requests(casesim, case):
    told = json.loads(casesim("run", case, "--json", "--set", "reading=expert", "--against", "point=1.0")[1])
    assert told["design"] == {"point": 0.9, "urgent": 0.5, "reading": "expert"}
    assert told["against"] == {"point": 1, "urgent": 0.5, "reading": "expert"}
    found = {difference["metric"]: difference for difference in told["differences"]}
    assert found["escalated_share"]["value"] < 0
    (claim,) = (one for one in told["claims"] if (one["subject"], one["relation"]) == ("escalated_share", "differs"))
    assert (claim["value"], claim["evidence"]) == (found["escalated_share"]["value"], "paired run")
    assert len(claim["against"]) == len(told["run_hash"]) and claim["against"] != told["run_hash"]
    assert found["escalated_share"].keys() == {
        "metric",
        "value",
        "low",
        "high",
        "unit",
        "run",
        "labels",
        "significant",
        "words",
    }
    bounds = found["escalated_share"]
    for part in ("run", "labels"):  # each doubt alone is less than both
        assert bounds["low"] <= bounds[part]["low"] <= bounds[part]["high"] <= bounds["high"]
    other = json.loads(casesim("run", case, "--json", "--set", "reading=expert", "--set", "point=1.0")[1])
    for name, difference in found.items():
        expected = told["metrics"][name]["value"] - other["metrics"][name]["value"]
        assert difference["value"] == pytest.approx(expected, abs=1e-9), name


def test_differences_that_may_be_chance_are_called_so(casesim, case):
    assert "May be chance (interval includes zero): “Found”" in casesim("run", case, "--against", "reading=expert")[1]
    out = casesim("run", case, "--all", "--against", "reading=expert", "--replications", 3)[1]
    assert "reading=usual against expert" in out
    assert "this design minus the other" in out
    assert "no change" in out
    assert "not significantly different" in out


def test_one_request_is_followed_to_its_answer(casesim, case):
    out = casesim("run", case, "--explain", "slowest")[1]
    assert "for the slowest request" in out
    assert all(word in out for word in ("entered after", "Classifier", "served"))
    assert "request" not in casesim("run", case)[1].split("run hash")[1]


def test_what_happened_is_written_for_perfetto(casesim, case, tmp_path):
    target = tmp_path / "run.json"
    status, out, _ = casesim("run", case, "--trace-out", target, "--json")
    told = json.loads(target.read_text(encoding="utf-8"))
    assert status == 0
    assert json.loads(out)["scenario"] == told["otherData"]["scenario"] == "small"
    assert {event["ph"] for event in told["traceEvents"]} >= {"M", "X"}


def test_a_metric_that_the_scenario_does_not_have_is_absent(casesim, case):
    slow = changed("median: {value: 0.05,", "median: {value: 20,")
    case.write_text(slow, encoding="utf-8")
    out = casesim("run", case, "--json")[1]
    assert "null" not in out
    assert "wait_p95_s.reader" not in json.loads(out)["metrics"]  # the reader is overloaded: there is no steady state
    case.write_text(SMALL, encoding="utf-8")
    assert "wait_p95_s.reader" in json.loads(casesim("run", case, "--json", "--replications", 100)[1])["metrics"]


def test_the_same_seed_gives_the_same_output(casesim, case):
    first, again, other = (casesim("run", case, "--json", "--seed", seed)[1] for seed in (1, 1, 2))
    assert first == again
    assert json.loads(first)["run_hash"] != json.loads(other)["run_hash"]


def test_a_person_gets_the_verdict_the_figures_and_the_run_hash(casesim, case):
    run_hash = json.loads(casesim("run", case, "--json")[1])["run_hash"]
    status, out, _ = casesim("run", case)
    assert status == 0
    assert all(word in out for word in ("Small", "Found", "≥ 90.0%", "Requests escalated", f"run hash {run_hash}"))


def test_brackets_in_what_an_author_wrote_are_printed_as_they_stand(casesim, case):
    text = changed("title: Small", 'title: "Small [/b] [red]"', "label: Found", 'label: "Found [all]"', "Classifier", '"[x] C"')
    case.write_text(text.replace("max_batch: 4", "max_batch: 1"), encoding="utf-8")
    status, out, _ = casesim("run", case)
    assert status == 0
    assert "Small [/b] [red]" in out
    assert "Found [all]" in out


def test_strict_says_no_when_an_objective_is_missed(casesim, case):
    assert casesim("run", case, "--strict", "--json")[0] == 1
    case.write_text(changed("at_least: 0.9, label", "at_least: 0.0, label"), encoding="utf-8")
    assert casesim("run", case, "--strict", "--json")[0] == 0


def test_a_file_with_three_mistakes_is_answered_with_all_three_at_their_places(casesim, case):
    text = changed("max_batch: 4", "max_bach: 4", "by: score", "by: scores", "positive_to: seen", "positive_to: sen")
    case.write_text(text, encoding="utf-8")
    status, out, err = casesim("run", case)
    expected = [place(text, "max_bach:"), place(text, "by: scores"), place(text, "positive_to: sen")]
    told = err.splitlines()
    assert (status, out, told[-1]) == (2, "", "3 faults")
    assert [line.split(": ")[0] for line in told[:3]] == [f"{case}:{line}:{column}" for line, column in expected]
    assert "did you mean 'max_batch'?" in told[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", scenario_ids()[0][:-1]], f"did you mean '{scenario_ids()[0]}'?"),
        (["run", "nowhere.yaml"], "there is no such file"),
        (["run", "CASE", "--set", "point"], "write it as CHOICE=OPTION"),
        (["run", "CASE", "--set", "pont=0.9"], "did you mean 'point'?"),
        (["run", "CASE", "--set", "reading=nobody"], "'nobody' is not an option; expected one of: usual, expert"),
        (["run", "CASE", "--set", "point=0.7"], "expected one of: 0.6, 0.9, 1"),
        (["run", "CASE", "--replications", "1"], "--replications"),
        (["run", "CASE", "--sed", "1"], "--seed"),
        (["run", "CASE", "--against", "point"], "--against point: write it as CHOICE=OPTION"),
        (["run", "CASE", "--against", "pont=0.9"], "did you mean 'point'?"),
        (["run", "CASE", "--explain", "99"], "write one as p50, p99 or p99.9, or `slowest`"),
        (["run", "CASE", "--trace-out", "run.txt"], "a trace is written as .json or .json.gz"),
        (["run", "CASE", "--trace-out", "nowhere/run.json"], "there is no folder nowhere"),
        (["rum"], "run"),
    ],
)
def test_wrong_use_is_answered_in_words_with_status_2(casesim, case, words, message):
    status, out, err = casesim(*(case if word == "CASE" else word for word in words))
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def broken_profile(case, calls):
    """Puts something else in place of the calls of the small case's profile; returns its file."""
    file = case.parent / "profiles" / "epyc-zen4-2c" / "tiny.fp32.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    told["runs"][0]["calls"][0]["latency_ms"][3] = calls
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.mark.parametrize("value", [0, -5, float("nan"), float("inf"), 1e308])
def test_a_profile_with_an_impossible_latency_is_refused_in_one_sentence(casesim, case, value):
    file = broken_profile(case, value)
    status, out, err = casesim("run", case)
    assert (status, out) == (2, "")
    told = err.splitlines()
    assert told[-1] == "1 fault"
    assert len(told) == 2
    assert f"stages.classify.model: {file}: runs.0.calls.0.latency_ms.3: Input should be " in told[0]


@pytest.fixture
def crash(monkeypatch):
    """Makes every run end in an error that nobody expects."""

    def divide(*_):
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr("simulator.practice.run_command.result_in_processes", divide)
    monkeypatch.delenv("CASESIM_DEBUG", raising=False)


@pytest.mark.usefixtures("crash")
def test_an_error_of_its_own_is_told_in_a_sentence_with_a_status_of_its_own(casesim, case):
    status, out, err = casesim("run", case, "--strict")
    assert (status, out) == (70, "")
    assert err.strip().splitlines() == [
        "this is a bug in CaseSim, not in your input: ZeroDivisionError: division by zero",
        f"please report it with the command line: casesim run {case} --strict",
        "set CASESIM_DEBUG=1 in the environment to see where",
    ]


@pytest.mark.usefixtures("crash")
def test_an_error_of_its_own_is_shown_in_full_where_that_is_asked_for(casesim, case, monkeypatch):
    monkeypatch.setenv("CASESIM_DEBUG", "1")
    status, out, err = casesim("run", case)
    assert (status, out) == (70, "")
    assert err.strip().startswith("Traceback")
    assert "in divide" in err


def leave_a_mark(folder, number):
    (folder / str(number)).touch()
    sleep(1)  # so much longer than it takes to stop them, however busy the machine is


def test_an_interrupt_ends_a_run_in_processes_before_all_replications_have_begun(casesim, case, tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    marks.mkdir()

    def interrupted(plan, seed, replications, executor, progress, before):
        for number in range(200):
            executor.submit(leave_a_mark, marks, number)
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.metrics.replications.run_replications", interrupted)
    status, out, err = casesim("run", case)
    assert (status, out, err.strip()) == (130, "", "stopped: nothing is kept; the same command begins again")
    assert len(list(marks.iterdir())) < 100


def test_a_run_in_processes_that_are_killed_again_and_again_is_told_in_a_sentence(casesim, case, monkeypatch):
    monkeypatch.setattr(
        "simulator.metrics.replications.run_replications", lambda *given, **_: given[3].submit(os._exit, 1).result()
    )
    status, out, err = casesim("run", case)
    assert (status, out) == (2, "")
    assert [line for line in err.splitlines() if line] == [
        "a worker process was killed, perhaps for lack of memory; its work was restarted",
        "a worker process was killed twice, perhaps for lack of memory; run less at once",
    ]


def test_the_versions_are_told(casesim):
    assert casesim("--version") == (0, f"casesim {version('casesim')}, engine {ENGINE_VERSION}\n", "")


def test_the_cases_are_listed_as_objects(casesim):
    status, out, _ = casesim("cases", "--json")
    told = json.loads(out)
    assert status == 0
    assert [entry["id"] for entry in told] == scenario_ids()
    assert all(set(entry) == {"id", "version", "title", "summary", "origin"} for entry in told)


def test_the_cases_are_listed_for_a_person(casesim):
    status, out, _ = casesim("cases")
    assert status == 0
    assert all(name in out for name in scenario_ids())


@pytest.mark.long
def test_the_installed_command_keeps_standard_output_clean():
    command = [sys.executable, "-m", "simulator.cli", "cases", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)
    assert done.stderr == ""


ARMED = """\
curveballs:
  crowd: {kind: traffic, label: A crowd, times: 2}
  outage: {kind: replica_loss, label: An outage, stage: classify, replicas: 1}
"""


def test_a_curveball_strikes_when_it_is_told_to(casesim, case):
    case.write_text(SMALL + ARMED, encoding="utf-8")
    usual, struck = (json.loads(casesim("run", case, "--json", *words)[1]) for words in ((), ("--strike", "crowd@0")))
    assert "strikes" not in usual
    assert struck["strikes"] == {"crowd": 0}
    assert struck["requests"] > 1.5 * usual["requests"]
    assert struck["run_hash"] != usual["run_hash"]
    assert "A crowd" in casesim("run", case, "--strike", "crowd@60")[1]


@pytest.mark.parametrize(
    ("strike", "hint"),
    [("crowd", "say when"), ("crowds@1", "did you mean 'crowd'"), ("crowd@noon", "CURVEBALL@SECONDS"), ("crowd@1e9", "before")],
)
def test_a_strike_that_cannot_be_is_told_to_whoever_asked(casesim, case, strike, hint):
    case.write_text(SMALL + ARMED, encoding="utf-8")
    status, out, err = casesim("run", case, "--strike", strike)
    assert (status, out) == (2, "")
    assert hint in err


# Picks that change in a run


def test_a_pick_changes_when_it_is_told_to(casesim, case):
    told = json.loads(casesim("run", case, "--json", "--change", "point=0.6@3600", "--change", "reading=expert@7200")[1])
    assert told["changes"] == [{"at_s": 3600, "picks": {"point": 0.6}}, {"at_s": 7200, "picks": {"reading": "expert"}}]
    usual = json.loads(casesim("run", case, "--json")[1])
    assert "changes" not in usual
    assert told["run_hash"] != usual["run_hash"]
    assert "Operating point: 0.6 at 09:00 (60.0 min into the run)." in casesim("run", case, "--change", "point=0.6@3600")[1]
    assert "point=0.6, at 60.0 min" in casesim("run", case, "--all", "--change", "point=0.6@3600")[1]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("point=0.95", "write it as CHOICE=OPTION@SECONDS"),
        ("point@3600", "write it as CHOICE=OPTION@SECONDS"),
        ("points=0.95@3600", "did you mean 'point'?"),
        ("point=7@3600", "out of range"),
        ("point=0.6@-5", "should change at 0 s or later"),
    ],
)
def test_a_change_that_cannot_be_is_told_to_whoever_asked(casesim, case, change, hint):
    status, out, err = casesim("run", case, "--change", change)
    assert (status, out) == (2, "")
    assert hint in err


@pytest.mark.long
@pytest.mark.parametrize(("width", "parts"), [(80, False), (130, True)])
def test_names_stay_whole_on_a_narrow_terminal_and_parts_of_intervals_come_with_room(width, parts):
    narrow = VisibleConsole(width=width, record=True, file=io.StringIO())
    summary = replicate(compile_plan(load("skin-cancer-triage")), seed=1, replications=2)
    print_summary(narrow, summary)
    printed = narrow.export_text().split()
    assert set(summary.metrics) <= set(printed)
    assert ("half-widths" in printed) == parts
