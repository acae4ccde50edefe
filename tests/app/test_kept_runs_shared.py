"""Two servers on one folder of kept runs: one reads what the other has made, and what both write at once is whole."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulator.app.links import DEFAULT_SEED
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.explain.result import replicate
from simulator.kept_results import KeptRuns

#: A server's part in this: for each line, the picks of a design or the number of files to write, it answers with a line.
SERVER = """
import json, sys
from simulator.app.jobs import Registry, Watcher
from simulator.app.kept_runs import name_of
from simulator.app.links import DEFAULT_SEED
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.kept_results import KeptRuns, PackedRun
from simulator.metrics import replications
from tests.app.test_jobs import Waiting

made, simulate = [], replications.simulate
replications.simulate = lambda *given: (made.append(1), simulate(*given))[1]

def outcome(picks):
    made.clear()
    plan, work = compile_plan(load("production-drift"), picks), Waiting()
    job = Registry(work).live(Watcher("one", "tab"), plan, DEFAULT_SEED, 2)
    work.do(9)
    found = job.summary
    return [len(made), found.run_hash, repr(found.verdicts), repr(found.metrics)]

def broken(count):
    store, content = KeptRuns(), PackedRun(bytes(300_000), 300_000)
    for number in range(count):
        store.put(name_of("file", number % 3), content)
    return sum(store.get(name_of("file", number)) != content for number in range(3))

for line in sys.stdin:
    task = json.loads(line)
    print(json.dumps(broken(task) if isinstance(task, int) else outcome(task)), flush=True)
"""


class Server:
    """A process with the code of a server, and the folder that CASESIM_RUNS names."""

    def __init__(self, process):
        self._process = process

    def ask(self, task):
        self._process.stdin.write(f"{json.dumps(task)}\n")
        self._process.stdin.flush()

    def answer(self):
        return json.loads(self._process.stdout.readline())

    def do(self, task):
        self.ask(task)
        return self.answer()


@contextmanager
def server(folder):
    own = {"env": os.environ | {"CASESIM_RUNS": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}, "text": True}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", SERVER], **own, **pipes) as process:
        yield Server(process)
        process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shared") / "runs"


@pytest.fixture(scope="module")
def two(folder):
    with server(folder) as first, server(folder) as second:
        yield first, second


def files(folder):
    return [file for file in folder.rglob("*") if file.is_file()]


def at_once(servers, task):
    for one in servers:
        one.ask(task)
    return [one.answer() for one in servers]


@pytest.mark.long
def test_a_run_of_one_server_is_read_by_the_other_and_a_damaged_file_is_made_again(folder, two):
    plan = compile_plan(load("production-drift"))
    fresh = replicate(plan, DEFAULT_SEED, 2)
    expected = [fresh.run_hash, repr(fresh.verdicts), repr(fresh.metrics)]
    first, second = two
    assert first.do({}) == [2, *expected]
    assert second.do({}) == [0, *expected]
    whole = {file: file.read_bytes() for file in files(folder)}
    damaged = min(whole)
    damaged.write_bytes(whole[damaged][:-1])
    runs, *outcome = second.do({})
    assert (runs, outcome) == (1, expected)
    assert {file: file.read_bytes() for file in files(folder)} == whole
    assert first.do({}) == [0, *expected]


@pytest.mark.long
def test_what_two_servers_write_at_once_is_whole(folder, two):
    (made, *outcome), (_, *other) = at_once(two, {"replicas": 4})
    assert made in (0, 1, 2)
    assert outcome == other
    assert at_once(two, 60) == [0, 0]
    assert all(len(file.name) == 64 for file in files(folder))  # no part of a file is left
    store = KeptRuns(folder)
    assert all(store.get(file.name) is not None for file in files(folder))
