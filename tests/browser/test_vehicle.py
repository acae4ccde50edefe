"""The whole way through the vehicle's case: a verdict, a change, an encounter step by step, a curveball, and back."""

import pytest

from tests.browser.screen import changed, panel, pick, result, settle, until, verdict
from tests.browser.test_looks import barriers

pytestmark = pytest.mark.browser

CASE = "practice?case=av-perception&replications=4&computer=agx_frugal"
STOPPED = "Stopped in time"


def timeline(page):
    """Where the upright lines of the chart of an encounter stand: the cursors (s), and what has happened (m)."""
    return page.locator(".js-plotly-plot").first.evaluate(
        "plot => plot.data.filter(one => one.mode === 'lines' && one.x.length === 2 && one.x[0] === one.x[1])"
        ".map(one => one.x[0])"
    )


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
    ends = timeline(page)
    for _ in range(5):
        slider.press("ArrowLeft")
    until(page, lambda: timeline(page) != ends)
    settle(page)
    assert ends
    moved = [end - now for now, end in zip(timeline(page), ends, strict=True)]
    assert min(moved) >= 0  # a line across the road, where something happened, stays
    assert sum(step > 0 for step in moved) == 2  # a cursor in the timeline of each design
    for words in ("Play at half speed", "Pause"):
        assert page.get_by_text(words, exact=True).first.is_visible()
    assert barriers(page) == []

    page.get_by_role("button", name="Curveballs").click()
    changed(page, page.get_by_role("button", name="Fire: The front camera fails").click)
    page.keyboard.press("Escape")
    page.get_by_test_id("stAlert").filter(has_text="The front camera fails").wait_for()
    page.get_by_role("listitem").filter(has_text=STOPPED).filter(has_text="calm").wait_for(timeout=60_000)
    assert "strike=blind" in page.url

    panel(page, "Runs")
    history = page.get_by_role("region", name="Every run of this case")
    rows = history.get_by_role("row")
    rows.nth(3).wait_for()  # the head, and three runs
    assert changed(page, rows.last.get_by_role("button").first.click) == first != second
    assert "queue=fifo" not in page.url
    assert barriers(page) == []
