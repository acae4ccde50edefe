"""Replications side by side: one job each, on as many cores as there are."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from simulator.engine.plan import Plan, at_band_edges, changes_of
from simulator.engine.run import simulate
from simulator.explain.bottleneck import Bottleneck, bottleneck_of
from simulator.explain.reasons import Reason, reasons_of
from simulator.explain.trust import TrustNote, notes_on
from simulator.intervals import Estimate
from simulator.metrics.measures import Measures, measure
from simulator.metrics.resampled_plans import RUNS, needs_runs, resampled_plan
from simulator.metrics.summary import Summary, summary_of

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
    """Make a process ready: whoever calls this has imported all that `run_one` needs, and the collector need not look at it."""
    gc.freeze()


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


@dataclass(frozen=True)
class Result(Summary):
    """A summary with its meaning, each part worked out on first use."""

    @cached_property
    def reasons(self) -> dict[int, Reason]:
        """Why each objective that is not met, or not proven, is not, by its place among the verdicts."""
        return reasons_of(self)

    @cached_property
    def bottleneck(self) -> Bottleneck | None:
        """The stage that holds requests up or turns them away, and why; None where nothing is overloaded, late or lost."""
        return bottleneck_of(self)

    @cached_property
    def trust(self) -> list[TrustNote]:
        """How far the figures can be trusted, one note per reason."""
        return notes_on(self)

    def to_json(self) -> dict[str, Any]:
        """The object that `casesim run --json` prints, without what this run does not have."""
        bottleneck = {"bottleneck": self.bottleneck.to_json()} if self.bottleneck else {}
        changes = [{"at_s": at_s, "picks": picks} for at_s, picks in changes_of(self.plan)]
        warm_up = {"warm_up": self.warm_up.to_json()} if self.warm_up else {}
        return {
            "scenario": self.plan.scenario.id,
            "scenario_hash": self.plan.scenario_hash,
            "design": self.plan.design,
            **({"strikes": self.plan.strikes} if self.plan.strikes else {}),
            **({"changes": changes} if changes else {}),
            "seed": self.seed,
            "replications": self.replications,
            "run_hash": self.run_hash,
            "requests": self.requests,
            "metrics": {name: self._told(name, found) for name, found in self.metrics.items()},
            "objectives": [verdict.to_json() for verdict in self.verdicts],
            "provenance": [vars(source) for source in self.provenance],
            "warnings": self.warnings,
            **({"mlperf": self.mlperf.to_json()} if self.mlperf else {}),
            **warm_up,
            **({"reasons": self._reasons()} if self.reasons else {}),
            **bottleneck,
            "trust": [vars(note) for note in self.trust],
            **({"thresholds": [kept.to_json() for kept in self.thresholds]} if self.thresholds else {}),
        }

    def _reasons(self) -> list[dict[str, Any]]:
        return [{"metric": self.verdicts[place].objective.metric} | one.to_json() for place, one in self.reasons.items()]

    def _told(self, name: str, found: Estimate) -> dict[str, Any]:
        told: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high, "unit": self.metric(name).unit}
        return told | {name: {"low": part.low, "high": part.high} for name, part in found.doubts.items()}


def result_of(plan: Plan, seed: int, measures: Sequence[Measures]) -> Result:
    """The result of replications 0, 1, 2, ... of a plan under one seed."""
    return Result(**vars(summary_of(plan, seed, measures)))
