"""Runs in the background: one job a design, one future a replication, on processes that all visitors share.

Visitors who watch one design share its job. Each may stop watching; the job ends when it has neither watchers nor requests.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import cache, cached_property
from threading import Lock, RLock
from time import monotonic
from typing import Any, NamedTuple, TypeVar, cast

from cachetools import LRUCache

from simulator.app.kept_runs import AnyRun, DoubtedRun, PackedRuns, at_rest, is_kept, kept, name_of, pack
from simulator.app.turns import Ahead, Submitter, TaskReply
from simulator.app.workers import SCHEDULER, Workers
from simulator.dask_cluster import Cluster
from simulator.engine.compiled_plan import Plan, fingerprint
from simulator.explain.judged_changes import for_objectives
from simulator.explain.result import Result, result_of, settled
from simulator.kept_results import PackedRun
from simulator.limits import RUNS_KEPT
from simulator.metrics.replications import (
    PLAIN,
    REPLICATIONS,
    has_band_edges,
    looks_of,
    needs_resampled_run,
    packed,
    run_doubts_packed,
    run_packed,
)

T = TypeVar("T")

#: Most jobs in memory; the least recently used is dropped first, and jobs that are under way and watched last.
KEPT = 64

#: Most memory of all jobs (bytes).
KEPT_BYTES = RUNS_KEPT.most

#: The jobs used last whose plans hold what was worked out of them.
AWAKE = 16

#: Most watchers whose job is remembered.
WATCHERS = 512

#: The doubts that come after the first stage, in words.
LABELS, PROJECTIONS = "the labels", "the projections"

#: Urgency of the first stage of a run; lower numbers come first, and each further stage is less urgent by one. A run that the
#: visitor waits for, a run beside it, and a run without watchers.
WATCHED, BESIDE, UNWATCHED = 0, 6, 12

#: Account of runs for all visitors, such as the pictures of the first page.
HOUSE = ""


class Watcher(NamedTuple):
    """A watcher of a job: a tab of a person's browser, or one of several parts of a tab."""

    person: str
    what: str


def job_id(plan: Plan, seed: int, replications: int) -> str:
    return fingerprint([*plan.identity, seed, replications])


def _key(plan: Plan, seed: int, replications: int) -> str:
    if not REPLICATIONS[0] <= replications <= REPLICATIONS[1]:
        raise ValueError(f"{replications} replications; expected {REPLICATIONS[0]} to {REPLICATIONS[1]}")
    return job_id(plan, seed, replications)


@dataclass
class Job:
    """The replications of one design, running or done.

    planned: requested replications; futures: one a replication, in their order
    plain: replications alone, without the runs that their doubts rest on: those of the first stage, and all where latencies are
    projected, so that no piece of work takes long
    behalf: its submitter, with the urgency of its first stage
    until_decided: whether it ends as soon as no further replication can change a verdict
    is_kept: whether its replications are kept on disk, and read from there
    """

    plan: Plan
    seed: int
    planned: int
    futures: list[Future[AnyRun]] = field(default_factory=list)
    plain: list[Future[PackedRun]] = field(default_factory=list)
    behalf: Submitter = field(default_factory=lambda: Submitter(HOUSE, ""))
    until_decided: bool = True
    is_kept: bool = False

    def __post_init__(self) -> None:
        self._pooling = Lock()
        self._judging = RLock()
        self._quick: Result | None = None
        self._judged = 0  # the replications that the result of the objectives holds with all their doubts
        self._full: Result | None = None
        #: The replications that the run comes to: those planned, or fewer where they decide.
        self.total = self.planned

    def go_on(self, workers: Workers, person: str, urgency: int) -> None:
        """Submit the replications that have not begun, were dropped or failed, on a person's account, stage by stage."""
        plan, stages = packed(self.plan), looks_of(self.planned)
        apart = self.planned if has_band_edges(self.plan) else self.first

        def behalf_of(replication: int) -> Submitter:
            return Submitter(person, self.id, urgency + bisect_right(stages, replication))

        def handed(replication: int) -> Future[AnyRun]:
            if replication < apart:
                later = max(behalf_of(replication).urgency, urgency + 1)
                return self._doubted(workers, Submitter(person, self.id, later), plan, replication)
            return cast("Future[AnyRun]", self._submitted(workers, behalf_of(replication), run_packed, plan, replication))

        def alone(replication: int) -> Future[PackedRun]:
            return self._submitted(workers, behalf_of(replication), run_packed, plan, replication, PLAIN)

        self.plain = _renewed(self.plain, apart, alone)
        self.futures = _renewed(self.futures, self.planned, handed)
        self.behalf, self.started, self._done_before = Submitter(person, self.id, urgency), monotonic(), self.done

    def _submitted(
        self, workers: Workers, behalf: Submitter, work: Callable[..., object], plan: bytes, replication: int, *options: object
    ) -> Future[PackedRun]:
        """Submit one run, or have its result read where it is kept."""
        if not self.is_kept:
            return workers.submit(behalf, pack, work, plan, self.seed, replication, *options)
        name = name_of(work.__name__, self.plan.identity, self.seed, replication, *options)
        return workers.submit(behalf, kept, name, work, plan, self.seed, replication, *options)

    def _doubted(self, workers: Workers, behalf: Submitter, plan: bytes, replication: int) -> Future[AnyRun]:
        """Return the future of a replication with the runs for its doubts, which are submitted once it alone has ended."""
        whole, alone = TaskReply(), self.plain[replication]

        def add(doubts: Future[PackedRun]) -> None:
            _pass_on(doubts, whole, lambda run: DoubtedRun(alone.result(), run))

        def go_on(ended: Future[PackedRun]) -> None:
            if whole.cancelled():
                return
            if ended.cancelled() or ended.exception() or not (needed := self._doubts(replication, ended.result())):
                _pass_on(ended, whole, lambda run: run)
                return
            asked = (PROJECTIONS in needed, LABELS in needed)
            doubts = self._submitted(workers, behalf, run_doubts_packed, plan, replication, *asked)
            whole.add_done_callback(lambda _: doubts.cancel())
            doubts.add_done_callback(add)

        whole.add_done_callback(lambda _: alone.cancel())
        alone.add_done_callback(go_on)
        return whole

    def _doubts(self, replication: int, run: PackedRun) -> list[str]:
        edges, resampled = has_band_edges(self.plan), needs_resampled_run(self.plan, replication, run.open())
        return [name for name, needed in ((LABELS, resampled), (PROJECTIONS, edges)) if needed]

    @property
    def doubts_to_come(self) -> list[str]:
        """The doubts that the intervals of the result so far do not hold yet."""
        return self._doubts(0, self.plain[0].result()) if self.is_plain else []

    @property
    def is_plain(self) -> bool:
        """Whether the first stage has a result and still lacks some of the runs for its doubts."""
        there = self.first > 0 and all(map(_succeeded, self.plain[: self.first]))
        return there and not all(map(_succeeded, self.futures[: self.first]))

    @cached_property
    def first(self) -> int:
        """The replications of the first stage; 0 where the run has one stage alone."""
        stages = looks_of(self.planned)
        return stages[0] if len(stages) > 1 else 0

    @cached_property
    def id(self) -> str:
        return job_id(self.plan, self.seed, self.planned)

    @property
    def _wanted(self) -> list[Future[AnyRun]]:
        return self.futures[: self.total]

    @property
    def done(self) -> int:
        return sum(future.done() for future in self._wanted)

    @property
    def nbytes(self) -> int:
        return sum(future.result().nbytes for future in self.futures if _succeeded(future))

    @property
    def share(self) -> float:
        return self.done / self.total

    @property
    def running(self) -> bool:
        return self.done < self.total

    @property
    def cancelled(self) -> bool:
        return any(future.cancelled() for future in self._wanted)

    @property
    def again(self) -> bool:
        return any(getattr(future, "again", False) for future in self._wanted)

    @property
    def error(self) -> BaseException | None:
        ended = [future for future in self._wanted if future.done() and not future.cancelled()]
        return next((future.exception() for future in ended if future.exception()), None)

    @property
    def succeeded(self) -> bool:
        return not (self.running or self.cancelled or self.error)

    @property
    def remaining_s(self) -> float | None:
        """Seconds to go at the pace so far; None before the first replication has ended."""
        done = self.done
        more = done - self._done_before
        return (monotonic() - self.started) * (self.total - done) / more if more else None

    @property
    def running_s(self) -> float:
        """Seconds since it was submitted; 0 once it has ended."""
        return monotonic() - self.started if self.running else 0.0

    @property
    def replication_s(self) -> float:
        """Mean time that a process took for a replication (s), of those that ran for this job; 0 where all were kept ones."""
        ended = [getattr(future, "seconds", 0.0) for future in self.futures if _succeeded(future)]
        times = [seconds for seconds in ended if seconds]
        return sum(times) / len(times) if times else 0.0

    @property
    def ready(self) -> int:
        if self.is_plain:
            return self.first
        first = next((place for place, future in enumerate(self._wanted) if not _succeeded(future)), self.total)
        return max((count for count in looks_of(self.planned) if count <= first), default=0)

    @property
    def quick(self) -> Result | None:
        """Result so far of the objectives alone, of the first `ready` replications; None before the first.

        Its verdicts and its hash are those of a run of `ready` replications under this seed, but for `doubts_to_come`. The
        first call waits until they are pooled.
        """
        with self._judging:
            if not self.is_plain:
                self._judge()
            elif self._quick is None:
                runs = [future.result() for future in self.plain[: self.first]]
                self._quick = at_rest(self._of_objectives(runs), runs)
            return self._quick

    def _judge(self) -> None:
        """Pool the objectives after each look since the last call, and end the run at the first that decides every verdict."""
        for count in [look for look in looks_of(self.planned) if self._judged < look <= self.ready]:
            runs = [future.result() for future in self.futures[:count]]
            found = self._of_objectives(runs)
            early = settled(found, self.planned) if self.until_decided else None
            self._quick, self._judged = at_rest(early or found, runs), count
            if early:
                self.total = count
                _cancel([*self.futures[count:], *self.plain[count:]])
                return

    def _of_objectives(self, runs: Sequence[AnyRun]) -> Result:
        return result_of(for_objectives(self.plan), self.seed, PackedRuns(runs))

    @property
    def is_decided(self) -> bool:
        """Whether the run has ended before all replications, because no further one could change a verdict."""
        return self.total < self.planned

    def run_all(self) -> None:
        """Take all replications, whatever the first ones decide; `go_on` then submits the others."""
        with self._pooling, self._judging:
            self.until_decided, self.total, self._judged, self._full = False, self.planned, 0, None

    @property
    def shown(self) -> Result | None:
        """Result so far: with every metric once all replications have ended, before that of the objectives alone."""
        quick = self.quick
        if self.ready < self.total:
            return quick
        with self._pooling:
            if self._full is None:
                runs = [future.result() for future in self._wanted]
                self._full = at_rest(result_of(self.plan, self.seed, PackedRuns(runs), self.planned), runs)
            return self._full

    @property
    def summary(self) -> Result:
        """Result of all replications; waits for them, and raises the error of one."""
        wait(self._wanted)
        if not self.succeeded:
            self.futures[0].result()
        result = self.shown
        assert result is not None
        return result

    def rest(self) -> None:
        """Forget what was worked out of the plans of its results; it is worked out again where a page needs it."""
        results = [result for result in (self._quick, self._full) if result]
        edges = [edge.plan for result in results for edge in result.at_edges.values()]
        for plan in [self.plan, *(result.plan for result in results), *edges]:
            plan.answers.clear()

    def cancel(self) -> None:
        _cancel([*self.futures, *self.plain])


def _cancel(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.cancel()


def _renewed(before: list[Future[T]], count: int, handed: Callable[[int], Future[T]]) -> list[Future[T]]:
    """Return the futures of `count` replications: those before that run or have succeeded, new ones in place of the others."""
    reused = [future if future.running() or _succeeded(future) else None for future in before] or [None] * count
    found = [future or handed(replication) for replication, future in enumerate(reused)]
    for future, still in zip(before, reused, strict=False):
        if still is None:
            future.cancel()
    return found


def _pass_on(ended: Future[T], whole: TaskReply, made: Callable[[T], AnyRun]) -> None:
    """End a future as another one has ended, with what is made of its result."""
    whole.again |= getattr(ended, "again", False)
    whole.seconds += getattr(ended, "seconds", 0.0)
    if ended.cancelled():
        whole.cancel()
    elif whole.set_running_or_notify_cancel():
        if error := ended.exception():
            whole.set_exception(error)
        else:
            whole.set_result(made(ended.result()))


def _succeeded(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


class Registry:
    """The jobs of all visitors, their watchers, and the processes that do the work."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self._jobs: dict[str, Job] = {}  # the one used last at the end
        self._watched: LRUCache[Watcher, str] = LRUCache(WATCHERS)  # the id of the job that each watches
        self._lasting: dict[str, set[Watcher]] = {}  # requests to run a job to its end, watched or not
        self._lock = Lock()

    def get(self, key: str | None) -> Job | None:
        with self._lock:
            return self._used(key or "")

    def live(self, watcher: Watcher, plan: Plan, seed: int, replications: int, urgency: int = WATCHED) -> Job:
        """Return the job of this design, and have the watcher watch it.

        The job that it watched before loses it. A failed job is tried again only for a new watcher. First results come before
        later ones.

        urgency: BESIDE for a run that comes after the one that the visitor waits for
        Raises ValueError for a number of replications that no widget offers.
        """
        key = _key(plan, seed, replications)
        with self._lock:
            before = self._watched.pop(watcher, None)
            self._watched[watcher] = key
            job = self._begun(plan, seed, replications, Submitter(watcher.person, key, urgency), anew=before != key)
            if before != key:
                self._let_go(before)
        return job

    def start(
        self, watcher: Watcher, plan: Plan, seed: int, replications: int, urgency: int = UNWATCHED, anew: bool = False
    ) -> Job:
        """Return the job of this design, which runs to its end whether it is watched or not.

        urgency: WATCHED where the visitor waits for it; anew: whether a failed job is tried again
        Raises ValueError for a number of replications that no widget offers.
        """
        key = _key(plan, seed, replications)
        with self._lock:
            wanted = self._lasting.setdefault(key, set())
            anew = anew or watcher not in wanted
            wanted.add(watcher)
            return self._begun(plan, seed, replications, Submitter(watcher.person, key, urgency), anew)

    def drop(self, watcher: Watcher, key: str | None = None) -> None:
        """End a watcher's interest in a job, or in the job that it watches; a job without any interest ends."""
        with self._lock:
            wanted = key or self._watched.get(watcher, "")
            if self._watched.get(watcher) == wanted:
                self._watched.pop(watcher, None)
            self._lasting.get(wanted, set()).discard(watcher)
            self._let_go(wanted)

    def run_all(self, watcher: Watcher, key: str) -> None:
        """Have a run that its verdicts have ended take all its replications."""
        with self._lock:
            if (job := self._used(key)) and job.is_decided:
                job.run_all()
                job.go_on(self.workers, watcher.person, WATCHED)

    def ahead(self, job: Job) -> Ahead | None:
        """Return the work of other persons before a job that has not begun; None where there is none."""
        return self.workers.ahead(job.id) if job.running and not (job.done or job.ready) else None

    def _begun(self, plan: Plan, seed: int, replications: int, behalf: Submitter, anew: bool) -> Job:
        """Return the job of this design: a new one, or the existing one, which goes on from its last state.

        anew: whether the request is new: then a failed job goes on, and a less urgent one becomes as urgent as the request
        """
        job = self._used(behalf.run)
        if job is None:
            job = self._jobs[behalf.run] = Job(plan, seed, replications, is_kept=is_kept(plan, seed))
            job.go_on(self.workers, behalf.person, behalf.urgency)
            self._make_room()
        elif job.cancelled or (anew and (job.error or (job.running and self.workers.sooner(behalf, job.behalf)))):
            job.go_on(self.workers, behalf.person, behalf.urgency)
        return job

    def _used(self, key: str) -> Job | None:
        job = self._jobs.pop(key, None)
        if job is not None:
            self._jobs[key] = job
        return job

    def _make_room(self) -> None:
        """Drop the least recently used jobs, except those that are under way and watched; have the others rest."""
        for job in [job for job in list(self._jobs.values())[:-AWAKE] if not job.running]:
            job.rest()
        watched = set(self._watched.values())
        taken = sum(job.nbytes for job in self._jobs.values())
        for key, job in list(self._jobs.items())[:-1]:
            if len(self._jobs) <= KEPT and taken <= KEPT_BYTES:
                return
            if not (job.running and key in watched):
                taken -= job.nbytes
                job.cancel()
                del self._jobs[key]
                self._lasting.pop(key, None)

    def _wanted(self, key: str) -> bool:
        return bool(self._lasting.get(key)) or key in self._watched.values()

    def _let_go(self, key: str | None) -> None:
        job = self._jobs.get(key or "")
        if job and not self._wanted(job.id):
            job.cancel()


@cache
def registry() -> Registry:
    """Return the jobs of this server; raises ClusterError where its scheduler does not answer."""
    address = os.environ.get(SCHEDULER)
    return Registry(Workers(cluster=Cluster(address) if address else None))
