"""`python -m benchmarks.memory`: the memory of a server and of its workers while they run one new design after the other."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from concurrent.futures import wait
from itertools import islice
from random import Random

import psutil
from rich.console import Console

from simulator.app.jobs import Registry, Watcher
from simulator.app.workers import Workers
from simulator.case.document import ScenarioError
from simulator.case.load import load
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.limits import MIB

CASE, DESIGNS, PARTS, REPLICATIONS = "skin-cancer-triage", 500, 10, 4
#: The most that the second half of the designs may add to the memory of the server, or of one worker (MiB).
BOUND = 32
out = Console(width=100)


def main() -> None:
    """Print a line for each tenth of the designs; exit with 1 where the second half adds more than the bound."""
    parser = ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--designs", type=int, default=DESIGNS, help=f"of {CASE}, {REPLICATIONS} replications each")
    asked = parser.parse_args()
    if asked.designs < PARTS:
        parser.error(f"--designs {asked.designs}: expected at least {PARTS}, one for each line")
    workers = Workers()
    try:
        used = memory_over(Registry(workers), asked.designs)
    finally:
        workers.stop()
    grown = max(last - half for half, last in zip(used[PARTS // 2 - 1], used[-1], strict=True))
    out.print(f"The second half adds {grown:.0f} MiB at most to one process; the bound is {BOUND}.")
    sys.exit(grown > BOUND)


def memory_over(registry: Registry, count: int) -> list[list[float]]:
    """Return the memory of the server and of each worker after each tenth of the designs (MiB), and print it."""
    watcher, used = Watcher("one", "a tab"), list[list[float]]()
    for number, plan in enumerate(islice(designs(Random(1)), count), start=1):
        job = registry.live(watcher, plan, 1, REPLICATIONS)
        wait(job.futures)
        _ = job.shown
        if number % max(count // PARTS, 1) == 0:
            server, *others = memory()
            used.append([server, *others])
            out.print(f"{number} designs: server {server:.0f} MiB, workers {', '.join(f'{one:.0f}' for one in others)} MiB")
    return used


def designs(rng: Random) -> Iterator[Plan]:
    """Yield endless designs of the case that can run, each another one."""
    case, seen = load(CASE), set[str]()
    while True:
        names = rng.sample(sorted(case.choices), 4)
        try:
            plan = compile_plan(case, {name: rng.choice(list(case.choices[name].picks())) for name in names})
        except ScenarioError:
            continue
        if (name := repr(plan.design)) not in seen:
            seen.add(name)
            yield plan


def memory() -> list[float]:
    """Return the resident memory of this process and of each of its workers (MiB)."""
    gc.collect()
    server = psutil.Process()
    workers = sorted((one for one in server.children() if "spawn_main" in " ".join(one.cmdline())), key=lambda one: one.pid)
    return [one.memory_info().rss / MIB for one in (server, *workers)]


if __name__ == "__main__":
    main()
