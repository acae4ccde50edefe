"""Outcomes of the points of a sweep, equal wherever they ran, and kept on disk, a file each: no point runs twice.

A file is called by the key of its task, which holds the hash of every file of evidence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from simulator.case.choices import Pick
from simulator.case.document import ScenarioError
from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import ENGINE_VERSION
from simulator.intervals import Estimate
from simulator.kept_results import KeptRuns, PackedRun
from simulator.limits import SWEEPS_KEPT
from simulator.metrics.comparisons import Difference
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import PairedSample, Readings, change, readings_of
from simulator.metrics.replications import FIGURES, packed, reporting, run_replications, unpacked
from simulator.metrics.summary import Verdict, grows, judged, summary_of
from simulator.paths import SWEEPS
from simulator.theory.loads import loads

#: Part of the key of every outcome: raise it when an outcome of the same run holds something else.
OUTCOME_VERSION = 13


@dataclass(frozen=True)
class SweepTask:
    """One point to run.

    plan: packed, and asking for no more than is wanted; key: identifies the outcome, in 32 hexadecimal digits: the case, the
    design, the evidence, what strikes, the seed, the replications, the metrics, the version of the engine
    """

    plan: bytes
    key: str
    seed: int
    replications: int


def task_of(plan: Plan, metrics: Sequence[str], seed: int, replications: int) -> SweepTask:
    identity = [*plan.identity, seed, replications, sorted(metrics), ENGINE_VERSION, OUTCOME_VERSION]
    key = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return SweepTask(packed(reporting(plan, metrics)), key, seed, replications)


@dataclass(frozen=True)
class DesignOutcome:
    """The outcome of a point.

    refused: the reason why the design cannot run, empty where it can; metrics: those it can quote
    missing_reasons: the reasons why it does not quote the others; readings: each metric in the form for comparing two outcomes
    growing: labels of the stages whose queues grow without end; overloaded: of those that get more than
    they can serve, in all or at the peak
    outside_brief: the reason why no verdict counts, empty where they do
    evidence: the files it rests on, with their hashes; engine: the version of the engine that ran it
    """

    design: Mapping[str, Pick]
    figures: Mapping[str, float]
    seed: int
    replications: int
    refused: str = ""
    requests: int = 0
    run_hash: str = ""
    metrics: Mapping[str, Estimate] = field(default_factory=dict)
    missing_reasons: Mapping[str, str] = field(default_factory=dict)
    readings: Mapping[str, Readings] = field(default_factory=dict)
    growing: Sequence[str] = field(default_factory=list)
    overloaded: Sequence[str] = field(default_factory=list)
    outside_brief: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    engine: int = ENGINE_VERSION

    def value(self, metric: str) -> float | None:
        estimate = self.metrics.get(metric)
        return None if estimate is None else estimate.value

    def verdicts(self, scenario: Scenario) -> list[Verdict]:
        return judged(scenario, self.metrics, self.outside_brief)

    def difference(self, metric: Metric, other: DesignOutcome) -> Difference:
        """Return the change of a metric, that both outcomes quote, from this design to another."""
        name = metric.name
        moved = change(metric, self.readings[name], other.readings[name])
        return Difference(metric, self.metrics[name], other.metrics[name], moved)


def solve(task: SweepTask) -> DesignOutcome:
    """Run one point (the job of a worker process)."""
    plan = unpacked(task.plan)
    blank = DesignOutcome(plan.design, plan.figures, task.seed, task.replications)
    try:
        measures = run_replications(plan, task.seed, task.replications, options=FIGURES)
    except ScenarioError as error:
        return replace(blank, refused=error.faults[0].message)
    return outcome_of(plan, measures, blank)


def outcome_of(plan: Plan, measures: Sequence[Measures], blank: DesignOutcome) -> DesignOutcome:
    """Pool replications 0, 1, 2, ... of a plan. blank: the outcome of its design without results"""
    summary = summary_of(plan, blank.seed, measures)
    readings = readings_of(plan, summary.warm_up, measures, summary.metrics)
    stages, label_of = summary.stages, plan.scenario.label_of
    peaks = {load.stage: load.peak or 0.0 for load in loads(plan)}
    return replace(
        blank,
        requests=summary.requests,
        run_hash=summary.run_hash,
        metrics=summary.metrics,
        missing_reasons=summary.missing,
        readings={name: [figure and _lighter(figure) for figure in figures] for name, figures in readings.items()},
        growing=[label_of(name) for name, times in stages.items() if grows(plan, name, times)],
        overloaded=[label_of(name) for name, times in stages.items() if max(times.load, peaks.get(name, 0.0)) >= 1],
        outside_brief=plan.outside_brief,
        evidence=dict(plan.evidence),
    )


def _lighter(reading: PairedSample) -> PairedSample:
    draws, moved = (None if part is None else part.astype(np.float32) for part in (reading.draws, reading.moved))
    return replace(reading, draws=draws, moved=moved)


class OutcomeCache(KeptRuns):
    """Outcomes in a folder; the points of damaged files run again."""

    def __init__(self, folder: Path | None = None, most: int = SWEEPS_KEPT.most) -> None:
        super().__init__(folder or SWEEPS)
        self.forget_beyond(most)

    def outcome(self, task: SweepTask) -> DesignOutcome | None:
        """Return the outcome of a task if its file is there and whole."""
        run = self.get(task.key)
        try:
            return None if run is None else run.unpack()
        except (AttributeError, ImportError):  # it was written by other code: its classes have another name or place now
            return None

    def keep(self, task: SweepTask, outcome: DesignOutcome) -> None:
        self.put(task.key, PackedRun.of(outcome))
