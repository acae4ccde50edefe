"""A session in a real browser: no byte of what is not due reaches it, each phase in every look, and the keyboard alone."""

import json
import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, expect

from simulator.case.load import loads
from simulator.case.phases import phases_of
from simulator.paths import SCENARIOS
from tests.browser.screen import settle, until
from tests.browser.serving import served
from tests.browser.test_looks import LOOKS, barriers, sticking_out

pytestmark = pytest.mark.browser

STORM = (SCENARIOS / "retry-storm.yaml").read_text(encoding="utf-8")


def leaky():
    """The retry storm with few replications, and two leaks: an answer in the brief, and a worked hint in an expectation."""
    text = STORM.replace("id: retry-storm", "id: leaky", 1).replace("replications: 6", "replications: 2", 1)
    case = loads(text, "leaky.yaml")
    answer, step = case.questions[0].answer, phase(case, "serve").hints[-1].step
    text = text.replace("\nbrief: |\n", f"\nbrief: |\n  {answer}\n\n", 1)
    return text.replace(f"expects: {phase(case, 'serve').expects}", f"expects: {json.dumps(step)}", 1), {answer, step}


def phase(case, name):
    return next(one for one in phases_of(case) if one.id == name)


@pytest.fixture(scope="module")
def storm(tmp_path_factory):
    """The address of an app that has the leaky case, and the leaks."""
    home = tmp_path_factory.mktemp("leaky")
    text, leaks = leaky()
    (home / "leaky.yaml").write_text(text, encoding="utf-8")
    with served(home, CASESIM_CASES=str(home), CASESIM_DATABASE=f"sqlite:///{home / 'sessions.db'}") as address:
        yield address, loads(text, "leaky.yaml"), leaks


class Wire:
    """All bytes that a page has got: the bodies of its answers but for scripts, and the frames of its sockets."""

    def __init__(self, page):
        self.taken, self._answers = [], []
        page.on("response", lambda answer: self._answers.append(answer))
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: self.taken.append(_bytes(data))))

    def _read(self):
        while self._answers:
            answer = self._answers.pop()
            if answer.status == 200 and not answer.url.endswith((".js", ".woff2", ".css")):
                with suppress(Error):  # of a page that was left meanwhile; what the sockets sent is there
                    self.taken.append(_bytes(answer.body()))

    def holds(self, text):
        """Whether the begin of a text is in the bytes: plainly, as Markdown escapes it, or as JSON writes it."""
        self._read()
        first = " ".join(text.split())[:60]
        forms = {_bare(first.encode()), _bare(json.dumps(first)[1:-1].encode())}
        return any(form in taken for taken in self.taken for form in forms)


def _bare(data):
    return data.replace(b"\\", b"")


def _bytes(data):
    return _bare(data if isinstance(data, bytes) else data.encode())


def private(case):
    """What a person is to see only once they have asked for it, or at the end."""
    hints = [hint.question or hint.step or hint.text or "" for one in phases_of(case) for hint in one.hints]
    lessons = [part for lesson in case.debrief for part in (lesson.title, lesson.text)]
    references = [part for one in case.reference.values() for part in (one.label, one.text, one.gives_up)]
    return [*(question.answer for question in case.questions), *hints, *lessons, *references]


def begun(newcomer, address, case="leaky", **context):
    page = newcomer(**context)
    wire = Wire(page)
    page.goto(f"{address}/session?case={case}")
    settle(page)
    page.get_by_role("button", name="Begin", exact=True).click()
    page.get_by_role("timer").wait_for()
    settle(page)
    return page, wire


def goes_to(page, title):
    page.get_by_role("button", name=f"{title}, ").click()
    expect(page.locator("#phase")).to_have_text(re.compile(f"^{re.escape(title)}: "))  # two quick clicks would be one run
    settle(page)


def ends(page):
    page.get_by_role("button", name="End the session").click()
    page.get_by_role("button", name="End it and see the debrief").click()
    page.get_by_role("heading", name="The record").wait_for()
    settle(page)


def runs(page):
    page.get_by_role("button", name="Predict and run").click()
    page.get_by_text("your interval").first.wait_for()
    settle(page)


def a_question_in_own_words_is_typed_and_kept(page):
    page.get_by_role("textbox", name="Your question").fill("Who pays for the labels?")
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Ask it as it is", exact=True).click()
    page.get_by_text("The case has no answer to this").wait_for()
    assert page.get_by_text("Who pays for the labels?").first.is_visible()


def test_no_byte_that_is_not_due_reaches_the_browser_but_the_two_planted_leaks(newcomer, storm):
    address, case, leaks = storm
    page, wire = begun(newcomer, address)
    a_question_in_own_words_is_typed_and_kept(page)
    for one in phases_of(case)[1:]:
        goes_to(page, one.title)
        if one.choices and not page.get_by_text("your interval").count():
            runs(page)
    until(page, lambda: all(map(wire.holds, leaks)))  # what is drawn last comes when the page seems at rest
    assert {text for text in private(case) if wire.holds(text)} == leaks
    ends(page)
    held = [text for text in private(case) if wire.holds(text)]
    assert set(held) == leaks  # the record comes before the comparison
    page.get_by_text("Show the comparison without rating yourself").click()
    page.get_by_role("heading", name="What next").wait_for()
    settle(page)
    assert wire.holds(case.reference["bounded"].text)
    assert wire.holds(case.debrief[0].text)


#: How far the page is scrolled down (px).
SCROLLED = "() => document.querySelector('[data-testid=stMain]').scrollTop"


def test_the_next_phase_begins_at_the_top_and_is_not_held_up_by_a_search_for_help(newcomer, storm):
    address, case, _ = storm
    page, _ = begun(newcomer, address)
    page.get_by_role("textbox", name="Your question").fill("how long may the queue grow")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pin as an assumption").wait_for()
    goes_to(page, phase(case, "model").title)
    runs(page)
    page.get_by_role("button", name="What would help?").click()
    page.get_by_text("tried, of").wait_for()
    page.get_by_role("button", name="Go on to").scroll_into_view_if_needed()
    assert page.evaluate(SCROLLED) > 0
    go_on = page.get_by_role("button", name="Go on to")
    go_on.click()
    until(page, lambda: page.evaluate(SCROLLED) == 0, go_on.click)  # advice that came meanwhile has moved the button away
    settle(page)
    assert page.get_by_text("tried, of").count() == 0
    assert page.get_by_text("In a trial run").count() == 0


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS)
def test_each_phase_and_the_debrief_shut_nobody_out_in_any_look(newcomer, storm, look):
    address, case, _ = storm
    theme, width = LOOKS[look]
    page, _ = begun(newcomer, address, color_scheme=theme, viewport={"width": width, "height": 900})
    for one in phases_of(case):
        if one is not phases_of(case)[0]:
            goes_to(page, one.title)
        if one.id == "model":
            runs(page)
        assert sticking_out(page) == [], one.title
        assert barriers(page) == [], one.title
    ends(page)
    page.get_by_text("Show the comparison without rating yourself").click()
    page.get_by_role("heading", name="What next").wait_for()
    settle(page)
    assert sticking_out(page) == []
    assert barriers(page) == []


@pytest.mark.long
def test_a_session_is_played_by_the_keyboard_alone(newcomer, storm):
    address, case, _ = storm
    page, _ = begun(newcomer, address)

    def press(name):
        for _ in range(120):
            page.keyboard.press("Tab")
            if name in page.evaluate("() => document.activeElement.matches('button') ? document.activeElement.innerText : ''"):
                page.keyboard.press("Enter")
                settle(page)
                return
        raise AssertionError(f"{name} cannot be reached")

    press(f"{phase(case, 'model').title}, ")
    press("Predict and run")
    page.get_by_text("your interval").first.wait_for()
    press("End the session")
    press("End it and see the debrief")
    page.get_by_role("heading", name="The record").wait_for()
