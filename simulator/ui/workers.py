"""The processes that do the work: one a core, shared by all sessions, started on request only; what is urgent comes first."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from threading import Lock
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from simulator.analysis.run.replicate import warm

P = ParamSpec("P")
T = TypeVar("T")

#: A piece of work whose process is killed begins again, so often in all.
ATTEMPTS = 2


class KilledError(RuntimeError):
    """The process that did the work was killed, and so was the one that did it again."""

    def __init__(self) -> None:
        super().__init__("the processes that ran it were ended from outside, perhaps because memory ran out")


@dataclass(order=True)
class _Task:
    urgency: int
    order: int
    work: Callable[[], Any] = field(compare=False)
    future: Future[Any] = field(default_factory=Future, compare=False)
    attempts: int = field(default=0, compare=False)

    def begins(self) -> bool:
        """Whether somebody still wants it; from now on it cannot be cancelled."""
        self.attempts += 1
        return self.attempts > 1 or self.future.set_running_or_notify_cancel()


class Workers:
    """Processes that are handed one piece of work at a time each, so that what is urgent waits for no more than one.

    A process that is killed takes all others with it; they start anew, and what they were at begins again.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._executor: ProcessPoolExecutor | None = None
        self._lock = Lock()
        self._waiting: list[_Task] = []
        self._order = count()
        self._idle = self.processes
        self._stopped = False

    def start(self) -> None:
        """Spawn the processes, unless they are there; they import what they need while the person still reads."""
        self._running()

    def submit(self, urgency: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Have a process call `work`, a function of a module.

        urgency: lower numbers come first, and among equals what was submitted first; cancelling works until it begins
        """
        with self._lock:
            task = _Task(urgency, next(self._order), partial(work, *arguments, **named))
            heappush(self._waiting, task)
        self._hand_out()
        return task.future

    def stop(self) -> None:
        """End the processes, for good; what they are at is lost."""
        with self._lock:
            self._stopped, executor = True, self._executor
        for process in multiprocessing.active_children():
            process.terminate()
        if executor is not None:
            executor.shutdown(cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = _spawned(self.processes)
            return self._executor

    def _hand_out(self) -> None:
        """Give every idle process the most urgent task that waits."""
        while task := self._next():
            executor = self._running()
            try:  # not under our lock: an executor that breaks may call `_ended` while it holds its own
                handed = executor.submit(task.work)
            except RuntimeError as error:  # it is broken, or the server is going down
                self._ended(task, executor, error)
            else:
                handed.add_done_callback(partial(self._done, task, executor))

    def _next(self) -> _Task | None:
        """The most urgent task that somebody still wants, if a process is idle."""
        with self._lock:
            while self._idle and self._waiting and not self._stopped:
                task = heappop(self._waiting)
                if task.begins():
                    self._idle -= 1
                    return task
        return None

    def _done(self, task: _Task, executor: ProcessPoolExecutor, handed: Future[Any]) -> None:
        self._ended(task, executor, handed.exception() or handed)
        self._hand_out()

    def _ended(self, task: _Task, executor: ProcessPoolExecutor, outcome: Future[Any] | BaseException) -> None:
        """Pass on what came of a task, or put it back in its place if its process was killed."""
        killed = isinstance(outcome, BrokenProcessPool)
        with self._lock:
            self._idle += 1
            if killed and self._executor is executor:
                self._executor = None
            if killed and task.attempts < ATTEMPTS:
                heappush(self._waiting, task)
                return
        if isinstance(outcome, Future):
            task.future.set_result(outcome.result())
        else:
            task.future.set_exception(KilledError() if killed else outcome)


def _spawned(processes: int) -> ProcessPoolExecutor:
    executor = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=warm)
    with _without_script():
        for _ in range(processes):
            executor.submit(warm)
    return executor


@contextmanager
def _without_script() -> Iterator[None]:
    """A spawned process runs `__main__` again, which in Streamlit is the page; an empty module replaces it meanwhile."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
