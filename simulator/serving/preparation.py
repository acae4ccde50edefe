"""Preparation: while no visitor waits for a run, one worker runs the designs that a visitor is likely to open, and keeps them.

These are the default designs of the shipped cases, their authors' reference designs, and all designs one step from the default,
under the seed that a page opens with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, zip_longest
from threading import Event, Thread
from time import monotonic

from simulator.app.jobs import HOUSE, Job
from simulator.app.kept_runs import name_of, prepared_cases
from simulator.app.links import DEFAULT_SEED
from simulator.app.turns import IDLE
from simulator.app.workers import Workers
from simulator.case.load import load
from simulator.case.phases import readable_references
from simulator.engine.compiled_plan import Plan
from simulator.engine.plan import compile_plan
from simulator.explain.design_changes import changes_of_design
from simulator.kept_results import KeptRuns, PackedRun

#: The environment variable that switches preparation off, by this value.
VARIABLE, OFF = "CASESIM_PREPARE", "no"

#: How long no visitor has asked for a run before preparation goes on (s), and the time between two looks (s).
QUIET_S, LOOK_S = 15.0, 0.5


def likely_plans() -> Iterator[Plan]:
    """Yield the default design of each shipped case, all reference designs, then those one step from a default, by turns."""
    cases = [load(case) for case in prepared_cases()]
    defaults = [compile_plan(case) for case in cases]
    yield from defaults
    yield from (compile_plan(case, picks) for case in cases for picks in readable_references(case))
    steps = (_one_step_from(plan) for plan in defaults)
    yield from filter(None, chain.from_iterable(zip_longest(*steps)))


def _one_step_from(plan: Plan) -> Iterator[Plan]:
    return (change.plan for change in changes_of_design(plan) if change.plan is not None)


class Preparation(Thread):
    """The thread that hands the work to the workers, a design after the other."""

    def __init__(self, workers: Workers, quiet_s: float = QUIET_S) -> None:
        super().__init__(name="preparation", daemon=True)
        self._workers, self._quiet_s = workers, quiet_s
        self._store, self._ended = KeptRuns(), Event()

    def begin(self) -> None:
        """Begin, unless the server's administrator has switched it off."""
        if os.environ.get(VARIABLE) != OFF:
            self.start()

    def end(self) -> None:
        self._ended.set()

    def run(self) -> None:
        """Prepare all likely designs that are not prepared yet."""
        if not self._is_quiet():  # the code is hashed and the cases are compiled after the first visitors have their pages
            return
        self._store.forget_beyond()
        for plan in likely_plans():
            if not self._is_quiet() or not self.prepare(plan):
                return

    def prepare(self, plan: Plan) -> bool:
        """Run a design and keep its runs; return False where the server ends before."""
        replications = plan.scenario.run.replications
        mark = name_of("prepared", plan.identity, replications)
        if self._store.get(mark):
            return True
        job = Job(plan, DEFAULT_SEED, replications, is_kept=True)
        while self._is_quiet():
            asked_s = self._workers.asked_s
            job.go_on(self._workers, HOUSE, IDLE)
            while job.running and self._workers.asked_s == asked_s and not self._ended.wait(LOOK_S):
                _ = job.quick  # ends the run where its verdicts are decided
            if not job.running:
                if job.succeeded:
                    self._store.put(mark, PackedRun.of(result=True))
                return True
            job.cancel()
        return False

    def _is_quiet(self) -> bool:
        """Wait until no visitor has asked for a run for a while; return False where the server ends before."""
        while (left := self._workers.asked_s + self._quiet_s - monotonic()) > 0:
            if self._ended.wait(left):
                return False
        return not self._ended.is_set()
