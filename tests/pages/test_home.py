"""The first page."""

import json
import re
import shutil
from time import monotonic, sleep

import pytest

from simulator.app.widgets import plain
from simulator.case.load import load, scenario_ids
from simulator.charts.look import INK
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.home.home_page import SEED
from simulator.metrics.stopping import FIRST
from simulator.paths import SCENARIOS
from simulator.processes import KilledError
from tests.case.texts import changed, place
from tests.pages.conftest import jumps, said, told


def until(page, words):
    """Look again until the page says it."""
    deadline = monotonic() + 120
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
    """The keys of the buttons of each case: a session, and the workbench or the incident."""
    return [f"{way}_{case}" for case in cases for way in ("session", "practise")]


def test_the_cases_are_there_before_anything_has_run(small, request, monkeypatch):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    page = request.getfixturevalue("app")
    assert not page.exception
    assert page.header[0].value == "Here is a design with its objectives"
    assert [button.key for button in page.button] == ["change", *buttons("small")]


def test_the_shipped_cases_stand_in_order_under_the_design_of_the_first(request, monkeypatch):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    page = request.getfixturevalue("app")
    assert not page.exception
    first = load(scenario_ids()[0])
    assert first.id == "skin-cancer-triage"
    assert [button.key for button in page.button] == ["change", *buttons(*scenario_ids())]
    assert jumps(page) == []
    assert any(f"{plain(first.title)}, the default design: " in caption.value for caption in page.caption)


@pytest.mark.long
def test_what_a_newcomer_reads_first_holds_and_leaves_something_to_do():
    """The verdicts of the first few replications of the first case are those of many more: some are met, some are not."""
    plan = compile_plan(load(scenario_ids()[0]))
    first, later = ([verdict.standing for verdict in replicate(plan, SEED, count).verdicts] for count in (FIRST, 3 * FIRST))
    assert first == later
    assert set(first) == {"met", "not met"}


def test_a_design_has_been_run_and_says_what_it_does_not_meet(small, app):
    until(app, "2 replications")
    assert "meet its only objective. Can you?" in app.header[0].value
    first = re.search(r"run hash \w+", said(app))[0]
    assert first in said(until(app.run(), "2 replications"))


def test_a_picture_has_the_ink_of_the_theme_and_the_badges_of_its_evidence(small, app):
    page = until(app, "-badge[")
    [picture] = page.get("plotly_chart")
    assert json.loads(picture.proto.spec)["layout"]["font"]["color"] == INK["light"]
    assert ":blue-badge[measured] :orange-badge[assumed]" in said(page)


def test_home_leads_to_the_evidence(small, app):
    assert "evidence" in [link.proto.page for link in app.get("page_link")]


@pytest.mark.parametrize("button", ["change", "practise_small"])
def test_buttons_open_the_case(small, app, button):
    app.button(key=button).click().run()
    assert not app.exception
    assert app.title[0].value == "Small"
    assert app.button(key="run_button")


def test_a_button_opens_a_session_of_the_case(small, app):
    app.button(key="session_small").click().run()
    assert not app.exception
    assert app.title[0].value == "Practise: Small"
    assert app.button(key="session:begin")


def test_a_broken_case_is_told_beside_the_others(small, request):
    shutil.copy(SCENARIOS / "retry-storm.yaml", small)
    broken = changed("id: small", "id: broken", "kind: gate", "kind: gat")
    (small / "broken.yaml").write_text(broken, encoding="utf-8")
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == ["change", *buttons("retry-storm", "small")]
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

    monkeypatch.setattr("simulator.home.home_page.picture_of", killed)
    page = app.run()
    assert not page.exception
    assert "There is no picture: a worker process was killed twice" in told(page)


def test_a_case_whose_evidence_is_not_installed_says_so_on_its_card(request, monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.app.jobs.Job.shown", None)
    monkeypatch.setattr("simulator.vehicle.sight.DRIVES", tmp_path / "drives")
    page = request.getfixturevalue("app")
    assert not page.exception
    assert [button.key for button in page.button] == ["change", *buttons(*scenario_ids())]
    [warning] = page.warning
    assert "the recorded drives are not installed" in warning.value
    assert "casesim-drives" in warning.value.replace("\\", "")
