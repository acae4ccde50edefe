"""What a person does and reads on a page, by the words that they see."""

import re
from time import monotonic

from playwright.sync_api import TimeoutError

from tests.patience import PATIENCE_MS, PATIENCE_S


def patient(page):
    """Let a page, or the pages of a context, wait as long as every test does; return it."""
    page.set_default_timeout(PATIENCE_MS)
    return page


def settle(page):
    """Wait until the page is drawn and nothing runs any more."""
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(
        "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
        " && !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"
    )
    broken = page.get_by_test_id("stException").or_(page.get_by_role("alert").filter(has_text="a fault of CaseSim's own"))
    assert broken.count() == 0, broken.first.inner_text()


def result(page):
    """Wait for the full result of the design; its run hash."""
    page.get_by_text("run hash").first.wait_for()
    settle(page)
    return run_hash(page)


def changed(page, act):
    """Do something that changes the design, and wait for the full result of the new one; its run hash."""
    before = run_hash(page)
    act()
    page.get_by_text(re.compile(rf"run hash (?!{before})\w{{12}}")).first.wait_for()
    settle(page)
    return run_hash(page)


def pick(page, choice, option):
    """Pick an option of a choice in its box; option: its words, or its place in the list."""
    box, options = page.get_by_role("combobox", name=choice), page.get_by_role("option")
    wanted = options.nth(option) if isinstance(option, int) else page.get_by_role("option", name=option, exact=True)
    box.scroll_into_view_if_needed()
    box.click()
    try:
        wanted.wait_for(timeout=5_000)
    except TimeoutError:
        box.press("ArrowDown")  # a page that still scrolled has closed the list again
    wanted.click()


def move(page, choice, *keys):
    """Move a choice's slider with the arrow keys."""
    slider = page.get_by_role("slider", name=choice)
    for key in keys:
        slider.press(key)


def until(page, held, act=None, every_s=5.0):
    """Wait until something holds that a page is asked for.

    act: what a person would do again every few seconds, as a page that was not ready yet may lose a key
    """
    begun = acted = monotonic()
    while not held():
        assert monotonic() < begun + PATIENCE_S, f"not within {PATIENCE_S:g} s"
        if act and monotonic() > acted + every_s:
            act()
            acted = monotonic()
        page.wait_for_timeout(100)


def panel(page, name):
    """Open a panel; once more where a run that was under way has set the tabs back, as a person would."""
    tab = page.get_by_role("tab", name=name, exact=True)
    for _ in range(3):
        tab.click()
        settle(page)
        if tab.get_attribute("aria-selected") == "true":
            return
    raise AssertionError(f"the tab “{name}” is not chosen")


def run_hash(page):
    """The hash of the run that is shown."""
    return re.search(r"run hash (\w{12})", page.get_by_text("run hash").first.inner_text())[1]


def verdict(page, objective):
    """What an objective's chip says."""
    return page.get_by_role("listitem").filter(has_text=objective).inner_text()
