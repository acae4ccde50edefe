"""A change and its verdict in a browser: the messages that it takes, and what is pale meanwhile."""

import pytest

from benchmarks.browser import Traffic, at_rest
from tests.browser.screen import changed, move, panel, result, settle

pytestmark = pytest.mark.browser

STORM = "practice?case=retry-storm&replications=8"

#: The most messages and bytes of a change, until the page is at rest.
MESSAGES, BYTES = 40, 60_000


@pytest.fixture
def watched(visit):
    """Opens a page whose messages are counted, on the socket of Streamlit and on those of the news."""

    def open_page(path):
        traffic = Traffic()
        page = visit()
        page.on("websocket", traffic.watch)
        page.goto(f"{page.url.rstrip('/')}/{path}")
        settle(page)
        return page, traffic

    return open_page


def test_a_change_takes_few_messages_until_the_page_is_at_rest(watched):
    page, traffic = watched(STORM)
    result(page)
    at_rest(page, traffic)
    for panel_open in ("Design", "Who is served"):
        panel(page, panel_open)
        at_rest(page, traffic)
        before = traffic.now()
        changed(page, lambda: move(page, "Replicas", "ArrowRight"))
        at_rest(page, traffic)
        spent = traffic.since(before)
        assert 5 < spent.messages <= MESSAGES, panel_open
        assert spent.bytes <= BYTES, panel_open


def test_reasons_of_the_run_before_are_pale_until_those_of_the_new_run_are_there(watched):
    page, _ = watched("practice?case=retry-storm&replications=300&seed=5")
    reasons = page.locator("[class*=st-key-of_run_]").filter(has=page.get_by_text("What would help?"))
    result(page)
    assert opacity(reasons) == 1
    move(page, "Replicas", "ArrowRight")
    page.get_by_text("preliminary, 4 of 300").wait_for(timeout=60_000)
    assert opacity(reasons) < 0.5
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("The run was cancelled").wait_for()


def opacity(place):
    return float(place.first.evaluate("one => getComputedStyle(one).opacity"))
