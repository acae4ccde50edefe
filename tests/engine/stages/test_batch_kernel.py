"""The loop of a plain pool: compiled and run by Python, it serves the same requests at the same times."""

import gc
from bisect import bisect_right
from heapq import heapify, heapreplace
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings

from simulator import compile_plan, load, simulate
from simulator.engine.run import Run
from simulator.engine.stages import batch_kernel, plain_pool
from simulator.records.streams import Streams
from tests.effort import examples
from tests.engine.networks import networks

numba = pytest.importorskip("numba")


def uncompiled(made, seed):
    """A run of which Python runs all loops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_pool, "compiled", lambda loop: None)
        return simulate(made, seed)


@settings(max_examples=examples(60), deadline=None)
@given(networks())
def test_a_compiled_run_is_the_run_of_python(made):
    assert simulate(made, 3).digest == uncompiled(made, 3).digest


@pytest.mark.parametrize("picks", [{}, {"replicas": 1, "max_batch": 8}, {"architecture": "four_views"}])
def test_a_shipped_case_is_the_same_compiled_and_run_by_python(picks):
    scenario = load("skin-cancer-triage")
    made = compile_plan(scenario, {name: pick for name, pick in picks.items() if name in scenario.choices})
    assert isinstance(Run(made, Streams(1)).stages["classifier"], plain_pool.PoolStage)
    assert simulate(made, 1).digest == uncompiled(made, 1).digest


def test_a_run_that_is_over_leaves_no_column_behind():
    """Numba never frees the arguments of a generator."""
    run = Run(compile_plan(load("skin-cancer-triage"), figures={"arrivals.per_day": 500.0}), Streams(1))
    run.trace()
    loop = run.stages["classifier"].loop
    assert loop.compiled is not None
    columns = [ref(column) for column in loop._columns]
    assert len(columns) == 5
    del run, loop
    gc.collect()
    assert all(column() is None for column in columns)


def test_a_heap_of_rows_gives_up_its_first_as_a_list_of_pairs_does():
    batch_kernel.compiled(first_replaced)  # teaches numba the functions that the loops call
    replace = numba.njit(first_replaced)
    rng = np.random.default_rng(5)
    for length in (1, 2, 3, 7, 30):
        pairs = [(float(rng.integers(0, 4)), number) for number in range(length)]
        heapify(pairs)
        rows = np.array(pairs, float)
        for _ in range(100):
            key = float(rng.integers(0, 6))
            number = pairs[0][1]
            assert tuple(rows[0]) == pairs[0]
            heapreplace(pairs, (key, number))
            replace(rows, key, number)


def first_replaced(heap, key, number):
    heapreplace(heap, (key, number))


def test_a_sorted_column_is_searched_as_a_list_is():
    batch_kernel.compiled(place_of)
    search, column = numba.njit(place_of), np.array([0.0, 1.0, 1.0, 2.0, np.inf])
    for value in (-1.0, 0.0, 1.0, 1.5, 2.0, np.inf):
        for first, last in ((0, 5), (1, 3), (2, 2)):
            assert search(column, value, first, last) == bisect_right(column.tolist(), value, first, last)


def place_of(column, value, first, last):
    return bisect_right(column, value, first, last)


def test_python_runs_the_loops_where_numba_is_not_wanted(monkeypatch):
    monkeypatch.setenv(batch_kernel.COMPILED, "0")
    assert batch_kernel.compiled.__wrapped__(place_of) is None


def test_python_runs_the_loop_where_no_folder_may_keep_its_code(monkeypatch):
    def njit(**options):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(numba, "njit", njit)
    assert batch_kernel.compiled.__wrapped__(batch_kernel.serve_at) is None
