"""A whole interview in two browsers: each sees what the other does, nothing private is sent, a killed server loses nothing."""

import json
import re

import pytest
from playwright.sync_api import expect

from simulator.app.store.room_log import RoomLog
from simulator.case.load import load, loads
from simulator.case.phases import phases_of
from simulator.engine.compiled_plan import case_hash
from simulator.metrics.summary import judged
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_doors import link_path
from simulator.rooms.room_events import RoomOpened
from simulator.session.session_events import CurveballStruck, HintTaken
from tests.browser.screen import settle, until
from tests.browser.serving import free_port, started
from tests.browser.test_session import Wire, private
from tests.patience import PATIENCE_MS, PATIENCE_S

pytestmark = pytest.mark.browser

CASE = "retry-storm"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server that can be killed and started again on its port, and its database."""
    folder, port = tmp_path_factory.mktemp("rooms"), free_port()
    url = f"sqlite:///{folder / 'rooms.db'}"

    class House:
        address, log = f"http://127.0.0.1:{port}", RoomLog(url)

        def start(self):
            self.server = started(folder, port, CASESIM_DATABASE=url)

        def kill(self):
            self.server.kill()
            self.server.wait(timeout=PATIENCE_S)

    found = House()
    found.start()
    yield found
    found.kill()


def opened(newcomer, width=1280):
    page = newcomer(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    return page


def created(page, house, case=CASE, **toggles):
    """Create a room as its interviewer would; return the links by their place on the page, and the code."""
    page.goto(f"{house.address}/room?case={case}")
    settle(page)
    for name in toggles:
        page.get_by_text(toggles[name]).click()
    page.get_by_role("button", name="Create the room").click()
    page.get_by_role("link", name="Open the room as the interviewer").wait_for()
    codes = page.get_by_test_id("stCode")
    until(page, lambda: len([one for one in codes.all_inner_texts() if one.strip()]) == 5)
    return [one.strip() for one in codes.all_inner_texts()]


def enters(page, link):
    page.goto(link)
    page.get_by_role("region", name="Whiteboard of the interview").wait_for()
    board_box(page, "").first.wait_for()


def board_box(page, label):
    return page.locator(".react-flow__node").filter(has_text=label)


def presses_tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def test_a_whole_interview_in_two_browsers(newcomer, house):
    lead, candidate = opened(newcomer, 1440), opened(newcomer)
    wire = Wire(candidate)
    links = created(lead, house)
    code = links[2]
    enters(lead, links[0])
    assert links[0].partition("key=")[2] not in lead.url
    assert links[0].partition("key=")[2] not in lead.content()

    # The candidate comes by the code alone.
    candidate.goto(f"{house.address}/enter")
    candidate.get_by_label("Code").fill(code.lower())
    candidate.get_by_role("button", name="Enter").click()
    board_box(candidate, "").first.wait_for()
    lead.get_by_text("Here: interviewer, candidate").wait_for()

    # An edit by keyboard is in the other browser.
    check = board_box(candidate, "").first
    check.focus()
    before = position(lead, 0)
    check.press("ArrowRight")
    until(lead, lambda: position(lead, 0) != before, lambda: check.press("ArrowRight"))

    # A box that was deleted comes back in both browsers.
    label = re.compile(f"^{re.escape(check.locator('strong').first.text_content() or '')}$")
    check.press("Delete")
    expect(lead.locator(".react-flow__node strong", has_text=label)).to_have_count(0)
    candidate.keyboard.press("Control+z")
    expect(lead.locator(".react-flow__node strong", has_text=label)).to_have_count(1)

    # The clock waits for its start.
    candidate.get_by_text("The clock has not started.").wait_for()
    lead.get_by_role("button", name="Start the clock").click()
    candidate.get_by_text("The clock has not started.").wait_for(state="hidden")

    # The candidate asks, and the interviewer answers in words.
    asks = candidate.get_by_role("textbox", name=re.compile("Your question"))
    asks.fill("May I assume that a phone retries once?")
    asks.press("Enter")
    lead.get_by_text("1 question of the candidate").wait_for()
    lead.get_by_role("textbox", name="Or in your words").fill("You may assume it.")
    lead.get_by_role("textbox", name="Or in your words").press("Enter")
    candidate.get_by_text("You may assume it.").wait_for()

    # Marks by one key, notes that save themselves; neither reaches the candidate.
    presses_tab(lead, "Notes")
    lead.get_by_role("textbox", name="Notes, for you alone (Markdown)").fill("a very private note")
    lead.get_by_text("Saved", exact=True).wait_for()
    presses_tab(lead, "Marks")
    lead.get_by_role("heading", level=1).click()
    lead.keyboard.press("1")
    lead.get_by_text("+ Framing").wait_for()
    lead.get_by_role("textbox", name=re.compile("A word on the next mark")).fill("asked for the peak")
    lead.keyboard.press("Tab")
    lead.keyboard.press("2")
    lead.wait_for_timeout(20)  # while the callback of the first key runs
    lead.keyboard.press("3")
    lead.get_by_text("+ Data and labels: asked for the peak").wait_for()
    marks = lead.get_by_role("tabpanel").filter(has_text="a digit is plus")
    # The latest moment, no word: on a busy machine the first run ends after the answer.
    expect(marks).to_contain_text(re.compile(r"\+ Choice of the model \(about [^)]*(You may assume it|run hash)"))

    # A curveball changes the running result of the candidate.
    verdict = lambda page: page.locator("#verdicts .value").all_inner_texts()  # noqa: E731
    until(candidate, lambda: bool(verdict(candidate)) and "…" not in verdict(candidate))
    calm = verdict(candidate)
    presses_tab(lead, "Events")
    lead.get_by_role("button", name="Arm", exact=True).last.click()
    lead.get_by_role("button", name=re.compile("Strike now")).click()
    ball = list(load(CASE).curveballs.values())[-1]
    candidate.get_by_role("alert").filter(has_text=ball.label).wait_for()
    until(candidate, lambda: "…" not in verdict(candidate) and verdict(candidate) != calm)

    # A bound is no part of the candidate's page until it is revealed.
    asked = judged(load(CASE), {})[0]
    assert candidate.locator("#verdicts .asked").first.inner_text() != asked.requirement
    asks.press_sequentially("What is on the w")
    lead.get_by_role("button", name="Reveal", exact=True).first.click()
    candidate.get_by_text(f"{asked.objective.label}: {asked.requirement}").wait_for()
    expect(asks).to_have_value("What is on the w")  # what is being typed stays, though the page has one more line above

    # A server that dies loses nothing that was confirmed, and both pages go on.
    house.kill()
    house.start()
    for page in (lead, candidate):
        page.reload()
        board_box(page, "").first.wait_for()
    candidate.get_by_text("You may assume it.").wait_for()
    presses_tab(lead, "Marks")
    lead.get_by_text("+ Framing").wait_for()

    # Nothing of the interviewer's own has reached the candidate's browser.
    case = load(CASE)
    secrets = [*private(case), "a very private note", *(probe.ask for probe in case.interview.probes), case.interview.notes]
    assert not [text for text in secrets if text and wire.holds(text)]

    # The end: the scorecard asks for evidence, and the replay shows the board of the begin.
    presses_tab(lead, "Room")
    lead.get_by_role("button", name="End the interview").click()
    lead.get_by_role("button", name="End it", exact=True).click()
    lead.get_by_role("heading", name="Scorecard").wait_for()
    candidate.get_by_text("The interview has ended.").first.wait_for()
    lead.get_by_role("button", name="Keep").first.click()
    lead.get_by_text("“Framing”: choose a level.").wait_for()
    complete = lead.get_by_role("button", name="Complete the scorecard")
    expect(complete).to_be_disabled()
    lead.get_by_role("slider", name="Time of the interview").press("Home")
    board_box(lead, "").first.wait_for()
    with lead.expect_download() as saved:
        lead.get_by_role("button", name="Whole log (JSON)").click()
    whole = json.loads(saved.value.path().read_text())
    assert "a very private note" in json.dumps(whole)
    with lead.expect_download() as saved:
        lead.get_by_role("button", name="The candidate's file (HTML)").click()
    assert "a very private note" not in saved.value.path().read_text()
    with lead.expect_download() as saved:
        lead.get_by_role("button", name="The drawing as a case (YAML)").click()
    assert loads(saved.value.path().read_text(), "drawn.yaml").stages.keys() == case.stages.keys()


#: Sockets that can be held up: lines that have a part drawn wait in `held`, and of Streamlit's requests `losing` are lost.
HELD_UP = """
window.held = null;
window.losing = 0;
window.WebSocket = class extends WebSocket {
  set onmessage(take) {
    super.onmessage = event => {
      const [revision, content] = held && this.url.endsWith("/news") ? JSON.parse(event.data) : [null];
      if (revision !== null && content === null) held.push({ socket: this, revision, take: () => take(event) });
      else take(event);
    };
  }
  send(data) {
    if (losing && this.url.includes("_stcore/stream")) losing--;
    else super.send(data);
  }
};
"""

#: All lines within one tick, that of the page last: Streamlit then draws the fragment of the first alone.
RELEASED = """
() => {
  const lines = held, ofPage = ({ revision }) => / None$/.test(revision);
  held = null;
  lines.sort((one, other) => ofPage(one) - ofPage(other)).forEach(({ take }) => take());
}
"""


def test_what_happens_reaches_a_page_whose_requests_meet_in_one_tick_or_are_lost(newcomer, house):
    case, page = load(CASE), opened(newcomer)
    phase = phases_of(case)[0]
    settings = case.id, case.version, case_hash(case), RoomOpened(), phase.id
    made = house.log.create("", *settings, seed=1, minutes=45)
    live = LiveRoom(house.log, case, made.session.id)
    page.add_init_script(HELD_UP)
    enters(page, f"{house.address}/{link_path(made.keys['candidate'])}")
    page.locator("#verdicts .value").first.wait_for()
    until(page, lambda: "…" not in page.locator("#verdicts .value").all_inner_texts())
    settle(page)

    # A curveball has the page drawn again, and the new run the panel: both at once.
    page.evaluate("() => { held = []; }")
    name, ball = list(case.curveballs.items())[-1]
    live.take("interviewer", CurveballStruck(curveball=name, at_s=ball.usual_time(case)))
    page.wait_for_function("() => new Set(held.map(({ socket }) => socket)).size === 2")
    page.evaluate(RELEASED)
    page.get_by_role("alert").filter(has_text=ball.label).wait_for()
    until(page, lambda: "…" not in page.locator("#verdicts .value").all_inner_texts())
    settle(page)

    page.evaluate("() => { losing = 1; }")
    live.take("interviewer", HintTaken(phase=phase.id, step=1))
    page.wait_for_function("() => losing === 0")
    hint = phase.hints[0]
    page.get_by_text((hint.question or hint.step or hint.text)[:40]).first.wait_for()

    # A link that is revoked takes the page out of the room.
    house.log.revoke(made.session.id, "candidate")
    page.get_by_text("This page needs an open link to a room.").wait_for()
    assert not page.get_by_text("could not be loaded").is_visible()


def position(page, place):
    """The place of a box on the canvas."""
    return page.locator(".react-flow__node").nth(place).evaluate("node => node.style.transform")


@pytest.mark.long
def test_a_candidate_sees_no_other_page_while_the_interview_goes_on(newcomer, house):
    lead, candidate = opened(newcomer), opened(newcomer)
    links = created(lead, house)
    candidate.goto(links[1])
    board_box(candidate, "").first.wait_for()
    candidate.goto(f"{house.address}/trade-offs?case={CASE}")
    candidate.get_by_text("Your interview goes on.").wait_for()
    candidate.get_by_role("link", name="Back to your room").click()
    board_box(candidate, "").first.wait_for()
    house.log.revoke(house.log.sessions_of(next(iter(house.log.visitors())))[0].id, "candidate")
    candidate.reload()
    candidate.get_by_text("This page needs an open link to a room.").wait_for()
