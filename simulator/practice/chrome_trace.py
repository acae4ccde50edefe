"""A run as a file in Chrome's Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing open.

A process is a stage, a thread a replica or reviewer, a complete event a batch; a counter is the length of a stage's queue.
Source: "Trace Event Format", Google, the JSON Object Format. Times there are microseconds, written to the nanosecond.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

from simulator.charts.timeline import queue_steps
from simulator.engine.run_trace import Trace
from simulator.errors import InputError
from simulator.evidence.evidence_files import in_one_step

#: File endings that a trace may have.
ENDINGS = (".json", ".json.gz")


class TraceFileError(InputError):
    """A trace file cannot be written; the message says why and what would work."""


def events(trace: Trace) -> Iterator[dict[str, Any]]:
    """Every event of a run: first the names, then for each stage its batches and the length of its queue."""
    served = [name for name, stage in trace.plan.scenario.stages.items() if stage.servers]
    for process, name in enumerate(served, start=1):
        visits = trace.logs[name].frame(name)
        batches = visits[visits["started_s"].notna()].drop_duplicates("batch")
        yield from _names(trace, name, process, sorted(batches["server"].unique().tolist()))
        yield from _batches(batches, process)
        yield from _queue(trace, name, process)


def _names(trace: Trace, name: str, process: int, servers: list[int]) -> Iterator[dict[str, Any]]:
    stage = trace.plan.scenario.stages[name]
    yield _meta("process_name", process, 0, name=stage.label)
    yield _meta("process_sort_index", process, 0, sort_index=process)
    for server in servers:
        yield _meta("thread_name", process, server + 1, name=f"{stage.servers.one} {server + 1}")
        yield _meta("thread_sort_index", process, server + 1, sort_index=server + 1)


def _meta(name: str, process: int, thread: int, /, **arguments: Any) -> dict[str, Any]:
    return {"ph": "M", "name": name, "pid": process, "tid": thread, "args": arguments}


def _batches(batches: pd.DataFrame, process: int) -> Iterator[dict[str, Any]]:
    columns = [batches[name].tolist() for name in ("server", "started_s", "left_s", "batch", "batch_size", "request")]
    for server, started, left, batch, size, request in zip(*columns, strict=True):
        start, end = _ns(started), _ns(left)
        yield {
            "ph": "X",
            "name": f"batch of {size}" if size > 1 else "one request",
            "cat": "batch",
            "pid": process,
            "tid": server + 1,
            "ts": start / 1000,
            "dur": (end - start) / 1000,
            "args": {"batch": batch, "size": size, "first request": request},
        }


def _queue(trace: Trace, stage: str, process: int) -> Iterator[dict[str, Any]]:
    times, lengths = queue_steps(trace, stage)
    for time, length in zip(times.tolist(), lengths.tolist(), strict=True):
        yield {"ph": "C", "name": "queue", "pid": process, "ts": _ns(time) / 1000, "args": {"waiting": length}}


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def check_target(path: Path) -> None:
    """Raise TraceFileError if a trace could not be written to `path`; checked before the run, not after."""
    if path.is_dir():
        raise TraceFileError(f"{path}: is a folder; name a file in it, such as {path / 'trace.json'}")
    if not path.name.endswith(ENDINGS):
        raise TraceFileError(f"{path}: a trace is written as {' or '.join(ENDINGS)}; name it {path.with_suffix('.json').name}")
    if not path.parent.is_dir():
        raise TraceFileError(f"{path}: there is no folder {path.parent}; make it first, or name another")
    if not os.access(path.parent, os.W_OK):
        raise TraceFileError(f"{path}: the folder {path.parent} is not writable; name another")


def write_trace(trace: Trace, path: Path) -> None:
    """Write a run to `path`, compressed if it ends in .gz, event by event and in one step: never half a file.

    Raises TraceFileError if that fails.
    """
    check_target(path)
    try:
        with in_one_step(path) as part, _open(part, compressed=path.name.endswith(".gz")) as file:
            file.write('{"displayTimeUnit":"ms","otherData":' + json.dumps(_about(trace)) + ',"traceEvents":[')
            for number, event in enumerate(events(trace)):
                file.write((",\n" if number else "\n") + json.dumps(event, separators=(",", ":")))
            file.write("\n]}\n")
    except OSError as error:
        raise TraceFileError(f"{path}: cannot be written: {error.strerror or error}") from error


def _open(path: Path, compressed: bool) -> IO[str]:
    if compressed:
        return cast(IO[str], gzip.open(path, "wt", encoding="utf-8", compresslevel=6))
    return path.open("w", encoding="utf-8")


def _about(trace: Trace) -> dict[str, Any]:
    plan = trace.plan
    return {
        "scenario": plan.scenario.id,
        "design": json.dumps(plan.design),
        "seed": trace.seed,
        "replication": trace.replication,
        "starts_at": plan.scenario.run.starts_at,
    }
