"""The same sweep and the same run on a real Dask cluster: nothing lost, nothing counted twice, and the same bytes."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

pytest.importorskip("distributed", reason="needs the extra `cluster`")

from simulator.app.jobs import Registry, Watcher, registry
from simulator.app.turns import Submitter
from simulator.app.workers import Workers
from simulator.case.load import load, loads
from simulator.dask_cluster import Cluster, ClusterError
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.sweeps.sweep import Sweep, sweep_request, swept, to_parquet
from tests.case.texts import SMALL
from tests.patience import PATIENCE_S
from tests.sweeps.test_sweep import Here


class Dask:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.workers = folder, []
        self.begin()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def _started(self, *words: object) -> subprocess.Popen:
        said = subprocess.DEVNULL
        command = [sys.executable, "-m", "dask", *map(str, words)]
        return subprocess.Popen(command, stdout=said, stderr=said, cwd=self.folder, start_new_session=True)

    def begin(self) -> None:
        self.scheduler = self._started("scheduler", "--host", "127.0.0.1", "--port", self.port, "--no-dashboard")
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise AssertionError("the scheduler does not answer")

    def add_worker(self) -> subprocess.Popen:
        worker = self._started("worker", self.address, "--nthreads", 1, "--no-nanny", "--no-dashboard")
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        for process in [*self.workers, self.scheduler]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def dask(tmp_path):
    cluster = Dask(tmp_path)
    yield cluster
    cluster.end()


@pytest.fixture
def requested(evidence):
    return sweep_request(loads(SMALL), ["point", "reading", "population.prevalence=0.2:0.8:6"], replications=4)


def table(requested, outcomes) -> bytes:
    return to_parquet(requested.table(outcomes), requested.provenance(outcomes))


def gone_on(sweep: Sweep, count: int) -> None:
    """Let a sweep go on until so many points have ended."""
    until = time.monotonic() + PATIENCE_S
    while sweep.done < count:
        assert time.monotonic() < until, f"only {sweep.done} of {count} points"
        sweep.step(0.2)


@pytest.mark.long
def test_a_cluster_makes_the_same_table_through_a_killed_worker_a_slow_one_and_a_restarted_scheduler(requested, dask):
    expected = table(requested, swept(Sweep(requested, Here().submit)))
    first, slow = dask.add_worker(), dask.add_worker()
    with Cluster(dask.address) as cluster:
        sweep = Sweep(requested, cluster.submit)
        gone_on(sweep, 4)
        first.kill()
        dask.add_worker()
        gone_on(sweep, 8)
        slow.send_signal(signal.SIGSTOP)
        gone_on(sweep, 12)
        dask.scheduler.kill()
        dask.scheduler.wait()
        slow.send_signal(signal.SIGCONT)
        dask.begin()
        dask.add_worker()
        outcomes = swept(sweep)
    assert len(outcomes) == len(requested.points) == 36
    assert table(requested, outcomes) == expected


@pytest.mark.long
def test_a_scheduler_that_does_not_answer_is_wrong_use(evidence, tmp_path, casesim):
    case = tmp_path / "small.yaml"
    case.write_text(SMALL, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    status, _, err = casesim("sweep", case, "--over", "point", "--replications", 2, "--scheduler", address)
    assert status == 2
    assert f"--scheduler {address}: no scheduler answers" in err


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "http://127.0.0.1:8786", "tcp://:8786", "tcp://a b:1"])
def test_what_is_no_address_is_told_at_once_with_one_that_would_be(evidence, tmp_path, casesim, address):
    case = tmp_path / "small.yaml"
    case.write_text(SMALL, encoding="utf-8")
    status, out, err = casesim("sweep", case, "--over", "point", "--scheduler", address)
    assert (status, out) == (2, "")
    assert err == f"--scheduler {address}: write it as tcp://HOST:PORT, such as tcp://127.0.0.1:8786\n"


def test_a_server_whose_scheduler_is_no_address_says_so_and_does_not_serve(casesim, monkeypatch):
    monkeypatch.setenv("CASESIM_SCHEDULER", "")
    registry.cache_clear()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    status, _, err = casesim("serve", "--port", port, "--scheduler", "nonsense")
    assert status == 2
    assert err.endswith("--scheduler nonsense: write it as tcp://HOST:PORT, such as tcp://127.0.0.1:8786\n")


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"--scheduler needs distributed, .*: pip install 'casesim\[cluster\]'"):
        Cluster("tcp://127.0.0.1:8786")


@pytest.mark.long
def test_a_scheduler_that_stays_away_is_told_after_a_while(requested, dask):
    dask.add_worker()
    with Cluster(dask.address, patience_s=2.0) as cluster:
        sweep = Sweep(requested, cluster.submit)
        gone_on(sweep, 2)
        dask.end()
        with pytest.raises(ClusterError, match="has been away for 2 s"):
            swept(sweep)


@pytest.mark.long
def test_a_visitor_s_run_on_a_cluster_loses_nothing_when_a_worker_is_killed(dask):
    """The server has no process of its own; a killed worker costs the replication that it was at."""
    plan = compile_plan(load("skin-cancer-triage"))
    first, _ = dask.add_worker(), dask.add_worker()
    workers = Workers(cluster=Cluster(dask.address))
    try:
        wait_for(lambda: workers.processes == 2, workers)
        job = Registry(workers).live(Watcher("one", "a tab"), plan, 7, 8)
        wait_for(lambda: job.ready >= 4, workers)
        first.kill()
        assert job.summary.run_hash == replicate(plan, 7, job.total).run_hash
        assert not workers._executors
        wait_for(lambda: workers.processes == 1, workers)
    finally:
        workers.stop()


def wait_for(state, workers) -> None:
    """Wait for a state that shows while work goes on."""
    until = time.monotonic() + PATIENCE_S
    while not state():
        assert time.monotonic() < until
        workers.submit(Submitter("one", "look"), time.sleep, 0.1).result(PATIENCE_S)
