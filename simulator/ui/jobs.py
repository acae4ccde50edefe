"""Runs in the background: one job a design, one future a replication, on processes that all sessions share."""

from __future__ import annotations

from bisect import bisect_right
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from time import monotonic

import streamlit as st
from cachetools import LRUCache

from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import REPLICATIONS, packed, run_packed
from simulator.analysis.run.result import Result, result_of
from simulator.serving.plan import Plan, fingerprint
from simulator.ui.workers import Workers

#: How many jobs are kept; the least recently used is dropped first.
KEPT = 32

#: How many sessions are remembered for what they run.
OWNERS = 256

#: The first result of a run rests on this many replications, the fewest whose interval tells something (Student's t with three
#: degrees of freedom), and each further one on so many times as many.
FIRST, FURTHER = 4, 3

#: Lower numbers come first: the stages of what a person waits for by their place, then those of what runs beside it, and what
#: nobody watches.
BESIDE, UNWATCHED = 100, 200


def job_id(plan: Plan, seed: int, replications: int) -> str:
    """Identifies a job: the same case, design, strikes, seed and number of replications are the same job everywhere."""
    return fingerprint([*plan.identity, seed, replications])


def stages_of(total: int) -> list[int]:
    """After how many replications a result is shown, the last being all: `[4, 12, 30]`.

    A stage that would rest on more than half of all is left out: little after it comes the whole result.
    """
    found, count = [], FIRST
    while 2 * count <= total:
        found.append(count)
        count *= FURTHER
    return [*found, total]


@dataclass
class Job:
    """The replications of one design, running or done.

    total: replications asked for; futures: one a replication, in their order
    urgency: that of its first stage; lasting: whether it goes on though nobody watches it
    """

    plan: Plan
    seed: int
    total: int
    futures: list[Future[Measures]] = field(default_factory=list)
    urgency: int = 0
    lasting: bool = False

    def __post_init__(self) -> None:
        self._pooling = Lock()
        self._best: Result | None = None

    def go_on(self, workers: Workers, urgency: int) -> None:
        """Have the workers run, stage by stage, what has not begun, was dropped or failed."""
        plan, before, stages = packed(self.plan), self.futures, stages_of(self.total)

        def handed(replication: int) -> Future[Measures]:
            return workers.submit(urgency + bisect_right(stages, replication), run_packed, plan, self.seed, replication)

        kept = [future if future.running() or _succeeded(future) else None for future in before] or [None] * self.total
        self.futures = [future or handed(replication) for replication, future in enumerate(kept)]
        for future, still in zip(before, kept, strict=False):
            if still is None:
                future.cancel()
        self.urgency, self.started, self._done_before = urgency, monotonic(), self.done

    @cached_property
    def id(self) -> str:
        """The key under which the registry keeps the job."""
        return job_id(self.plan, self.seed, self.total)

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
        """Whether there is a result of all replications."""
        return not (self.running or self.cancelled or self.error)

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go at the pace so far; None before the first replication has ended."""
        done = self.done
        more = done - self._done_before
        return (monotonic() - self.started) * (self.total - done) / more if more else None

    @property
    def ready(self) -> int:
        """How many replications the best result so far rests on; 0 before there is one."""
        first = next((place for place, future in enumerate(self.futures) if not _succeeded(future)), self.total)
        return max((count for count in stages_of(self.total) if count <= first), default=0)

    @property
    def shown(self) -> Result | None:
        """The best result so far: of the first few replications, then of more, at last of all; None before the first.

        It is the result of a run of so many replications under the same seed, so that one is part of the next. Who asks first
        waits until they are pooled; who asks again does not.
        """
        with self._pooling:
            count = self.ready
            if count and (self._best is None or self._best.replications < count):
                self._best = result_of(self.plan, self.seed, [future.result() for future in self.futures[:count]])
            return self._best

    @property
    def measures(self) -> list[Measures]:
        """The measures of every replication, in their order; waits for them, and raises what went wrong in one."""
        return [future.result() for future in self.futures]

    @property
    def summary(self) -> Result:
        """The result of all replications; waits for them, and raises what went wrong in one."""
        wait(self.futures)
        if not self.succeeded:
            self.futures[0].result()
        result = self.shown
        assert result is not None
        return result

    def cancel(self) -> None:
        """Drop the replications that have not begun."""
        for future in self.futures:
            future.cancel()


def _succeeded(future: Future[Measures]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


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
        self._watched: LRUCache[str, str] = LRUCache(OWNERS)  # the id of the job that each owner watches
        self._lock = Lock()

    def get(self, key: str | None) -> Job | None:
        """The job of that id, if it is still kept."""
        with self._lock:
            return self._jobs.get(key or "")

    def live(self, owner: str, plan: Plan, seed: int, replications: int, beside: bool = False) -> Job:
        """The job of this design, which an owner watches from now on.

        What that owner watched before is dropped, unless another one watches it too or it was begun by `start`. First results
        come before anybody's later ones.

        owner: a browser session, or one of several things that it watches
        beside: whether it is not what the person waits for, and comes after that
        Raises ValueError for a number of replications that no widget offers.
        """
        with self._lock:
            job = self._begun(plan, seed, replications, BESIDE if beside else 0)
            before, self._watched[owner] = self._watched.get(owner), job.id
            self._let_go(before)
        return job

    def drop(self, owner: str) -> None:
        """The owner watches nothing any more."""
        with self._lock:
            self._let_go(self._watched.pop(owner, None))

    def start(self, plan: Plan, seed: int, replications: int) -> Job:
        """The job of this design, which runs to its end whether somebody watches it or not, after what somebody does.

        Raises ValueError for a number of replications that no widget offers.
        """
        with self._lock:
            job = self._begun(plan, seed, replications, UNWATCHED)
            job.lasting = True
        return job

    def _begun(self, plan: Plan, seed: int, replications: int, urgency: int) -> Job:
        """The job of this design: a new one, or the existing one, which goes on where it was stopped or failed."""
        if not REPLICATIONS[0] <= replications <= REPLICATIONS[1]:
            raise ValueError(f"{replications} replications; expected {REPLICATIONS[0]} to {REPLICATIONS[1]}")
        key = job_id(plan, seed, replications)
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = Job(plan, seed, replications)
            job.go_on(self.workers, urgency)
        elif job.cancelled or job.error or (job.running and urgency < job.urgency):
            job.go_on(self.workers, urgency)
        return job

    def _let_go(self, key: str | None) -> None:
        """Stop a job that nobody wants any more."""
        job = self._jobs.get(key or "")
        if job and not job.lasting and key not in self._watched.values():
            job.cancel()


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    """The one registry of this server."""
    return Registry(Workers())
