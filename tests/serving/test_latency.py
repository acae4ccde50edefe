"""Service times: measured quantiles, straight lines between measured sizes, nothing beyond them."""

import numpy as np
import pytest
from scipy.stats import gamma

from simulator.evidence.profiles import Calls, Profile, Provenance, ThreadRun
from simulator.serving.latency import GRID, LatencyError, constant, measured, sampled, summed
from tests.builders import plan, pool, run_at

ABOUT = Provenance(processor="none", cores=2, system="none", libraries={}, date="2026-01-01", weights="random")


def calls(batch, busy, idled=()):
    idle_ms = [0.0] * len(busy) + [5.0] * len(idled)
    return Calls(batch=batch, latency_ms=[*busy, *idled], idle_ms=idle_ms)


def profile(*columns, threads=1):
    run = ThreadRun(threads=threads, session_s=[1.0], resident_mb=0, calls=list(columns))
    return Profile(model="tiny", precision="fp32", device="here", input_shape=[1], provenance=ABOUT, runs=[run])


def test_sizes_between_two_measured_ones_lie_on_the_line_between_them_quantile_by_quantile():
    rng = np.random.default_rng(0)
    small, large = rng.exponential(10, GRID), rng.exponential(40, GRID)
    table = measured(profile(calls(1, small), calls(4, large)), threads=1, max_batch=4)
    between = (2 * np.sort(small) + np.sort(large)) / 3 / 1000
    assert table.seconds[0, 2] == pytest.approx(between)
    assert table.seconds[0, 4] == pytest.approx(np.sort(large) / 1000)


def test_a_batch_larger_than_any_measured_is_refused():
    with pytest.raises(LatencyError, match="measured up to batch 4; max_batch is 5"):
        measured(profile(calls(1, [10] * 9), calls(4, [40] * 9)), threads=1, max_batch=5)


def test_a_batch_smaller_than_any_measured_is_refused():
    with pytest.raises(LatencyError, match="from batch 2"):
        measured(profile(calls(2, [10] * 9), calls(4, [40] * 9)), threads=1, max_batch=4)


def test_a_thread_count_that_was_not_measured_is_refused_with_those_that_were():
    with pytest.raises(LatencyError, match=r"with \[2\] threads, not 1"):
        measured(profile(calls(1, [10] * 9), threads=2), threads=1, max_batch=1)


def test_calls_after_an_idle_gap_and_calls_in_a_loop_are_kept_apart():
    table = measured(profile(calls(1, [10] * 9, idled=[13] * 9)), threads=1, max_batch=1)
    assert (table.mean_s(1), table.mean_s(1, idled=True)) == pytest.approx((0.010, 0.013))


def test_too_few_calls_of_one_sort_are_told_by_all_of_them():
    table = measured(profile(calls(1, [10] * 8, idled=[18] * 2)), threads=1, max_batch=1)
    assert table.mean_s(1, idled=True) == pytest.approx((8 * 0.010 + 2 * 0.018) / 10, rel=0.02)


def test_the_mean_of_the_quantiles_is_the_mean_of_the_sample():
    sample = np.random.default_rng(1).lognormal(0, 0.5, 4 * GRID)
    assert sampled({1: sample}).mean_s(1) == pytest.approx(sample.mean(), rel=2e-3)


def test_an_ensemble_takes_its_passes_one_after_the_other():
    once, thrice = (measured(profile(calls(1, [10] * 9)), 1, 1, passes) for passes in (1, 3))
    assert thrice.mean_s(1) == pytest.approx(3 * once.mean_s(1))


def test_models_one_after_the_other_take_the_sum_and_are_slow_independently():
    rng = np.random.default_rng(5)
    one, two = rng.exponential(0.01, 50_000), rng.exponential(0.01, 50_000)
    both = summed([sampled({1: one}), sampled({1: two})])
    assert both.mean_s(1) == pytest.approx(0.02, rel=0.01)
    # The sum of two exponential times is Erlang: standard deviation sqrt(2) times that of one, not twice.
    assert both.seconds[0, 1].std() == pytest.approx(np.sqrt(2) * 0.01, rel=0.08)
    assert np.quantile(both.seconds[0, 1], 0.9) == pytest.approx(gamma.ppf(0.9, 2, scale=0.01), rel=0.05)


def test_capacity_is_that_of_the_best_batch_size():
    assert constant(1.0, 1.5, 4.0).capacity_per_s == pytest.approx(2 / 1.5)


def test_a_replica_that_has_idled_serves_as_measured_after_a_gap():
    table = measured(profile(calls(1, [1000] * 9, idled=[3000] * 9)), threads=1, max_batch=1)
    visits = run_at(plan({"p": pool()}, table), [0, 1, 4.001, 5.5, 20]).visits
    # Idle since ever, waited for, after a millisecond, after half a second, after many seconds.
    assert (visits["left_s"] - visits["started_s"]).tolist() == pytest.approx([3, 1, 1, 3, 3])
