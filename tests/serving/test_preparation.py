"""Preparation: likely designs run while nobody asks, one process stays free, and a visitor comes first."""

from threading import Event
from time import monotonic

import pytest

from simulator.app.jobs import Registry, Watcher
from simulator.app.links import DEFAULT_SEED
from simulator.app.turns import IDLE, Submitter
from simulator.app.workers import Workers
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.kept_results import KeptRuns
from simulator.serving.preparation import OFF, VARIABLE, Preparation, likely_plans
from tests.app.test_jobs import Waiting
from tests.families import until
from tests.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def store(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.kept_results.KeptRuns.__init__.__defaults__", (tmp_path / "runs",))
    monkeypatch.setattr("simulator.serving.preparation.LOOK_S", 0.01)
    return KeptRuns()


class Idle(Waiting):
    """Workers that work at once; `asks` is called before each piece of work."""

    def __init__(self, asks=lambda workers: None):
        super().__init__()
        self.asked_s, self._asks = -1000.0, asks

    def submit(self, *arguments):
        future = super().submit(*arguments)
        self._asks(self)
        if not future.done():
            self.do(1)
        return future


def test_the_defaults_come_first_then_the_references_and_then_a_step_of_each_case_in_turn(monkeypatch):
    cases = ["production-drift", "retry-storm"]  # two that are read quickly
    monkeypatch.setattr("simulator.serving.preparation.prepared_cases", lambda: cases)
    plans = likely_plans()
    assert [next(plans).identity for _ in cases] == [compile_plan(load(case)).identity for case in cases]
    written = [(case, one.set) for case in cases for one in load(case).reference.values()]
    assert len(written) >= 2
    for case, picks in written:
        plan = next(plans)
        assert (plan.scenario.id, plan.design) == (case, load(case).defaults() | picks)
    for case in cases:
        plan = next(plans)
        default = compile_plan(load(case)).design
        assert plan.scenario.id == case
        assert sum(pick != default[name] for name, pick in plan.design.items()) == 1


def test_a_prepared_design_needs_no_run(monkeypatch):
    plan = compile_plan(load("production-drift"))
    fresh = replicate(plan, DEFAULT_SEED, plan.scenario.run.replications)
    assert Preparation(Idle(), quiet_s=0).prepare(plan)
    monkeypatch.setattr("simulator.metrics.replications.simulate", lambda *_: pytest.fail("it ran again"))
    work = Waiting()
    job = Registry(work).live(Watcher("one", "tab"), plan, DEFAULT_SEED, plan.scenario.run.replications)
    work.do(100)
    assert (job.summary.run_hash, job.summary.verdicts) == (fresh.run_hash, fresh.verdicts)


def test_a_design_is_prepared_once():
    plan = compile_plan(load("production-drift"))
    for count in (1, 0):
        workers = Idle()
        assert Preparation(workers, quiet_s=0).prepare(plan)
        assert bool(workers.tasks) == bool(count)


def test_preparation_is_dropped_when_a_visitor_asks_and_goes_on_when_it_is_quiet():
    plan, asked, again = compile_plan(load("production-drift")), [], []

    def asks(workers):
        if not asked:
            asked.append(workers.tasks[0][-1])
            workers.asked_s = monotonic()
            workers.do = lambda count: None  # a visitor's run has the processes
        elif asked[0].cancelled():
            again.append(monotonic())
            vars(workers).pop("do", None)  # the visitor's run is over

    workers = Idle(asks)
    assert Preparation(workers, quiet_s=0.2).prepare(plan)
    assert asked[0].cancelled()
    assert again[0] >= workers.asked_s + 0.2


def test_preparation_ends_with_the_server():
    preparation = Preparation(Stuck(), quiet_s=0)
    preparation.start()
    preparation.end()
    preparation.join(PATIENCE_S)
    assert not preparation.is_alive()


class Stuck(Waiting):
    """Workers that never begin."""

    asked_s = -1000.0


def test_an_administrator_can_switch_preparation_off(monkeypatch):
    monkeypatch.setenv(VARIABLE, OFF)
    preparation = Preparation(Stuck())
    preparation.begin()
    assert not preparation.is_alive()


def test_one_process_stays_free_for_visitors(tmp_path):
    workers, gate = Workers(2), tmp_path / "gate"
    work = until, gate.exists, "the gate"
    try:
        idle = [workers.submit(Submitter("house", "idle", IDLE), *work) for _ in range(3)]
        assert sum(task.running() for task in idle) == 1
        asked = workers.submit(Submitter("visitor", "run", 0), *work)
        assert asked.running()
        gate.touch()
        assert [task.result(PATIENCE_S) for task in [*idle, asked]] == [None] * 4
    finally:
        workers.stop()


@pytest.mark.long
def test_a_lone_process_is_not_kept_free_for_nobody():
    workers, done = Workers(1), Event()
    try:
        workers.submit(Submitter("house", "idle", IDLE), monotonic).add_done_callback(lambda _: done.set())
        assert done.wait(PATIENCE_S)
    finally:
        workers.stop()
