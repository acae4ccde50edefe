"""The first page."""

import re
import shutil

from simulator.paths import SCENARIOS
from tests.pages.conftest import said


def test_home_names_the_case_and_shows_an_example(app):
    assert not app.exception
    assert "Skin-cancer triage from phone photos" in said(app)
    assert app.metric[0].value.endswith("%")
    assert "5 replications" in said(app)


def test_the_example_is_run_again_on_other_evidence(app, monkeypatch):
    before = re.search(r"run hash \w+", said(app))[0]
    monkeypatch.setattr("simulator.serving.plan.content_hash", lambda path: "measured anew")
    assert before not in said(app.run())


def test_home_leads_to_the_evidence(app):
    assert "evidence" in [link.proto.page for link in app.get("page_link")]


def test_the_button_of_a_card_opens_its_case(app):
    app.button(key="practise_skin-cancer-triage").click().run()
    assert not app.exception
    assert app.title[0].value == "Skin-cancer triage from phone photos"
    assert app.button(key="run_button")


def test_a_broken_case_is_told_beside_the_others(cases, request):
    shutil.copy(SCENARIOS / "retry-storm.yaml", cases)
    (cases / "broken.yaml").write_text("id: broken\n", encoding="utf-8")
    app = request.getfixturevalue("app")
    assert not app.exception
    assert [button.key for button in app.button] == ["practise_retry-storm", "practise_small"]
    assert any(error.value.replace("\\", "").endswith("1:1: stages: this field is missing") for error in app.error)
    assert "5 replications" in said(app)


def test_a_broken_case_tells_its_faults_where_it_is_asked_for(cases, practice):
    (cases / "broken.yaml").write_text("id: broken\n", encoding="utf-8")
    page = practice(case="broken")
    assert not page.exception
    assert any(error.value.replace("\\", "").endswith("1:1: stages: this field is missing") for error in page.error)
