"""The script that follows a state, alone on a page: what was told is drawn or asked for again; a browser may be offline."""

from pathlib import Path

import pytest

from simulator.app import news
from simulator.app.component_files import script_of
from simulator.rooms import room_view
from tests.browser.screen import patient

pytestmark = pytest.mark.browser

MARKUP = Path(room_view.__file__).with_name("room_status.html")

#: Sockets that the test answers, and triggers that go out as Streamlit sends them: at the end of a tick, all for the fragment
#: of the first, or for the whole page, which is the empty fragment.
SETTING = """
async code => {
  document.head.innerHTML = '<base href="http://localhost/">';
  document.body.innerHTML = '<main data-test-script-state="notRunning"></main>';
  window.sockets = [];
  window.WebSocket = class {
    static OPEN = 1;
    constructor() { sockets.push(this); this.readyState = 0; this.sent = []; }
    send(text) { this.sent.push(JSON.parse(text)); }
    open() { this.readyState = 1; this.onopen(); }
    close() { this.readyState = 3; }
    tell(revision) { this.onmessage({ data: JSON.stringify([revision, null]) }); }
  };
  window.requests = [];
  let batch = null;
  window.trigger = fragment => () => {
    if (batch) { batch.fragment ??= fragment; return; }
    batch = { fragment };
    setTimeout(() => { requests.push(batch.fragment); batch = null; });
  };
  window.component = (await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).default;
  window.parts = {};
  window.drawn = (fragment, seen, token = `of ${fragment}`) => {
    const parentElement = parts[fragment] ??= document.createElement("section");
    return component({ data: { token, seen }, parentElement, setTriggerValue: trigger(fragment) });
  };
}
"""


@pytest.fixture
def empty(browser):
    """A page with the clock at rest."""
    page = patient(browser.new_page())
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.goto("about:blank")
    yield page
    page.close()


@pytest.fixture
def page(empty):
    """The page with two parts that follow: one of the whole page, and a fragment."""
    empty.evaluate(SETTING, script_of(news.__file__, "news", news.FOLLOW_JS))
    empty.evaluate("() => { drawn('', 'a'); drawn('panel', 'a'); sockets.forEach(socket => socket.open()); }")
    return empty


def requests(page, seconds):
    """The fragments that are asked for within seconds; empty for the whole page."""
    page.clock.run_for(1000 * seconds)
    return page.evaluate("() => requests.splice(0)")


def test_two_states_that_change_within_a_tick_have_both_their_parts_drawn(page):
    page.evaluate("() => { sockets[1].tell('b'); sockets[0].tell('b'); }")
    assert requests(page, 0.5) == ["panel", ""]


def test_what_was_told_and_is_not_drawn_is_asked_for_again_ever_later(page):
    page.evaluate("() => sockets[1].tell('b')")
    found = [len(requests(page, 0.5 if at == 0 else 1)) for at in range(50)]
    assert [at for at, number in enumerate(found) if number] == [0, 1, 3, 7, 15, 31, 47]
    page.evaluate("() => drawn('panel', 'b')")
    assert requests(page, 60) == []


def test_nothing_is_asked_for_again_while_a_script_runs(page):
    page.evaluate("() => sockets[1].tell('b')")
    assert requests(page, 0.5) == ["panel"]
    page.evaluate("() => { document.querySelector('main').dataset.testScriptState = 'running'; }")
    assert requests(page, 60) == []
    page.evaluate("() => { document.querySelector('main').dataset.testScriptState = 'notRunning'; }")
    assert requests(page, 20) != []


def test_a_part_that_has_gone_asks_for_nothing(page):
    page.evaluate("() => sockets[1].tell('b')")
    assert requests(page, 0.5) == ["panel"]
    page.evaluate("() => drawn('panel', 'a')()")
    assert requests(page, 60) == []


def test_a_state_that_is_back_at_what_is_drawn_is_not_asked_for_again(page):
    page.evaluate("() => { sockets[1].tell('b'); sockets[1].tell('a'); }")
    assert requests(page, 60) == ["panel"]


def test_a_browser_that_goes_offline_says_so_at_once_and_follows_again_once_it_is_online(empty):
    empty.evaluate(SETTING, script_of(room_view.__file__, "room_status", news.FOLLOW_JS))
    state = empty.evaluate_handle(
        """([html, now]) => {
          const parentElement = document.body.appendChild(document.createElement("section"));
          parentElement.innerHTML = html;
          component({ data: { token: "one", seen: "a", now }, parentElement });
          sockets[0].open();
          return parentElement.querySelector("#sync");
        }""",
        [
            Path(room_view.__file__).with_name("room_status.html").read_text(),
            {"title": "", "left_s": 0, "used_s": 0, "planned_s": 0},
        ],
    )
    assert state.inner_text() == ""
    empty.evaluate("() => dispatchEvent(new Event('offline'))")
    assert state.inner_text().startswith("Not connected.")
    empty.evaluate("() => { dispatchEvent(new Event('online')); sockets.at(-1).open(); }")
    assert state.inner_text() == ""
    assert empty.evaluate("() => sockets.map(socket => socket.readyState)") == [3, 1]
