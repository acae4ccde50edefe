"""A stretch over columns, beside a heap of replicas that serves one request after the other."""

from bisect import bisect_left, bisect_right
from heapq import heapify, heapreplace
from math import inf
from sys import maxsize

import numpy as np
import pytest

from simulator import compile_plan, load, simulate
from simulator.engine.stages import calm_stretch as calm
from simulator.engine.stages import plain_pool
from simulator.engine.stages.calm_stretch import Bounds, calm_stretch


def one_by_one(times, services, gaps, free, bounds, served=inf):
    """Serve requests until one meets a bound: beginnings, ends, replicas, and the heap after them."""
    heap, started, done, servers = list(free), [], [], []
    heapify(heap)
    for number, time in enumerate(times[: min(served, len(services[0]))]):
        since, replica = heap[0]
        start = max(since, time)
        behind = bisect_left(times, start) - number - 1
        together = bounds.alone and bisect_right(times, start) > number + 1
        if start > time and (start >= bounds.before or start - time > bounds.timeout_s or behind >= bounds.most or together):
            break
        started.append(start)
        done.append(start + services[bisect_right(gaps, start - since)][number])
        servers.append(replica)
        heapreplace(heap, (done[-1], replica))
    return started, done, servers, sorted(heap)


def bounds_of(rng):
    """Draw bounds: each stands alone in some of them."""
    before, timeout, most = rng.uniform(100, 800), rng.exponential(10.0), int(rng.integers(1, 12))
    chosen = rng.random(4) < 0.25
    return Bounds(
        before if chosen[0] else inf, timeout if chosen[1] else inf, most if chosen[2] else maxsize, alone=bool(chosen[3])
    )


@pytest.mark.parametrize("load_each", [0.01, 0.1, 0.5, 0.9, 1.5])
def test_it_serves_as_a_heap_of_replicas_does_until_the_first_request_that_meets_a_bound(load_each, monkeypatch):
    monkeypatch.setattr(calm, "BUSY", 1.0)
    rng, lengths = np.random.default_rng(7), []
    for _ in range(120):
        replicas, gaps = int(rng.integers(1, 6)), sorted(rng.exponential(2.0, rng.integers(1, 3)).tolist())
        times, bounds = np.sort(rng.random(400)) * 400, bounds_of(rng)
        stretch = times[times < bounds.before][:300]  # further ones only wait behind those of the stretch
        services = rng.exponential(load_each * replicas, (len(gaps) + 1, len(stretch)))
        free = sorted((float(rng.normal(-1.0)), number) for number in range(replicas))
        found = calm_stretch(times, services, gaps, free, bounds)
        served = 0 if found is None else len(found.servers)
        lengths.append((served, len(one_by_one(times.tolist(), services.tolist(), gaps, free, bounds)[0])))
        if found is not None:
            started, ends, servers, after = one_by_one(times.tolist(), services.tolist(), gaps, free, bounds, served)
            assert (found.started.tolist(), found.done.tolist()) == (started, ends)
            assert (found.servers, found.free) == (servers, after)
    assert all(served <= most for served, most in lengths)
    assert sum(served == most for served, most in lengths) > 110  # where a service outlasts many others, a stretch ends early


def test_a_busy_stretch_ends_before_the_first_request_that_waits():
    times, services = np.arange(1.0, 9.0), np.array([[0.5] * 3 + [3.0] * 5] * 2)
    found = calm_stretch(times, services, [9.0], [(0.0, 0)], Bounds())
    assert found is not None
    assert found.done.tolist() == [1.5, 2.5, 3.5, 7.0]


def test_of_replicas_that_come_free_at_once_the_lower_number_serves():
    found = calm_stretch(np.array([1.0, 1.5, 3.0]), np.array([[1.0, 0.5, 1.0]] * 2), [9.0], [(0.0, 0), (0.0, 1)], Bounds())
    assert found is not None
    assert found.servers == [0, 1]  # both are free from 2 s on, so that the columns leave the third request to the heap
    assert found.free == [(2.0, 0), (2.0, 1)]


def test_a_service_that_takes_no_time_is_not_served_before_it_comes():
    assert calm_stretch(np.array([4.0]), np.zeros((2, 1)), [9.0], [(5.0, 0)], Bounds()) is None


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_run_is_the_same_with_and_without_stretches(monkeypatch, replicas):
    plan = compile_plan(load("skin-cancer-triage"), {"replicas": replicas}, figures={"arrivals.per_day": 9000.0})
    monkeypatch.setattr(plain_pool, "compiled", lambda loop: None)
    with_stretches = simulate(plan, seed=3).digest
    monkeypatch.setattr(plain_pool.PoolStage, "takes_at_once", False)
    assert simulate(plan, seed=3).digest == with_stretches
