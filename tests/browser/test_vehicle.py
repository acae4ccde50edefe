"""The whole way through the vehicle's case: a verdict, a change, an encounter step by step, a curveball, and back."""

import pytest

from tests.browser.screen import changed, panel, pick, result, until, verdict
from tests.browser.test_looks import barriers

pytestmark = pytest.mark.browser

CASE = "practice?case=av-perception&replications=4&computer=agx_frugal"
STOPPED = "Stopped in time"


@pytest.mark.long
def test_from_the_first_verdict_through_an_encounter_and_a_curveball_back_to_the_first_design(visit):
    page = visit(CASE)
    first = result(page)
    assert "not met" in verdict(page, STOPPED)

    second = changed(page, lambda: pick(page, "Frames that wait", "First in, first out"))
    assert "queue=fifo" in page.url
    assert page.get_by_text("Compared with the run before").is_visible()

    panel(page, "Who stops in time")
    slider = page.get_by_role("slider", name="Seconds since it came into view")
    slider.wait_for()
    until(page, lambda: page.locator("p.now").count() == 2)  # this design and the default one
    slider.press("Home")
    assert all(words.startswith("0.00 s: ") for words in page.locator("p.now").all_inner_texts())
    assert page.get_by_role("button", name="Play at half speed").is_visible()
    assert barriers(page) == []

    page.get_by_role("button", name="Curveballs").click()
    changed(page, page.get_by_role("button", name="Fire: The front camera fails").click)
    page.keyboard.press("Escape")
    page.get_by_test_id("stAlert").filter(has_text="The front camera fails").wait_for()
    page.get_by_role("listitem").filter(has_text=STOPPED).filter(has_text="calm").wait_for()
    assert "strike=blind" in page.url

    panel(page, "Runs")
    history = page.get_by_role("region", name="Every run of this case")
    rows = history.get_by_role("row")
    rows.nth(3).wait_for()  # the head, and three runs
    assert changed(page, rows.last.get_by_role("button").first.click) == first != second
    queue = page.get_by_role("combobox", name="Frames that wait")
    until(page, lambda: queue.input_value() == "Keep the freshest of each camera")
    assert barriers(page) == []
