"""Trade-offs in a real browser: a point of the picture opens as a design, by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.screen import panel, result, settle

pytestmark = pytest.mark.browser


@pytest.fixture
def app(authors_app):
    return authors_app


@pytest.fixture
def swept(visit):
    """The page once its sweep has ended."""

    def open_page(**context):
        page = visit("trade-offs?case=queue", **context)
        page.get_by_role("link", name="Open this design").first.wait_for()
        settle(page)
        return page

    return open_page


def test_a_pressed_point_is_chosen_and_a_step_back_from_an_opened_design_finds_all_as_it_was(swept):
    page = swept()
    chart = page.get_by_test_id("stPlotlyChart").first
    points = chart.locator(".scatterlayer .point")
    expect(points.first).to_be_visible()
    chart.locator(".scatterlayer .point").last.click(force=True)
    settle(page)
    chosen = page.get_by_role("combobox", name=re.compile("A design"))
    expect(chosen).to_be_visible()
    around = page.get_by_text("Around the default design of the case.")
    panel(page, "What matters")
    panel(page, "Front")
    panel(page, "Best design")
    expect(page).to_have_url(re.compile("tradeoffs=Best"))
    page.get_by_role("button", name="Search for the best design").click()
    page.get_by_role("link", name="Open this design").first.click()
    expect(page).to_have_url(re.compile("/practice.*readers="))
    readers = re.search(r"readers=(\d)", page.url)[1]
    expect(page.get_by_role("slider", name="Readers")).to_have_attribute("aria-valuetext", readers)
    result(page)
    page.go_back()
    expect(page).to_have_url(re.compile("/trade-offs.*tradeoffs=Best"))
    expect(around).to_be_visible()
    expect(page.get_by_role("tab", name="Best design")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    result(page)
    panel(page, "Runs")
    page.reload()
    settle(page)
    expect(page.get_by_role("tab", name="Runs")).to_have_attribute("aria-selected", "true")


def test_a_step_of_the_history_is_taken_though_the_page_before_it_speaks_once_more(visit):
    page = visit("trade-offs?case=queue")
    around = page.get_by_text("Around the default design of the case.")
    expect(around).to_be_visible()
    settle(page)
    page.get_by_role("link", name="Open this design").first.click()
    result(page)
    page.evaluate("""() => {
      const run = [...document.querySelectorAll("button")].find(button => button.innerText.startsWith("Run"));
      addEventListener("popstate", () => setTimeout(() => run.click(), 0), { once: true });
    }""")
    page.go_back()
    expect(around).to_be_visible()
    expect(page).to_have_url(re.compile("/trade-offs"))
    page.get_by_role("link", name="Cases").click()  # a page of the bar is no step of the history
    expect(page).not_to_have_url(re.compile("/trade-offs"))


@pytest.mark.long
def test_a_box_on_an_axis_keeps_the_designs_that_pass_there(swept):
    page = swept()
    axes = page.get_by_test_id("stPlotlyChart").nth(1)
    axes.scroll_into_view_if_needed()
    plot = axes.locator(".nsewdrag").first.bounding_box()
    left = plot["x"] + 2
    page.mouse.move(left, plot["y"] + 2)
    page.mouse.down()
    page.mouse.move(left + 0.2 * plot["width"], plot["y"] + 0.5 * plot["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^\d designs pass there"))).to_be_visible()


@pytest.mark.long
def test_a_design_opens_by_the_keyboard_alone(swept):
    page = swept()
    box = page.get_by_role("combobox", name=re.compile("A design"))
    box.focus()
    box.press("ArrowDown")
    box.press("ArrowDown")
    box.press("Enter")
    settle(page)
    link = page.get_by_role("link", name="Open this design").first
    link.focus()
    link.press("Enter")
    expect(page).to_have_url(re.compile("/practice"))


@pytest.mark.long
@pytest.mark.parametrize(("width", "theme"), [(1280, "dark"), (390, "light")])
def test_nothing_sticks_out_and_the_picture_has_its_sentence(swept, width, theme):
    page = swept(viewport={"width": width, "height": 800}, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    described = page.get_by_role("img").or_(page.locator("[aria-label]")).filter(has_text="")
    assert described.count() > 0
    assert "beaten by another beyond chance" in page.locator("body").inner_text()
