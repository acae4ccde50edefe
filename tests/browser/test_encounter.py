"""The moving picture of an encounter: played, paused and moved through by keyboard, at any width, until the vehicle stands."""

import re
from pathlib import Path

import pytest

from tests.browser.screen import patient, settle, until
from tests.browser.serving import served
from tests.browser.test_looks import barriers, sticking_out
from tests.charts.meetings import DECELERATION, followed

pytestmark = pytest.mark.browser

SPEED = 50 / 3.6
STANDS = followed().ended_s
ENDS = followed(confirmed_s=1.2, braking_s=1.4, seen_s=0.9).ended_s
PLAY, PAUSE = "Play at half speed", "Pause"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    script = Path(__file__).with_name("encounter_page.py")
    root = str(script.parents[2])
    with served(tmp_path_factory.mktemp("encounter"), ("streamlit", "run", str(script)), PYTHONPATH=root) as found:
        yield found


@pytest.fixture(scope="module")
def loaded(browser, address):
    """The page, which may meet no error; each test begins by `page`."""
    context, errors = patient(browser.new_context()), []
    page = context.new_page()
    page.clock.install()
    page.on("pageerror", lambda error: errors.append(f"{error} {error.stack}"))
    page.goto(address)
    settle(page)
    page.locator(".pane .vehicle").first.wait_for()
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def page(loaded):
    """The page in a wide window, at the end of the encounter."""
    loaded.set_viewport_size({"width": 1280, "height": 900})
    loaded.emulate_media(reduced_motion="no-preference")
    loaded.get_by_role("slider").press("End")
    until(loaded, lambda: loaded.locator(".pane").first.bounding_box()["width"] > 500)
    return loaded


def stand_still(page):
    """Have the page's time go on by `page.clock.run_for` alone, however long the machine takes."""
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))


def instants(page):
    """The instant that each design stands at (s)."""
    return [float(re.match(r"([\d.]+) s: ", words)[1]) for words in page.locator("p.now").all_inner_texts()]


def places(page):
    """The front of each vehicle and the object, in parts of the picture's width; whether the vehicle is inside of it."""
    return page.locator(".pane > svg").evaluate_all(
        """panes => panes.map(pane => {
          const box = pane.getBoundingClientRect(), at = name => pane.querySelector(name).getBoundingClientRect();
          return { vehicle: (at(".vehicle").right - box.left) / box.width, object: (at(".object").left - box.left) / box.width,
                   lane: at(".vehicle").top >= box.top && at(".vehicle").bottom <= box.bottom };
        })"""
    )


def test_it_is_played_and_paused_by_keyboard_alone(page):
    assert instants(page) == [pytest.approx(STANDS, abs=0.01), pytest.approx(ENDS, abs=0.01)]
    page.locator("h1").click()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement?.innerText") == PLAY:
            break
    button = page.get_by_role("button", name=PLAY)
    assert button.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    stand_still(page)
    page.keyboard.press("Enter")
    page.clock.run_for(1000)
    assert instants(page) == [pytest.approx(0.5, abs=0.02)] * 2  # at half speed, from the begin
    page.keyboard.press("Enter")
    page.get_by_role("button", name=PLAY).wait_for()
    stood = instants(page)
    page.clock.run_for(1000)
    assert instants(page) == stood
    page.clock.resume()
    assert page.get_by_role("status").filter(has_text="This design").inner_text()  # a screen reader hears where it stands
    slider = page.get_by_role("slider", name="Seconds since it came into view")
    slider.press("Home")
    assert instants(page) == [0, 0]
    slider.press("ArrowRight")
    assert instants(page) == [pytest.approx(ENDS / 66, abs=0.01)] * 2  # in steps of 50 ms
    assert "km/h" in slider.get_attribute("aria-valuetext")


def test_the_next_moment_leads_to_where_the_vehicle_stands_without_motion(page):
    page.emulate_media(reduced_motion="reduce")
    assert page.get_by_role("button", name=PLAY).count() == 0
    button = page.get_by_role("button", name="Next moment")
    stood = []
    for _ in range(7):
        button.press("Enter")
        stood.append(max(instants(page)))
    assert stood == pytest.approx([0, 0.5, 0.7, 1.2, 1.4, STANDS, ENDS], abs=0.01)
    first, _ = page.locator("p.now").all_inner_texts()
    needed = 0.7 * SPEED + SPEED**2 / (2 * DECELERATION)
    assert first == f"{STANDS:.2f} s: {35 - needed:.1f} m to the pedestrian, 0 km/h, in time"
    assert page.get_by_text("frame: not found").is_visible()
    frames = page.locator(".pane").first.locator("g.found, g.missed")
    assert frames.count() == len(followed().frames) == 31  # the camera looks on until the vehicle stands, after 3.01 s


def test_a_window_that_is_made_narrow_while_it_plays_keeps_the_vehicles_on_their_road(page):
    wide = places(page)
    stand_still(page)
    page.get_by_role("button", name=PLAY).click()
    page.clock.run_for(500)
    assert instants(page)[0] > 0.2
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, lambda: page.locator(".pane").first.bounding_box()["width"] < 390)
    page.clock.run_for(100)
    assert all(0 < one["vehicle"] < 1 and one["lane"] for one in places(page))
    assert page.get_by_role("button", name=PAUSE).is_visible()
    page.clock.resume()
    page.get_by_role("slider").press("End")
    narrow = places(page)
    for before, after in zip(wide, narrow, strict=True):
        assert (after["vehicle"], after["object"]) == (
            pytest.approx(before["vehicle"], abs=0.03),
            pytest.approx(before["object"], abs=0.03),
        )
    assert sticking_out(page) == []
    assert barriers(page) == []
