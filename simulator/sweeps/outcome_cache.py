"""Outcomes of the points of a sweep, equal wherever they ran, and kept on disk, a file each: no point runs twice.

A file is called `<key>.<content>.parquet`: the key of its task, which holds the hash of every file of evidence, and the hash of
its own bytes, so that a damaged file is known by its name. Two processes that run the same point write the same bytes under
the same name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.case.choices import Pick
from simulator.case.document import ScenarioError
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.engine.run import ENGINE_VERSION
from simulator.evidence.evidence_files import in_one_step
from simulator.files import UnreadableError, read_within, stamp_of
from simulator.intervals import Estimate, Interval
from simulator.limits import EVIDENCE_FILE, SWEEPS_KEPT
from simulator.metrics.measures import Measures
from simulator.metrics.paired_samples import PairedSample, Readings, readings_of
from simulator.metrics.replications import FIGURES, packed, reporting, run_replications, unpacked
from simulator.metrics.summary import Verdict, grows, judged, summary_of
from simulator.paths import SWEEPS
from simulator.theory.loads import loads

#: Part of the key of every outcome: raise it when an outcome of the same run holds something else.
OUTCOME_VERSION = 9


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


#: The arrays of a reading.
_ARRAYS = ("parts", "draws", "again", "moved", "times")


class OutcomeCache:
    """Outcomes in a folder.

    damaged: files whose content is not what was written; their points run again
    """

    def __init__(self, folder: Path | None = None, most: int = SWEEPS_KEPT.most) -> None:
        self.folder = folder or SWEEPS
        self.damaged: list[Path] = []
        self._files = {file.name.partition(".")[0]: file for file in self.folder.glob("*/*.parquet")}
        self._forget_beyond(most)

    def _forget_beyond(self, most: int) -> None:
        """Delete the oldest outcomes as long as all of them together take more than `most` bytes."""
        stamps = {key: stamp for key, file in self._files.items() if (stamp := stamp_of(file)) is not None}
        left = sum(size for _, size in stamps.values()) - most
        for key, (_, size) in sorted(stamps.items(), key=lambda entry: entry[1][0]):
            if left <= 0:
                return
            self._files.pop(key).unlink(missing_ok=True)
            left -= size

    def get(self, task: SweepTask) -> DesignOutcome | None:
        """Return the outcome of a task if its file is there and whole."""
        file = self._files.get(task.key)
        if file is None:
            return None
        try:
            content = read_within(file, EVIDENCE_FILE)
        except UnreadableError:
            content = b""
        if _digest(content) == file.name.split(".")[1]:
            return decoded(content)
        self.damaged.append(file)
        return None

    def put(self, task: SweepTask, outcome: DesignOutcome) -> None:
        """Write an outcome in one step; raises OSError where the folder cannot be written to."""
        content = encoded(outcome)
        file = self.folder / task.key[:2] / f"{task.key}.{_digest(content)}.parquet"
        before = self._files.get(task.key, file)
        with in_one_step(file) as part:
            part.write_bytes(content)
        if before != file:
            before.unlink(missing_ok=True)
        self._files[task.key] = file


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def encoded(outcome: DesignOutcome) -> bytes:
    """Encode an outcome as a Parquet file: a row for each array of a reading, all else as JSON beside the schema."""
    rows = list(_arrays(outcome))
    table = pa.table(
        {
            "of": pa.array([name for name, _ in rows], pa.string()),
            "shape": pa.array([list(array.shape) for _, array in rows], pa.list_(pa.int64())),
            "single": pa.array([array.dtype == np.float32 for _, array in rows], pa.bool_()),
            "values": pa.array([array.ravel().astype(float) for _, array in rows], pa.list_(pa.float64())),
        }
    )
    target = BytesIO()
    annotated = table.replace_schema_metadata({"casesim": json.dumps(_plain(outcome))})
    pq.write_table(annotated, target, compression="zstd")
    return target.getvalue()


def decoded(content: bytes) -> DesignOutcome:
    table = pq.read_table(BytesIO(content))
    plain = json.loads((table.schema.metadata or {})[b"casesim"])
    columns = (table[name].to_pylist() for name in ("of", "shape", "single", "values"))
    arrays = {of: np.array(values, np.float32 if single else float).reshape(shape)
              for of, shape, single, values in zip(*columns, strict=True)}  # fmt: skip
    metrics = {name: _estimate(one) for name, one in plain.pop("metrics").items()}
    readings = {name: [reading and _reading(reading, arrays, f"{name}/{edge}") for edge, reading in enumerate(edges)]
                for name, edges in plain.pop("readings").items()}  # fmt: skip
    return DesignOutcome(**plain, metrics=metrics, readings=readings)


def _arrays(outcome: DesignOutcome) -> Iterator[tuple[str, Any]]:
    for name, edges in outcome.readings.items():
        for edge, reading in enumerate(edges):
            for part in _ARRAYS if reading else ():
                if (array := getattr(reading, part)) is not None:
                    yield f"{name}/{edge}/{part}", array


def _plain(outcome: DesignOutcome) -> dict[str, Any]:
    fields = {name: value for name, value in vars(outcome).items() if name not in ("metrics", "readings")}
    metrics = {name: asdict(metric) for name, metric in outcome.metrics.items()}
    readings = {name: [edge and {"run": asdict(edge.run), "between": edge.between} for edge in edges]
                for name, edges in outcome.readings.items()}  # fmt: skip
    return fields | {"metrics": metrics, "readings": readings}


def _interval(fields: Any) -> Interval | None:
    return None if fields is None else Interval(**fields)


def _estimate(fields: dict[str, Any]) -> Estimate:
    run, labels, projected = (_interval(fields.pop(name)) for name in ("run", "labels", "projected"))
    assert run is not None
    return Estimate(**fields, run=run, labels=labels, projected=projected)


def _reading(fields: dict[str, Any], arrays: dict[str, Any], of: str) -> PairedSample:
    stored = {field: arrays[f"{of}/{field}"] for field in _ARRAYS if f"{of}/{field}" in arrays}
    between = tuple(fields["between"]) if fields["between"] else None
    return PairedSample(run=Interval(**fields["run"]), between=between, **stored)
