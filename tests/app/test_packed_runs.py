"""Runs that a server keeps packed: equal measures again, few open ones at a time, for several threads."""

import gc
import pickle
from concurrent.futures import ThreadPoolExecutor
from weakref import ref

import pytest

from simulator.app.kept_runs import OPENED, DoubtedRun, PackedRuns, pack
from simulator.evidence.latency_tables import constant
from simulator.kept_results import PackedRun
from simulator.metrics.replications import DoubtRuns, run_replication
from tests.builders import plan, pool


@pytest.fixture(scope="module")
def fresh():
    made = plan({"p": pool()}, constant(0.1), seconds=500)
    return [run_replication(made, 1, number) for number in range(3)]


@pytest.fixture
def runs(fresh):
    return PackedRuns([PackedRun.of(one) for one in fresh])


def content(measures):
    return [(one.digest, {name: sample.values.tolist() for name, sample in one.samples.items()}) for one in measures]


def test_the_measures_come_back_equal_in_their_order(runs, fresh):
    assert content(runs) == content(fresh)
    assert content(runs[1:]) == content(fresh[1:])
    assert runs[2].digest == fresh[2].digest
    assert len(runs) == 3


def test_a_run_goes_to_another_process_packed(fresh):
    run = pack(lambda: fresh[0])
    opened = run.open()
    assert run.open() is opened
    again = pickle.loads(pickle.dumps(run))
    assert again == run
    assert content([again.open()]) == content(fresh[:1])


def test_doubts_join_the_replication_that_they_are_about(fresh):
    run = DoubtedRun(PackedRun.of(fresh[0]), PackedRun.of(DoubtRuns([fresh[1]], fresh[2])))
    assert run.open().resampled.digest == fresh[2].digest
    assert run.open().digest == fresh[0].digest
    assert PackedRuns([run], edge=0)[0].digest == fresh[1].digest


def one_run_alone(monkeypatch):
    OPENED.clear()
    monkeypatch.setattr(OPENED, "_Cache__maxsize", 1)


def test_runs_beyond_the_bound_are_closed_and_opened_again(runs, fresh, monkeypatch):
    one_run_alone(monkeypatch)
    first = ref(runs[0])
    assert first() is runs[0]
    other = PackedRuns([PackedRun.of(fresh[1])])
    assert other[0].digest == fresh[1].digest
    gc.collect()
    assert first() is None
    assert content(runs) == content(fresh)


def test_threads_that_open_and_close_runs_at_once_read_the_same(fresh, monkeypatch):
    one_run_alone(monkeypatch)
    each = [PackedRuns([PackedRun.of(one) for one in fresh]) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        digests = list(threads.map(lambda number: [one.digest for one in each[number % 4]], range(80)))
    assert digests == [[one.digest for one in fresh]] * 80
