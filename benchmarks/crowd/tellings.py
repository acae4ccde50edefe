"""`python -m benchmarks.crowd.tellings`: what an interviewer does in a room, and the pages of real browsers that never show it.

A candidate and an observer sit in rooms of one server, beside processes that do nothing but work. Curveballs, hints, answers
and panels come one after another; with each, the candidate moves a box, which has every page of the server look at once. What a
page does not show in time counts as missing; so does an edit that the log lacks at the end of its room.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from multiprocessing import get_context
from time import perf_counter

from playwright.sync_api import Browser, Locator, Page, TimeoutError, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.crowd.rooms import app, share
from simulator.app.store.room_log import RoomLog
from simulator.case.exhibits import EXHIBITS
from simulator.case.load import load
from simulator.case.phases import phases_of
from simulator.engine.compiled_plan import case_hash
from simulator.rooms.live_room import LiveRoom
from simulator.rooms.room_doors import link_path
from simulator.rooms.room_events import PanelPushed, QuestionAnswered, RoomOpened
from simulator.rooms.room_view import drawable
from simulator.session.event_log import AnyEvent, Role
from simulator.session.session_events import CurveballStruck, HintTaken, QuestionAsked
from tests.browser.serving import ARGS, installed

CASE = load("skin-cancer-triage")
ROLES: tuple[Role, ...] = ("candidate", "observer")
out = Console(width=150)


@dataclass(frozen=True)
class Telling:
    """Something that happens in a room. words: what each page then shows, in an alert where `alert` is true."""

    kind: str
    event: AnyEvent
    words: str
    alert: bool = False

    def on(self, page: Page) -> Locator:
        return (page.get_by_role("alert").filter(has_text=self.words) if self.alert else page.get_by_text(self.words)).first


@dataclass
class Met:
    """Seconds from each telling to a page, by kind; None for what did not come. edits: sent, and those that were lost."""

    waits: dict[tuple[str, str], list[float | None]] = field(default_factory=dict)
    edits: int = 0
    lost: int = 0


def tellings(live: LiveRoom) -> Iterator[Telling]:
    """All curveballs of a room, with a hint, an answer and a panel behind each."""
    phases = [phase for phase in phases_of(CASE) if phase.hints]
    panels = cycle(drawable(CASE))
    for place, (name, ball) in enumerate(CASE.curveballs.items()):
        strike = CurveballStruck(curveball=name, at_s=ball.usual_time(CASE))
        yield Telling("curveball", strike, ball.label, alert=True)
        phase, step = phases[place % len(phases)], 1 + place // len(phases)
        hint = phase.hints[step - 1]
        words = hint.question or hint.step or hint.text or ""
        yield Telling("hint", HintTaken(phase=phase.id, step=step), words[:60])
        live.take("candidate", QuestionAsked(words=f"Question {place}?"))
        asked = live.state.questions[-1].place
        yield Telling("answer", QuestionAnswered(question=asked, text=f"Answer {place}."), f"Answer {place}.")
        panel = next(panels)
        yield Telling("panel", PanelPushed(panel=panel, lead=True), f"both see “{EXHIBITS[panel].label}”")


def interview(browser: Browser, address: str, database: str, count: int, patience_s: float, met: Met) -> int:
    """Lead an interview in a new room with at most `count` tellings; return their number."""
    log = RoomLog(database)
    settings = CASE.id, CASE.version, case_hash(CASE), RoomOpened(), phases_of(CASE)[0].id
    made = log.create("", *settings, seed=1, minutes=60)
    live = LiveRoom(log, CASE, made.session.id)
    with entered(browser, [f"{address}/{link_path(made.keys[role])}" for role in ROLES]) as pages:
        box = pages[0].locator(".react-flow__node").first
        told = 0
        for telling in islice(tellings(live), count):
            begin, told = perf_counter(), told + 1
            live.take("interviewer", telling.event)
            with suppress(TimeoutError):  # a page without a board shows no telling either
                box.press("ArrowRight", timeout=1000 * patience_s)
                met.edits += 1
            for role, page in zip(ROLES, pages, strict=True):
                seen = shows(telling, page, patience_s)
                met.waits.setdefault((telling.kind, role), []).append(perf_counter() - begin if seen else None)
        pages[0].wait_for_timeout(3000)
        live.refresh()
        met.lost += not box.count() or drawn_x(box) != round(live.state.board(CASE).boxes[box.get_attribute("data-id") or ""].x)
    return told


def drawn_x(box: Locator) -> int:
    """Where a page draws a box from left to right."""
    return int(box.evaluate("node => Math.round(new DOMMatrix(getComputedStyle(node).transform).m41)"))


def shows(telling: Telling, page: Page, patience_s: float) -> bool:
    with suppress(TimeoutError):
        telling.on(page).wait_for(timeout=1000 * patience_s)
        return True
    return False


@contextmanager
def entered(browser: Browser, links: list[str]) -> Iterator[list[Page]]:
    """Pages of people of their own, in the room with its board."""
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce") for _ in links]
    pages = [context.new_page() for context in contexts]
    for page, link in zip(pages, links, strict=True):
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: out.print(f"An error on a page: {error}"))
        page.goto(link)
        page.locator(".react-flow__node").first.wait_for()
        page.locator("#verdicts .value").first.wait_for()
    yield pages
    for context in contexts:
        context.close()


def work() -> None:
    while True:
        pass


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that work meanwhile."""
    processes = [get_context("spawn").Process(target=work, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    yield
    for process in processes:
        process.kill()


def parsed() -> Namespace:
    """What is asked for."""
    parser = ArgumentParser(prog="python -m benchmarks.crowd.tellings", description=__doc__)
    parser.add_argument("--tellings", type=int, default=200)
    parser.add_argument("--busy", type=int, default=8, help="processes that work beside the browsers")
    parser.add_argument("--patience", type=float, default=30.0, help="longest wait for a telling (s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no room after this time")
    parser.add_argument("--port", type=int, default=0, help="the port of the server; 0 for a free one")
    return parser.parse_args()


def main() -> None:
    """Print what was told and what was not, by kind and page."""
    asked, met, told, begin = parsed(), Met(), 0, perf_counter()
    with app(asked.port) as (address, database), sync_playwright() as playwright, busy(asked.busy):
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGS)
        while told < asked.tellings and perf_counter() - begin < 60 * asked.minutes:
            told += interview(browser, address, database, asked.tellings - told, asked.patience, met)
        browser.close()
    table = Table("kind", "page", "told", "missing", "p50, p95, longest, s", box=None)
    for (kind, role), waits in met.waits.items():
        came = [wait for wait in waits if wait is not None]
        times = ", ".join(f"{share(came, part):.2f}" for part in (0.5, 0.95, 1.0))
        table.add_row(kind, role, str(len(waits)), str(len(waits) - len(came)), times)
    missing = sum(wait is None for wait in chain.from_iterable(met.waits.values()))
    out.print(
        table, f"{told} tellings: {missing} missing on a page. {met.edits} edits: {met.lost} rooms lack the last one.", sep="\n"
    )


if __name__ == "__main__":
    main()
