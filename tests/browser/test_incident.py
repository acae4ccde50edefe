"""The production incident in a real browser: played by the keyboard; nothing that is sent before tells the cause."""

import base64
import hashlib
import json
import re
import struct

import pytest

from simulator.app.store.incident_log import Hidden
from simulator.case.load import load
from simulator.engine.compiled_plan import case_hash
from simulator.incident.secret import draw
from simulator.incident.wording import moment
from tests.browser.screen import settle, until
from tests.browser.test_looks import LOOKS, barriers, looks, sticking_out

pytestmark = pytest.mark.browser

CASE = "production-drift"

#: What there is to do, and a button of it.
TABS = {"Put right": "Roll the servers back", "Watch": "Watch these from now on", "Name the cause": "Write these down"}

#: Looks with inputs, which open below their button.
ASKED = {"Look at one figure by slice", "Look at pictures"}

#: The name of what has the focus, also inside of a component.
FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at?.getAttribute("aria-label") || at?.innerText || "";
}"""


@pytest.fixture
def begun(store):
    """Begins an incident with this behind it, ten days after the reference week or when somebody complains; its address."""

    def begin(cause, seed, *actions):
        scenario = load(CASE)
        name = store.begin(CASE, scenario.version, case_hash(scenario), Hidden(seed, cause, "abrupt"))
        watches = [watch.model_dump(mode="json") for watch in scenario.incident.watches]
        unwatched = [{"kind": "watch", "watches": []}, {"kind": "wait", "hours": 240}, {"kind": "watch", "watches": watches}]
        for place, action in enumerate([*unwatched, *actions]):
            store.add(name, place, action)
        return f"incident?case={CASE}&incident={name}"

    return begin


def reach(page, name):
    """Reach the element of this name with the Tab key alone."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).strip().startswith(name):
            return
    raise AssertionError(f"{name} is not reached with the Tab key")


def press(page, name, key="Enter"):
    reach(page, name)
    page.keyboard.press(key)


def turn(page, tab, wanted):
    """Go from a tab, by the arrow keys, to the one that is wanted; a page that is drawn again may swallow a key."""
    reach(page, tab)
    until(page, lambda: page.evaluate(FOCUSED).strip() == wanted or page.keyboard.press("ArrowRight"))
    chosen = page.get_by_role("tab", name=wanted, selected=True)
    until(page, lambda: chosen.count() or page.keyboard.press("Enter"))
    page.get_by_role("button", name=TABS[wanted]).wait_for()
    settle(page)


def told(page, words):
    page.get_by_text(words).first.wait_for()
    settle(page)


@pytest.mark.long
def test_played_to_the_end_by_the_keyboard(visit):
    page = visit("incident")
    press(page, "Take the pager")
    told(page, "Sensible first moves")
    assert set(re.findall(r"[?&](\w+)=", page.url)) == {"case", "incident"}
    press(page, "Read the log of changes")
    press(page, "Look · 10 min")
    told(page, "2. Read the log of changes")
    press(page, "Look at one figure by slice")
    press(page, "Look · 20 min")
    told(page, "3. Look at one figure by slice")
    turn(page, "Look closer", "Put right")
    press(page, "Roll the servers back")
    told(page, "4. Roll the servers back")
    turn(page, "Put right", "Name the cause")
    press(page, "Set all to 0")
    settle(page)
    press(page, "Suspicion: The fog season has begun", "End")
    settle(page)
    press(page, "Write these down")
    told(page, "Likeliest: The fog season has begun (100%).")
    press(page, "State this diagnosis")
    told(page, "You said: The fog season has begun, ")
    press(page, "Close and reveal")
    page.get_by_role("button", name="Close for good").wait_for()
    press(page, "Close for good")
    page.get_by_role("heading", name="It was: ").wait_for()
    settle(page)
    assert page.get_by_role("heading", name="Lessons").is_visible()
    press(page, "Play another")
    page.get_by_role("button", name="Take the pager", exact=True).wait_for()


def received(visit, address):
    """Every byte that the browser was sent of an incident that is looked into, except the files of Streamlit itself."""
    page, found, answers = visit("incident"), [], []
    start = page.url.partition("incident")[0]
    page.goto("about:blank")  # an answer to the first page that is still under way would lose its body
    page.on("websocket", lambda channel: channel.on("framereceived", lambda frame: found.append(_bytes(frame))))
    page.on("response", lambda answer: answers.append(answer))
    page.goto(start + address)
    settle(page)
    for look in ("Look at the servers' counters", "Look at one figure by slice", "Look at pictures", "Compare the replicas"):
        page.get_by_role("button", name=look).click()
        if look in ASKED:
            page.get_by_role("button", name="Look ·").click()
        told(page, re.compile(rf"\d\. {look}"))
    for tab, there in TABS.items():
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("button", name=there).wait_for()
        settle(page)
    page.get_by_role("slider", name="Suspicion").first.wait_for()
    page.get_by_role("button", name="Table").first.click()
    settle(page)
    found += [answer.url.encode() for answer in answers]
    return found + [answer.body() for answer in answers if "/static/" not in answer.url and answer.ok]


def _bytes(frame):
    return frame.encode() if isinstance(frame, str) else frame


def naming(frames, spec):
    """The stretch of each frame from the first cause that it names to the last one."""
    names = [word.encode() for name, cause in spec.causes.items() for word in (f'"{name}"', cause.label)]
    found = []
    for frame in frames:
        places = [(frame.find(name), frame.rfind(name) + len(name)) for name in names if name in frame]
        if places:
            found.append(frame[min(first for first, _ in places) : max(last for _, last in places)])
    return found


def numbers(frames):
    """The horizontal values of all charts, as Plotly packs them."""
    packed = re.compile(rb'"x":\{"dtype":"f8","bdata":"([^"]+)"')
    for frame in frames:
        for text in packed.findall(frame):
            data = base64.b64decode(json.loads(b'"' + text + b'"'))
            yield from struct.unpack(f"<{len(data) // 8}d", data)


@pytest.mark.long
def test_nothing_that_is_sent_before_the_reveal_tells_the_cause(visit, begun, store):
    spec, sides = load(CASE).incident, []
    for cause, seed in (("int8_rollout", 2**127 + 1_234_567_891), ("blurred_camera", 2**127 + 1_987_654_321)):
        secret = draw(load(CASE), seed, cause, "abrupt")
        address = begun(cause, seed)
        frames = received(visit, address)
        sent = b"\n".join(frames)
        salt = store.get(address.rpartition("=")[2]).hidden.salt
        for word in ("teaches", "onset", "decoy", "spell_h", "harmless", str(seed), f"{seed:x}", salt):
            assert word.encode() not in sent, word
        shown, unsalted = (hashlib.sha256(f"configuration/{one}/".encode()).hexdigest()[:12] for one in (salt, seed))
        assert shown.encode() in sent
        assert unsalted.encode() not in sent
        for onset in (
            str(int(secret.onset_s)),
            moment(load(CASE), secret.onset_s),
            struct.pack("<d", secret.onset_s).decode("latin1"),
        ):
            assert onset.encode("latin1") not in sent
        for told_later in [*(each.teaches for each in spec.causes.values()), *(each.label for each in spec.decoys.values())]:
            assert " ".join(told_later.split())[:30].encode() not in sent
        # Ten days after the reference week it is day 18, and looks take some hours of it: no chart, table or list knows more.
        days, spoken = list(numbers(frames)), re.findall(rb"day (\d+), \w{3} \d\d:\d\d", sent)
        assert days
        assert max(days) < 19
        assert spoken
        assert max(map(int, spoken)) <= 18
        counts = {
            name: (sent.count(f'"{name}"'.encode()), sent.count(each.label.encode())) for name, each in spec.causes.items()
        }
        assert len(set(counts.values())) == 1, counts
        sides.append(naming(frames, spec))
    assert sides[0]
    assert sides[0] == sides[1]


@pytest.mark.long
@pytest.mark.parametrize("look", looks("phone"))
def test_the_room_and_the_reveal_shut_nobody_out_and_nothing_sticks_out(visit, begun, store, look):
    theme, width = LOOKS[look]
    screen = {"color_scheme": theme, "viewport": {"width": width, "height": 800}}
    looks = [{"kind": "look", "look": name} for name in ("pictures", "preprocessing", "slices")]
    address = begun("swapped_colours", 5, *looks, {"kind": "fix", "fix": "roll_back"})
    page = visit(address, **screen)
    assert sticking_out(page) == []
    assert barriers(page) == []
    for tab, there in TABS.items():
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("button", name=there).wait_for()
        settle(page)
        assert sticking_out(page) == [], tab
    assert barriers(page) == []
    store.reveal(address.rsplit("=", 1)[-1])
    page.reload()
    settle(page)
    page.get_by_role("heading", name="It was: ").wait_for()
    assert sticking_out(page) == []
    assert barriers(page) == []


def test_the_essentials_are_on_the_first_screen_also_after_a_reload(visit, begun):
    page = visit(begun("int8_rollout", 3), viewport={"width": 1280, "height": 800})
    page.reload()
    settle(page)
    for part in (
        page.get_by_text("Clock of the incident"),
        page.get_by_text("Spent"),
        page.get_by_role("button", name="Wait until something rings"),
        page.get_by_role("button", name="A canary of the previous release"),
        page.get_by_text("Frames dropped").first,
    ):
        box = part.bounding_box()
        assert box["y"] + box["height"] <= 800
