"""The skin-cancer case, and what a run costs as it grows: seconds and bytes a request."""

from __future__ import annotations

import multiprocessing
import re
import resource
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from benchmarks.workloads import BATCHES
from simulator.case.load import load
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate

CASE = "skin-cancer-triage"


def skin(requests: int, days: float | None = None) -> Plan:
    """The case's default design: so many patients within so many days, at its own rate if no days are given."""
    case = load(CASE)
    per_day = case.arrivals.per_day.value if days is None else requests / days
    rate = {("arrivals", "per_day"): ({"value": per_day, "assumed": "the benchmark"}, (), "the benchmark")}
    plan = compile_plan(Scenario.of(case.document.patched(rate)))
    # An author may ask for 28 days at most; here the same days go on for as long as it takes.
    run = plan.scenario.run.model_copy(update={"days": requests / per_day})
    return replace(plan, scenario=plan.scenario.model_copy(update={"run": run}))


#: What grows: a plan of about so many requests, the load being the same.
GROWING: dict[str, Callable[[int], Plan]] = {"one pool, batches of up to 32": BATCHES.plan, "skin-cancer triage": skin}


def traced_bytes(plan: Plan) -> float:
    """What one replication allocates at its peak, for each request."""
    tracemalloc.start()
    requests = simulate(plan, seed=1).columns.n
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / requests


def resident_bytes(name: str, requests: int) -> float:
    """By how much a process of its own grows in a large run, for each request."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(_grown_by, name, requests).result()


def _grown_by(name: str, requests: int) -> float:
    simulate(GROWING[name](1_000), seed=1)
    plan, before = GROWING[name](requests), _most_resident()
    trace = simulate(plan, seed=1)
    return (_most_resident() - before) / trace.columns.n


def _most_resident() -> int:
    """The most bytes that this process ever held in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says on Linux counts the parent's memory as well
        return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
