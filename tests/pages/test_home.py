"""The first page."""

import re

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
