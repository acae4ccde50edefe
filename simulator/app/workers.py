"""Workers of the app, shared by all visitors in turn: a process a core, started on request only, or those of a Dask cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from math import inf
from threading import Lock
from time import monotonic
from types import ModuleType
from typing import ParamSpec, TypeVar

from simulator.app.news import bell
from simulator.app.turns import IDLE, Ahead, QueuedTask, Submitter, Turns
from simulator.dask_cluster import Cluster
from simulator.metrics.replications import warm
from simulator.processes import ATTEMPTS, KilledError, TimedCall, kill_worker, lone_worker, release_memory, timed

P = ParamSpec("P")
T = TypeVar("T")


#: The environment variable with the address of a Dask scheduler, whose workers run what visitors ask for.
SCHEDULER = "CASESIM_SCHEDULER"


class Workers:
    """Workers with one piece of work at a time each, so that the next turn waits for one piece at most.

    A killed process does not affect the others; another one takes its place, and its work is restarted.

    cluster: has the work done elsewhere, on as many workers as it has by then
    asked_s: when work was submitted last that somebody waits for, by the monotonic clock
    """

    def __init__(self, processes: int | None = None, cluster: Cluster | None = None) -> None:
        self._own, self._cluster = processes or os.cpu_count() or 1, cluster
        self._lock = Lock()
        self._turns = Turns()
        self._executors: dict[int, ProcessPoolExecutor] = {}
        self._busy: set[int] = set()
        self._stopped = False
        self.asked_s = monotonic()

    @property
    def processes(self) -> int:
        return self._own if self._cluster is None else self._cluster.threads

    def start(self) -> None:
        for place in range(self.processes):
            self._executor(place)

    def submit(self, behalf: Submitter, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Have a process call `work`, a function of a module, in its turn; the future can be cancelled until the work begins.

        The result is a `TaskReply`, whose `again` shows whether the work was restarted.
        """
        if behalf.urgency < IDLE:
            self.asked_s = monotonic()
        with self._lock:
            task = self._turns.add(behalf, partial(work, *arguments, **named))
        self._hand_out()
        return task.future

    def ahead(self, run: str) -> Ahead | None:
        """Return the work of other persons before a waiting run; None where there is none, or the run has begun."""
        with self._lock:
            return self._turns.ahead(run, self.processes)

    def sooner(self, first: Submitter, second: Submitter) -> bool:
        with self._lock:
            return self._turns.sooner(first, second)

    def stop(self) -> None:
        """End the processes for good, and drop their work."""
        with self._lock:
            self._stopped, executors = True, list(self._executors.values())
        for executor in executors:
            kill_worker(executor)
        if self._cluster is not None:
            self._cluster.end()

    def _executor(self, place: int) -> Executor:
        if self._cluster is not None:
            return self._cluster
        with self._lock:
            if place not in self._executors:
                self._executors[place] = _spawned()
            return self._executors[place]

    def _hand_out(self) -> None:
        """Give every idle process the next task."""
        while found := self._next():
            task, place = found
            executor = self._executor(place)
            try:  # not under our lock: an executor that breaks may call `_done` while it holds its own
                handed = executor.submit(timed, task.work)
            except BrokenProcessPool:  # it was killed while it was idle
                task.attempts -= 1
                self._killed(task, place, executor)
            except RuntimeError as error:  # the server is going down
                self._free(task, place, None)
                task.future.set_exception(error)
            else:
                handed.add_done_callback(partial(self._done, task, place, executor))

    def _next(self) -> tuple[QueuedTask, int] | None:
        with self._lock:
            processes = self.processes
            free = [place for place in range(processes) if place not in self._busy]
            if not free or self._stopped:
                return None
            last = len(free) == 1 < processes  # it is left free for visitors
            task = self._turns.next(IDLE if last else inf)
            if task is None:
                return None
            self._busy.add(free[-1])
            return task, free[-1]

    def _done(self, task: QueuedTask, place: int, executor: Executor, handed: Future[TimedCall]) -> None:
        """Pass on a task's result, or restart the task if its process was killed."""
        error = handed.exception()
        if isinstance(error, BrokenProcessPool):
            self._killed(task, place, executor)
        elif error:
            self._free(task, place, None)
            task.future.set_exception(error)
        else:
            found = handed.result()
            self._free(task, place, found.seconds)
            task.future.seconds = found.seconds
            task.future.set_result(found.result)
        bell().ring()
        self._hand_out()
        release_memory()

    def _killed(self, task: QueuedTask, place: int, executor: Executor) -> None:
        with self._lock:
            if self._executors.get(place) is executor:
                del self._executors[place]
            self._busy.discard(place)
            again = task.attempts < ATTEMPTS
            if again:
                task.future.again = task.attempts > 0
                self._turns.put_back(task)
            else:
                self._turns.done(task, None)
        if not again:
            task.future.set_exception(KilledError())

    def _free(self, task: QueuedTask, place: int, seconds: float | None) -> None:
        with self._lock:
            self._busy.discard(place)
            self._turns.done(task, seconds)


def _spawned() -> ProcessPoolExecutor:
    with _without_script():
        return lone_worker(warm)


@contextmanager
def _without_script() -> Iterator[None]:
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
