"""Outcomes on disk: whole or not at all, found again by what they are of."""

import os
from dataclasses import asdict

import numpy as np
import pytest

from simulator.case.load import loads
from simulator.engine.plan import compile_plan
from simulator.sweeps.outcome_cache import DesignOutcome, OutcomeCache, solve, task_of
from tests.case.texts import SMALL, changed
from tests.tradeoffs.made import outcome

METRICS = ("sensitivity", "latency_p95_s", "cost_per_1000_usd")


@pytest.fixture
def task(evidence):
    return task_of(compile_plan(loads(SMALL)), METRICS, seed=1, replications=2)


def kept(folder, task, outcome):
    OutcomeCache(folder).keep(task, outcome)
    return OutcomeCache(folder).outcome(task)


def test_an_outcome_comes_back_as_it_was_to_the_last_bit(task, tmp_path):
    found = solve(task)
    again = kept(tmp_path, task, found)
    np.testing.assert_equal(asdict(again), asdict(found))
    assert again.metrics == dict(found.metrics)
    for name, readings in found.readings.items():
        for one, other in zip(readings, again.readings[name], strict=True):
            assert one.run == other.run
            assert one.between == other.between
            for field in ("parts", "draws", "again", "moved"):
                array = getattr(one, field)
                assert (array is None) == (getattr(other, field) is None)
                if array is not None:
                    np.testing.assert_array_equal(array, getattr(other, field))
                    assert array.dtype == getattr(other, field).dtype


def test_a_design_that_cannot_run_is_kept_with_its_reason(task, tmp_path):
    refused = DesignOutcome({"a": 1}, {}, 1, 2, refused="no such model")
    assert kept(tmp_path, task, refused) == refused


def test_what_was_put_is_got_by_whoever_asks_for_the_same(task, tmp_path):
    np.testing.assert_equal(asdict(kept(tmp_path, task, solve(task))), asdict(solve(task)))


def test_an_outcome_of_a_class_that_is_gone_is_made_anew(task, tmp_path, monkeypatch):
    OutcomeCache(tmp_path).keep(task, solve(task))
    monkeypatch.delattr("simulator.sweeps.outcome_cache.DesignOutcome")
    assert OutcomeCache(tmp_path).outcome(task) is None


@pytest.mark.parametrize("of", [
    {"seed": 2}, {"replications": 3}, {"metrics": METRICS[:2]}, {"picks": {"point": 1.0}},
    {"figures": {"population.prevalence": 0.4}}, {"text": changed("days: 0.01", "days: 0.02")},
])  # fmt: skip
def test_another_seed_design_figure_case_or_metric_is_another_point(task, of):
    plan = compile_plan(loads(of.get("text", SMALL)), of.get("picks"), figures=of.get("figures"))
    other = task_of(plan, of.get("metrics", METRICS), of.get("seed", 1), of.get("replications", 2))
    assert other.key != task.key


def test_other_evidence_is_another_point(task, tmp_path):
    table = next(tmp_path.glob("scores/*.csv"))
    table.write_text(table.read_text().replace("0.5", "0.6"), encoding="utf-8")
    assert task_of(compile_plan(loads(SMALL)), METRICS, 1, 2).key != task.key


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty"])
def test_a_damaged_file_is_named_and_made_anew(task, tmp_path, harm):
    OutcomeCache(tmp_path).keep(task, solve(task))
    (file,) = tmp_path.glob("??/*")
    assert file.name == task.key
    whole = file.read_bytes()
    middle = len(whole) // 2
    harmed = {"cut": whole[:-40], "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], "empty": b""}
    file.write_bytes(harmed[harm])
    cache = OutcomeCache(tmp_path)
    assert cache.outcome(task) is None
    assert cache.damaged == [file]
    assert kept(tmp_path, task, solve(task)) is not None


def test_the_oldest_outcomes_go_first_where_they_take_too_much(task, tmp_path, evidence):
    cache, tasks = (
        OutcomeCache(tmp_path / "kept"),
        [task_of(compile_plan(loads(SMALL)), METRICS, seed, 2) for seed in (1, 2, 3)],
    )
    for age, one in enumerate(tasks):
        cache.keep(one, outcome({"cost": 1.0}))
        os.utime(cache._file(one.key), (1000 + age, 1000 + age))
    size = cache._file(task.key).stat().st_size
    left = OutcomeCache(tmp_path / "kept", most=2 * size)
    assert [left.outcome(one) is not None for one in tasks] == [False, True, True]
