"""Runs in the background: one job a design, one future a replication, on processes that all sessions share."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from time import monotonic
from types import ModuleType

import streamlit as st

from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import REPLICATIONS, submit, warm
from simulator.analysis.run.result import Result, result_of
from simulator.serving.plan import Plan, fingerprint

#: Jobs that are kept; the one used least recently goes first.
KEPT = 32


def job_id(plan: Plan, seed: int, replications: int) -> str:
    """Identifies a job: the same case, design, strikes, seed and number of replications are the same job everywhere."""
    return fingerprint([*plan.identity, seed, replications])


@dataclass
class Job:
    """The replications of one design, on their way."""

    plan: Plan
    seed: int
    futures: list[Future[Measures]]
    started: float = field(default_factory=monotonic)

    @property
    def id(self) -> str:
        """The key under which the registry keeps the job."""
        return job_id(self.plan, self.seed, self.total)

    @property
    def total(self) -> int:
        """Replications asked for."""
        return len(self.futures)

    @property
    def done(self) -> int:
        """Replications that have ended."""
        return sum(future.done() for future in self.futures)

    @property
    def share(self) -> float:
        """Part of the replications that has ended."""
        return self.done / self.total

    @property
    def running(self) -> bool:
        """Whether some replication has not ended."""
        return self.done < self.total

    @property
    def cancelled(self) -> bool:
        """Whether somebody stopped the job before its end."""
        return any(future.cancelled() for future in self.futures)

    @property
    def error(self) -> BaseException | None:
        """What went wrong in a replication, if anything did."""
        ended = [future for future in self.futures if future.done() and not future.cancelled()]
        return next((future.exception() for future in ended if future.exception()), None)

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return not (self.running or self.cancelled or self.error)

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go at the pace so far; None before the first replication has ended."""
        return (monotonic() - self.started) * (self.total / self.done - 1) if self.done else None

    @cached_property
    def measures(self) -> list[Measures]:
        """The measures of every replication, in their order."""
        return [future.result() for future in self.futures]

    @cached_property
    def summary(self) -> Result:
        """All replications pooled."""
        return result_of(self.plan, self.seed, self.measures)

    def cancel(self) -> None:
        """Drop the replications that have not begun."""
        for future in self.futures:
            future.cancel()


class Registry:
    """The jobs of all sessions, and the processes that do the work."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = Lock()
        self._executor = _processes()

    def get(self, key: str | None) -> Job | None:
        """The job of that id, if it is still kept."""
        with self._lock:
            if key is None or key not in self._jobs:
                return None
            self._jobs.move_to_end(key)
            return self._jobs[key]

    def start(self, plan: Plan, seed: int, replications: int) -> Job:
        """The job for this design: the one there is, unless it was stopped or failed; else a new one.

        Raises ValueError for a number of replications that no widget offers.
        """
        if not REPLICATIONS[0] <= replications <= REPLICATIONS[1]:
            raise ValueError(f"{replications} replications; expected {REPLICATIONS[0]} to {REPLICATIONS[1]}")
        known = self.get(job_id(plan, seed, replications))
        if known and not (known.cancelled or known.error):
            return known
        with self._lock:
            job = Job(plan, seed, self._submit(plan, seed, replications))
            self._jobs[job.id] = job
            self._forget()
        return job

    def _submit(self, plan: Plan, seed: int, replications: int) -> list[Future[Measures]]:
        try:
            return submit(self._executor, plan, seed, replications)
        except BrokenProcessPool:  # a process was killed, for want of memory perhaps: begin again with new ones
            self._executor = _processes()
            return submit(self._executor, plan, seed, replications)

    def _forget(self) -> None:
        while len(self._jobs) > KEPT:
            _, oldest = self._jobs.popitem(last=False)
            oldest.cancel()


def _processes() -> ProcessPoolExecutor:
    """One process a core, which import what they need while the person still reads."""
    cores = os.cpu_count() or 1
    executor = ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn"), initializer=warm)
    with _no_script():
        for _ in range(cores):
            executor.submit(warm)
    return executor


@contextmanager
def _no_script() -> Iterator[None]:
    """Spawned processes run `__main__` again and inherit the path: in Streamlit, the entry script and the folder it lies in."""
    script, path = sys.modules["__main__"], sys.path
    sys.modules["__main__"] = ModuleType("__main__")
    sys.path = [entry for entry in path if Path(entry) != Path(__file__).parent]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.path = script, path


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    """The one registry of this server."""
    return Registry()
