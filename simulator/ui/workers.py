"""The processes that run replications: one per core, shared by all sessions, started on request only."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType

from simulator.analysis.run.measures import Measures
from simulator.analysis.run.replicate import submit, warm
from simulator.serving.plan import Plan


class Workers:
    """A pool of processes that restarts when one of them was killed."""

    def __init__(self) -> None:
        self._executor: ProcessPoolExecutor | None = None

    def start(self) -> None:
        """Spawn the processes, unless they are there; they import what they need while the person still reads."""
        if self._executor is None:
            self._executor = _spawned()

    def submit(self, plan: Plan, seed: int, replications: int) -> list[Future[Measures]]:
        """A future for each replication, in their order."""
        executor = self._executor or _spawned()
        try:
            found = submit(executor, plan, seed, replications)
        except BrokenProcessPool:  # a process was killed, for want of memory perhaps
            executor = _spawned()
            found = submit(executor, plan, seed, replications)
        self._executor = executor
        return found


def _spawned() -> ProcessPoolExecutor:
    cores = os.cpu_count() or 1
    executor = ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("spawn"), initializer=warm)
    with _without_script():
        for _ in range(cores):
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
