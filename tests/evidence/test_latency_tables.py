"""Service times: measured quantiles, straight lines between measured sizes, nothing beyond them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from simulator.evidence.latency_tables import GRID, LatencyError, constant, profiled, summed
from simulator.evidence.profiles import IDLE_GAP_MS, Calls, Profile, Provenance, ThreadRun, profiles
from simulator.paths import PROFILES
from tests.builders import plan, pool, run_at, sampled
from tests.truths.queue_formulas import batch_queue, mg1_wait

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
    table = profiled(profile(calls(1, small), calls(4, large)), threads=1, max_batch=4)
    between = (2 * np.sort(small) + np.sort(large)) / 3 / 1000
    assert table.seconds[0, 2] == pytest.approx(between)
    assert table.seconds[0, 4] == pytest.approx(np.sort(large) / 1000)


def test_a_batch_larger_than_any_measured_is_refused():
    with pytest.raises(LatencyError, match="measured up to batch 4; max_batch is 5"):
        profiled(profile(calls(1, [10] * 9), calls(4, [40] * 9)), threads=1, max_batch=5)


def test_a_batch_smaller_than_any_measured_is_refused():
    with pytest.raises(LatencyError, match="from batch 2"):
        profiled(profile(calls(2, [10] * 9), calls(4, [40] * 9)), threads=1, max_batch=4)


def test_a_thread_count_that_was_not_measured_is_refused_with_those_that_were():
    with pytest.raises(LatencyError, match=r"with \[2\] threads, not 1"):
        profiled(profile(calls(1, [10] * 9), threads=2), threads=1, max_batch=1)


def test_calls_after_an_idle_gap_and_calls_in_a_loop_are_kept_apart():
    table = profiled(profile(calls(1, [10] * 9, idled=[13] * 9)), threads=1, max_batch=1)
    assert (table.mean_s(1), table.mean_s(1, idled=True)) == pytest.approx((0.010, 0.013))


def test_too_few_calls_of_one_sort_are_told_by_all_of_them():
    table = profiled(profile(calls(1, [10] * 8, idled=[18] * 2)), threads=1, max_batch=1)
    assert table.mean_s(1, idled=True) == pytest.approx((8 * 0.010 + 2 * 0.018) / 10, rel=0.02)


def moments(table, batch, idled=False):
    """Mean and second moment of the service times of a batch."""
    row = table.seconds[int(idled), batch]
    return table.weights @ row, table.weights @ row**2


def with_outlier(count, seed):
    """Calls that take about 10 ms, but for the last one, which takes 20 times as long."""
    return np.append(np.random.default_rng(seed).lognormal(np.log(10), 0.2, count - 1), 200.0)


def test_mean_and_spread_are_those_of_the_calls_however_many_there_are_of_each_size():
    by_size = {1: (60, 59), 2: (43, 42), 4: (8, 7), 8: (GRID, 5)}
    taken = {size: [with_outlier(count, size + count) for count in counts] for size, counts in by_size.items()}
    table = profiled(profile(*(calls(size, *kinds) for size, kinds in taken.items())), threads=1, max_batch=8)
    for size, kinds in taken.items():
        for idled, latency_ms in enumerate(kinds):
            expected = (latency_ms / 1000).mean(), ((latency_ms / 1000) ** 2).mean()
            assert moments(table, size, bool(idled)) == pytest.approx(expected, rel=1e-12)


def test_mean_and_spread_of_every_shipped_profile_are_those_of_its_calls():
    for shipped in profiles(PROFILES):
        for run in shipped.runs:
            if run.calls[0].batch > 1:
                continue
            table = profiled(shipped, run.threads, max(timed.batch for timed in run.calls))
            for timed in run.calls:
                busy = np.array(timed.latency_ms)[np.array(timed.idle_ms) < IDLE_GAP_MS]
                seconds = (busy if len(busy) >= 5 else np.array(timed.latency_ms)) / 1000
                assert moments(table, timed.batch) == pytest.approx((seconds.mean(), (seconds**2).mean()), rel=1e-12)


def test_a_queue_waits_as_long_as_the_calls_with_their_one_outlier_say():
    seconds = with_outlier(17, 0) / 1000
    table = profiled(profile(calls(1, 1000 * seconds, idled=1000 * seconds)), threads=1, max_batch=1)
    rate = 0.7 / seconds.mean()
    expected = mg1_wait(rate, seconds.mean(), (seconds**2).mean())
    assert batch_queue(rate, table, 1).wait_s == pytest.approx(expected, rel=1e-5)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 2**31))
def test_a_draw_takes_the_call_at_its_quantile(counts, seed):
    rng = np.random.default_rng(seed)
    samples = {size: rng.exponential(1.0, count) for size, count in enumerate(counts, start=1)}
    table, drawn = sampled(samples), rng.random(500, np.float32)
    for size, values in samples.items():
        took = table.seconds[0, size, table.cell_of(drawn)]
        # Where a draw lies exactly at the end of a step, either side of it is right.
        ends = np.isclose(drawn * len(values), np.round(drawn * len(values)), atol=1e-4)
        assert took[~ends].tolist() == np.quantile(values, drawn.astype(float), method="inverted_cdf")[~ends].tolist()


def test_the_mean_of_more_calls_than_are_kept_is_their_mean_and_their_outlier_stays():
    sample = with_outlier(GRID + 100, 1)
    table = sampled({1: sample})
    assert table.cells == GRID
    assert moments(table, 1) == (pytest.approx(sample.mean(), rel=1e-12), pytest.approx((sample**2).mean(), rel=0.1))


def test_the_median_is_that_of_single_requests_on_a_busy_replica():
    table = profiled(profile(calls(1, [1, 2, 3, 4, 100], idled=[50] * 5), calls(2, [70] * 6)), threads=1, max_batch=2)
    assert table.median_s == 0.003


def test_an_ensemble_takes_its_passes_one_after_the_other():
    once, thrice = (profiled(profile(calls(1, [10] * 9)), 1, 1, passes) for passes in (1, 3))
    assert thrice.mean_s(1) == pytest.approx(3 * once.mean_s(1))


def test_models_one_after_the_other_take_the_sum_and_are_slow_independently():
    rng = np.random.default_rng(5)
    one, two = rng.exponential(0.01, 50_000), rng.exponential(0.01, 50_000)
    both = summed([sampled({1: one}), sampled({1: two})])
    assert both.mean_s(1) == pytest.approx(0.02, rel=0.01)
    # The sum of two exponential times is Erlang: standard deviation sqrt(2) times that of one, not twice.
    mean, square = moments(both, 1)
    assert np.sqrt(square - mean**2) == pytest.approx(np.sqrt(2) * 0.01, rel=0.03)
    assert both.seconds[0, 1, both.cell_of(np.array([0.9]))] == pytest.approx(gamma.ppf(0.9, 2, scale=0.01), rel=0.02)


def test_outliers_of_models_one_after_the_other_come_together_as_seldom_as_chance_has_it():
    taken = [with_outlier(count, count) / 1000 for count in (60, 43, 15)]
    total = summed([sampled({1: seconds, 2: 2 * seconds[1:]}) for seconds in taken])
    for batch, part in ((1, taken), (2, [2 * seconds[1:] for seconds in taken])):
        whole = sum(np.ix_(*part))  # every call of one with every call of the others
        mean, square = moments(total, batch)
        assert mean == pytest.approx(whole.mean(), rel=1e-12)
        assert square == pytest.approx((whole**2).mean(), rel=1e-2)


def test_capacity_is_that_of_the_best_batch_size():
    assert constant(1.0, 1.5, 4.0).capacity_per_s == pytest.approx(2 / 1.5)


def test_a_replica_that_has_idled_serves_as_measured_after_a_gap():
    table = profiled(profile(calls(1, [1000] * 9, idled=[3000] * 9)), threads=1, max_batch=1)
    visits = run_at(plan({"p": pool()}, table), [0, 1, 4.001, 5.5, 20]).visits
    # Idle since ever, waited for, after a millisecond, after half a second, after many seconds.
    assert (visits["left_s"] - visits["started_s"]).tolist() == pytest.approx([3, 1, 1, 3, 3])
