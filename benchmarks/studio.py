"""Time from a key in Studio's editor to its diagnostic, in a case of over a thousand lines: `python -m benchmarks.studio`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from simulator.paths import SCENARIOS
from tests.browser.screen import settle
from tests.browser.serving import ARGS, installed, served

#: The case, the number of its lines, and the trials of each way of typing.
CASE, LINES, TRIALS = "skin-cancer-triage", 1000, 40

#: Keys of a burst, and the time between two of them (ms).
BURST, APART_MS = 6, 90

#: Notes the time of each key, and of the first list of faults that holds a word.
_CLOCK = """() => {
  const roots = [...document.querySelectorAll('*')].map(one => one.shadowRoot).filter(Boolean);
  const root = roots.find(one => one.querySelector('.studio'));
  window.clock = { key: 0, shown: 0, word: '' };
  root.addEventListener('keydown', event => { clock.key = performance.now(); clock.shown = 0; }, true);
  const list = root.querySelector('.faults');
  new MutationObserver(() => {
    if (!clock.shown && clock.word && list.textContent.includes(clock.word)) clock.shown = performance.now();
  }).observe(list, { childList: true, subtree: true, characterData: true });
}"""


def long_case() -> str:
    """Return the text of the case under another id, with comments up to the number of lines."""
    text = (SCENARIOS / f"{CASE}.yaml").read_text(encoding="utf-8").replace(f"id: {CASE}", "id: long-case", 1)
    return text + "# a comment\n" * max(LINES - text.count("\n"), 0)


def trial(page: Page, key: str, letters: str) -> float:
    """Type letters behind the first key of this name in the text, and return the time from the last one to its fault (ms)."""
    page.evaluate("word => { clock.word = word; clock.shown = 0; }", f"{key}{letters}")
    for number, letter in enumerate(letters):
        if number:
            page.wait_for_timeout(APART_MS)
        page.keyboard.type(letter)
    page.wait_for_function("() => clock.shown > 0", timeout=20_000, polling=20)
    taken = page.evaluate("() => clock.shown - clock.key")
    for _ in letters:
        page.keyboard.press("Backspace")
    page.evaluate("() => { clock.word = ''; }")
    page.get_by_role("status").get_by_text(re.compile(r"^(No faults|\d+ cautions?)")).wait_for(timeout=20_000)
    return float(taken)


def go_behind(page: Page, key: str) -> None:
    """Put the cursor behind a key of the text, by the search of the editor."""
    page.get_by_role("textbox", name="Text of").click()
    page.keyboard.press("Control+f")
    page.keyboard.type(f"{key}:")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")


def main() -> None:
    """Measure single keys and bursts, and print the median and the 95th percentile of each."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        home = Path(name)
        (home / "cases").mkdir()
        (home / "cases" / "long-case.yaml").write_text(long_case(), encoding="utf-8")
        own = {"XDG_DATA_HOME": str(home / "data"), "CASESIM_DATABASE": f"sqlite:///{home}/own.db"}
        with served(home, CASESIM_CASES=str(home / "cases"), **own) as address:
            browser = playwright.chromium.launch(executable_path=installed(), args=ARGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{address}/studio")
            settle(page)
            page.get_by_role("status").get_by_text(re.compile(r"^(No faults|\d+ cautions?)")).wait_for(timeout=60_000)
            page.evaluate(_CLOCK)
            for words, letters in (("single keys", "x"), ("bursts", "x" * BURST)):
                times = []
                for key in ("minutes", "max_batch", "escalated", "decides"):
                    go_behind(page, key)
                    times += [trial(page, key, letters) for _ in range(TRIALS // 4)]
                low, high = np.percentile(times, [50, 95])
                spread = f"p50 {low:.0f} ms, p95 {high:.0f} ms, longest {max(times):.0f} ms"
                print(f"{words} in {long_case().count(chr(10)):,} lines: n {len(times)}, {spread}")
            browser.close()


if __name__ == "__main__":
    main()
