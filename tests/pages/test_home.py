"""The first page."""

from tests.pages.conftest import said


def test_home_names_the_case_and_shows_an_example(app):
    assert not app.exception
    assert "Skin-cancer triage from phone photos" in said(app)
    assert app.metric[0].value.endswith("%")
    assert "5 replications" in said(app)


def test_home_leads_to_the_evidence(app):
    assert "evidence" in [link.proto.page for link in app.get("page_link")]


def test_the_button_of_a_card_opens_its_case(app):
    app.button(key="practise_skin-cancer-triage").click().run()
    assert not app.exception
    assert app.title[0].value == "Skin-cancer triage from phone photos"
    assert app.button(key="run_button")
