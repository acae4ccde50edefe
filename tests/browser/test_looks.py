"""Every page in both themes and on a phone: nothing sticks out, nothing shuts anybody out."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.screen import result, settle

pytestmark = pytest.mark.browser

#: A theme changes colours and a width what stands where: two looks have both themes and both widths.
LOOKS = {"dark": ("dark", 1280), "phone": ("light", 390), "light": ("light", 1280)}


def looks(*usual):
    """Every look; all but the usual ones take long."""
    return [pytest.param(look, marks=() if look in usual else pytest.mark.long) for look in LOOKS]


@pytest.fixture
def look(request):
    theme, width = LOOKS[request.param]
    return {"color_scheme": theme, "viewport": {"width": width, "height": 900}}


@pytest.mark.parametrize("look", looks("dark"), indirect=True)
def test_home(visit, look):
    page = visit(**look)
    assert sticking_out(page) == []
    assert barriers(page) == []


@pytest.mark.parametrize("look", looks("phone"), indirect=True)
def test_you_and_the_begin_of_a_session(visit, look):
    for path in ("you", "session"):
        page = visit(path, **look)
        assert sticking_out(page) == []
        assert barriers(page) == []


@pytest.mark.parametrize("look", looks(), indirect=True)
def test_evidence_with_every_panel(visit, look):
    page = visit("evidence", **look)
    for panel in page.get_by_role("tab").all():
        panel.click()
        settle(page)
        assert sticking_out(page) == [], panel.inner_text()
        assert barriers(page) == [], panel.inner_text()


def test_a_link_to_the_last_tab_of_a_phone_shows_that_tab(visit):
    page = visit("evidence?evidence=Sources", color_scheme="light", viewport={"width": 390, "height": 900})
    page.wait_for_function(
        "() => document.querySelector('[role=tab][aria-selected=true]').getBoundingClientRect().right <= innerWidth"
    )
    assert page.get_by_role("tab", name="Sources", exact=True).get_attribute("aria-selected") == "true"


#: In which look each case is seen; the others take long.
SEEN = {"skin-cancer-triage": "phone", "retry-storm": "", "av-perception": ""}
WHICH = [
    pytest.param(look, case, marks=() if look == seen else pytest.mark.long) for case, seen in SEEN.items() for look in LOOKS
]


@pytest.mark.long
@pytest.mark.parametrize(("look", "case"), WHICH, indirect=["look"])
def test_practice_with_every_panel(visit, look, case):
    page = visit(f"practice?case={case}&replications=2", **look)
    assert sticking_out(page) == []
    assert barriers(page) == []
    result(page)
    for panel in page.get_by_role("tab").all():
        panel.click()
        settle(page)
        assert sticking_out(page) == [], panel.inner_text()
        assert barriers(page) == [], panel.inner_text()


def sticking_out(page):
    """The parts of the page's own scrolling areas that are wider than what is seen of them."""
    return page.evaluate(
        "() => [document.scrollingElement, ...document.querySelectorAll('[data-testid=stMain]')]"
        ".filter(area => area.scrollWidth > area.clientWidth + 1).map(area => area.outerHTML.slice(0, 200))"
    )


def barriers(page):
    """What axe finds serious or critical, by rule and place, once the page has answered.

    Looked at twice where there is something: while the page answers a click, Streamlit's list of tabs cannot be focused.
    """
    if not severe(page):
        return []
    settle(page)
    return severe(page)


def severe(page):
    found = Axe().run(page).response["violations"]
    severe = [fault for fault in found if fault["impact"] in {"serious", "critical"}]
    return [f"{fault['id']}: {node['target']} {node['html'][:200]}" for fault in severe for node in fault["nodes"]]


@pytest.mark.long
@pytest.mark.parametrize("design", ["skin-cancer-triage&reading=cochrane_visual", "av-perception&cores=own"])
def test_the_longest_option_of_a_case_fits_into_its_field(visit, design):
    page = visit(f"practice?case={design}&replications=2", viewport={"width": 1280, "height": 900})
    for folded in page.locator("[data-testid=stSidebar] summary").all():
        folded.click()
    fields = page.locator("[data-testid=stSidebar] input[role=combobox]")
    assert fields.count() > 5
    assert fields.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.value)") == []


@pytest.mark.parametrize("look", looks(), indirect=True)
def test_the_shortcut_on_the_run_button_and_the_name_of_an_open_popover_can_be_read(visit, look):
    """Their contrast with what is behind them by the formula of WCAG 2, with the opacity that axe leaves out."""
    page = visit("practice?case=retry-storm&replications=2", **look)
    button = page.locator(".st-key-run_button button")
    ground = rgb(button.evaluate("one => getComputedStyle(one).backgroundColor"))
    ink, opacity = button.locator("kbd").evaluate("one => [getComputedStyle(one).color, getComputedStyle(one).opacity]")
    seen = [float(opacity) * over + (1 - float(opacity)) * under for over, under in zip(rgb(ink), ground, strict=True)]
    assert contrast(seen, ground) >= 4.5

    popover = page.get_by_test_id("stPopoverButton").filter(has_text="Link and command")
    popover.click()
    page.locator("[data-testid=stPopoverButton][aria-expanded=true]").wait_for()
    page.mouse.move(1, 1)
    popover.evaluate("one => Promise.all(one.getAnimations({ subtree: true }).map(each => each.finished))")
    ink = rgb(popover.evaluate("one => getComputedStyle(one).color"))
    assert contrast(ink, rgb(page.get_by_test_id("stApp").evaluate("one => getComputedStyle(one).backgroundColor"))) >= 4.5


@pytest.mark.long
def test_the_numbers_of_a_chart_come_once_its_table_is_opened(visit):
    page = visit("practice?case=retry-storm&replications=2")
    result(page)
    assert page.get_by_test_id("stDataFrame").count() == 0
    page.get_by_role("button", name="As a table").first.click()
    page.get_by_test_id("stDataFrame").wait_for()


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(words):
    return [float(number) for number in re.findall(r"[\d.]+", words)[:3]]


def luminance(colour):
    """The relative luminance of an sRGB colour, 0 to 255 each, after WCAG 2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (one / 255 for one in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
