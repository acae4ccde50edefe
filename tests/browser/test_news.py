"""A change and its verdict in a browser: the messages that it takes, and what is pale meanwhile."""

import pytest

from benchmarks.browser import Traffic, at_rest
from tests.browser.screen import changed, move, result, settle

pytestmark = pytest.mark.browser

STORM = "practice?case=retry-storm&replications=8"

#: The most messages and bytes of a change, until the page is at rest.
MESSAGES, BYTES = 40, 60_000


@pytest.fixture
def watched(visit):
    """Opens a page whose messages are counted, on the socket of Streamlit and on those of the news."""

    def open_page(path):
        traffic = Traffic()
        page = visit(path)
        page.on("websocket", traffic.watch)
        page.reload()
        settle(page)
        return page, traffic

    return open_page


LONG = pytest.mark.long


@pytest.mark.parametrize(
    ("path", "choice"),
    [
        pytest.param(STORM, "Replicas", marks=LONG),
        pytest.param("practice?case=production-drift", "Replicas", marks=LONG),
        pytest.param("practice?case=skin-cancer-triage", "Operating point", marks=LONG),
        pytest.param("practice?case=av-perception", "Front camera", marks=LONG),
    ],
)
def test_a_change_takes_few_messages_until_the_page_is_at_rest(watched, path, choice):
    page, traffic = watched(path)
    result(page)
    at_rest(page, traffic)
    before = traffic.now()
    changed(page, lambda: move(page, choice, "ArrowRight"))
    at_rest(page, traffic)
    spent = traffic.since(before)
    assert 5 < spent.messages <= MESSAGES
    assert spent.bytes <= BYTES


#: Whether a page shows figures of the run before, or of a few replications, beside pale reasons; else those of the new run.
STAGE = """
wanted => {
  const bar = [...document.querySelectorAll("*")].map(one => one.shadowRoot).find(one => one?.querySelector("#verdicts"));
  const reasons = document.querySelector("[class*=st-key-of_run_][class*=_reasons]");
  const early = ["early", "stale"].includes(bar.querySelector("#verdicts").className);
  const pale = getComputedStyle(reasons).opacity < 0.5;
  return early === wanted && pale === wanted;
}
"""


@pytest.mark.long
def test_reasons_of_the_run_before_are_pale_until_those_of_the_new_run_are_there(visit):
    page = visit("practice?case=skin-cancer-triage")  # a run of more than one look
    result(page)
    page.wait_for_function(STAGE, arg=False)
    move(page, "Operating point", "ArrowRight")
    for wanted in (True, False):
        page.wait_for_function(STAGE, arg=wanted)
