"""What a person does and reads on a page, by the words that they see."""

import re

from playwright.sync_api import TimeoutError


def settle(page):
    """Wait until the page is drawn and nothing runs any more."""
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"
    )
    assert page.get_by_test_id("stException").count() == 0, page.get_by_test_id("stException").first.inner_text()


def run_design(page):
    """Press Run and wait for the result."""
    page.get_by_role("button", name="Run this design").click()
    page.get_by_text("Changed since this run").wait_for(state="hidden", timeout=60_000)
    page.get_by_text("run hash").wait_for(timeout=60_000)
    settle(page)


def pick(page, choice, option):
    """Pick an option of a choice in its box, by the keyboard where a page that still scrolls has closed the list again."""
    box, wanted = page.get_by_role("combobox", name=choice), page.get_by_role("option", name=option, exact=True)
    box.scroll_into_view_if_needed()
    box.click()
    try:
        wanted.wait_for(timeout=5_000)
    except TimeoutError:
        box.press("ArrowDown")
    wanted.click()
    settle(page)


def move(page, choice, *keys):
    """Move a choice's slider with the arrow keys."""
    slider = page.get_by_role("slider", name=choice)
    for key in keys:
        slider.press(key)
    settle(page)


def run_hash(page):
    """The hash of the run that is shown."""
    return re.search(r"run hash (\w{12})", page.get_by_text("run hash").inner_text())[1]


def verdict(page, objective):
    """What an objective's card says."""
    return page.get_by_test_id("stMetric").filter(has_text=objective).inner_text()
