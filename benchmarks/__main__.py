"""`python -m benchmarks`: requests a second beside other simulators, the skin-cancer case, growth and memory."""

from __future__ import annotations

import cProfile
import os
import pstats
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter, process_time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import sweeps
from benchmarks.case import CASE, GROWING, resident_bytes, skin, traced_bytes
from benchmarks.feedback import WORKLOADS, FeedbackDrawn, ends_of, textbook, visits_of
from benchmarks.peers import PEERS, Peer, simpy_one_by_one
from benchmarks.workloads import BATCHES, ONE_BY_ONE, Workload
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.engine.run import Run, simulate
from simulator.metrics.replications import run_replications
from simulator.metrics.summary import summary_of
from simulator.records.streams import Streams

REPEATS = 3
SIZES, LARGE = (10_000, 100_000, 1_000_000), 10_000_000
out = Console(width=130)


def main() -> None:
    """Print what the machine at hand manages, or with --profile where the time goes."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--large", action="store_true", help=f"grow to {LARGE:,} requests, and sweeps to 10,000 points, as well"
    )
    parser.add_argument("--profile", action="store_true", help="show the ten functions that take most of a run")
    asked = parser.parse_args()
    if asked.profile:
        for name, plan in GROWING.items():
            out.print(name)
            profile(lambda plan=plan: simulate(plan(100_000), seed=1))
        return
    out.print(f"On one core; the least processor time of {REPEATS} runs.\n")
    for workload, which in ((ONE_BY_ONE, 1), (BATCHES, 2)):
        out.print(beside_peers(workload, [(peer[0], peer[which], *peer[3:]) for peer in PEERS]), "")
    out.print(case_table(), "")
    out.print(f"The skin-cancer case makes {ratio():.2f} times as many requests a second as SimPy on {ONE_BY_ONE.title}.\n")
    out.print(growth_table([*SIZES, LARGE] if asked.large else list(SIZES)), "")
    out.print(feedback_table(), "")
    sweeps.main(asked.large)


def beside_peers(workload: Workload, peers: list[tuple[str, Peer | None, bool, str, int]]) -> Table:
    """Each simulator on the same requests; raises AssertionError where one finds other waits."""
    columns = "requests", "seconds", "requests/s", "CaseSim is faster by", "mean wait s"
    table = Table(workload.title, *columns, box=None)
    plan = workload.plan()
    seconds, trace = best(lambda: simulate(plan))
    drawn = workload.drawn
    ours = trace.columns.n / seconds
    table.add_row("CaseSim, an event a batch", *figures(trace.columns.n, seconds), "", f"{drawn.waits.mean():.6f}")
    for name, run, installed, why_not, most in peers:
        if run is None or not installed:
            table.add_row(name, "", "", "", "", why_not or "has no batches")
            continue
        few = drawn.first(most)
        seconds, waits = best(lambda run=run, few=few: run(few))
        assert np.allclose(waits, few.waits, atol=1e-6), f"{name} finds other waits"
        count = len(waits)
        same = f"{waits.mean():.6f}, request by request as above"
        table.add_row(name, *figures(count, seconds), f"{ours / (count / seconds):.0f} x", same)
    table.add_row("theory, for ever", "", "", "", "", f"{workload.theory:.6f}")
    return table


def case_table() -> Table:
    """The case: one replication on one core, and a whole run on all cores."""
    table = Table("skin-cancer triage", "requests", "seconds", "requests/s", box=None)
    for what, days in (("at its own rate", None), ("all in one day", 1.0)):
        plan = skin(100_000, days)
        seconds, trace = best(lambda plan=plan: simulate(plan, seed=1))
        table.add_row(f"one core, {what}", *figures(trace.columns.n, seconds))
    table.add_row(*replications())
    return table


def ratio() -> float:
    """How many times as many requests a second the whole case makes as SimPy alone; both in turn, on the machine as it is."""
    case, alone = skin(100_000), ONE_BY_ONE.drawn.first(100_000)
    ours, theirs = [], []
    for _ in range(2 * REPEATS):
        seconds, trace = best(lambda: simulate(case, seed=1), 1)
        ours.append(seconds / trace.columns.n)
        seconds, waits = best(lambda: simpy_one_by_one(alone), 1)
        theirs.append(seconds / len(waits))
    return min(theirs) / min(ours)


def replications() -> tuple[str, ...]:
    """A run as `casesim run` makes it: every replication simulated and measured, the start of the workers included."""
    plan = compile_plan(load(CASE))
    start = perf_counter()
    with ProcessPoolExecutor() as executor:
        summary = summary_of(plan, 1, run_replications(plan, 1, executor=executor))
    what = f"{os.cpu_count()} cores, {summary.replications} replications and metrics"
    return what, *figures(summary.requests, perf_counter() - start)


def growth_table(sizes: list[int]) -> Table:
    """What a request costs as there are more of them: time, and memory at the peak."""
    table = Table("growth, one core", "requests", "seconds", "requests/s", "us a request", "bytes a request", box=None)
    for name, grown in GROWING.items():
        for size in sizes:
            plan = grown(size)
            seconds, requests = best(lambda plan=plan: simulate(plan, seed=1).columns.n)
            row = name, *figures(requests, seconds), f"{1e6 * seconds / requests:.2f}"
            table.add_row(*row, ", ".join(memory(name, size)))
    return table


def feedback_table() -> Table:
    """Each policy that sends requests back, beside processes in SimPy; raises AssertionError where one finds another end."""
    columns = "requests", "visits", "us a visit", "SimPy, us a visit", "CaseSim is faster by"
    table = Table("feedback", *columns, box=None)
    sizes = [(workload, SIZES[1]) for workload in WORKLOADS] + [(WORKLOADS[-1], size) for size in (SIZES[0], SIZES[2])]
    for workload, size in sizes:
        plan = workload.plan(size)
        drawn = FeedbackDrawn(Run(plan, Streams(1)))
        seconds, trace = best(lambda plan=plan: simulate(plan, seed=1))
        theirs, (ended, answered) = best(lambda workload=workload, drawn=drawn: textbook(workload, drawn), 1)
        finished, done = ends_of(trace)
        assert np.allclose(ended, finished, atol=1e-6), f"{workload.title}: SimPy finds other ends"
        assert np.array_equal(answered, done), f"{workload.title}: SimPy finds other ends"
        visits = visits_of(trace)
        each = f"{1e6 * seconds / visits:.2f}", f"{1e6 * theirs / visits:.2f}"
        table.add_row(workload.title, f"{trace.columns.n:,}", f"{visits:,}", *each, f"{theirs / seconds:.1f} x")
    return table


def memory(name: str, size: int) -> Iterator[str]:
    """Bytes a request: what the engine allocates, and in a large run by how much the whole process grows."""
    if size < LARGE:
        yield f"{traced_bytes(GROWING[name](size)):,.0f} allocated"
    if size > SIZES[1]:
        yield f"{resident_bytes(name, size):,.0f} resident"


def best(run: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """The least processor time of some runs in s, little touched by other work, and what the last returned."""
    seconds = []
    for _ in range(repeats):
        start = process_time()
        found = run()
        seconds.append(process_time() - start)
    return min(seconds), found


def figures(requests: int, seconds: float) -> tuple[str, str, str]:
    """Three cells of a row."""
    return f"{requests:,}", f"{seconds:.3f}", f"{requests / seconds:,.0f}"


def profile(run: Callable[[], Any]) -> None:
    """Where the time of one replication goes."""
    profiler = cProfile.Profile()
    profiler.runcall(run)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(10)


if __name__ == "__main__":
    main()
