"""The navigation has six entries; each page that it leaves out has a link on the page that leads there."""

import pytest
import streamlit as st

from simulator.case.load import scenario_ids
from tests.pages.conftest import opened

ENTRIES = ["Cases", "Practice", "Incident", "Interview", "Evidence", "You"]
HIDDEN = {"Explore": "practice", "Trade-offs": "trade-offs", "Data lab": "data-lab", "Monitors": "monitors"}


def test_the_entries_are_six_and_the_other_pages_keep_their_addresses(monkeypatch):
    listed, navigation = [], st.navigation
    monkeypatch.setattr(st, "navigation", lambda pages, **options: listed.extend(pages) or navigation(pages, **options))
    assert not opened("evidence").exception
    found = {page.title: (page.visibility, page.url_path) for page in listed}
    assert [title for title, (visibility, _) in found.items() if visibility == "visible"] == ENTRIES
    assert {title: path for title, (visibility, path) in found.items() if visibility == "hidden"} == HIDDEN


LEADS = [
    ("evidence", {}, "monitors"),
    ("evidence", {}, "data-lab"),
    ("practice", {"case": "retry-storm", "replications": "2"}, "trade-offs"),
    ("practice", {"case": "retry-storm", "replications": "2"}, "session"),
    ("session", {"case": "retry-storm"}, "practice"),
]


@pytest.mark.parametrize(("script", "address", "leads"), LEADS)
def test_a_page_outside_the_navigation_has_a_link_on_the_page_that_leads_to_it(script, address, leads):
    page = opened(script, **address)
    assert not page.exception
    assert leads in [link.proto.page for link in page.get("page_link")]


def test_every_card_leads_to_the_workbench(app):
    keys = [button.key for button in app.button]
    assert [f"practise_{case}" in keys for case in scenario_ids()] == [True] * len(scenario_ids())
