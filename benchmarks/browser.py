"""`python -m benchmarks.browser`: seconds and steps from a change to its verdict, as people meet them in a browser."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields
from itertools import count, islice
from math import inf
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from weakref import WeakKeyDictionary

import psutil
from playwright.sync_api import Browser, CDPSession, Locator, Page, WebSocket, sync_playwright
from rich.console import Console
from rich.table import Table

from simulator.case.choices import Number
from simulator.case.load import load, scenario_ids
from simulator.case.schema import Scenario
from tests.browser.serving import ARGS, installed, served

CASE = load("skin-cancer-triage")
SIZES = (1280, 800), (1440, 900)
REPEATS = 10
#: What each of four people changes, and with which key.
CHANGES = {
    "Operating point": "ArrowRight",
    "Dermatologists per shift": "ArrowLeft",
    "Classifier replicas": "ArrowRight",
    "Decoder replicas": "ArrowRight",
}
#: Every run has a seed of its own, so that none is known from before.
SEEDS = count(1_001)
PATIENCE_MS = 300_000
out = Console(width=120)

#: The traffic of each page that is open.
_TRAFFIC: WeakKeyDictionary[Page, Traffic] = WeakKeyDictionary()

#: Keeps when a person acted and when which verdict was painted, in ms since the page was asked for. What a page says is
#: read in an animation frame; a message sent from there arrives once that frame has been painted.
WATCH = """
(() => {
  const places = [document], kept = window.kept = {acts: [], verdicts: []};
  window.places = places;
  for (const act of ['keydown', 'pointerdown']) addEventListener(act, event => kept.acts.push(event.timeStamp), true);
  let waiting = false, last = '';
  const look = () => {
    waiting = false;
    const there = places.filter(place => place === document || place.host.isConnected);
    const told = there.map(place => (place.body || place).textContent).join(' ');
    const partly = /preliminary, [0-9]+ of/.test(told), hash = /run hash ([0-9a-f]{12})/.exec(told);
    const old = there.some(place => place.querySelector('#verdicts.stale'));
    const now = old ? '' : partly ? 'preliminary' : hash ? hash[1] : '';
    if (now === last) return;
    last = now;
    const painted = new MessageChannel();
    painted.port1.onmessage = () => kept.verdicts.push([now, performance.now()]);
    painted.port2.postMessage(null);
  };
  const seen = new MutationObserver(() => { if (!waiting) { waiting = true; requestAnimationFrame(look); } });
  const watch = place => seen.observe(place, {childList: true, subtree: true, characterData: true});
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (how) {
    const place = attach.call(this, how);
    places.push(place);
    watch(place);
    return place;
  };
  watch(document);
})()
"""

#: How many elements are seen whole, with nothing in front of them.
SEEN = """
selector => places.filter(place => place === document || place.host.isConnected)
  .flatMap(place => [...place.querySelectorAll(selector)]).filter(one => {
  const box = one.getBoundingClientRect();
  const inside = box.width > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth;
  const corners = [[box.left + 2, box.top + 2], [box.right - 2, box.bottom - 2]];
  return inside && corners.every(([x, y]) => one.contains(one.getRootNode().elementFromPoint(x, y)));
}).length
"""


@dataclass
class Workbench:
    """One person at the practice page, whose steps are counted. Another page is measured by a subclass that takes its steps."""

    page: Page
    steps: int = 0

    @property
    def traffic(self) -> Traffic:
        """The messages of this page's sockets."""
        return _TRAFFIC[self.page]

    #: CSS of a choice's widget, by its name, and of an objective's verdict; how many of the latter there are.
    choice = ".st-key-{case}-{name}"
    verdicts = "#verdicts > li"
    shown = len(CASE.objectives)

    def first_run(self) -> None:
        """See to it that the design runs that the page opens with; here it does so by itself."""

    def change(self, choice: str) -> None:
        """Move a choice by one step, and do what it takes to see the verdict."""
        self.press(self.slider(choice), CHANGES[choice])

    def slider(self, choice: str) -> Locator:
        """A choice's slider; its group is unfolded if need be."""
        slider = self.page.get_by_role("slider", name=choice)
        if not slider.is_visible():
            group = next(one.group for one in CASE.choices.values() if one.label == choice)
            self.click(self.page.get_by_text(re.compile(rf"^{group}( \(|:)")))
        return slider

    def press(self, place: Locator, key: str) -> None:
        """A key, once the place is in view."""
        self.bring(place)
        self.steps += 1
        place.press(key)

    def click(self, place: Locator) -> None:
        """A click, once the place is in view."""
        self.bring(place)
        self.steps += 1
        place.click()

    def bring(self, place: Locator) -> None:
        """Scroll, if the place is out of view."""
        box, size = place.bounding_box(), self.page.viewport_size
        if box and size and not 0 <= box["y"] <= size["height"] - box["height"]:
            self.steps += 1
            place.scroll_into_view_if_needed()

    def wait(self, known: str = "", patience_ms: float = PATIENCE_MS) -> str:
        """Wait for the verdict of a whole run other than the one that is known; its hash. Raises playwright's TimeoutError."""
        script = "known => { const [now] = kept.verdicts.at(-1) || ['']; return now.length === 12 && now !== known && now; }"
        found = self.page.wait_for_function(script, arg=known, timeout=patience_ms)
        return str(found.json_value())

    def times(self, known: str, since: float | None = None) -> tuple[float, float]:
        """Seconds from a moment in ms, by default the first act after the last look, to the first and to the full verdict.

        Infinite where it was not shown.
        """
        kept = self.page.evaluate("kept")
        start = kept["acts"][0] if since is None else since
        painted = [(verdict, (at - start) / 1000) for verdict, at in kept["verdicts"] if at > start]
        new = [(verdict, at) for verdict, at in painted if verdict not in ("", known)]
        return next((at for _, at in new), inf), next((at for verdict, at in new if len(verdict) == 12), inf)

    def choices_in_view(self) -> int:
        """How many choices are seen whole, or 0 while the verdicts are not."""
        if self.page.evaluate(SEEN, self.verdicts) < self.shown:
            return 0
        return sum(self.page.evaluate(SEEN, self.choice.format(case=CASE.id, name=name)) for name in CASE.choices)


@dataclass
class Traffic:
    """Messages of a page's web sockets, in both directions."""

    messages: int = 0
    bytes: int = 0

    def watch(self, socket: WebSocket) -> None:
        """Count the messages of a socket."""
        socket.on("framesent", self._add)
        socket.on("framereceived", self._add)

    def _add(self, payload: str | bytes) -> None:
        self.messages += 1
        self.bytes += len(payload)

    def since(self, before: Traffic) -> Traffic:
        """Return the traffic after a moment."""
        return Traffic(self.messages - before.messages, self.bytes - before.bytes)

    def now(self) -> Traffic:
        """Return a copy of the counts."""
        return Traffic(self.messages, self.bytes)


@dataclass
class ChangeCosts:
    """Seconds, messages, kB and processor seconds of changes; a figure a change.

    rest_messages, rest_kb: until the page is at rest, while messages and kb end with the full verdict
    script_s, style_s, layout_s, tasks_s: seconds of the page's main thread to the full verdict, and of all its tasks
    known: seconds to the full verdict of the design before, which is known, after the change is taken back
    """

    first: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    kb: list[float] = field(default_factory=list)
    rest_messages: list[float] = field(default_factory=list)
    rest_kb: list[float] = field(default_factory=list)
    server_s: list[float] = field(default_factory=list)
    workers_s: list[float] = field(default_factory=list)
    browser_s: list[float] = field(default_factory=list)
    script_s: list[float] = field(default_factory=list)
    style_s: list[float] = field(default_factory=list)
    layout_s: list[float] = field(default_factory=list)
    tasks_s: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """What people met at one size of the window: seconds, steps, and choices that are in view beside the verdicts."""

    opened: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    in_view: list[int] = field(default_factory=list)


def main(person: type[Workbench] = Workbench) -> None:
    """Print a table for each number of people at once."""
    parser = ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--address", help="of an app that is running; without it one is started")
    parser.add_argument("--people", type=int, nargs="+", choices=range(1, len(CHANGES) + 1), default=[1, 4])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument(
        "--costs", nargs="*", choices=scenario_ids(), help="what a change costs: in these cases, or in every case"
    )
    asked = parser.parse_args()
    with started(asked.address) as address, chromium() as browser:
        if asked.costs is not None:
            cases = asked.costs or scenario_ids()
            out.print(f"A page with one slider and one text: {spread(plain_page(browser, 12))} s from a key to the text.\n")
            out.print(cost_table({case: costs_of(browser, address, load(case), asked.repeats) for case in cases}))
            return
        out.print(f"Medians of {asked.repeats}, and the range; seconds until it is painted. {CASE.title}, default design.\n")
        out.print(first_pages(browser, address, asked.repeats), "")
        for people in asked.people:
            found = {size: practise(browser, address, person, size, people, asked.repeats) for size in SIZES}
            out.print(table(people, found), "")


@contextmanager
def started(address: str | None) -> Iterator[str]:
    """The address of the app; if none is given, of one in a process of its own."""
    if address:
        yield address.rstrip("/")
        return
    with TemporaryDirectory() as folder, served(Path(folder)) as own:
        yield own


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser that is installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGS)
        yield browser
        browser.close()


@contextmanager
def visit(browser: Browser, address: str, size: tuple[int, int]) -> Iterator[Page]:
    """A new visitor's page, watched from its first moment."""
    width, height = size
    visitor = browser.new_context(viewport={"width": width, "height": height})
    visitor.add_init_script(WATCH)
    page = visitor.new_page()
    page.set_default_timeout(PATIENCE_MS)
    traffic = _TRAFFIC[page] = Traffic()
    page.on("websocket", traffic.watch)
    page.goto(address, wait_until="commit")
    yield page
    visitor.close()


def first_pages(browser: Browser, address: str, repeats: int) -> Table:
    """How long the first page takes to show its button, for one visitor after the other."""
    seconds = []
    for _ in range(repeats):
        with visit(browser, address, SIZES[0]) as page:
            page.get_by_role("button", name="Start a 20-minute session").wait_for()
            seconds.append(page.evaluate("performance.now()") / 1000)
    table = Table("the first page", "seconds", box=None)
    table.add_row("opening it to its button", spread(seconds))
    return table


def practise(
    browser: Browser, address: str, person: type[Workbench], size: tuple[int, int], people: int, repeats: int
) -> Measured:
    """Each person opens the default design under a seed of its own, then all change a choice at once, each another."""
    found = Measured()
    for _ in range(repeats):
        with ExitStack() as open_pages:
            urls = [f"{address}/practice?case={CASE.id}&seed={seed}" for seed in islice(SEEDS, people)]
            persons = [person(open_pages.enter_context(visit(browser, url, size))) for url in urls]
            change_at_once(persons, found)
    return found


def change_at_once(persons: list[Workbench], found: Measured) -> None:
    """Adds what these people met."""
    for one in persons:
        one.first_run()
    known = [one.wait() for one in persons]
    found.opened += [one.times("", since=0)[0] for one in persons]
    found.in_view += [one.choices_in_view() for one in persons]
    for one in persons:
        one.steps = 0
        one.page.evaluate("kept.acts = []")
    for one, choice in zip(persons, CHANGES, strict=False):
        one.change(choice)
    for one, before in zip(persons, known, strict=True):
        one.wait(before)
        first, full = one.times(before)
        found.first.append(first)
        found.full.append(full)
        found.steps.append(one.steps)


#: The smallest page of Streamlit that answers.
PLAIN = """
import streamlit as st
value = st.slider("Moved", 0, 100, 5)
st.text(f"It is {value} now")
"""


def plain_page(browser: Browser, steps: int) -> list[float]:
    """Return seconds from a key on its slider to the painted text of a page that does nothing else: the unit of a change."""
    found: list[float] = []
    with TemporaryDirectory() as folder:
        script = Path(folder) / "plain.py"
        script.write_text(PLAIN)
        with served(Path(folder), ("streamlit", "run", str(script))) as address, visit(browser, address, SIZES[0]) as page:
            slider = page.get_by_role("slider")
            slider.focus()
            for value in range(6, 6 + steps):
                begun = page.evaluate("performance.now()")
                slider.press("ArrowRight")
                script_text = "told => document.body.innerText.includes(told) && performance.now()"
                found.append((page.wait_for_function(script_text, arg=f"It is {value} now").json_value() - begun) / 1000)
                page.wait_for_timeout(500)
    return found


def moved_choice(scenario: Scenario) -> str:
    """Return the label of the first number that stands in view."""
    return next(one.label for one in scenario.choices.values() if isinstance(one, Number) and not one.folded)


def costs_of(browser: Browser, address: str, scenario: Scenario, repeats: int) -> ChangeCosts:
    """Move the first number of a case back and forth under ever another seed; the first change of all is not counted."""
    found = ChangeCosts()
    for repeat in range(repeats + 1):
        with visit(browser, f"{address}/practice?case={scenario.id}&seed={next(SEEDS)}", SIZES[0]) as page:
            one_change(Workbench(page), moved_choice(scenario), ChangeCosts() if repeat == 0 else found)
        print(scenario.id, repeat, {one.name: getattr(found, one.name)[-1:] for one in fields(found)}, file=sys.stderr)
    return found


def one_change(person: Workbench, choice: str, found: ChangeCosts) -> None:
    """Open the design, change a choice, and add the costs of that change."""
    page, traffic = person.page, person.traffic
    known = person.wait()
    at_rest(page, traffic)
    slider = page.get_by_role("slider", name=choice)
    slider.focus()
    page.evaluate("kept.acts = []")
    thread = page.context.new_cdp_session(page)
    thread.send("Performance.enable")
    before, used = traffic.now(), processor_s() | thread_s(thread)
    slider.press("ArrowRight")
    new = person.wait(known)
    until_full, used_then = traffic.since(before), processor_s() | thread_s(thread)
    first, full = person.times(known)
    at_rest(page, traffic)
    until_rest = traffic.since(before)
    page.evaluate("kept.acts = []")
    slider.press("ArrowLeft")
    person.wait(new)
    found.known.append(person.times(new)[1])
    found.first.append(first)
    found.full.append(full)
    found.messages.append(until_full.messages)
    found.kb.append(until_full.bytes / 1000)
    found.rest_messages.append(until_rest.messages)
    found.rest_kb.append(until_rest.bytes / 1000)
    for name, seconds in used_then.items():
        getattr(found, name).append(seconds - used[name])


def at_rest(page: Page, traffic: Traffic) -> None:
    """Wait until no message has come for a second and a half."""
    last = -1
    while traffic.messages != last:
        last = traffic.messages
        page.wait_for_timeout(1500)


def processor_s() -> dict[str, float]:
    """Return the processor seconds so far of the server, its workers and the browser, which this process has started."""
    used = dict.fromkeys(("server_s", "workers_s", "browser_s"), 0.0)
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            line, times = " ".join(one.cmdline()), one.cpu_times()
            kind = "server_s" if "simulator.cli serve" in line else "workers_s" if "multiprocessing" in line else "browser_s"
            used[kind] += times.user + times.system
    return used


#: What Chromium counts of a page's main thread, by our names.
THREAD = {
    "script_s": "ScriptDuration",
    "style_s": "RecalcStyleDuration",
    "layout_s": "LayoutDuration",
    "tasks_s": "TaskDuration",
}


def thread_s(thread: CDPSession) -> dict[str, float]:
    """Return the seconds of the page's main thread, as Chromium counts them since the session asked it to."""
    told = {one["name"]: one["value"] for one in thread.send("Performance.getMetrics")["metrics"]}
    return {ours: told[theirs] for ours, theirs in THREAD.items()}


def cost_table(found: dict[str, ChangeCosts]) -> Table:
    """A row a figure, a column a case."""
    told = Table("a change", *found, box=None)
    rows = {
        "to the first verdict, s": "first",
        "to the full verdict, s": "full",
        "messages to the full verdict": "messages",
        "kB to the full verdict": "kb",
        "messages until the page is at rest": "rest_messages",
        "kB until the page is at rest": "rest_kb",
        "processor s of the server": "server_s",
        "processor s of the workers": "workers_s",
        "processor s of the browser": "browser_s",
        "the page's main thread: scripts, s": "script_s",
        "styles, s": "style_s",
        "layout, s": "layout_s",
        "all of its tasks, s": "tasks_s",
        "back to a known design, s": "known",
    }
    for what, name in rows.items():
        told.add_row(what, *(spread(getattr(one, name)) for one in found.values()))
    return told


def table(people: int, found: dict[tuple[int, int], Measured]) -> Table:
    """A row a figure, a column a size of the window."""
    heads = [f"{width} x {height}" for width, height in found]
    told = Table("one person" if people == 1 else f"{people} people at once, each with another choice", *heads, box=None)
    rows: dict[str, Callable[[Measured], list[float] | list[int]]] = {
        "opening the case to the first verdict, s": lambda one: one.opened,
        "a change to the first verdict, s": lambda one: one.first,
        "a change to the full verdict, s": lambda one: one.full,
        "steps from a change to its verdict": lambda one: one.steps,
        "choices in view with the verdicts": lambda one: one.in_view,
    }
    for what, of in rows.items():
        told.add_row(what, *(spread(of(one)) for one in found.values()))
    return told


def spread(figures: list[float] | list[int]) -> str:
    """The median, and from where to where all are: `0.82 (0.75 to 1.1)`."""
    low, high = min(figures), max(figures)
    return f"{median(figures):.3g}" + (f" ({low:.2g} to {high:.2g})" if high > low else "")


if __name__ == "__main__":
    main()
