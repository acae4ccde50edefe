"""The warm-up by MSER-5, against its definition word by word and against runs whose warm-up is known."""

import numpy as np
import pytest

from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.metrics.measures import measure
from simulator.metrics.summary import summarise
from simulator.metrics.warm_up import mser, warm_up_of
from tests.builders import arrivals_at, assumed, exponential, link, people, plan, pool
from tests.builders import scenario as scenario_of
from tests.truths.queue_formulas import mg1_wait

STEADY = {"days": 0.5, "drain_days": 0.1, "replications": 4, "warm_up": "mser5"}


def by_definition(series):
    """White's statistic of every possible cut, one after the other."""
    half = len(series) // 2
    statistic = [np.var(series[cut:]) / len(series[cut:]) for cut in range(half + 1)]
    cut = int(np.argmin(statistic))
    return cut if cut < half else None


@pytest.mark.parametrize("seed", range(8))
def test_the_cut_has_the_smallest_marginal_standard_error(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(30, 300))
    noise = np.convolve(rng.exponential(1, count + 9), np.ones(10) / 10, "valid")  # like neighbours in a queue, alike
    series = noise + rng.uniform(0, 20) * np.exp(-np.arange(count) / rng.uniform(2, count))
    assert mser(series) == by_definition(series)


def test_a_transient_is_cut_off_where_it_ends():
    series = np.tile([1.0, 2.0, 3.0, 2.0, 1.0], 40) + np.repeat([50.0, 0.0], [40, 160])
    assert mser(series) == 40


def test_a_steady_series_is_kept_whole():
    assert mser(np.full(200, 0.1)) == 0
    assert mser(1e6 + 1e-7 * np.random.default_rng(0).random(200)) == 0  # differences of rounding are none


def test_a_series_that_keeps_growing_has_no_steady_state():
    assert mser(np.arange(200.0)) is None


def test_too_few_values_tell_nothing():
    assert mser(np.ones(9)) is None
    assert mser(np.ones(10)) == 0


def test_a_run_without_a_warm_up_is_measured_whole():
    made = plan({"p": pool()}, constant(0.1))
    assert measure(simulate(made)).latencies is None
    assert "warm_up" not in replicate(made, 0, 2).to_json()


def one_server():
    """One server that takes a second for each of a thousand requests."""
    return plan({"p": pool()}, constant(1.0), seconds=4000, run=STEADY | {"days": 4000 / 86400})


def test_latencies_waits_and_throughput_are_taken_after_the_cut():
    early, late = np.zeros(100), 200 + 2.0 * np.arange(900)
    with arrivals_at([*early, *late]):  # a queue of a hundred, then nobody ever waits
        summary = replicate(one_server(), 0, 4)
    assert (summary.warm_up.cut_s, summary.warm_up.dropped, summary.warm_up.steady) == (200, 400, True)
    found = {name: metric.value for name, metric in summary.metrics.items()}
    assert found["latency_p99_s"] == found["latency_mean_s"] == pytest.approx(1)
    assert found["wait_p95_s.p"] == 0
    assert found["throughput_per_s"] == pytest.approx(900 / (4000 - 200))
    assert summary.latency_curve[-1] == pytest.approx(1)
    assert summary.requests == 4000


def test_a_queue_that_only_grows_gives_no_latency_to_quote():
    made = plan({"p": pool()}, constant(1.0), rate=1.5, run=STEADY | {"days": 0.02})
    summary = replicate(made, 0, 3)
    assert not summary.warm_up.steady
    assert not [name for name in summary.metrics if name.startswith(("latency_", "wait_"))]
    assert any("no steady state" in warning for warning in summary.warnings)
    assert summary.to_json()["warm_up"]["steady"] is False


def test_one_long_run_has_an_interval_from_its_batches_that_covers_the_truth():
    """M/M/1 at a load of 0.7; twenty batches each, two of twelve intervals may fail (98% by the binomial)."""
    rate, mean = 0.7, 1.0
    made = plan({"p": pool()}, exponential(mean), rate=rate, run=STEADY)
    second = float((exponential(mean).seconds[0, 1] ** 2).mean())
    truth = mean + mg1_wait(rate, mean, second)
    found = [summarise([simulate(made, seed)])["latency_mean_s"] for seed in range(12)]
    assert all(np.isfinite(metric.high) for metric in found)
    assert sum(not metric.low <= truth <= metric.high for metric in found) <= 2
    assert np.mean([metric.high - metric.low for metric in found]) < 0.5 * truth


def test_arrivals_by_the_time_of_day_cannot_be_steady():
    daily = {"kind": "daily", "per_day": assumed(1000), "weights": [1, 2]}
    with pytest.raises(ScenarioError, match="no steady state"):
        scenario_of({"p": link("done", 1)}, arrivals=daily, run=STEADY)
    scenario_of({"p": people(("00:00", "24:00", 1))}, run=STEADY)


def latencies_of(before: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A row a replication: a request in each of 100 stretches; ten are slower or faster than the rest, which take about 1 s."""
    totals = np.tile([0.9, 1.1], (len(before), 50))
    totals[:, :10] = np.array(before)[:, None]
    return totals, np.ones_like(totals)


@pytest.mark.parametrize(
    ("before", "stretch"),
    [
        ([0.2, 0.3, 0.2, 0.3, 0.2, 0.3], 10),  # every replication starts fast: it starts empty
        ([9.0, 1.0, 1.1, 0.9, 1.0, 1.1], 0),  # one replication starts with a busy period
        ([9.0, 1.0], 10),  # two replications cannot tell
    ],
)
def test_a_busy_period_of_one_replication_is_no_warm_up(before, stretch):
    found = warm_up_of(*latencies_of(before), 1000.0)
    assert (found.stretch, found.steady) == (stretch, True)
    assert found.dropped == len(before) * stretch
