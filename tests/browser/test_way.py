"""The whole way in a real browser: from the list of cases to a link that gives the same run."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from tests.browser.screen import changed, move, panel, pick, result, run_hash, settle, verdict

pytestmark = pytest.mark.browser

SKIN, STORM = "practice?case=skin-cancer-triage&replications=2", "practice?case=retry-storm&replications=2"


def test_home_leads_into_a_session_of_the_skin_case_and_back_to_it(visit):
    page = visit()
    assert page.get_by_text("Skin-cancer triage from phone photos").first.is_visible()
    page.get_by_role("button", name="Start a 20-minute session").click()
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("left of").wait_for()
    settle(page)
    page.get_by_role("link", name="Cases").click()
    page.get_by_role("link", name="Continue: Skin-cancer triage").click()
    page.get_by_text("left of").wait_for()
    settle(page)


@pytest.mark.long
def test_three_picks_change_the_verdict_and_a_copied_link_gives_the_same_run(visit):
    page = visit(SKIN)
    result(page)
    found = verdict(page, "Cancers found")
    changed(page, lambda: pick(page, "Architecture", "EfficientNet-Lite1"))
    changed(page, lambda: move(page, "Operating point", "ArrowRight"))
    after = changed(page, lambda: move(page, "Dermatologists per shift", "ArrowLeft"))
    assert verdict(page, "Cancers found") != found
    assert page.get_by_text("Compared with the run before").is_visible()

    page.get_by_role("button", name="Link and command").click()
    link = page.get_by_role("code").filter(has_text="http").inner_text()
    friend = visit(link)
    assert result(friend) == after
    assert verdict(friend, "Cancers found") == verdict(page, "Cancers found")

    command = shlex.split(page.get_by_role("code").filter(has_text="casesim run").inner_text())
    asked = [sys.executable, "-m", "simulator.cli", *command[1:], "--json"]
    assert json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE).stdout)["run_hash"] == after


@pytest.mark.long
def test_back_forward_a_reload_and_another_page_bring_case_design_and_result_back(visit):
    page = visit(STORM)
    first = result(page)
    second = changed(page, lambda: move(page, "Replicas", "ArrowRight"))
    assert changed(page, page.go_back) == first
    assert changed(page, page.go_forward) == second
    page.reload()
    assert result(page) == second
    page.get_by_role("link", name="Evidence").click()
    settle(page)
    page.get_by_role("link", name="Cases").click()
    page.get_by_role("button", name="Explore").last.click()
    assert result(page) == second
    assert page.get_by_role("slider", name="Replicas").input_value() == "3"
    assert "replicas=3" in page.url


@pytest.mark.long
def test_a_run_of_the_history_comes_back_with_a_click_and_stands_beside_others(visit):
    page = visit(STORM)
    first = result(page)
    changed(page, lambda: move(page, "Replicas", "ArrowRight"))
    panel(page, "Runs")
    history = page.get_by_role("region", name="Every run of this case")
    rows, boxes = history.get_by_role("row"), history.get_by_role("checkbox")
    rows.nth(2).wait_for()  # the head, and two runs
    for place in (0, 1):
        boxes.nth(place).click()
        settle(page)
    page.get_by_text("2 runs side by side").wait_for()
    assert changed(page, rows.last.get_by_role("button").first.click) == first


@pytest.mark.long
def test_a_curveball_is_fired_named_and_held_against_the_calm_run(visit):
    page = visit(SKIN)
    result(page)
    page.get_by_role("button", name="Curveballs").click()
    changed(page, page.get_by_role("button", name="Fire: A new phone model").click)
    page.keyboard.press("Escape")
    page.get_by_test_id("stAlert").filter(has_text="A new phone model").wait_for()
    page.get_by_role("listitem").filter(has_text="Cancers found").filter(has_text="calm").wait_for()
    assert "strike=another_phone" in page.url


@pytest.mark.long
def test_each_lever_is_tried_and_one_click_takes_a_step(visit):
    page = visit(STORM)
    result(page)
    panel(page, "Try each lever")
    page.get_by_role("button", name="Try each lever").click()
    step = page.get_by_role("button", name=re.compile("Take this step: Retries: .* → None"))
    step.wait_for()
    page.get_by_role("progressbar").wait_for(state="detached")
    settle(page)
    changed(page, step.click)
    assert page.get_by_role("combobox", name="Retries").input_value() == "None" or page.get_by_text("None").first.is_visible()
    assert "retries=none" in page.url


def test_the_whole_way_with_the_keyboard_alone(visit):
    page = visit(STORM)
    before = result(page)
    stops = []
    for _ in range(5):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("() => document.activeElement.innerText || ''"))
    assert any(stop.startswith("Run") for stop in stops)
    slider = page.get_by_role("slider", name="Replicas")
    slider.focus()
    changed(page, lambda: page.keyboard.press("ArrowRight"))
    assert run_hash(page) != before
    tab = page.get_by_role("tab", name="Design")
    tab.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settle(page)
    assert page.get_by_role("tab", selected=True).inner_text() != "Design"
