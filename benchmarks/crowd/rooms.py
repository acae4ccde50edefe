"""`python -m benchmarks.crowd.rooms`: interview rooms of two people each on one server, over its real sockets.

Each room has an interviewer and a candidate, who enter by their links. Each moves a box every thirty seconds, and once a minute
the candidate changes a choice, so that a new design runs. Rooms have seeds of their own: no room finds another's result. What
does not come in time counts as infinite.
"""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from math import ceil, inf
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.crowd.footprint import busy, serving, watched
from benchmarks.crowd.tab import Tab, opened
from simulator.app.store.room_log import RoomLog
from simulator.board.box_fields import box_of_choice
from simulator.case.load import load
from simulator.case.phases import phases_of
from simulator.engine.compiled_plan import case_hash
from simulator.rooms.room_events import RoomOpened
from simulator.rooms.room_places import VARIABLE
from tests.browser.serving import free_port, started

CASE = load("skin-cancer-triage")

#: Choices that the candidate changes, with their values, and the box that each person moves.
VALUES: dict[str, list[float]] = {
    "operating_point": [0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99],
    "replicas": [1, 2, 3, 4, 5, 6],
    "dermatologists": [12, 13, 14, 15, 16, 17, 18],
    "decoders": [1, 2, 3, 4],
}
BOXES = {"interviewer": "clinic", "candidate": "decode"}

#: Time from one edit of a person to the next, and from one change that runs to the next of a room (s).
EDIT_S, RUN_S = 30.0, 60.0

#: The longest waits for an edit, a verdict and an open page (s).
EDIT_WAIT_S, RUN_WAIT_S, OPEN_WAIT_S = 20.0, 55.0, 240.0

#: The bars: 95% of the edits, and of the first verdicts, come within (s).
EDIT_BAR_S, VERDICT_BAR_S = 1.0, 3.0

SEEDS = count(20_001)
out = Console(width=150)


class RoomTab(Tab):
    """A page of a room. moved, judged: when a place of a box, and the first figures of a design, were there first."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.board = self.verdicts = self.design = ""
        self.moved: dict[tuple[str, float], float] = {}
        self.judged: dict[str, float] = {}
        self.full: set[str] = set()
        self.refused: list[str] = []
        self._numbers = count(1)

    def _component(self, content: Any, fragment: str) -> None:
        if isinstance(content, dict) and "bundle" in content:
            self.board = content["token"]
        if isinstance(content, dict) and "chips" in content:
            self.verdicts = content.get("token", "")
            self._judged(content.get("seen", ""), content)
        super()._component(content, fragment)

    def heard(self, token: str, revision: str, content: Any) -> None:
        if token == self.board:
            for box in content["boxes"]:
                self.moved.setdefault((box["id"], box["x"]), perf_counter())
        elif token == self.verdicts:
            self._judged(revision, content)

    def replied(self, token: str, reply: Any) -> None:
        self.refused += reply.get("refused", {}).values()

    def _judged(self, revision: str, content: Any) -> None:
        self.design = revision.partition(" ")[0]
        if content["chips"] and not content["stale"]:
            self.judged.setdefault(self.design, perf_counter())
            if not content["early"]:
                self.full.add(self.design)

    async def operate(self, operation: dict[str, Any]) -> float:
        """Send an operation on the board; when, in s of `perf_counter`."""
        at = perf_counter()
        await self.say(self.board, {"tab": f"tab{id(self)}", "operations": [{"number": next(self._numbers), "op": operation}]})
        return at


@dataclass
class MetRoom:
    """What a room met: seconds of edits and of first verdicts, of opening both pages, and errors."""

    edits: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    opened_s: float = inf
    faults: list[str] = field(default_factory=list)


class Room:
    """A room with two pages."""

    def __init__(self, log: RoomLog, address: str) -> None:
        self._seed, self._address = next(SEEDS), address
        made = log.create(
            "", CASE.id, CASE.version, case_hash(CASE), RoomOpened(), phases_of(CASE)[0].id, seed=self._seed, minutes=60
        )
        self._id, self._keys = made.session.id, made.keys
        self._stack, self._tabs = AsyncExitStack(), dict[str, RoomTab]()
        self._random, self._picks, self._places = Random(self._seed), dict(CASE.defaults()), count(100)
        self._been = {tuple(self._picks.values())}
        self.met = MetRoom()

    async def open(self) -> None:
        """Enter by both links, and wait for the whole first run."""
        at = perf_counter()
        with self._told():
            for role in BOXES:
                link, query = f"enter?key={self._keys[role]}", f"room={self._id}&as={role}"  # type: ignore[index]
                self._tabs[role] = await self._stack.enter_async_context(opened(self._address, "room", query, link, RoomTab))
            for tab in self._tabs.values():
                await tab.until(lambda tab=tab: tab.moved, OPEN_WAIT_S, "the board")
            self.met.opened_s = perf_counter() - at
            for tab in self._tabs.values():
                await tab.until(lambda tab=tab: tab.full, OPEN_WAIT_S, "the first run")

    async def stay(self, begin: float, shift: float, seconds: float) -> None:
        """Work for so long; shift: the room's share of the time between two changes, 0 to 1."""
        roles = enumerate(BOXES)
        edits = [
            self._each(begin + EDIT_S * ((shift + at / 2) % 1), EDIT_S, begin + seconds, self._edit, role) for at, role in roles
        ]
        runs = self._each(begin + RUN_S * shift, RUN_S, begin + seconds, self._change, "candidate")
        with self._told():
            await asyncio.gather(*edits, runs)

    async def leave(self) -> None:
        for tab in self._tabs.values():
            self.met.faults += [*tab.faults, *tab.refused]
        await self._stack.aclose()

    async def _each(self, at: float, every_s: float, end: float, act: Callable[[str], Any], role: str) -> None:
        while at < end:
            await asyncio.sleep(max(at - perf_counter(), 0.0))
            await act(role)
            at += every_s

    async def _edit(self, role: str) -> None:
        other = next(tab for name, tab in self._tabs.items() if name != role)
        wanted = BOXES[role], float(next(self._places))
        at = await self._tabs[role].operate({"op": "move", "box": wanted[0], "x": wanted[1], "y": 50})
        with suppress(TimeoutError):
            await other.until(lambda: wanted in other.moved, EDIT_WAIT_S)
        self.met.edits.append(other.moved.get(wanted, inf) - at)

    async def _change(self, role: str) -> None:
        tab = self._tabs[role]
        before, (name, value) = tab.design, self._next()
        box = box_of_choice(CASE, name)
        at = await tab.operate({"op": "set", "box": box, "field": f"choice:{name}", "value": value})
        with suppress(TimeoutError):
            await tab.until(lambda: tab.design != before and tab.design in tab.judged, RUN_WAIT_S)
        self.met.firsts.append(tab.judged.get(tab.design, inf) - at if tab.design != before else inf)

    def _next(self) -> tuple[str, float]:
        """The next change, to a design where the room has not been."""
        while True:
            name = self._random.choice(list(VALUES))
            value = self._random.choice(VALUES[name])
            picks = self._picks | {name: value}
            if tuple(picks.values()) not in self._been:
                self._picks = picks
                self._been.add(tuple(picks.values()))
                return name, value

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TimeoutError) as error:  # LostError is an OSError
            self.met.faults.append(f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Step:
    """What so many rooms met at once; cores: busy ones of pages, runs and clients; load: of the whole machine."""

    rooms: int
    met: list[MetRoom]
    cores: list[float]
    load: float

    @property
    def edits(self) -> list[float]:
        return [one for room in self.met for one in room.edits]

    @property
    def firsts(self) -> list[float]:
        return [one for room in self.met for one in room.firsts]

    @property
    def holds(self) -> bool:
        return share(self.edits, 0.95) <= EDIT_BAR_S and share(self.firsts, 0.95) <= VERDICT_BAR_S


def main() -> None:
    """Print a row for each number of rooms, until one of the bars is missed."""
    asked = parsed()
    told = Table("rooms", "edit p50, p95, longest, s", "first verdict p50, p95, s", "n", box=None)
    for title in ("opening, longest, s", "cores: pages, runs, clients", "load", "errors"):
        told.add_column(title)
    for rooms in asked.rooms:
        with app(asked.port) as (address, database):
            step = asyncio.run(measured(address, RoomLog(database), rooms, asked.seconds))
        told.add_row(*row(step))
        out.print(told, *[fault for one in step.met for fault in one.faults][:5], sep="\n")
        if not step.holds and not asked.go_on:
            return


def parsed() -> Namespace:
    """What is asked for."""
    parser = ArgumentParser(prog="python -m benchmarks.crowd.rooms", description=__doc__)
    parser.add_argument("--rooms", type=lambda given: [int(one) for one in given.split(",")], default=[1, 2, 4, 8, 16])
    parser.add_argument("--seconds", type=float, default=90.0, help="how long each step lasts")
    parser.add_argument("--port", type=int, default=0, help="the port of the server; 0 for a free one")
    parser.add_argument("--go-on", action="store_true", help="go on after a bar is missed")
    return parser.parse_args()


@contextmanager
def app(port: int) -> Iterator[tuple[str, str]]:
    """An app of its own: its address, and its database."""
    port = port or free_port()
    with TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/casesim.db"
        own = {"XDG_DATA_HOME": folder, "CASESIM_DATABASE": database, "CASESIM_RUNS": f"{folder}/runs", VARIABLE: "1000"}
        server = started(Path(folder), port, **own)
        try:
            yield f"http://127.0.0.1:{port}", database
        finally:
            server.terminate()
            server.wait(timeout=20)


async def measured(address: str, log: RoomLog, rooms: int, seconds: float) -> Step:
    """Let so many rooms in, and see what they meet; another room comes and goes before them."""
    first = Room(log, address)
    await first.open()
    await first.leave()
    found = [Room(log, address) for _ in range(rooms)]
    await asyncio.gather(*(room.open() for room in found))
    loads: list[float] = []
    async with watched(serving(address)) as seen:
        begin = perf_counter()
        await asyncio.gather(*(room.stay(begin, at / rooms, seconds) for at, room in enumerate(found)))
        loads.append(os.getloadavg()[0])
    for room in found:
        await room.leave()
    return Step(rooms, [room.met for room in found], busy(seen), loads[0])


def row(step: Step) -> tuple[str, ...]:
    """A row of the table."""
    edits = ", ".join(f"{one:.2f}" for one in (share(step.edits, 0.5), share(step.edits, 0.95), max(step.edits, default=inf)))
    firsts = ", ".join(f"{share(step.firsts, one):.2f}" for one in (0.5, 0.95))
    counted = f"{len(step.edits)}, {len(step.firsts)}"
    opening = f"{max(one.opened_s for one in step.met):.1f}"
    cores = ", ".join(f"{one:.2f}" for one in step.cores)
    return (
        str(step.rooms),
        edits,
        firsts,
        counted,
        opening,
        cores,
        f"{step.load:.1f}",
        str(sum(len(one.faults) for one in step.met)),
    )


def share(sample: list[float], part: float) -> float:
    """The least value that so large a part of a sample does not exceed."""
    return sorted(sample)[max(ceil(part * len(sample)) - 1, 0)] if sample else inf


if __name__ == "__main__":
    main()
