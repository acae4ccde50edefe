"""Runs in the background: one job a design, one future a replication, on processes that all sessions share."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from time import monotonic

import streamlit as st
from cachetools import LRUCache

from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import REPLICATIONS
from simulator.analysis.run.result import Result, result_of
from simulator.serving.plan import Plan, fingerprint
from simulator.ui.workers import Workers

#: How many jobs are kept; the least recently used is dropped first.
KEPT = 32


def job_id(plan: Plan, seed: int, replications: int) -> str:
    """Identifies a job: the same case, design, strikes, seed and number of replications are the same job everywhere."""
    return fingerprint([*plan.identity, seed, replications])


@dataclass
class Job:
    """The replications of one design, running or done."""

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
        """Share of the replications that have ended."""
        return self.done / self.total

    @property
    def running(self) -> bool:
        """Whether some replication has not ended."""
        return self.done < self.total

    @property
    def cancelled(self) -> bool:
        """Whether the job was stopped before its end."""
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


class _Kept(LRUCache[str, Job]):
    """The jobs used last; one that is dropped is cancelled."""

    def popitem(self) -> tuple[str, Job]:
        key, job = super().popitem()
        job.cancel()
        return key, job


class Registry:
    """The jobs of all sessions, and the processes that do the work."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._jobs = _Kept(KEPT)
        self._lock = Lock()

    def get(self, key: str | None) -> Job | None:
        """The job of that id, if it is still kept."""
        with self._lock:
            return self._jobs.get(key or "")

    def start(self, plan: Plan, seed: int, replications: int) -> Job:
        """The job for this design: the existing one, unless it was stopped or failed; else a new one.

        Raises ValueError for a number of replications that no widget offers.
        """
        if not REPLICATIONS[0] <= replications <= REPLICATIONS[1]:
            raise ValueError(f"{replications} replications; expected {REPLICATIONS[0]} to {REPLICATIONS[1]}")
        known = self.get(job_id(plan, seed, replications))
        if known and not (known.cancelled or known.error):
            return known
        with self._lock:
            job = Job(plan, seed, self.workers.submit(plan, seed, replications))
            self._jobs[job.id] = job
        return job


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    """The one registry of this server."""
    return Registry(Workers())
