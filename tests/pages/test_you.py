"""The page You: an empty record offers a session, a full one lists what was done, and a deletion asks first."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from simulator.app.own_sessions import session_log
from simulator.app.store.attempts import Attempts
from simulator.app.store.incident_log import Hidden, Incidents
from simulator.case.load import load
from simulator.engine.compiled_plan import case_hash
from simulator.paths import APP
from simulator.session.session_events import PredictionMade, RunAsked, RunEnded, RunFigure, SelfRated
from tests.app.store_worker import attempt
from tests.pages.conftest import PATIENCE_S, moved, said, told

OWNER, OTHER, CASE, DRIFT = "o" * 22, "p" * 22, "retry-storm", "production-drift"


@pytest.fixture(autouse=True)
def own_database(tmp_path, monkeypatch):
    """A database of its own for the page."""
    monkeypatch.setenv("CASESIM_DATABASE", f"sqlite:///{tmp_path / 'kept.db'}")
    return tmp_path / "kept.db"


def you(owner=OWNER):
    page = AppTest.from_file(APP, default_timeout=PATIENCE_S)
    page.session_state["trail"] = owner
    page = moved(page, "you")
    assert not page.exception
    return page


def links(page):
    return [(one.proto.label, one.proto.page, one.proto.query_string) for one in page.get("page_link")]


def practised(owner=OWNER, ends=True, runs=1, level=None):
    """A session with one settled prediction a run; of two, every second holds."""
    log, scenario = session_log(), load(CASE)
    session = log.begin(owner, scenario.id, scenario.version, case_hash(scenario), minutes=20)
    metric = scenario.objectives[0].metric
    for run in range(runs):
        asked = RunAsked(picks=scenario.defaults(), seed=1, replications=10 + run)
        log.append(session.id, "candidate", PredictionMade(design=asked.design, metric=metric, low=0.5, high=0.6 + run))
        log.append(session.id, "candidate", asked)
        figures = (RunFigure(metric=metric, value=1.0, standing="met"),)
        log.append(session.id, "system", RunEnded(design=asked.design, run_hash="0" * 12, figures=figures))
    if ends:
        log.end(session.id)
        if level:
            log.append(session.id, "candidate", SelfRated(signal="framing", level=level))
    return session.id


def test_an_empty_record_offers_a_session_of_twenty_minutes():
    page = you()
    assert "Nothing is here yet" in said(page)
    page.button(key="you:start").click().run()
    assert page.title[0].value == "Practise a case"


def test_sessions_have_their_last_verdicts_and_a_link_that_goes_on_or_opens_the_debrief():
    ended, going = practised(level="weak"), practised(ends=False)
    page = you()
    title = load(CASE).title
    own = [one for one in links(page) if "session=" in one[2]]
    assert own == [(f"Continue: {title}", "session", f"session={going}"), (f"Debrief: {title}", "session", f"session={ended}")]
    assert [one.value.partition("· ")[2].replace("\\", "") for one in page.caption if "run" in one.value] == [
        "20 minutes · 1 run, the last: 1 met"
    ] * 2
    assert "weak: Framing" in told(page)
    assert "due tomorrow" in said(page)
    assert (f"Practise: {title}", "session", f"case={CASE}") in links(page)


def test_the_picture_of_calibration_comes_with_the_tenth_prediction():
    practised(runs=8)
    page = you()
    assert "7 of 8 intervals held the result" in told(page)
    assert "The picture comes after 2 more predictions." in said(page)
    assert not calibration(page)
    practised(runs=2)
    page = you()
    assert "8 of 10 intervals held the result" in told(page)
    (picture,) = calibration(page)
    assert picture.proto.alt.startswith("8 of 10 intervals held the result: 80%")


def calibration(page):
    return [one for one in page.get("plotly_chart") if "intervals held" in one.proto.alt]


def test_incidents_say_whether_the_diagnosis_was_right_and_nothing_before_the_end():
    store, scenario = Incidents(), load(DRIFT)
    for ends in (True, False):
        name = store.begin(DRIFT, scenario.version, case_hash(scenario), Hidden(5, "overload", "abrupt"), OWNER)
        store.add(name, 0, {"kind": "diagnose", "cause": "overload", "confidence": 0.9})
        if ends:
            store.reveal(name)
    page = you()
    assert [label.partition(":")[0] for label, to, query in links(page) if to == "incident" and "incident=" in query] == [
        "Continue",
        "Reveal",
    ]
    words = [one.value for one in page.caption if "90% sure" in one.value]
    assert [one.endswith("right") for one in words] == [False, True]
    assert "1 incident under way stays here" in said(page)


def test_nothing_of_another_visitor_is_shown():
    practised(OTHER)
    assert "Nothing is here yet" in said(you())


def test_the_export_is_that_of_the_visitor_also_on_a_thread_without_one(monkeypatch):
    """Streamlit calls the function of a download on a thread that belongs to no visitor."""
    given = {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *rest, **more: given.update({label: data}))
    session = practised()
    you()
    with ThreadPoolExecutor(1) as pool:
        content = pool.submit(given["Export everything"]).result()
    assert [one["id"] for one in json.loads(content)["sessions"]] == [session]


def test_an_export_is_imported_by_another_visitor_and_a_wrong_file_is_refused():
    practised()
    Attempts().add(attempt(OWNER, "job1"))
    content = session_log().export(OWNER).encode()
    assert json.loads(content)["attempts"]
    page = you(OTHER)
    page.file_uploader[0].upload("all.json", content, "application/json").run()
    page.button(key="you:import").click().run()
    assert not page.exception
    assert "5 new entries came in." in page.info[0].value  # a prediction, a run, its end, the end of the session and an attempt
    assert len(session_log().sessions_of(OTHER)) == 1
    page.file_uploader[0].upload("wrong.json", b"{}", "application/json").run()
    page.button(key="you:import").click().run()
    assert "no sessions that this CaseSim can read" in page.error[0].value


def test_everything_is_deleted_only_after_a_tick_and_leaves_no_byte(own_database):
    practised()
    Attempts().add(attempt(OWNER, "job1"))
    Incidents().begin(DRIFT, 1, "0" * 12, owner=OWNER)
    assert OWNER.encode() in own_database.read_bytes()
    page = you()
    assert page.button(key="you:delete").disabled
    page.checkbox(key="you:sure").check().run()
    page.button(key="you:delete").click().run()
    assert not page.exception
    assert "are deleted" in page.info[0].value
    assert "Nothing is here yet" in said(page)
    assert OWNER.encode() not in own_database.read_bytes()
    assert page.button(key="you:delete").disabled


def test_the_id_is_sent_only_once_it_is_asked_for():
    page = you()
    assert OWNER not in "\n".join(str(element.proto) for element in page.main if element.type != "bidi_component")


def test_a_database_that_cannot_be_used_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("CASESIM_DATABASE", f"sqlite:///{tmp_path / 'nowhere' / 'kept.db'}")
    page = you()
    assert "CASESIM_DATABASE" in page.error[0].value.replace("\\", "")
