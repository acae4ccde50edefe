"""A small case whose runs are there at once, without worker processes."""

from concurrent.futures import Future

import pytest

from simulator.app.jobs import Job
from simulator.app.kept_runs import pack
from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.metrics.replications import run_replication
from tests.case.texts import SMALL


class Done:
    """Stands for the registry of jobs: what is started has ended."""

    def __init__(self):
        self.jobs = {}
        self.started = 0

    def get(self, key):
        return self.jobs.get(key)

    def start(self, watcher, plan, seed, replications):
        job = done(plan, seed, replications)
        self.started += job.id not in self.jobs
        return self.jobs.setdefault(job.id, job)


def done(plan, seed=1, replications=2):
    """A job that has come to its end."""
    futures = [Future() for _ in range(replications)]
    for number, future in enumerate(futures):
        future.set_result(pack(run_replication, plan, seed, number))
    return Job(plan, seed, replications, futures)


@pytest.fixture
def small(evidence):
    return loads(SMALL)


@pytest.fixture
def run(small):
    """Runs a design of the small case."""
    return lambda seed=1, replications=2, **picks: done(compile_plan(small, picks), seed, replications)


@pytest.fixture
def jobs(monkeypatch):
    kept = Done()
    monkeypatch.setattr("simulator.practice.history.registry", lambda: kept)
    return kept


@pytest.fixture
def store(monkeypatch, tmp_path):
    """The attempts of this test alone."""
    from simulator.app import own_sessions
    from simulator.app.store.attempts import Attempts
    from simulator.practice import history

    kept = Attempts(f"sqlite:///{tmp_path / 'kept.db'}")
    for module in (history, own_sessions):
        monkeypatch.setattr(module, "attempts", lambda: kept)
    return kept
