"""A room with a task of one's own in two browsers: from the lobby over an empty board to the scorecard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.screen import settle, until
from tests.browser.test_room import board_box, house, opened, presses_tab

pytestmark = [pytest.mark.browser, pytest.mark.long]

__all__ = ["house"]


def fills(page, label, value):
    page.get_by_label(label, exact=True).fill(value)
    page.keyboard.press("Tab")


def verdicts(page):
    return page.locator("#verdicts").inner_text()


def test_a_task_of_ones_own_from_the_lobby_to_the_scorecard(newcomer, house):
    lead, candidate = opened(newcomer), opened(newcomer)
    lead.goto(f"{house.address}/room?case=skin-cancer-triage")
    settle(lead)
    lead.get_by_role("combobox", name="Case").click()
    lead.get_by_role("option", name="A task of your own").click()
    lead.get_by_role("textbox", name="Name", exact=True).fill("Visual search of a shop")
    fills(lead, "Requests", "0")
    settle(lead)
    lead.get_by_role("button", name="Create the room").click()
    lead.get_by_text("give a rate above 0").wait_for()
    fills(lead, "Requests", "40")
    fills(lead, "95% of the answers within (ms)", "300")
    settle(lead)
    lead.get_by_role("button", name="Create the room").click()
    lead.get_by_role("link", name="Open the room as the interviewer").wait_for()
    codes = lead.get_by_test_id("stCode")
    until(lead, lambda: len([code for code in codes.all_inner_texts() if code.strip()]) == 5)
    links = [code.strip() for code in codes.all_inner_texts()]
    for page, link in ((lead, links[0]), (candidate, links[1])):
        page.goto(link)
        board_box(page, "Answered").wait_for()
    expect(candidate.get_by_role("heading", name="Visual search of a shop")).to_be_visible()
    expect(lead.get_by_text("Who uses this, and which figure")).to_be_in_viewport()

    # Boxes and wires by keys: the drawing runs and is judged.
    palette = candidate.get_by_role("group", name="Add to the board")
    for part in ("Index", "Plain box"):
        palette.get_by_role("button", name=part, exact=True).press("Enter")
        board_box(candidate, part).wait_for()
    for part, target in (("Plain box", "Index"), ("Index", "Answered")):
        box = board_box(candidate, re.compile(f"{part}"))
        box.first.focus()
        box.first.press("Enter")
        if part == "Plain box":
            candidate.get_by_role("button", name="Let requests enter here").click()
        candidate.get_by_label("Connect “then” to", exact=True).select_option(target)
        candidate.get_by_role("button", name="Close this box").click()
    until(lead, lambda: "at most 300 ms" in verdicts(lead) and "met" in verdicts(lead))
    assert "300 ms" not in verdicts(candidate)

    # The interviewer's words arrive in view, and other numbers run again.
    lead.get_by_role("textbox", name="Tell the candidate").fill("Think of machines that fail.")
    lead.keyboard.press("Enter")
    expect(candidate.get_by_text("Think of machines that fail.")).to_be_in_viewport()
    presses_tab(lead, "Room")
    lead.get_by_text("Change the task or the time").click()
    fills(lead, "Requests", "200")
    lead.get_by_role("button", name="Change", exact=True).click()
    candidate.get_by_text("The numbers of the task have changed.").wait_for()
    until(lead, lambda: "not met" in verdicts(lead))  # a load of 200%

    lead.get_by_role("button", name="End the interview").click()
    lead.get_by_role("button", name="End it", exact=True).click()
    lead.get_by_role("heading", name="Scorecard").wait_for()
    expect(lead.get_by_text("Begin another one")).to_have_count(0)  # boxes that leave the page unpressed say nothing
    lead.get_by_role("slider", name="Time of the interview").press("Home")
    expect(board_box(lead, "Index")).to_have_count(0)
