"""`python -m benchmarks.pictures`: takes the pictures in docs/images again, of the app as it is."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from benchmarks.browser import CASE, PATIENCE_MS, chromium, started
from tests.browser.screen import panel, result, settle

IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main() -> None:
    """Open each page, wait until all of it is drawn, and save what a person sees."""
    with started(None) as address, chromium() as browser:
        page = browser.new_context(color_scheme="light").new_page()
        page.set_viewport_size({"width": 1280, "height": 860})
        page.goto(address)
        page.get_by_role("button", name="Start a 20-minute session").wait_for()
        page.get_by_role("button", name="Be on call").wait_for()  # the cards stand below the offer
        expect(page.get_by_text("The default design is running")).to_have_count(0, timeout=PATIENCE_MS)
        save(page, "home")
        page.set_viewport_size({"width": 1280, "height": 1320})  # down to the end of the chart that the README speaks of
        page.goto(f"{address}/practice?case={CASE.id}")
        result(page)
        save(page, "practice")
        page.set_viewport_size({"width": 1280, "height": 1310})
        page.goto(f"{address}/practice?case=av-perception&predicting=ahead&front_rate=20")
        result(page)
        panel(page, "Who stops in time")
        page.get_by_role("tab", name="Who stops in time").evaluate("tab => tab.scrollIntoView()")
        save(page, "vehicle")


def save(page: Page, name: str) -> None:
    """Save the window once it stands still."""
    settle(page)
    page.wait_for_timeout(1_000)  # a chart may still be moving to its place
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
