"""Replications side by side: one job each, on as many cores as there are."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, as_completed
from functools import lru_cache

from simulator.analysis.run.labels import RUNS, needs_runs, resampled_plan
from simulator.analysis.run.measures import Measures, measure
from simulator.analysis.run.result import Result, result_of
from simulator.serving.engine import simulate
from simulator.serving.plan import Plan, at_band_edges

#: The fewest and most replications of a run: one alone has no interval.
REPLICATIONS = (2, 1000)


def run_one(plan: Plan, seed: int, replication: int) -> Measures:
    """Run and measure one replication (the job of a worker process).

    The first RUNS replications run again for other labelled people if the shares of the routes cannot tell their effect.
    """
    found = measure(simulate(plan, seed, replication))
    found.band_edges = [measure(simulate(edge, seed, replication)) for edge in at_band_edges(plan)]
    if replication < RUNS and needs_runs(plan):
        found.resampled = measure(simulate(resampled_plan(plan, replication), seed, replication))
        for one in (found, found.resampled):  # the two will be compared: better here, side by side, than where all is pooled
            one.figures(plan.scenario.metrics)
    return found


def packed(plan: Plan) -> bytes:
    """A plan as it is sent to another process, packed once for all its replications."""
    return pickle.dumps(plan, pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=8)
def unpacked(plan: bytes) -> Plan:
    """The plan that was packed so: a process unpacks it once, and keeps what it works out about it."""
    return pickle.loads(plan)  # type: ignore[no-any-return]  # noqa: S301 only what `packed` made comes here


def run_packed(plan: bytes, seed: int, replication: int) -> Measures:
    """Run and measure one replication of a packed plan."""
    return run_one(unpacked(plan), seed, replication)


def warm() -> None:
    """Do nothing: a worker process given this has imported all that `run_one` needs."""


def submit(executor: Executor, plan: Plan, seed: int, replications: int) -> list[Future[Measures]]:
    """Hand every replication to an executor."""
    sent = packed(plan)
    return [executor.submit(run_packed, sent, seed, replication) for replication in range(replications)]


def run_replications(
    plan: Plan,
    seed: int,
    replications: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Measures]:
    """Run and measure a plan's replications; without an executor, one after the other.

    progress: called with the number done and the number in all after each replication.
    """
    total = replications or plan.scenario.run.replications
    if executor is None:
        measures = []
        for replication in range(total):
            measures.append(run_one(plan, seed, replication))
            progress(replication + 1, total)
        return measures
    futures = submit(executor, plan, seed, total)
    for done, _ in enumerate(as_completed(futures), start=1):
        progress(done, total)
    return [future.result() for future in futures]


def replicate(plan: Plan, seed: int, replications: int | None = None) -> Result:
    """Run a plan's replications, one after the other, and pool them."""
    return result_of(plan, seed, run_replications(plan, seed, replications))
