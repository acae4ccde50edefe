"""The evidence page in a real browser: filters that a link carries, files that are saved, a file that is refused."""

import csv

import pytest

from tests.browser.screen import settle

pytestmark = pytest.mark.browser


def panel(page, name):
    page.get_by_role("tab", name=name).click()
    settle(page)


@pytest.mark.long
def test_a_link_opens_the_same_panel_with_the_same_filters(visit):
    page = visit("evidence")
    page.get_by_role("combobox", name="Models").press_sequentially("resnet50")
    page.get_by_role("option", name="resnet50", exact=True).click()
    page.keyboard.press("Escape")  # the open list hides the rest of the page from a screen reader
    page.wait_for_url("**models=resnet50**")
    # The address is there before the page has been drawn with the new filter.
    page.get_by_text("of 1 model.").wait_for()
    settle(page)
    told = page.get_by_text("With 1 thread and batches of 1").inner_text()
    assert "resnet50" in told
    friend = visit(page.url)
    assert friend.get_by_text("With 1 thread and batches of 1").inner_text() == told
    panel(page, "Sources")
    assert visit(page.url).get_by_role("textbox", name="Search").is_visible()


@pytest.mark.long
def test_latencies_are_saved_as_they_were_measured(visit, tmp_path):
    page = visit("evidence?models=resnet50&precisions=fp32")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download every call").click()
    saved.value.save_as(tmp_path / "calls.csv")
    with (tmp_path / "calls.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["model"], row["precision"], row["threads"]) for row in rows} == {("resnet50", "fp32", "1")}
    assert all(float(row["latency_ms"]) > 0 for row in rows)


@pytest.mark.long
def test_sources_are_found_by_the_keyboard(visit):
    page = visit("evidence?evidence=Sources")
    before = page.get_by_text("sources.").first.inner_text()
    page.get_by_role("textbox", name="Search").press_sequentially("SkinVision")
    page.keyboard.press("Enter")
    page.get_by_text(before).wait_for(state="hidden")
    settle(page)


@pytest.mark.long
def test_a_file_that_is_no_model_gets_a_sentence(visit, tmp_path):
    page = visit("evidence?evidence=Your+own+model")
    page.locator("input[type=file]").set_input_files({"name": "cat.onnx", "mimeType": "", "buffer": b"meow"})
    page.get_by_text("cat.onnx").first.wait_for()
    page.get_by_role("button", name="Measure this model").click()
    alert = page.get_by_test_id("stAlert")
    alert.wait_for()
    assert "cat.onnx" in alert.inner_text() or "pip install" in alert.inner_text()
    settle(page)
