"""Jobs of all sessions: one a design, first results first, what nobody wants dropped, and no process before it is asked for."""

import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Event

import pytest

from simulator.analysis.run.replicate import replicate
from simulator.serving.latency import constant
from simulator.ui import jobs, workers
from simulator.ui.jobs import Registry, stages_of
from simulator.ui.workers import KilledError, Workers
from tests.builders import plan, pool


class Waiting:
    """Workers that do what they are asked to only when they are told to."""

    def __init__(self):
        self.tasks = []

    def submit(self, urgency, work, *arguments):
        self.tasks.append((urgency, len(self.tasks), work, arguments, Future()))
        return self.tasks[-1][-1]

    def wanted(self):
        return sorted(task for task in self.tasks if not task[-1].done())

    def do(self, count):
        """The most urgent so many."""
        for *_, work, arguments, future in self.wanted()[:count]:
            future.set_result(work(*arguments))


@pytest.fixture
def made():
    return plan({"p": pool()}, constant(0.1), seconds=5)


@pytest.fixture
def busy():
    return plan(
        {"p": pool()}, constant(0.04), seconds=200, objectives=[{"metric": "latency_p50_s", "at_most": 1, "label": "x"}]
    )


def told(result):
    return {name: (one.value, one.low, one.high) for name, one in result.metrics.items()}


def test_the_same_design_is_the_same_job(made):
    registry = Registry(Waiting())
    first = registry.start(made, 1, 2)
    assert registry.start(made, 1, 2) is first
    assert registry.start(made, 2, 2) is not first


def test_a_job_that_was_stopped_goes_on_where_it_was(made):
    registry, at_work = Registry(at := Waiting()), []
    first = registry.start(made, 1, 4)
    at.do(3)
    at_work = first.futures[:3]
    first.cancel()
    assert first.cancelled
    assert registry.start(made, 1, 4) is first
    assert (first.cancelled, first.done) == (False, 3)
    assert first.futures[:3] == at_work
    at.do(1)
    assert told(first.summary) == told(replicate(made, 1, 4))


def test_the_job_used_least_recently_goes_first_and_is_stopped(made, monkeypatch):
    monkeypatch.setattr(jobs, "KEPT", 2)
    registry = Registry(Waiting())
    first, second = (registry.start(made, seed, 2) for seed in (1, 2))
    assert registry.get(first.id) is first
    third = registry.start(made, 3, 2)
    assert [registry.get(job.id) for job in (first, second, third)] == [first, None, third]
    assert (first.cancelled, second.cancelled, third.cancelled) == (False, True, False)
    assert registry.get(None) is None


@pytest.mark.parametrize("count", [1, 1001])
def test_a_number_of_replications_that_no_widget_offers_is_refused(made, count):
    with pytest.raises(ValueError, match="expected 2 to 1000"):
        Registry(Waiting()).start(made, 1, count)


@pytest.mark.parametrize(
    ("total", "stages"),
    [(2, [2]), (7, [7]), (8, [4, 8]), (10, [4, 10]), (30, [4, 12, 30]), (1000, [4, 12, 36, 108, 324, 1000])],
)
def test_a_run_is_shown_after_a_few_replications_then_after_more_and_at_last_whole(total, stages):
    assert stages_of(total) == stages


def test_each_stage_is_the_run_of_so_many_replications(busy):
    registry = Registry(at := Waiting())
    job = registry.live("one", busy, 7, 8)
    at.do(3)
    assert job.shown is None
    at.do(1)
    first = job.shown
    assert first.replications == 4 < job.total
    assert told(first) == told(replicate(busy, 7, 4))
    assert first.run_hash == replicate(busy, 7, 4).run_hash
    at.do(3)
    assert job.shown is first
    at.do(1)
    assert told(job.shown) == told(replicate(busy, 7, 8))
    assert job.shown is job.summary
    assert job.succeeded


def test_a_replication_that_comes_early_does_not_count_before_those_ahead_of_it(busy):
    registry = Registry(at := Waiting())
    job = registry.live("one", busy, 7, 8)
    for *_, work, arguments, future in at.wanted()[1:6]:
        future.set_result(work(*arguments))
    assert job.shown is None
    at.do(1)
    assert job.shown.replications == 4


def test_a_change_drops_what_the_same_owner_had_under_way(made):
    registry = Registry(at := Waiting())
    first = registry.live("one", made, 1, 8)
    at.do(5)
    second = registry.live("one", made, 2, 8)
    assert (first.cancelled, first.shown.replications) == (True, 4)
    assert [arguments[1] for *_, arguments, _ in at.wanted()] == [2] * 8
    registry.drop("one")
    assert second.cancelled
    assert at.wanted() == []


def test_a_change_leaves_what_others_want(made):
    registry = Registry(Waiting())
    shared = registry.live("one", made, 1, 8)
    assert registry.live("two", made, 1, 8) is shared
    other = registry.live("three", made, 2, 8)
    registry.live("one", made, 3, 8)
    assert not shared.cancelled
    registry.live("two", made, 3, 8)
    assert shared.cancelled
    assert not other.cancelled


def test_what_runs_to_its_end_anyway_outlives_its_owner(made):
    registry = Registry(Waiting())
    job = registry.start(made, 1, 8)
    registry.live("one", made, 1, 8)
    registry.live("one", made, 2, 8)
    assert not job.cancelled


def test_first_stages_come_first_whoever_was_earlier(made):
    registry = Registry(at := Waiting())
    registry.start(made, 1, 8)
    registry.live("two", made, 2, 8, beside=True)
    registry.live("one", made, 3, 8)
    registry.live("four", made, 4, 8)
    order = [arguments[1:] for *_, arguments, _ in at.wanted()]
    first, rest = range(4), range(4, 8)
    stages = [(3, first), (4, first), (3, rest), (4, rest), (2, first), (2, rest), (1, first), (1, rest)]
    assert order == [(seed, replication) for seed, stage in stages for replication in stage]


def test_what_was_begun_in_the_background_comes_first_once_somebody_looks(made):
    registry = Registry(at := Waiting())
    job = registry.start(made, 1, 4)
    registry.start(made, 2, 4)
    at.do(1)
    assert registry.live("one", made, 1, 4) is job
    assert len(at.wanted()) == 7
    at.do(3)
    assert job.succeeded


@pytest.fixture
def one_process(monkeypatch):
    """Workers with a thread in place of processes, and a gate that keeps it busy until it is opened."""
    monkeypatch.setattr(workers, "_spawned", ThreadPoolExecutor)
    found, gate = Workers(1), Event()
    found.submit(0, gate.wait)
    return found, gate


def test_the_most_urgent_is_done_first_and_what_was_dropped_not_at_all(one_process):
    found, gate = one_process
    done = []
    futures = [found.submit(urgency, done.append, name) for urgency, name in [(5, "e"), (2, "c"), (0, "a"), (2, "d"), (0, "b")]]
    assert futures[3].cancel()
    gate.set()
    futures[0].result()
    assert done == ["a", "b", "c", "e"]
    with pytest.raises(ZeroDivisionError):
        found.submit(0, divmod, 1, 0).result()


def test_what_is_killed_begins_again_once(one_process):
    found, gate = one_process
    tries = []

    def killed(times):
        tries.append(times)
        if len(tries) <= times:
            raise BrokenProcessPool
        return "done"

    gate.set()
    assert found.submit(0, killed, 1).result() == "done"
    tries.clear()
    with pytest.raises(KilledError, match="ended from outside"):
        found.submit(0, killed, 2).result()
    assert found.submit(0, abs, -1).result() == 1


def test_a_job_whose_processes_are_killed_begins_again_by_itself(made):
    found = Workers(2)
    found.start()
    found.submit(0, abs, 1).result()
    for process in found._executor._processes.values():
        process.kill()
    job = Registry(found).live("one", made, 1, 4)
    assert told(job.summary) == told(replicate(made, 1, 4))


def test_importing_the_app_spawns_no_process():
    program = (
        "import multiprocessing, simulator.ui.app, simulator.ui.jobs;"
        "from concurrent.futures import ProcessPoolExecutor as P; import gc;"
        "assert not multiprocessing.active_children();"
        "assert not any(isinstance(one, P) for one in gc.get_objects())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
