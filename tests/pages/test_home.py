"""The first page."""

import json
import shutil
from time import monotonic, sleep

import pytest

from simulator.app.own_sessions import session_log
from simulator.case.load import load, scenario_ids
from simulator.charts.look import INK
from simulator.paths import SCENARIOS
from simulator.processes import KilledError
from tests.case.texts import changed, place
from tests.pages.conftest import jumps, said, told
from tests.patience import PATIENCE_S


def until(page, words):
    """Look again until the page says it."""
    deadline = monotonic() + PATIENCE_S
    while words not in said(page):
        assert monotonic() < deadline, said(page)
        sleep(0.1)
        page.run()
    return page


@pytest.fixture
def small(cases, evidence):
    """One case of few replications alone."""
    return cases


def buttons(*cases):
    """The keys of the buttons: the offer, then of each case a session, the workbench and, where it has one, the incident."""
    ways = ("session", "practise", "incident")
    return ["start", *(f"{way}_{case}" for case in cases for way in ways if way != "incident" or load(case).incident)]


def test_the_cases_are_there_before_anything_has_run(small, request, monkeypatch):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == buttons("small")


def test_an_installed_case_stands_beside_the_others(small, request, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.case.load.INSTALLED", tmp_path / "installed")
    folder = tmp_path / "installed" / "cases" / "parcels"
    folder.mkdir(parents=True)
    (folder / "parcels.yaml").write_text(changed("id: small", "id: parcels"), encoding="utf-8")
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == buttons("parcels", "small")


def test_the_shipped_cases_stand_in_order_under_a_session_of_the_first(request, monkeypatch):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    page = request.getfixturevalue("app")
    assert not page.exception
    first = load(scenario_ids()[0])
    assert first.id == "skin-cancer-triage"
    assert [button.key for button in page.button] == buttons(*scenario_ids())
    assert jumps(page) == []
    assert page.button(key="start").label == "Start a 20-minute session"
    assert page.caption[0].value == first.title


def test_the_first_button_leads_to_a_session_of_twenty_minutes(small, app):
    page = app.button(key="start").click().run()
    assert not page.exception
    assert (page.title[0].value, page.selectbox(key="session:case").value) == ("Practise a case", "small")
    assert page.radio(key="session:minutes").value == 20


def test_the_last_session_that_goes_on_is_offered_below(small, app):
    state = app.session_state
    first, last = (session_log().begin(trail_of(state), "small", 1, "0" * 12, minutes=minutes) for minutes in (30, 45))
    for session, minutes in ((last, 45), (first, 30)):
        page = app.run()
        (link,) = [one.proto for one in page.get("page_link") if one.proto.page == "session"]
        assert (link.label, link.query_string) == ("Continue: Small", f"session={session.id}")
        assert any(f"{minutes} minutes" in caption.value for caption in page.caption)
        session_log().end(session.id)
    assert "Continue" not in [one.proto.label for one in app.run().get("page_link")]


def trail_of(state):
    """The visitor of this tab."""
    state["trail"] = "t" * 22
    return state["trail"]


def test_a_picture_has_the_ink_of_the_theme_and_the_badges_of_its_evidence(small, app):
    page = until(app, "-badge[")
    [picture] = page.get("plotly_chart")
    assert json.loads(picture.proto.spec)["layout"]["font"]["color"] == INK["light"]
    assert ":blue-badge[measured] :orange-badge[assumed]" in said(page)


def test_home_leads_to_the_evidence(small, app):
    assert "evidence" in [link.proto.page for link in app.get("page_link")]


def test_a_button_opens_the_workbench(small, app):
    app.button(key="practise_small").click().run()
    assert not app.exception
    assert app.title[0].value == "Small"
    assert app.button(key="run_button")


def test_a_button_opens_a_session_of_the_case(small, app):
    app.button(key="session_small").click().run()
    assert not app.exception
    assert app.title[0].value == "Practise a case"
    assert app.button(key="session:begin")


def test_a_broken_case_is_told_beside_the_others(small, request):
    shutil.copy(SCENARIOS / "retry-storm.yaml", small)
    broken = changed("id: small", "id: broken", "kind: gate", "kind: gat")
    (small / "broken.yaml").write_text(broken, encoding="utf-8")
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == buttons("retry-storm", "small")
    (error,) = page.error
    line, column = place(broken, "kind: gat")
    assert f"broken.yaml:{line}:{column}: stages.sort.kind: 'gat' is not a known kind" in error.value.replace("\\", "")
    assert "no profile" not in said(page)


def test_a_broken_case_tells_its_faults_where_it_is_asked_for(cases, practice):
    (cases / "broken.yaml").write_text("id: broken\n", encoding="utf-8")
    page = practice(case="broken")
    assert not page.exception
    assert "1:1: stages: this field is missing" in page.error[0].value.replace("\\", "")


def test_a_picture_whose_processes_were_killed_is_told_and_the_page_stands(app, monkeypatch):
    def killed(*_):
        raise KilledError

    monkeypatch.setattr("simulator.panels.case_picture.picture_of", killed)
    page = app.run()
    assert not page.exception
    assert "There is no picture: a worker process was killed twice" in told(page)


def test_a_case_whose_evidence_is_not_installed_says_so_on_its_card(request, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    monkeypatch.setattr("simulator.vehicle.sight.DRIVES", tmp_path / "drives")
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == buttons(*scenario_ids())
    [warning] = page.warning
    assert "the recorded drives are not installed" in warning.value
    assert "casesim-drives" in warning.value.replace("\\", "")
