"""A stretch of a plain pool over columns, beside a heap of replicas that serves one request after the other."""

from bisect import bisect_right
from heapq import heapify, heapreplace

import numpy as np
import pytest

from simulator import compile_plan, load, simulate
from simulator.engine.stages import plain_pool
from simulator.engine.stages.plain_pool import calm_stretch


def one_by_one(times, services, gaps, free):
    """Serve requests until one waits: ends, replicas, and the heap after them."""
    heap, done, servers = list(free), [], []
    heapify(heap)
    for number, time in enumerate(times):
        since, replica = heap[0]
        if since > time:
            break
        done.append(time + services[bisect_right(gaps, time - since)][number])
        servers.append(replica)
        heapreplace(heap, (done[-1], replica))
    return done, servers, sorted(heap)


@pytest.mark.parametrize("load_each", [0.001, 0.01, 0.1, 0.5])
def test_it_serves_as_a_heap_of_replicas_does_until_the_first_request_that_waits(load_each):
    rng, lengths = np.random.default_rng(7), []
    for _ in range(120):
        replicas, gaps = int(rng.integers(1, 6)), sorted(rng.exponential(2.0, rng.integers(1, 3)).tolist())
        times = np.sort(rng.random(300)) * 400
        services = rng.exponential(load_each * replicas, (len(gaps) + 1, len(times)))
        free = sorted((float(rng.normal(-1.0)), number) for number in range(replicas))
        found, most = calm_stretch(times, services, gaps, free), len(one_by_one(times, services, gaps, free)[0])
        lengths.append((0 if found is None else len(found.servers), most))
        if found is not None:
            served = len(found.servers)
            assert (found.done.tolist(), found.servers, found.free) == one_by_one(times[:served], services, gaps, free)
    assert all(served <= most for served, most in lengths)
    assert sum(served == most for served, most in lengths) > 60  # a gap that is another one than assumed ends a stretch early


def test_a_stretch_ends_before_the_first_request_that_waits():
    times, services = np.arange(1.0, 9.0), np.array([[0.5] * 3 + [3.0] * 5] * 2)
    found = calm_stretch(times, services, [9.0], [(0.0, 0)])
    assert found is not None
    assert found.done.tolist() == [1.5, 2.5, 3.5, 7.0]


def test_of_replicas_that_come_free_at_once_the_lower_number_serves():
    found = calm_stretch(np.array([1.0, 1.5, 3.0]), np.array([[1.0, 0.5, 1.0]] * 2), [9.0], [(0.0, 0), (0.0, 1)])
    assert found is not None
    assert found.servers == [0, 1]  # both are free from 2 s on, so that the columns leave the third request to the heap
    assert found.free == [(2.0, 0), (2.0, 1)]


def test_a_service_that_takes_no_time_is_not_served_before_it_comes():
    assert calm_stretch(np.array([4.0]), np.zeros((2, 1)), [9.0], [(5.0, 0)]) is None


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_run_is_the_same_with_and_without_stretches(monkeypatch, replicas):
    plan = compile_plan(load("skin-cancer-triage"), {"replicas": replicas}, figures={"arrivals.per_day": 9000.0})
    monkeypatch.setattr(plain_pool, "compiled", lambda loop: None)
    with_stretches = simulate(plan, seed=3).digest
    monkeypatch.setattr(plain_pool.PoolStage, "takes_at_once", False)
    assert simulate(plan, seed=3).digest == with_stretches
