"""The page Trade-offs: designs around one's own, each of them a way back to the workbench, and studies that end."""

from time import monotonic, sleep
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from simulator.app.links import read
from simulator.app.studies import StudyShelf, forget
from simulator.case.load import load, loads
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.paths import APP
from simulator.tradeoffs.study_panels import Base
from tests.pages.conftest import PATIENCE_S, moved
from tests.tradeoffs.test_capacity import QUEUE


@pytest.fixture(autouse=True)
def _own_sweeps(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.sweeps.outcome_cache.SWEEPS", tmp_path / "sweeps")


@pytest.fixture
def page(tmp_path, monkeypatch, request):
    """The page, at a queue with readers."""
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE.replace("BOUND", "120").replace("days: 2", "days: 0.2"), encoding="utf-8")
    monkeypatch.setenv("CASESIM_CASES", str(file))
    return moved(request.getfixturevalue("app"), "tradeoffs", case="queue", readers="3")


def ended(page, done):
    """Look again until something is there."""
    deadline = monotonic() + PATIENCE_S
    while not done():
        assert monotonic() < deadline
        sleep(0.2)
        page.run()
        assert not page.exception
    return page


def offered(page):
    """The addresses of the designs that the page offers to open."""
    links = [one.proto for one in page.get("page_link")]
    return [one.query_string for one in links if one.label == "Open this design"]


def told(page):
    return "\n".join(one.value for one in [*page.markdown, *page.caption])


def test_the_sweep_begins_by_itself_says_what_nothing_beats_and_opens_a_design_on_the_workbench(page):
    assert page.title[0].value == "Queue"
    ended(page, lambda: not page.get("progress"))
    assert "Around this design: Readers: 3" in told(page).replace("\\", "")
    assert "8 designs of “Queue”: Readers (8 values from 1 to 8)" in told(page).replace("\\", "")
    assert "beaten by another beyond chance" in told(page)
    box = next(one for one in page.selectbox if one.label.startswith("A design"))
    wanted = box.options[0]
    assert f"readers={wanted.split(': ')[1]}" in offered(page)[0]


def test_too_few_metrics_are_answered_with_what_would_be_right(page):
    page.multiselect(key="queue:goals").set_value(["latency_mean_s"]).run()
    assert [one.value for one in page.info] == ["Vary at least one choice, and compare two to four metrics."]


def test_every_assumption_is_doubted_and_what_turns_is_told(page):
    page.session_state["tradeoffs"] = "Break-evens"
    page.run()
    next(one for one in page.button if one.label == "Vary every assumption").click().run()
    ended(page, lambda: "over the figure's whole range" in told(page))
    assert "unless “Reader: minutes, exponential mean” lies above" in told(page).replace("\\", "")


def test_a_study_that_is_cancelled_can_begin_again(page):
    page.session_state["tradeoffs"] = "Best design"
    page.run()
    next(one for one in page.button if one.label == "Search for the best design").click().run()
    if cancel := [one for one in page.button if one.label == "Cancel"]:
        cancel[0].click().run()
    ended(page, lambda: offered(page) or any(one.label == "Search for the best design" for one in page.button))


def test_the_best_design_is_shown_with_the_verdict_of_the_page_practice(page):
    page.session_state["tradeoffs"] = "Best design"
    page.run()
    next(one for one in page.button if one.label == "Search for the best design").click().run()
    ended(page, lambda: offered(page))
    assert "**Of those that were tried, this design meets every objective at the least cost.**" in told(page)
    scenario = loads(QUEUE.replace("BOUND", "120").replace("days: 2", "days: 0.2"))
    best = read(scenario, parse_qs(offered(page)[0])).picks
    design = compile_plan(scenario, best)
    assert {one.standing for one in replicate(design, 1, scenario.run.replications).verdicts} == {"met"}


def test_the_best_design_lists_all_choices_and_marks_those_that_differ():
    scenario = load("retry-storm")
    base = Base(scenario, compile_plan(scenario, {"replicas": 4}), 1)
    words = base.beside({**base.picks, "order": "freshest", "replicas": 3})
    assert words.startswith("Differs from yours: Order of the queue: ")
    assert "Replicas: 3 (yours: 4). As in yours: Network: ResNet-50; " in words
    assert all(choice.label in words for choice in scenario.choices.values())
    assert base.beside(base.picks).startswith("Your own design: Network: ResNet-50; ")


def test_an_analysis_without_a_clear_order_offers_twice_the_designs(page, monkeypatch):
    monkeypatch.setattr("simulator.tradeoffs.study_panels._is_undecided", lambda study: bool(study and study.result))
    page.session_state["tradeoffs"] = "What matters"
    page.run()
    next(one for one in page.button if one.label == "Run up to 24 designs").click().run()
    ended(page, lambda: any(one.label == "Run up to 48 designs" for one in page.button))
    assert "have no clear order yet" in told(page)
    next(one for one in page.button if one.label == "Run up to 48 designs").click().run()
    ended(page, lambda: any(one.label == "Run up to 96 designs" for one in page.button))


@pytest.fixture
def ann(monkeypatch):
    """One person, with a shelf of studies that a test may empty as a restart of the server does."""
    monkeypatch.setattr("simulator.app.studies.person", lambda: "ann")
    shelves = [StudyShelf()]
    monkeypatch.setattr("simulator.app.studies.shelf", lambda: shelves[-1])
    return shelves


def opened_again(section):
    page = moved(AppTest.from_file(APP, default_timeout=PATIENCE_S).run(), "tradeoffs", case="queue", readers="3")
    page.session_state["tradeoffs"] = section
    return page.run()


def test_a_study_is_there_after_a_reload_and_after_a_restart_of_the_server(ann, page, monkeypatch):
    page.session_state["tradeoffs"] = "Capacity"
    page.run()
    assert "About 26 designs" in told(page)
    next(one for one in page.button if one.label == "Find the capacity").click().run()
    reloaded = ended(opened_again("Capacity"), lambda: True)
    ended(reloaded, lambda: "is the first that is no longer met as traffic grows" in told(reloaded))
    found = told(reloaded)
    assert "Readers" in found
    ann.append(StudyShelf())
    runs = []
    monkeypatch.setattr("simulator.panels.background_study.Study._handed", lambda *_: runs.append(1))
    restarted = opened_again("Capacity")
    ended(restarted, lambda: "is the first that is no longer met as traffic grows" in told(restarted))
    assert told(restarted) == found
    assert not runs


def test_a_study_that_was_cancelled_does_not_come_back(ann, page):
    page.session_state["tradeoffs"] = "Capacity"
    page.run()
    next(one for one in page.button if one.label == "Find the capacity").click().run()
    forget(next(name for of, name in ann[-1]._studies if name.startswith("capacity")))
    ann.append(StudyShelf())
    assert any(one.label == "Find the capacity" for one in opened_again("Capacity").button)


def test_what_matters_is_ranked(page):
    page.session_state["tradeoffs"] = "What matters"
    page.run()
    next(one for one in page.button if one.label.startswith("Run up to")).click().run()
    ended(page, lambda: "moves it most" in told(page))


def test_what_is_wrong_with_an_address_stays_told(page):
    page.query_params["readers"] = "99"
    for _ in range(2):
        page.run()
        assert "99 is out of range" in page.warning[0].value.replace("\\", "")
    page.query_params["case"] = "nosuch"
    for _ in range(2):
        page.run()
        assert "There is no case" in page.warning[0].value
