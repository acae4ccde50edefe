"""Studio in a browser: type a fault, mend it, use a form, save, and have the earlier text back."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.screen import panel, pick, settle, until
from tests.browser.test_looks import barriers, sticking_out
from tests.test_docs import FIRST_CASE

pytestmark = pytest.mark.browser


@pytest.fixture
def app(authors_app):
    return authors_app


@pytest.fixture
def file(own_cases):
    file = own_cases / "parcel-check.yaml"
    file.write_text(FIRST_CASE, encoding="utf-8")
    return file


def text_of(page):
    return page.get_by_role("textbox", name="Text of parcel-check.yaml")


def status(page):
    return page.locator(".studio .status")


def go_behind(page, words):
    """Put the cursor behind the first place of some words, by the search of the editor."""
    text_of(page).press("Control+Home")
    text_of(page).press("Control+f")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")


def save(page):
    """Save, after a look at the difference."""
    page.get_by_role("button", name="Save …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".studio .state")).to_have_text("Saved")


def test_a_fault_is_shown_and_mended_a_form_is_used_and_an_earlier_text_comes_back(visit, file):
    page = visit("studio?case=parcel-check", viewport={"width": 1440, "height": 900}, color_scheme="dark")
    candidate = page.locator(".st-key-candidate")
    expect(candidate.get_by_role("heading", name="Damaged parcels")).to_be_visible()

    # a fault, at its line, and the candidate's page of before
    go_behind(page, "max_batch")
    page.keyboard.type("x")
    fault = page.get_by_role("list", name="Faults and cautions").get_by_role("listitem").first
    expect(fault).to_contain_text("stages.model.max_batchx: unknown key")
    expect(page.locator(".cm-lintRange-error")).to_have_text("max_batchx")
    assert file.read_text(encoding="utf-8") == FIRST_CASE
    fault.get_by_role("button").click()
    expect(text_of(page)).to_be_focused()

    # mended, by keyboard alone; the candidate's page follows what else is typed
    go_behind(page, "max_batchx")
    page.keyboard.press("Backspace")
    expect(status(page)).not_to_contain_text("fault")
    go_behind(page, "title: Damaged")
    page.keyboard.type(" or lost")
    expect(candidate.get_by_role("heading", name="Damaged or lost parcels")).to_be_visible()

    # a form changes its line alone
    panel(page, "Objectives")
    assert barriers(page) == []
    page.get_by_label("Number", exact=True).fill("0.25")
    page.get_by_role("button", name="Put into the text").click()
    expect(page.get_by_text("The text has the change.")).to_be_visible()
    mended = FIRST_CASE.replace("title: Damaged", "title: Damaged or lost", 1)
    save(page)
    changed = file.read_text(encoding="utf-8")
    assert [one for one in changed.splitlines() if one not in mended.splitlines()] == [
        re.sub(r"0\.3\b", "0.25", line) for line in mended.splitlines() if "at_most: 0.3" in line
    ]

    # the text of before comes back
    panel(page, "Versions")
    pick(page, "Version", -1)
    settle(page)
    page.get_by_role("button", name="Bring this version back").click()
    expect(page.locator(".studio .state")).to_have_text("Not saved")
    save(page)
    assert file.read_text(encoding="utf-8") == FIRST_CASE


@pytest.mark.long
def test_two_tabs_on_one_file_do_not_overwrite_each_other(visit, file):
    page = visit("studio?case=parcel-check")
    go_behind(page, "title: Damaged")
    page.keyboard.type(" mine")
    theirs = FIRST_CASE.replace("title: Damaged", "title: Their", 1)
    file.write_text(theirs, encoding="utf-8")
    expect(page.get_by_role("alert").filter(has_text="has changed this file since")).to_be_visible()
    page.get_by_role("button", name="Save …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing is saved yet")
    expect(dialog).to_contain_text("Their")
    expect(dialog).to_contain_text("Damaged mine")
    dialog.get_by_role("button", name="Take the file's text").click()
    expect(dialog).to_have_count(0)
    until(page, lambda: "title: Their" in text_of(page).inner_text())
    assert file.read_text(encoding="utf-8") == theirs


PANELS = ("Tests", "Figures", "Choices", "Objectives", "Coverage", "Versions")


@pytest.mark.long
@pytest.mark.parametrize(
    ("theme", "width", "titles"),
    [
        ("dark", 1280, ["Figures"]),
        ("dark", 1440, PANELS),
        ("light", 1280, PANELS),
        ("light", 900, PANELS),
    ],
)
def test_studio_shuts_no_reader_out(visit, file, theme, width, titles):
    page = visit("studio", color_scheme=theme, viewport={"width": width, "height": 900})
    expect(page.locator(".st-key-candidate").get_by_role("heading", name="Damaged parcels")).to_be_visible()
    go_behind(page, "max_batch")
    page.keyboard.type("x")
    expect(page.locator(".cm-lintRange-error")).to_be_visible()
    for title in titles:
        panel(page, title)
        assert sticking_out(page) == [], title
        assert barriers(page) == [], title
