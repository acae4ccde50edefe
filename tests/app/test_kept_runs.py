"""Runs on disk: the same result as a fresh one, from a private folder alone, and no more than fit."""

import os
import pickle

import pytest

from simulator.app.jobs import Registry, Watcher
from simulator.app.kept_runs import code_hash, is_kept, kept, name_of
from simulator.app.links import DEFAULT_SEED
from simulator.case.load import load
from simulator.engine.plan import compile_plan
from simulator.kept_results import KeptRuns, PackedRun
from simulator.metrics.replications import PLAIN, packed, run_packed
from tests.app.test_jobs import Waiting

ONE, MADE, FINE = name_of("one"), [], PackedRun.of("fine")


@pytest.fixture
def store(tmp_path):
    return KeptRuns(tmp_path / "runs")


def make(value):
    MADE.append(value)
    return value


def file_of(store):
    (file,) = store.folder.glob("*/*")
    return file


def test_a_result_comes_back_equal(store):
    plan = packed(compile_plan(load("production-drift")))
    fresh = run_packed(plan, 1, 0, PLAIN)
    store.put(ONE, PackedRun.of(fresh))
    again = store.get(ONE).open()
    assert pickle.dumps(again) == pickle.dumps(pickle.loads(pickle.dumps(fresh)))


def test_work_is_done_once_for_one_name(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.kept_results.KeptRuns.__init__.__defaults__", (tmp_path / "runs",))
    MADE.clear()
    assert [kept(name, make, 5).unpack() for name in (ONE, ONE, name_of("two"))] == [5, 5, 5]
    assert MADE == [5, 5]


@pytest.mark.parametrize("part", [0, 35, -1], ids=["the hash", "the length", "the content"])
def test_a_damaged_file_is_not_read(store, part):
    store.put(ONE, FINE)
    content = bytearray(file_of(store).read_bytes())
    content[part] ^= 1
    file_of(store).write_bytes(bytes(content))
    assert store.get(ONE) is None


def test_a_file_that_was_cut_off_is_not_read(store):
    store.put(ONE, FINE)
    whole = file_of(store).read_bytes()
    for length in (0, 20, 36, len(whole) - 1):
        file_of(store).write_bytes(whole[:length])
        assert store.get(ONE) is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")
@pytest.mark.parametrize("rights", [0o770, 0o707])
def test_a_folder_where_others_may_write_is_not_read(store, rights, monkeypatch):
    """Unpickling runs code, and `make_private_folder` cannot take rights where the file system keeps them."""
    store.put(ONE, FINE)
    monkeypatch.setattr("simulator.kept_results.make_private_folder", lambda folder: None)
    store.folder.chmod(rights)
    assert KeptRuns(store.folder).get(ONE) is None
    store.folder.chmod(0o700)
    assert KeptRuns(store.folder).get(ONE) == FINE


def test_a_folder_that_cannot_be_made_keeps_nothing_and_stops_nothing(tmp_path):
    (tmp_path / "runs").write_text("a file")
    store = KeptRuns(tmp_path / "runs")
    store.put(ONE, FINE)
    assert store.get(ONE) is None


def test_results_that_were_read_longest_ago_are_deleted_first(store):
    names = [name_of(number) for number in range(4)]
    for age, name in enumerate(names):
        store.put(name, FINE)
        os.utime(store._file(name), (age, age))
    assert store.get(names[0]) == FINE  # reading it makes it the youngest
    size = store._file(names[0]).stat().st_size
    store.forget_beyond(2 * size)
    assert [store.get(name) is not None for name in names] == [True, False, False, True]


def test_a_name_depends_on_the_code(monkeypatch):
    before = name_of("one")
    monkeypatch.setattr("simulator.app.kept_runs.code_hash", lambda: "other code")
    assert name_of("one") != before


def test_the_hash_of_the_code_changes_with_one_letter(monkeypatch, tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    monkeypatch.setattr("simulator.app.kept_runs.PACKAGE", tmp_path)
    before = code_hash.__wrapped__()
    assert code_hash.__wrapped__() == before
    (tmp_path / "a.py").write_text("x = 2")
    assert code_hash.__wrapped__() != before


def test_shipped_cases_are_kept_under_the_seed_of_the_page(monkeypatch):
    plan = compile_plan(load("production-drift"))
    assert is_kept(plan, DEFAULT_SEED)
    assert not is_kept(plan, DEFAULT_SEED + 1)
    monkeypatch.setattr("simulator.case.load.own_cases", lambda: {"production-drift": None})
    assert not is_kept(plan, DEFAULT_SEED)


def test_a_known_run_says_no_less_than_a_fresh_one(monkeypatch, tmp_path):
    monkeypatch.setattr("simulator.kept_results.KeptRuns.__init__.__defaults__", (tmp_path / "runs",))
    plan, found = compile_plan(load("production-drift")), []
    for _ in range(2):
        registry = Registry(work := Waiting())
        job = registry.live(Watcher("one", "tab"), plan, DEFAULT_SEED, 4)
        work.do(9)
        found.append(job.summary)
        monkeypatch.setattr("simulator.metrics.replications.simulate", not_again)
    assert found[0].run_hash == found[1].run_hash
    assert found[0].verdicts == found[1].verdicts
    assert found[0].metrics == found[1].metrics


def not_again(*_):
    raise AssertionError("a run that is kept was made again")
