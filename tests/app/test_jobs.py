"""Jobs of all sessions: one a design, first results first, what nobody wants dropped, and no process before it is asked for."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from threading import Event
from time import monotonic, sleep
from types import SimpleNamespace

import pytest
import streamlit as st

from simulator.app import jobs, workers
from simulator.app.jobs import BESIDE, HOUSE, WATCHED, Job, Registry, Watcher
from simulator.app.turns import Submitter, TaskReply
from simulator.app.workers import Workers
from simulator.evidence.latency_tables import constant
from simulator.explain.judged_changes import for_objectives
from simulator.explain.result import replicate, result_of, settled
from simulator.metrics.replications import PLAIN, run_doubts_packed, run_replications
from simulator.processes import KilledError
from tests.builders import plan, pool
from tests.metrics.test_groups import screened
from tests.patience import PATIENCE_S

ALL = Watcher(HOUSE, "")
ONE, TWO, THREE, FOUR = (Watcher(name, "a tab") for name in ("one", "two", "three", "four"))


class Waiting:
    """Workers that do what they are asked to only when they are told to."""

    def __init__(self):
        self.tasks = []

    def submit(self, behalf, work, *arguments):
        self.tasks.append((behalf.urgency, len(self.tasks), work, arguments, TaskReply()))
        return self.tasks[-1][-1]

    def sooner(self, first, second):
        return first.urgency < second.urgency

    def wanted(self):
        return sorted(task for task in self.tasks if not task[-1].done())

    def do(self, count):
        """The most urgent so many."""
        for *_, work, arguments, future in self.wanted()[:count]:
            future.set_result(work(*arguments))


@pytest.fixture
def made():
    return plan({"p": pool()}, constant(0.1), seconds=5)


def timed(bound):
    """M/D/1 at a load of 0.04, whose mean time is 0.04083 s, with an objective for it."""
    objective = {"metric": "latency_mean_s", "at_most": bound, "label": "x"}
    return plan({"p": pool()}, constant(0.04), seconds=200, objectives=[objective])


@pytest.fixture
def busy():
    return timed(0.04083)  # no number of replications in these tests decides it


def told(result):
    return {name: (one.value, one.low, one.high) for name, one in result.metrics.items()}


def test_the_same_design_is_the_same_job(made):
    registry = Registry(Waiting())
    first = registry.start(ALL, made, 1, 2)
    assert registry.start(ALL, made, 1, 2) is first
    assert registry.start(ALL, made, 2, 2) is not first


def test_a_job_that_was_stopped_goes_on_where_it_was(made):
    registry, at_work = Registry(at := Waiting()), []
    first = registry.start(ALL, made, 1, 4)
    at.do(3)
    at_work = first.futures[:3]
    first.cancel()
    assert first.cancelled
    assert registry.start(ALL, made, 1, 4) is first
    assert (first.cancelled, first.done) == (False, 3)
    assert first.futures[:3] == at_work
    at.do(1)
    assert told(first.summary) == told(replicate(made, 1, 4))


def test_the_job_used_least_recently_goes_first_and_is_stopped(made, monkeypatch):
    monkeypatch.setattr(jobs, "KEPT", 2)
    registry = Registry(Waiting())
    first, second = (registry.start(ALL, made, seed, 2) for seed in (1, 2))
    assert registry.get(first.id) is first
    third = registry.start(ALL, made, 3, 2)
    assert [registry.get(job.id) for job in (first, second, third)] == [first, None, third]
    assert (first.cancelled, second.cancelled, third.cancelled) == (False, True, False)
    assert registry.get(None) is None


def test_jobs_that_take_much_memory_are_dropped_before_there_are_many(monkeypatch):
    made = plan({"p": pool()}, constant(0.1), seconds=5000)
    registry = Registry(at := Waiting())
    first, second = (registry.start(ALL, made, seed, 2) for seed in (1, 2))
    assert first.nbytes == 0
    at.do(4)
    assert first.nbytes == sum(len(future.result().content) for future in first.futures)
    monkeypatch.setattr(jobs, "KEPT_BYTES", 1.5 * first.nbytes)
    third = registry.start(ALL, made, 3, 2)
    assert [registry.get(job.id) for job in (first, second, third)] == [None, second, third]


def test_a_job_that_was_not_used_for_a_while_rests_and_shows_the_same(made, monkeypatch):
    monkeypatch.setattr(jobs, "AWAKE", 1)
    registry = Registry(at := Waiting())
    first = registry.start(ALL, made, 1, 2)
    at.do(2)
    shown = told(first.shown)
    assert first.plan.answers
    registry.start(ALL, made, 2, 2)
    assert not first.plan.answers
    assert told(first.shown) == shown == told(replicate(made, 1, 2))


@pytest.mark.parametrize("count", [1, 1001])
def test_a_number_of_replications_that_no_widget_offers_is_refused(made, count):
    with pytest.raises(ValueError, match="expected 2 to 1000"):
        Registry(Waiting()).start(ALL, made, 1, count)


def test_a_run_ends_after_the_look_that_decides_its_verdicts_and_goes_on_when_asked():
    registry, made = Registry(at := Waiting()), timed(1.0)
    job = registry.live(ONE, made, 7, 30)
    at.do(4)
    early = settled(replicate(made, 7, 4), 30)
    assert told(job.shown) == told(early)
    assert (job.running, job.succeeded, job.is_decided, job.summary.replications, job.total, job.planned) == (
        False, True, True, 4, 4, 30)  # fmt: skip
    assert not at.wanted()
    assert registry.live(TWO, made, 7, 30) is job
    assert not at.wanted()  # another person gets the same result
    registry.run_all(ONE, job.id)
    assert job.running
    at.do(26)
    assert told(job.shown) == told(replicate(made, 7, 30))
    assert (job.succeeded, job.is_decided) == (True, False)


def test_a_run_that_nobody_looked_at_ends_where_the_first_look_would_have_ended_it():
    """The number of replications follows from the plan and the seed, not from the moments of looking."""
    registry, made = Registry(at := Waiting()), timed(1.0)
    job = registry.start(ALL, made, 7, 30)
    at.do(30)
    assert told(job.shown) == told(settled(replicate(made, 7, 4), 30))
    assert job.summary.run_hash == replicate(made, 7, 4).run_hash


def test_each_stage_is_the_run_of_so_many_replications(busy):
    registry = Registry(at := Waiting())
    job = registry.live(ONE, busy, 7, 8)
    at.do(3)
    assert job.shown is None
    at.do(1)
    first = job.shown
    assert first.replications == 4 < job.total
    assert told(first) == told(replicate(for_objectives(busy), 7, 4))
    assert first.run_hash == replicate(busy, 7, 4).run_hash
    at.do(3)
    assert job.shown is first
    at.do(1)
    assert told(job.shown) == told(replicate(busy, 7, 8))
    assert job.shown is job.summary
    assert job.succeeded


@pytest.fixture
def doubtful():
    """A design with a doubt about its labels, as readers wait for what they flag, and one about a projected latency."""
    asked = [{"metric": "wait_p50_s.reader", "at_most": 9, "label": "Read soon"}]
    made = screened(reader=True, seconds=100, objectives=asked)
    return replace(made, bands={"p": (constant(0.5e-4), constant(2e-4))})


def test_the_first_stage_waits_for_no_run_that_only_a_doubt_rests_on(doubtful):
    registry = Registry(at := Waiting())
    job = registry.live(ONE, doubtful, 1, 8)
    job.until_decided = False
    assert [task[0] for task in at.wanted()] == [0] * 4 + [1] * 4  # the runs for doubts follow once it is known which
    at.do(4)
    first = result_of(for_objectives(doubtful), 1, run_replications(doubtful, 1, 4, options=PLAIN))
    assert (told(job.quick), job.quick.run_hash) == (told(first), first.run_hash)
    assert job.doubts_to_come == ["the labels", "the projections"]
    assert [task[0] for task in at.wanted()] == [1] * 8
    assert [task[3][0] is run_doubts_packed for task in at.wanted()] == [False] * 4 + [True] * 4


def test_the_doubts_come_before_the_rest_and_make_the_result_that_a_run_gives(doubtful):
    registry = Registry(at := Waiting())
    job = registry.live(ONE, doubtful, 1, 8)
    job.until_decided = False
    at.do(4)
    early = job.quick.metrics["wait_p50_s.reader"]
    for *_, work, arguments, future in [task for task in at.wanted() if task[3][0] is run_doubts_packed]:
        future.set_result(work(*arguments))
    whole = replicate(for_objectives(doubtful), 1, 4)
    assert (told(job.quick), job.doubts_to_come) == (told(whole), [])
    assert job.quick.metrics["wait_p50_s.reader"].low < early.low
    while at.wanted():
        at.do(1)
    assert told(job.summary) == told(replicate(doubtful, 1, 8))
    assert job.summary.run_hash == replicate(doubtful, 1, 8).run_hash
    assert job.quick.verdicts == job.summary.verdicts


def test_a_run_that_was_dropped_drops_its_doubts_and_takes_them_up_again(doubtful):
    registry = Registry(at := Waiting())
    job = registry.live(ONE, doubtful, 1, 8)
    job.until_decided = False
    at.do(5)
    registry.drop(ONE)
    assert job.cancelled
    assert at.wanted() == []
    registry.live(ONE, doubtful, 1, 8)
    assert job.ready == 4
    while at.wanted():
        at.do(1)
    assert told(job.summary) == told(replicate(doubtful, 1, 8))


def test_a_replication_that_comes_early_does_not_count_before_those_ahead_of_it(busy):
    registry = Registry(at := Waiting())
    job = registry.live(ONE, busy, 7, 8)
    for *_, work, arguments, future in at.wanted()[1:6]:
        future.set_result(work(*arguments))
    assert job.shown is None
    at.do(1)
    assert job.shown.replications == 4


def test_a_change_drops_what_the_same_owner_had_under_way(made):
    registry = Registry(at := Waiting())
    first = registry.live(ONE, made, 1, 8)
    at.do(5)
    second = registry.live(ONE, made, 2, 8)
    assert (first.cancelled, first.shown.replications) == (True, 4)
    assert [arguments[2] for *_, arguments, _ in at.wanted()] == [2] * 8
    registry.drop(ONE)
    assert second.cancelled
    assert at.wanted() == []


def test_a_change_leaves_what_others_want(made):
    registry = Registry(Waiting())
    shared = registry.live(ONE, made, 1, 8)
    assert registry.live(TWO, made, 1, 8) is shared
    other = registry.live(THREE, made, 2, 8)
    registry.live(ONE, made, 3, 8)
    assert not shared.cancelled
    registry.live(TWO, made, 3, 8)
    assert shared.cancelled
    assert not other.cancelled


def test_what_runs_to_its_end_anyway_outlives_its_owner(made):
    registry = Registry(Waiting())
    job = registry.start(ALL, made, 1, 8)
    registry.live(ONE, made, 1, 8)
    registry.live(ONE, made, 2, 8)
    assert not job.cancelled


def test_first_stages_come_first_whoever_was_earlier(made):
    registry = Registry(at := Waiting())
    registry.start(ALL, made, 1, 8)
    registry.live(TWO, made, 2, 8, BESIDE)
    registry.live(ONE, made, 3, 8)
    registry.live(FOUR, made, 4, 8)
    order = [arguments[2:4] for *_, arguments, _ in at.wanted()]
    first, rest = range(4), range(4, 8)
    stages = [(3, first), (4, first), (3, rest), (4, rest), (2, first), (2, rest), (1, first), (1, rest)]
    assert order == [(seed, replication) for seed, stage in stages for replication in stage]


def test_what_was_begun_in_the_background_comes_first_once_somebody_looks(made):
    registry = Registry(at := Waiting())
    job = registry.start(ALL, made, 1, 4)
    registry.start(ALL, made, 2, 4)
    at.do(1)
    assert registry.live(ONE, made, 1, 4) is job
    assert len(at.wanted()) == 7
    at.do(3)
    assert job.succeeded


def test_to_cancel_ends_ones_own_and_leaves_it_to_others(made):
    registry = Registry(at := Waiting())
    shared = registry.live(ONE, made, 1, 8)
    registry.live(TWO, made, 1, 8)
    registry.drop(ONE, shared.id)
    assert not shared.cancelled
    registry.drop(ONE, shared.id)
    assert len(at.wanted()) == 8
    registry.drop(TWO, shared.id)
    assert shared.cancelled


def test_who_has_the_button_pressed_waits_like_everybody_and_may_cancel_it(made):
    registry = Registry(at := Waiting())
    job = registry.start(ONE, made, 1, 8, WATCHED)
    registry.start(ALL, made, 2, 8)
    assert at.wanted()[0][0] == WATCHED
    registry.live(ONE, made, 3, 8)
    assert not job.cancelled
    registry.drop(ONE, job.id)
    assert job.cancelled


def test_what_is_under_way_and_watched_is_kept_however_many_there_are(made, monkeypatch):
    monkeypatch.setattr(jobs, "KEPT", 2)
    registry = Registry(at := Waiting())
    wanted = [registry.live(Watcher(str(one), ""), made, one, 2) for one in range(5)]
    assert [registry.get(job.id) for job in wanted] == wanted
    at.do(10)
    registry.live(ONE, made, 6, 2)
    assert [registry.get(job.id) for job in wanted] == [None] * 4 + [wanted[4]]


class Failing(Waiting):
    """Workers that do nothing well."""

    def do(self, count):
        for *_, future in self.wanted()[:count]:
            future.set_exception(KilledError())


def test_what_failed_is_tried_again_for_who_asks_anew_only(made):
    registry = Registry(at := Failing())
    job = registry.live(ONE, made, 1, 2)
    at.do(2)
    assert registry.live(ONE, made, 1, 2).error
    assert registry.live(TWO, made, 1, 2) is job
    assert (job.error, job.running) == (None, True)
    at.do(2)
    assert registry.start(ONE, made, 1, 2, WATCHED, anew=True).running


@pytest.fixture
def one_process(monkeypatch):
    """Workers with a thread in place of processes, and a gate that keeps it busy until it is opened."""
    monkeypatch.setattr(workers, "_spawned", lambda: ThreadPoolExecutor(1))
    found, gate = Workers(1), Event()
    found.submit(Submitter("anybody", "gate"), gate.wait)
    return found, gate


def asked(urgency=0):
    return Submitter("one", "run", urgency)


def test_the_most_urgent_is_done_first_and_what_was_dropped_not_at_all(one_process):
    found, gate = one_process
    done = []
    wanted = [(5, "e"), (2, "c"), (0, "a"), (2, "d"), (0, "b")]
    futures = [found.submit(asked(urgency), done.append, name) for urgency, name in wanted]
    assert futures[3].cancel()
    gate.set()
    futures[0].result()
    assert done == ["a", "b", "c", "e"]
    with pytest.raises(ZeroDivisionError):
        found.submit(asked(), divmod, 1, 0).result()


def test_what_is_killed_begins_again_once_and_says_so(one_process):
    found, gate = one_process
    tries = []

    def killed(times):
        tries.append(times)
        if len(tries) <= times:
            raise BrokenProcessPool
        return "done"

    gate.set()
    first = found.submit(asked(), killed, 1)
    assert (first.result(), first.again) == ("done", True)
    tries.clear()
    with pytest.raises(KilledError, match="killed twice"):
        found.submit(asked(), killed, 2).result()
    again = found.submit(asked(), abs, -1)
    assert (again.result(), again.again) == (1, False)


def test_what_comes_before_a_run_is_told_until_it_begins(one_process):
    found, gate = one_process
    found.submit(Submitter("two", "theirs"), gate.wait)
    mine = found.submit(Submitter("three", "mine"), abs, 1)
    before = found.ahead("mine")
    assert before.runs == 2
    assert before.seconds > 0
    gate.set()
    mine.result()
    assert found.ahead("mine") is None


def processes(found):
    """The processes that are there, by their ids."""
    return [pid for executor in found._executors.values() for pid in executor._processes]


@pytest.mark.long
def test_one_process_that_is_killed_takes_nothing_of_others_and_its_own_work_begins_again(made):
    found = Workers(2)
    slow = [found.submit(Submitter(name, name), sleep, 3) for name in ("one", "two")]
    until(lambda: all(future.running() for future in slow) and len(processes(found)) == 2)
    assert [found.submit(Submitter("x", "x"), abs, -1).cancel() for _ in range(2)]
    os.kill(processes(found)[0], signal.SIGKILL)
    for future in slow:
        future.result()
    assert sorted(future.again for future in slow) == [False, True]
    job = Registry(found).live(ONE, made, 1, 4)
    assert told(job.summary) == told(replicate(made, 1, 4))
    found.stop()


@pytest.mark.long
def test_processes_that_are_killed_while_idle_are_replaced_and_nobody_notices(made):
    found = Workers(2)
    job = Registry(found).live(ONE, made, 1, 4)
    assert job.summary
    for pid in processes(found):
        os.kill(pid, signal.SIGKILL)
    later = Registry(found).live(ONE, made, 2, 4)
    assert told(later.summary) == told(replicate(made, 2, 4))
    assert later.error is None
    found.stop()


def until(true):
    deadline = monotonic() + PATIENCE_S
    while not true():
        assert monotonic() < deadline
        sleep(0.05)


ORPHANING = """
import os, signal
from simulator.app.turns import Submitter
from simulator.app.workers import Workers

if __name__ == "__main__":
    workers = Workers(2)
    for name in ("one", "two"):
        print(workers.submit(Submitter(name, name), os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.long
def test_processes_end_with_a_server_that_is_killed(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(ORPHANING, encoding="utf-8")
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL
    until(lambda: not any(is_there(int(pid)) for pid in ended.stdout.split()))


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_message_that_clears_the_caches_drops_no_run(made):
    before = jobs.registry()
    st.cache_resource.clear()
    assert jobs.registry() is before


@pytest.fixture(scope="module")
def fresh():
    """What a process holds that has imported the app, and its modules after its first verdicts."""
    program = """
import gc, json, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import simulator.serving.entry, simulator.app.jobs
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
processes = len(multiprocessing.active_children()) + sum(isinstance(one, ProcessPoolExecutor) for one in gc.get_objects())
replicate(compile_plan(load("retry-storm")), 1, 2)
print(json.dumps({"processes": processes, "modules": [*sys.modules]}))
"""
    return json.loads(subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE).stdout)


def test_importing_the_app_spawns_no_process(fresh):
    assert fresh["processes"] == 0


def test_the_first_verdicts_wait_for_no_import_of_what_scipy_special_knows(fresh):
    assert "scipy.special" in fresh["modules"]
    assert not {"scipy.stats", "scipy.optimize", "scipy.signal"} & {*fresh["modules"]}


def test_replications_that_were_kept_do_not_shorten_the_time_of_one():
    took, kept = TaskReply(), Future()
    took.seconds = 0.4
    for future in (took, kept, kept):
        if not future.done():
            future.set_result(None)
    assert Job.replication_s.fget(SimpleNamespace(futures=[took, kept, kept])) == 0.4
    assert Job.replication_s.fget(SimpleNamespace(futures=[kept])) == 0.0
