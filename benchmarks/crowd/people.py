"""People who change one choice after the other, as clients that speak the protocol or in browsers, and what they meet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, repeat
from math import inf
from random import Random
from statistics import median
from time import perf_counter
from typing import ParamSpec, Protocol, TypeVar

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

from benchmarks.browser import CASE, CHANGES, PATIENCE_MS, SIZES, Workbench, chromium, visit
from benchmarks.crowd.tab import Shown, Tab, opened
from simulator.case.choices import Number

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_S = PATIENCE_MS / 1000

#: The keys of a slider, by the direction.
KEYS = {1: "ArrowRight", -1: "ArrowLeft"}

#: Of the case's seeds, those that nobody else here uses.
SEEDS = count(10_001)


@dataclass(frozen=True)
class Change:
    """Seconds from a change to the first and to the full verdict; infinite where the person went on without."""

    first_s: float
    full_s: float


@dataclass
class Met:
    """What one person met: seconds from the address to the full verdict, the changes, and what went wrong."""

    opened_s: float = inf
    changes: list[Change] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def middle_s(self) -> float:
        """The median time to the first verdict; infinite without any."""
        return median([change.first_s for change in self.changes] or [inf])


@dataclass(frozen=True)
class Pace:
    """When people change something: every so many seconds for so long.

    patient: whether they wait for the full verdict first, if that takes longer; most: the most changes of a person
    """

    every_s: float
    seconds: float
    patient: bool = False
    most: int = 1_000_000


class Walk:
    """One person's changes: each moves a choice by a step, to a design where the person has not been."""

    def __init__(self, seed: int) -> None:
        numbers = {one.label: one for one in CASE.choices.values() if isinstance(one, Number)}
        steps = {label: _steps(numbers[label]) for label in CHANGES}
        self._random = Random(seed)
        self._last = {label: last for label, (last, _) in steps.items()}
        self._places = {label: place for label, (_, place) in steps.items()}
        self._been = {tuple(self._places.values())}

    def step(self) -> tuple[str, int]:
        """The next change: the label of a choice, and 1 or -1."""
        moves = [(label, by) for label in self._places for by in KEYS if 0 <= self._places[label] + by <= self._last[label]]
        self._random.shuffle(moves)
        label, by = next((move for move in moves if self._after(*move) not in self._been), moves[0])
        self._places[label] += by
        self._been.add(tuple(self._places.values()))
        return label, by

    def _after(self, label: str, by: int) -> tuple[int, ...]:
        return tuple((self._places | {label: self._places[label] + by}).values())


def _steps(choice: Number) -> tuple[int, int]:
    """The last place of a choice's slider, counted from 0, and the place of its default."""
    if choice.values is not None:
        return len(choice.values) - 1, choice.values.index(choice.default)
    low, high, step = choice.min or 0.0, choice.max or 0.0, choice.step or 1.0
    return round((high - low) / step), round((float(choice.default) - low) / step)


class Person(Protocol):
    """Somebody at the practice page."""

    async def open(self) -> None:
        """Open the case, and wait for the full verdict of its default design."""

    async def change(self, label: str, by: int, patience_s: float) -> Change:
        """Move a choice by one step, and wait for the full verdict for as long as that."""

    async def leave(self) -> list[str]:
        """Close the page; the errors that it showed."""


class Client:
    """A person without a browser; replications: of each run, the case's own unless given."""

    def __init__(self, address: str, seed: int, replications: int | None = None) -> None:
        self._address, self._seed, self._replications = address, seed, replications
        self._stack = AsyncExitStack()
        self._known = ""
        self._tab: Tab | None = None

    @property
    def tab(self) -> Tab:
        """The page, once it is open."""
        assert self._tab is not None
        return self._tab

    async def open(self) -> None:
        query = f"case={CASE.id}&seed={self._seed}" + (f"&replications={self._replications}" if self._replications else "")
        self._tab = await self._stack.enter_async_context(opened(self._address, "practice", query))
        self._known = (await self.tab.until(lambda: _full(self.tab.said), PATIENCE_S, "the full verdict")).verdict
        await self.tab.until(lambda: self.tab.settled, PATIENCE_S, "the end of the page's drawing")

    async def change(self, label: str, by: int, patience_s: float) -> Change:
        told = len(self.tab.said)

        def new() -> list[Shown]:
            return [one for one in self.tab.said[told:] if one.fresh and one.verdict not in ("", self._known)]

        at = await self.tab.move(label, by)
        with suppress(TimeoutError):
            await self.tab.until(lambda: _full(new()), patience_s)
        verdicts, full = new(), _full(new())
        self._known = full.verdict if full else self._known
        return Change(verdicts[0].at - at if verdicts else inf, full.at - at if full else inf)

    async def leave(self) -> list[str]:
        await self._stack.aclose()
        return self._tab.faults if self._tab else []


def _full(said: list[Shown]) -> Shown | None:
    """The first verdict that rests on all replications."""
    return next((one for one in said if len(one.verdict) == len("0123456789ab")), None)


class InBrowser:
    """A person with a browser of their own, which a thread drives."""

    def __init__(self, address: str, seed: int) -> None:
        self._url = f"{address}/practice?case={CASE.id}&seed={seed}"
        self._thread = ThreadPoolExecutor(1)
        self._stack = ExitStack()
        self._known = ""
        self._person: Workbench | None = None

    async def open(self) -> None:
        await self._do(self._open)

    async def change(self, label: str, by: int, patience_s: float) -> Change:
        return await self._do(self._change, label, by, patience_s)

    async def leave(self) -> list[str]:
        faults = await self._do(self._leave)
        self._thread.shutdown()
        return faults

    async def _do(self, what: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(what, *arguments, **named))

    def _open(self) -> None:
        browser = self._stack.enter_context(chromium())
        self._person = Workbench(self._stack.enter_context(visit(browser, self._url, SIZES[0])))
        self._known = self._person.wait()
        for choice in CHANGES:
            self._person.slider(choice)

    def _change(self, label: str, by: int, patience_s: float) -> Change:
        person, before = self._person, self._known
        assert person is not None
        slider = person.slider(label)
        person.page.evaluate("kept.acts = []")
        person.press(slider, KEYS[by])
        with suppress(BrowserTimeout):
            self._known = person.wait(before, patience_s * 1000)
        return Change(*person.times(before))

    def _leave(self) -> list[str]:
        with self._stack:
            return self._person.page.get_by_test_id("stException").all_inner_texts() if self._person else []


async def spend(people: list[Person], walks: Sequence[Walk], pace: Pace) -> list[Met]:
    """What people meet who all open the page at once, and once all are in change something, each at their own beat."""
    met = await asyncio.gather(*map(_enter, people))
    begin, apart = perf_counter(), pace.every_s / len(people)
    starts = [begin + apart * place for place in range(len(people))]
    await asyncio.gather(*map(_stay, people, walks, met, starts, repeat(pace)))
    for one, person in zip(met, people, strict=True):
        one.faults += await person.leave()
    return met


async def _enter(person: Person) -> Met:
    met, asked = Met(), perf_counter()
    with _told(met):
        await person.open()
        met.opened_s = perf_counter() - asked
    return met


async def _stay(person: Person, walk: Walk, met: Met, begin: float, pace: Pace) -> None:
    beat = begin
    with _told(met):
        while not met.faults and beat < begin + pace.seconds and len(met.changes) < pace.most:
            await asyncio.sleep(beat - perf_counter())
            met.changes.append(await person.change(*walk.step(), PATIENCE_S if pace.patient else pace.every_s))
            beat += pace.every_s
            if pace.patient:
                beat = max(beat, perf_counter())


@contextmanager
def _told(met: Met) -> Iterator[None]:
    """What ends a person's visit is one of the errors that they met."""
    try:
        yield
    except (OSError, TimeoutError, BrowserError) as error:  # LostError is an OSError
        met.faults.append(f"{type(error).__name__}: {error}")
