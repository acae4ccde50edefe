"""`python -m benchmarks.crowd`: many people on one server, each changing a choice every few seconds, and what they meet.

They are clients that speak Streamlit's protocol, and a few of them browsers, to see that the clients tell the truth. A verdict
that has not come when its person changes something else counts as longer than that.
"""

from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice
from math import inf, isfinite
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.crowd.footprint import Footprint, busy, serving, watched
from benchmarks.crowd.people import SEEDS, Client, InBrowser, Met, Pace, Person, Walk, spend
from simulator.intervals import quantile_interval
from tests.browser.serving import served

#: From the last person's leaving to the last look at memory (s): Streamlit keeps the session of a closed tab for two minutes.
LEFT_S = 130.0

#: No wait is longer in the arithmetic of quantiles, which knows no infinity.
LONGEST_S = 1e9

#: Runs that one visitor makes, visitors at once, and replications of a run, where memory over many runs is looked at. Runs are
#: short, so that there are many; together they still take several times what a server keeps.
RUNS_EACH, AT_ONCE, REPLICATIONS = 10, 4, 6

out = Console(width=150)


@dataclass(frozen=True)
class Crowd:
    """What so many people met at once.

    before, peak, after: memory in bytes; cores: busy ones on average, of the pages, of the runs and of the clients here
    """

    people: int
    met: list[Met]
    browsers: list[Met]
    before: int
    peak: int
    after: int
    cores: list[float]

    @property
    def everyone(self) -> list[Met]:
        return self.met + self.browsers

    @property
    def faults(self) -> list[str]:
        return [fault for one in self.everyone for fault in one.faults]

    @property
    def fairness(self) -> float:
        """The median time to the first verdict of whoever waits longest, over that of the person in the middle."""
        middles = [one.middle_s for one in self.everyone]
        return max(middles) / median(middles) if isfinite(median(middles)) else inf


def main() -> None:
    """Print a table with a column for each number of people, and what memory does over many runs."""
    asked = parsed()
    pace = Pace(asked.every, asked.seconds, asked.patient)
    found = []
    for people in asked.people:
        with app(asked.of) as address:
            found.append(asyncio.run(crowd(address, people, min(asked.browsers, people), pace, asked.same, asked.left)))
        if not asked.json:
            out.print(table(found[-1:], pace), *found[-1].faults[:5], sep="\n")
    grown = []
    if asked.runs:
        with app(asked.of) as address:
            grown = asyncio.run(memory_over(asked.runs, address, asked.left))
    if asked.json:
        print(json.dumps({"pace": asdict(pace), "crowds": [asdict(one) for one in found], "memory": grown}))
        return
    if len(found) > 1:
        out.print(table(found, pace))
    if grown:
        out.print(memory_table(grown))


def parsed() -> Namespace:
    """What is asked for."""
    parser = ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--people", type=whole_numbers, default=[1, 4, 16, 32], help="how many at once, such as 1,4,16,32")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long they change things")
    parser.add_argument("--every", type=float, default=10.0, help="seconds from a change to the next")
    parser.add_argument("--browsers", type=int, default=2, help="how many of them sit at a browser, at most")
    parser.add_argument("--patient", action="store_true", help="they wait for the full verdict before they change something")
    parser.add_argument("--same", action="store_true", help="all make the same changes under the same seed: results are shared")
    parser.add_argument("--runs", type=int, default=500, help="look at memory over so many runs; 0 leaves it out")
    parser.add_argument("--left", type=float, default=LEFT_S, help="seconds after all have left until memory is looked at")
    parser.add_argument("--of", type=Path, help="another checkout, whose app is measured")
    parser.add_argument("--json", action="store_true", help="print all that was met as one object")
    return parser.parse_args()


def whole_numbers(given: str) -> list[int]:
    """`1,4,16` as numbers."""
    return [int(one) for one in given.split(",")]


@contextmanager
def app(checkout: Path | None) -> Iterator[str]:
    """The address of an app of its own, with nothing remembered from before."""
    with TemporaryDirectory() as folder:
        own = {"XDG_DATA_HOME": folder, "CASESIM_DATABASE": f"sqlite:///{folder}/casesim.db"}
        if checkout:
            own["PYTHONPATH"] = str(checkout.resolve())
        with served(Path(folder), **own) as address:
            yield address


async def crowd(address: str, people: int, browsers: int, pace: Pace, same: bool, left_s: float) -> Crowd:
    """Let people in, and out again; one visitor comes before them, so that everything has been started."""
    server = serving(address)
    await visited(address, 0, None)
    seeds = [next(SEEDS)] * people if same else list(islice(SEEDS, people))
    everyone: list[Person] = [(InBrowser if place < browsers else Client)(address, seed) for place, seed in enumerate(seeds)]
    async with watched(server) as seen:
        met = await spend(everyone, [Walk(seed) for seed in seeds], pace)
    await asyncio.sleep(left_s)
    memory = [one.memory_bytes for one in seen]
    return Crowd(people, met[browsers:], met[:browsers], memory[0], max(memory), Footprint.of(server).memory_bytes, busy(seen))


async def visited(address: str, runs: int, replications: int | None) -> list[str]:
    """Somebody opens the page, changes something as soon as its verdict is there, so many times, and leaves; the errors."""
    seed = next(SEEDS)
    (met,) = await spend([Client(address, seed, replications)], [Walk(seed)], Pace(0.0, inf, patient=True, most=runs))
    return met.faults


async def memory_over(runs: int, address: str, left_s: float) -> list[tuple[int, int]]:
    """Pairs of runs made so far and bytes of memory, while visitors come, make some runs each, and leave."""
    server = serving(address)
    await visited(address, 0, REPLICATIONS)
    grown = [(0, Footprint.of(server).memory_bytes)]
    while grown[-1][0] < runs:
        faults = await asyncio.gather(*(visited(address, RUNS_EACH, REPLICATIONS) for _ in range(AT_ONCE)))
        if any(faults):
            out.print("Memory over many runs:", *chain(*faults), sep="\n")
        grown.append((grown[-1][0] + RUNS_EACH * AT_ONCE, Footprint.of(server).memory_bytes))
    await asyncio.sleep(left_s)
    return [*grown, (grown[-1][0], Footprint.of(server).memory_bytes)]


def table(found: list[Crowd], pace: Pace) -> Table:
    """A row a figure, a column a number of people."""
    told = Table(f"a change every {pace.every_s:g} s for {pace.seconds:g} s", box=None)
    for one in found:
        told.add_column("one person" if one.people == 1 else f"{one.people} people")
    firsts = [[change.first_s for met in one.everyone for change in met.changes] for one in found]
    fulls = [[change.full_s for met in one.everyone for change in met.changes] for one in found]
    most = inf if pace.patient else pace.every_s
    for what, sets in (("first", firsts), ("full", fulls)):
        for share in (0.5, 0.95):
            told.add_row(f"to the {what} verdict, p{100 * share:g}, s", *(quantile(one, share, most) for one in sets))
        told.add_row(f"the longest to the {what} verdict, s", *(seconds(max(one, default=inf), most) for one in sets))
        told.add_row(f"changes whose {what} verdict came", *(came(one) for one in sets))
    told.add_row("opening the page, median, s", *(seconds(median(met.opened_s for met in one.everyone), inf) for one in found))
    told.add_row("fairness: the longest median over the middle one", *(f"{one.fairness:.2f}" for one in found))
    told.add_row("errors", *(str(len(one.faults)) for one in found))
    told.add_row("memory before, at its peak, after, MB", *(megabytes(one.before, one.peak, one.after) for one in found))
    told.add_row("cores busy with pages, runs, clients", *(", ".join(f"{one:.2f}" for one in crowd.cores) for crowd in found))
    told.add_row("median of browsers, clients, s", *(sides(one, most) for one in found))
    return told


def quantile(sample: list[float], share: float, most: float) -> str:
    """A quantile with its 95% interval; what has not come within the most is longer than that."""
    if not sample:
        return ""
    found = quantile_interval([min(one, most, LONGEST_S) for one in sample], share)
    return f"{seconds(found.value, most)} ({seconds(found.low, most)} to {seconds(found.high, most)})"


def seconds(value: float, most: float) -> str:
    """`2.1`, `> 10`, or nothing where no bound can be told."""
    if abs(value) == inf and most == inf:
        return "?"
    return f"> {most:g}" if value >= most else f"{value:.2g}" if value >= 0 else "?"


def came(sample: list[float]) -> str:
    """How many of all came in time: `118 of 120`."""
    return f"{sum(map(isfinite, sample))} of {len(sample)}"


def sides(one: Crowd, most: float) -> str:
    """The median time to the first verdict in browsers and of clients, which speak for them."""
    groups = [[change.first_s for met in side for change in met.changes] for side in (one.browsers, one.met)]
    return ", ".join(seconds(median(group), most) if group else "none" for group in groups)


def megabytes(*sizes: int) -> str:
    return ", ".join(f"{size / 1e6:,.0f}" for size in sizes)


def memory_table(grown: list[tuple[int, int]]) -> Table:
    """Memory while visitors come and go; the last row is some time after all have left."""
    told = Table(f"{AT_ONCE} visitors at once, {RUNS_EACH} runs each, {REPLICATIONS} replications a run", box=None)
    told.add_column("runs")
    told.add_column("memory, MB")
    for runs, size in grown:
        told.add_row(str(runs), megabytes(size))
    return told


if __name__ == "__main__":
    main()
