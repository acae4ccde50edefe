"""`python -m benchmarks`: the skin-cancer case and a textbook queue, in requests a second."""

from __future__ import annotations

import cProfile
import os
import pstats
import tracemalloc
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks import mm1
from simulator import compile_plan, load, simulate
from simulator.analysis.replicate import replicate
from simulator.scenario.schema import Scenario
from simulator.serving.plan import Plan

CASE, PATIENTS = "skin-cancer-triage", 100_000
out = Console()


def main() -> None:
    """Print what the machine at hand manages, or with --profile where the time goes."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show the ten functions that take most of a run")
    if parser.parse_args().profile:
        profile()
    else:
        out.print(case_table(), queue_table())


def case_table() -> Table:
    """The case: one replication on one core, and a whole run on all cores."""
    table = Table("skin-cancer triage", "requests", "seconds", "requests/s", box=None)
    per_day = load(CASE).arrivals.per_day.value
    for what, days in ((f"one core, {per_day:,.0f} patients a day", PATIENTS / per_day), ("one core, all in one day", 1.0)):
        plan = sized(days)
        requests, seconds = min((timed(plan) for _ in range(3)), key=lambda run: run[1])
        table.add_row(what, *figures(requests, seconds))
    table.add_row(*replications())
    table.add_row("memory at the peak, all in one day", "", "", f"{bytes_per_request(sized(1.0)):,.0f} B a request")
    return table


def queue_table() -> Table:
    """The same queue in three simulators, and in theory."""
    table = Table("M/M/1, load 0.8, one core", "requests", "seconds", "requests/s", "mean wait s", box=None)
    for result in mm1.results():
        table.add_row(result.name, *figures(result.requests, result.seconds), f"{result.mean_wait_s:.6f}")
    table.add_row("theory, for ever", "", "", "", f"{mm1.theory():.6f}")
    return table


def sized(days: float) -> Plan:
    """The case's default design with PATIENTS arriving evenly over `days` days."""
    changes = {("run", "days"): (days, ()), ("arrivals", "per_day", "value"): (PATIENTS / days, ())}
    return compile_plan(Scenario.of(load(CASE).document.patched(changes)))


def timed(plan: Plan) -> tuple[int, float]:
    """Requests of one replication and the seconds it took."""
    start = perf_counter()
    trace = simulate(plan, seed=1)
    return trace.columns.n, perf_counter() - start


def replications() -> tuple[str, ...]:
    """A run as `casesim run` makes it: every replication simulated and measured, the start of the workers included."""
    plan = compile_plan(load(CASE))
    start = perf_counter()
    with ProcessPoolExecutor() as executor:
        summary = replicate(plan, 1, executor=executor)
    what = f"{os.cpu_count()} cores, {summary.replications} replications and metrics"
    return what, *figures(summary.requests, perf_counter() - start)


def bytes_per_request(plan: Plan) -> float:
    """Memory that one replication takes at its peak, for each request."""
    tracemalloc.start()
    requests = simulate(plan, seed=1).columns.n
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / requests


def figures(requests: int, seconds: float) -> tuple[str, str, str]:
    """Three cells of a row."""
    return f"{requests:,}", f"{seconds:.2f}", f"{requests / seconds:,.0f}"


def profile() -> None:
    """Where the time of one replication goes."""
    plan = sized(1.0)
    profiler = cProfile.Profile()
    profiler.runcall(simulate, plan, seed=1)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(10)


if __name__ == "__main__":
    main()
