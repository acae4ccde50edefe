"""The field that saves itself, alone on a page: the text that waits outlives the field, and a text that is saved does not."""

from pathlib import Path

import pytest

from simulator.app.component_files import script_of
from simulator.rooms import room_view
from tests.browser.screen import patient

pytestmark = pytest.mark.browser

SCRIPT = script_of(room_view.__file__, "autosave_text", room_view.SCRIPT_BEFORE)
HTML = Path(room_view.__file__).with_name("autosave_text.html").read_text().strip()
#: A socket that the test answers, and a field that is drawn anew with what the server says.
SETTING = """
async ([code, html]) => {
  document.head.innerHTML = '<base href="http://localhost/">';
  window.sent = [];
  window.WebSocket = class {
    static OPEN = 1;
    constructor() { window.socket = this; this.readyState = 0; }
    send(text) { const { said } = JSON.parse(text); if (said) window.sent.push(said.text); }
    close() { this.readyState = 3; }
  };
  window.open_ = () => { socket.readyState = 1; socket.onopen(); };
  const tell = line => socket.onmessage({ data: JSON.stringify(line) });
  window.reply = (text, word = "saved") => tell([null, { [word]: text, base: `of ${text}` }]);
  window.line = text => tell([`of ${text}`, text]);
  const draw = (await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))).default;
  let end = () => {};
  window.drawn = value => {
    end();
    const parentElement = document.body.appendChild(document.createElement("section"));
    parentElement.previousElementSibling?.remove();
    parentElement.innerHTML = html;
    end = draw({ data: { token: "one", seen: `of ${value}`, label: "Notes", value, most: 100, rows: 3 }, parentElement });
    open_();
  };
}
"""


@pytest.fixture
def field(browser):
    """A page with the field, which the server has drawn empty."""
    page = patient(browser.new_page())
    page.goto("about:blank")
    page.evaluate(SETTING, [SCRIPT, HTML])
    page.evaluate("drawn('')")
    yield page
    page.close()


def typed(page, text):
    page.locator("textarea").fill(text)
    page.locator("textarea").blur()


def shown(page):
    return page.locator("textarea").input_value()


def test_text_that_waits_outlives_its_field(field):
    typed(field, "one")
    field.evaluate("drawn('of another tab')")
    assert shown(field) == "one"
    assert field.evaluate("sent") == ["one", "one"]


def test_text_typed_back_to_what_is_saved_hides_no_newer_text(field):
    typed(field, "one")
    field.evaluate("reply('one')")
    typed(field, "one and")
    field.evaluate("reply('one and')")
    field.locator("textarea").fill("on")
    field.locator("textarea").fill("one and")
    field.evaluate("drawn('of another tab')")
    assert shown(field) == "of another tab"


def test_text_that_is_on_its_way_is_taken_back(field):
    typed(field, "one")
    typed(field, "")  # the server may have taken "one" already
    assert field.evaluate("sent") == ["one"]
    field.evaluate("drawn('one')")
    assert shown(field) == ""
    assert field.evaluate("sent") == ["one", ""]
    field.evaluate("reply('one', 'newer')")  # it had, and its reply was lost
    field.locator("textarea").blur()
    assert shown(field) == ""
    typed(field, "")
    field.evaluate("reply('')")
    field.evaluate("drawn('of another tab')")
    assert shown(field) == "of another tab"


def test_a_field_at_rest_shows_what_another_tab_saves(field):
    typed(field, "one")
    field.evaluate("line('one')")  # what this tab has sent comes back
    field.evaluate("reply('one')")
    field.evaluate("line('one, two')")
    assert shown(field) == "one, two"


def test_of_two_tabs_that_change_one_text_both_changes_stay(field):
    typed(field, "one")
    field.evaluate("reply('one')")
    field.locator("textarea").fill("one, mine")
    field.evaluate("line('one, theirs')")
    assert shown(field) == "one, mine"
    field.locator("textarea").blur()
    field.evaluate("reply('one, theirs', 'newer')")
    assert shown(field) == "one, theirs\n, mine"
    assert field.locator("#state").inner_text() == "Another tab has changed this text: both are here now."
    field.locator("textarea").focus()
    field.locator("textarea").blur()
    assert field.evaluate("sent") == ["one", "one, mine", "one, theirs\n, mine"]


def test_of_two_tabs_that_rewrite_one_text_both_texts_stay(field):
    typed(field, "mine")
    field.evaluate("reply('theirs', 'newer')")
    assert shown(field) == "theirs\nmine"


def test_text_that_another_tab_saves_while_ones_own_is_on_its_way_is_shown_after_the_reply(field):
    typed(field, "one")
    field.evaluate("line('one, theirs')")
    assert shown(field) == "one"
    field.evaluate("reply('one')")
    assert shown(field) == "one, theirs"


def test_text_too_long_for_the_server_stays_in_its_field(field):
    typed(field, "mine")
    field.evaluate("socket.onmessage({ data: JSON.stringify([null, { fault: 'At most 3 characters are kept.' }]) })")
    assert shown(field) == "mine"
    assert field.locator("#state").inner_text() == "At most 3 characters are kept."
