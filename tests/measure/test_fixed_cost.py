"""The fixed cost against times that are known because a line made them."""

import numpy as np
import pytest

from simulator.evidence.profiles import Calls, FixedCost
from simulator.measure.timing import fixed_cost

SIZES = (1, 2, 4, 8, 16)


def calls_on_a_line(
    per_batch: float, per_request: float, noise: float = 0.0, seed: int = 0, stalls: int = 0, count: int = 40
) -> list[Calls]:
    rng = np.random.default_rng(seed)
    made = []
    for size in SIZES:
        times = (per_batch + size * per_request) * (1 + noise * rng.standard_normal(count))
        times[:stalls] += 100
        made.append(Calls(batch=size, latency_ms=times.tolist(), idle_ms=[0.0] * count))
    return made


def fit(calls: list[Calls]) -> FixedCost:
    found = fixed_cost(calls)
    assert found is not None
    return found


def test_times_on_a_line_give_that_line_back() -> None:
    found = fit(calls_on_a_line(3.0, 0.5))
    assert (found.per_batch_ms, found.per_request_ms) == (pytest.approx(3.0), pytest.approx(0.5))
    assert found.misfit == pytest.approx(0, abs=1e-6)


def test_two_standard_errors_hold_the_truth_about_19_times_in_20() -> None:
    found = [fit(calls_on_a_line(3.0, 0.5, noise=0.05, seed=seed)) for seed in range(200)]
    fixed = np.mean([abs(line.per_batch_ms - 3.0) < 2 * line.per_batch_se_ms for line in found])
    each = np.mean([abs(line.per_request_ms - 0.5) < 2 * line.per_request_se_ms for line in found])
    # 200 draws of 0.954 have a standard deviation of 0.015; the robust error is an approximation.
    assert 0.88 <= fixed <= 0.99
    assert 0.88 <= each <= 0.99


def test_a_few_stalls_do_not_bend_the_line() -> None:
    quiet, stalled = fit(calls_on_a_line(3.0, 0.5, 0.02)), fit(calls_on_a_line(3.0, 0.5, 0.02, stalls=2))
    assert stalled.per_batch_ms == pytest.approx(quiet.per_batch_ms, rel=0.05)
    assert stalled.per_request_ms == pytest.approx(quiet.per_request_ms, rel=0.05)


def test_calls_after_an_idle_gap_do_not_count() -> None:
    slow = [
        Calls(batch=c.batch, latency_ms=[*c.latency_ms, *[9 * t for t in c.latency_ms]], idle_ms=[0.0] * 40 + [20.0] * 40)
        for c in calls_on_a_line(3.0, 0.5)
    ]
    assert fit(slow).per_batch_ms == pytest.approx(3.0)


def test_a_curve_is_told_as_a_misfit() -> None:
    curve = [Calls(batch=n, latency_ms=[float(n**2)] * 5, idle_ms=[0.0] * 5) for n in (1, 2, 3)]
    # The line through 8/9, 40/9 and 8 misses 1, 4 and 9 by 1/9 each, with signs that alternate: no line does better.
    assert 1 / 9 - 1e-4 < fit(curve).misfit < 0.3


def test_one_size_makes_no_line() -> None:
    assert fixed_cost(calls_on_a_line(3.0, 0.5)[:1]) is None
