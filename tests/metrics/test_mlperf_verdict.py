"""MLPerf's verdict against its published tables, against the binomial distribution, and on runs."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from simulator.evidence.latency_tables import constant
from simulator.explain.result import replicate
from simulator.metrics.mlperf_verdict import mlperf_verdict, queries_needed, spare_queries
from tests.builders import assumed, plan, pool

#: inference_rules.adoc: the fewest queries for 0, 1, 2 and 10 over the bound.
TABLES = {0.99: {0: 459, 1: 662, 2: 838, 10: 2010}, 0.9: {0: 44, 1: 64, 2: 81, 10: 197}}
CASES = [(percentile, over, queries) for percentile, table in TABLES.items() for over, queries in table.items()]


@pytest.mark.parametrize(("percentile", "over", "queries"), CASES)
def test_as_many_queries_are_needed_as_the_rules_tabulate(percentile, over, queries):
    assert queries_needed(over, percentile) == queries


@pytest.mark.parametrize("percentile", [0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("over", [0, 3, 50, 1000])
def test_the_number_needed_is_the_first_at_which_so_few_over_the_bound_are_no_accident(percentile, over):
    enough = queries_needed(over, percentile)
    assert binom.cdf(over, enough, 1 - percentile) <= 0.01 < binom.cdf(over, enough - 1, 1 - percentile)


@pytest.mark.parametrize(("percentile", "over", "queries"), CASES)
def test_so_many_queries_may_be_spared_and_no_more(percentile, over, queries):
    assert spare_queries(queries, percentile) == over
    assert spare_queries(queries - 1, percentile) == over - 1


def latencies(fast, slow):
    return np.random.default_rng(0).permutation(np.concatenate([np.linspace(0.1, 0.2, fast), np.linspace(1, 2, slow)]))


def test_a_run_with_enough_queries_is_valid():
    found = mlperf_verdict(latencies(660, 2), 0.99, 1.0)  # the slowest is over; 662 may have one, and the next slowest counts
    assert (found.valid, found.over, found.more, found.latency_s) == (True, 1, 0, 1.0)


def test_a_run_with_too_few_is_told_how_many_more_it_needs():
    found = mlperf_verdict(latencies(660, 1), 0.99, 0.5)
    assert (found.valid, found.over, found.more) == (False, 1, 1)
    assert found.latency_s == 1  # of 661 queries none may be spared


def test_a_run_with_too_many_over_the_bound_is_invalid_however_long_it_goes_on():
    found = mlperf_verdict(latencies(980, 20), 0.99, 0.5)
    assert (found.valid, found.over, found.more) == (False, 20, None)


def test_a_few_queries_over_the_bound_may_be_an_accident_and_call_for_more():
    found = mlperf_verdict(latencies(49, 1), 0.99, 0.5)
    assert (found.valid, found.over, found.more) == (False, 1, 662 - 50)


@pytest.mark.parametrize("n", [10, 500, 5000])
def test_a_run_is_invalid_once_so_many_over_the_bound_are_no_accident(n):
    many = next(over for over in range(n) if binom.sf(over - 1, n, 0.01) <= 0.01)
    assert mlperf_verdict(latencies(n - many, many), 0.99, 0.5).more is None
    assert mlperf_verdict(latencies(n - many + 1, many - 1), 0.99, 0.5).more > 0


def test_a_query_without_an_answer_is_over_any_bound():
    cut_short = np.append(latencies(661, 0), np.inf)
    assert (mlperf_verdict(cut_short, 0.99, 1.0).over, mlperf_verdict(cut_short, 0.99).over) == (1, 1)
    assert mlperf_verdict(cut_short, 0.99).latency_s == 0.2
    assert mlperf_verdict(cut_short[1:], 0.99).latency_s is None


def test_without_a_bound_a_run_is_valid_once_a_latency_can_be_quoted():
    assert [mlperf_verdict(latencies(n, 0), 0.9).valid for n in (43, 44)] == [False, True]
    assert mlperf_verdict(latencies(43, 0), 0.9).more == 1


def test_nothing_can_be_said_of_no_query():
    assert mlperf_verdict(np.empty(0), 0.99, 1.0).more == 459


@pytest.mark.parametrize("true_share", [0.01, 0.012])
def test_a_system_that_just_breaks_the_bound_is_called_valid_once_in_a_hundred_times_at_most(true_share):
    over = np.random.default_rng(1).binomial(2010, true_share, 5000)
    called_valid = np.mean([queries_needed(count, 0.99) <= 2010 for count in over])
    assert called_valid <= 0.01 + 3 * np.sqrt(0.01 / 5000)


# Runs


def result(arrivals, seconds=200, service=(0.1,), **fields):
    summary = replicate(plan({"p": pool(**fields)}, constant(*service), arrivals=arrivals, seconds=seconds), 0, 2)
    return summary, json.loads(json.dumps(summary.to_json(), allow_nan=False)).get("mlperf")


def test_a_servers_queries_of_all_replications_are_pooled():
    summary, found = result({"kind": "server", "rate_per_s": assumed(2), "queries": 250, "bound_s": assumed(1)})
    assert (found["scenario"], found["queries"], found["valid"], found["more"]) == ("server", 500, True, 0)
    assert 0.1 <= found["latency_s"] <= 1
    assert any(sentence.startswith("MLPerf server: valid: 99.0% of queries") for sentence in summary.warnings)


def test_an_overloaded_server_is_invalid():
    summary, found = result({"kind": "server", "rate_per_s": assumed(20), "queries": 250, "bound_s": assumed(1)})
    assert (found["valid"], found["more"]) == (False, None)
    assert any("invalid" in sentence and "took longer than 1.00 s, more than 1.0%" in sentence for sentence in summary.warnings)


def test_a_single_stream_quotes_its_latency_and_its_throughput():
    _, found = result({"kind": "single_stream", "queries": 300})
    assert found["latency_s"] == pytest.approx(0.1)
    assert found["throughput_per_s"] == pytest.approx(10)


def test_a_multi_stream_counts_a_query_when_its_last_sample_is_back():
    _, found = result({"kind": "multi_stream", "queries": 240}, service=(0.1, 0.2, 0.3), max_batch=3)
    assert found["queries"] == 480
    assert found["latency_s"] == pytest.approx(0.3 + 0.3 + 0.2)  # eight samples, three at a time
    assert found["throughput_per_s"] == pytest.approx(10)


def test_too_short_a_stream_says_how_many_queries_it_lacks():
    summary, found = result({"kind": "single_stream", "queries": 20})
    assert (found["valid"], found["more"]) == (False, 4)
    assert any("0 of 40 queries had no answer, and at least 4 more queries are needed" in line for line in summary.warnings)


def test_offline_counts_throughput_alone_and_a_heap_is_no_overload():
    summary, found = result({"kind": "offline", "samples": 3000})
    assert found == {"scenario": "offline", "throughput_per_s": pytest.approx(10)}
    assert summary.metrics["utilization.p"].value == pytest.approx(1.5)
    assert summary.warnings == ["MLPerf offline: 10.0 samples a second."]
    assert "latency_p99_s" in summary.metrics


def test_other_scenarios_have_no_verdict():
    summary, found = result({"kind": "poisson", "rate_per_s": assumed(2)})
    assert found is summary.mlperf is None
