"""Jobs of all sessions: one a design, the ones used last kept, and no process before it is asked for."""

import subprocess
import sys
from concurrent.futures import Future

import pytest

from simulator.serving.latency import constant
from simulator.ui import jobs
from simulator.ui.jobs import Registry
from simulator.ui.workers import Workers
from tests.builders import plan, pool


class Waiting:
    """Workers that never come to it."""

    def submit(self, plan, seed, replications):
        return [Future() for _ in range(replications)]


@pytest.fixture
def made():
    return plan({"p": pool()}, constant(0.1), seconds=5)


def test_the_same_design_is_the_same_job_until_it_is_stopped(made):
    registry = Registry(Waiting())
    first = registry.start(made, 1, 2)
    assert registry.start(made, 1, 2) is first
    assert registry.start(made, 2, 2) is not first
    first.cancel()
    assert registry.start(made, 1, 2) is not first


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


def test_a_pool_whose_process_was_killed_is_begun_anew(made):
    workers = Workers()
    workers.start()
    workers._executor.submit(abs, 1).result()
    for process in workers._executor._processes.values():
        process.kill()
    for _ in range(2):  # the first may still be handed to the pool that is breaking
        found = [future.exception() or future.result() for future in workers.submit(made, 1, 2)]
    assert [one.requests > 0 for one in found] == [True, True]


def test_importing_the_app_spawns_no_process():
    program = (
        "import multiprocessing, simulator.ui.app, simulator.ui.jobs;"
        "from concurrent.futures import ProcessPoolExecutor as P; import gc;"
        "assert not multiprocessing.active_children();"
        "assert not any(isinstance(one, P) for one in gc.get_objects())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
