"""A case that is being written, in a real browser beside an editor: the page follows each save."""

import pytest
from playwright.sync_api import expect

from tests.test_docs import FIRST_CASE

pytestmark = pytest.mark.browser


@pytest.fixture
def app(authors_app):
    return authors_app


def test_the_page_follows_each_save_and_keeps_the_last_good_version_below_the_faults(visit, own_cases):
    page, file = visit("practice?case=parcel-check"), own_cases / "parcel-check.yaml"
    slider = page.get_by_role("slider", name="Replicas")

    def heading(title):
        return page.get_by_role("heading", name=title)

    file.write_text(FIRST_CASE.replace("Damaged parcels", "Battered parcels"), encoding="utf-8")
    expect(heading("Battered parcels")).to_be_visible()

    file.write_text(FIRST_CASE.replace("max_batch: 4", "max_bach: 4").replace("at_most: 0.3", "at_mots: 0.3"), encoding="utf-8")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("parcel-check.yaml:20:5: stages.model.max_bach: unknown key")
    expect(alert).to_contain_text("objectives.0.at_mots: unknown key; did you mean 'at_most'?")
    expect(heading("Battered parcels")).to_be_visible()
    slider.focus()
    slider.press("ArrowRight")
    expect(slider).to_have_value("3")

    file.write_text(FIRST_CASE, encoding="utf-8")
    expect(heading("Damaged parcels")).to_be_visible()
    expect(heading("Battered parcels")).to_have_count(0)
    expect(alert).to_have_count(0)


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 390])
def test_a_broken_file_is_named_with_its_line_and_takes_nothing_else_down(visit, width):
    page = visit("", viewport={"width": width, "height": 800})
    expect(page.get_by_role("alert").filter(has_text="worse.yaml:2:")).to_be_visible()
    for case in ("Damaged parcels", "Skin-cancer triage from phone photos", "The service that stays down"):
        expect(page.get_by_role("heading", name=case)).to_be_visible()
    page.get_by_role("button", name="Explore").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Damaged parcels")


@pytest.mark.long
def test_the_evidence_does_not_mind_a_broken_case(visit):
    expect(visit("evidence").get_by_role("heading", level=1)).to_be_visible()
