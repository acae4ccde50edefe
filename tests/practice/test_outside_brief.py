"""A design whose circumstances are not those of the brief: its figures stand, and no verdict on it counts."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from simulator.case.load import load, loads
from simulator.cli.exits import Status
from simulator.engine.actions import with_actions
from simulator.engine.plan import compile_plan
from simulator.explain.result import challenge_of, replicate
from simulator.practice import history
from simulator.practice.report import verdict_table
from simulator.practice.run_page import run_page
from simulator.sweeps.outcome_cache import solve, task_of
from simulator.sweeps.sweep import sweep_request
from simulator.tradeoffs.front import Front, Goal
from tests.case.texts import changed
from tests.patience import PATIENCE_S
from tests.practice.conftest import done
from tests.tradeoffs.made import COST, FOUND, outcome

OUTSIDE = "Outside the brief: Reading is Expert, the brief says Usual. No verdict counts."
TEXT = changed("    label: Reading\n", "    label: Reading\n    situation: true\n")


@pytest.fixture
def case(evidence):
    """The small case, where the brief says how well people read."""
    return loads(TEXT)


@pytest.fixture
def file(tmp_path, evidence):
    file = tmp_path / "small.yaml"
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_the_sentence_names_each_circumstance_and_a_shared_unit_once():
    vehicle = load("av-perception")
    usual = vehicle.defaults()
    assert vehicle.outside_brief(usual) == ""
    assert vehicle.outside_brief(usual | {"detector": "yolox_nano", "front_rate": 20}) == ""
    walking = "Outside the brief: Speed is 6 km/h, the brief says 50. No verdict counts."
    assert vehicle.outside_brief(usual | {"speed": "walking"}) == walking
    both = "Outside the brief: Speed is A trip, the brief says 50 km/h; Weather and light is Night, the brief says A clear day."
    assert vehicle.outside_brief(usual | {"speed": "trip", "weather": "night"}) == f"{both} No verdict counts."


def test_every_verdict_is_void_and_its_figure_stays(case):
    within, outside = (replicate(compile_plan(case, {"reading": pick}), 1, 2) for pick in ("usual", "expert"))
    assert within.outside_brief == ""
    assert "void" not in within.verdicts[0].to_json()
    (verdict,) = outside.verdicts
    assert (verdict.standing, verdict.estimate) == ("void", outside.metrics["sensitivity"])
    told = outside.to_json()
    (objective,) = told["objectives"]
    assert (objective["met"], objective["verdict"], objective["void"]) == (verdict.estimate.value >= 0.9, "void", True)
    assert (told["void"], told["warnings"][0]) == (True, OUTSIDE)
    assert "reasons" not in told
    assert [note.level for note in outside.trust if note.topic == "verdicts"] == ["weak"]
    assert challenge_of(outside).sentence == OUTSIDE


def test_a_change_during_the_run_counts_too(case):
    plan = with_actions(compile_plan(case), [(60.0, {"reading": "expert"})])
    assert plan.outside_brief == OUTSIDE
    assert [verdict.standing for verdict in replicate(plan, 1, 2).verdicts] == ["void"]


def test_a_page_and_a_report_say_it_before_the_verdicts(case):
    result = replicate(compile_plan(case, {"reading": "expert"}), 1, 2)
    words = [part.content for passage in run_page(result, None) for part in passage.parts if isinstance(part.content, str)]
    assert sum(OUTSIDE in one for one in words) == 1
    assert verdict_table(result).startswith(f"<p>{OUTSIDE}</p>")


@pytest.mark.long
def test_the_command_says_it_and_a_strict_run_fails(file, casesim):
    status, printed, _ = casesim("run", file, "--set", "reading=expert", "--set", "point=1.0", "--strict", "--json")
    assert status == Status.NO
    told = json.loads(printed)
    assert (told["objectives"][0]["met"], told["warnings"][0]) == (True, OUTSIDE)
    _, printed, _ = casesim("run", file, "--set", "reading=expert", "--all")
    assert " ".join(printed.split()).count(OUTSIDE) == 1


def test_a_saved_attempt_is_no_success(case, jobs, store):
    job = done(compile_plan(case, {"reading": "expert"}))
    attempt = replace(history._attempt(job), trail="a" * 22)
    assert [one.standing for one in attempt.reached] == ["void"]
    older = replace(attempt, reached=[replace(one, standing="met") for one in attempt.reached])  # kept by an earlier version
    for one in (attempt, older):
        assert history._cell(case, one, "sensitivity")["standing"] == "void"
        assert history.outside_brief(case, one) == [OUTSIDE]
    gone = replace(attempt, picks={**attempt.picks, "reading": "an option of an earlier version"})
    assert history.outside_brief(case, gone) == []


def test_such_a_design_is_on_no_front_and_void_in_a_sweep(case):
    request = sweep_request(case, ["reading"], replications=2)
    outcomes = [solve(task_of(compile_plan(case, point.picks), request.metrics, 1, 2)) for point in request.points]
    table = request.table(outcomes)
    assert list(table["sensitivity.verdict"] == "void") == [False, True]
    goals = [Goal(COST, higher=False), Goal(FOUND, higher=True)]
    cheapest = outcome({"cost": 1.0, "found": 1.0}, outside_brief=OUTSIDE)
    front = Front(goals, [outcome({"cost": 8.0, "found": 0.9}), cheapest, outcome({"cost": 9.0, "found": 0.95})])
    assert front.places == [0, 2]
    assert "1 more is outside the brief and not compared." in front.sentence


def side():
    """The choices at the side of the page."""
    import streamlit as st

    from simulator.practice.side_panel import form

    form(st.session_state["case"])


def test_the_side_of_the_page_shows_the_situation_last_under_its_own_heading(case):
    page = AppTest.from_function(side, default_timeout=PATIENCE_S)
    page.session_state["case"] = case
    page.run()
    assert not page.exception
    order = [getattr(one, "label", None) or one.value for one in page.main.children.values()]
    assert order[-3:] == ["**Situation**", "The brief sets these. After a change, no verdict counts.", "Reading"]
