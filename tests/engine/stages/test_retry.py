"""A client that was turned away sends its request again: when, how often, and within which budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from simulator.engine.run import simulate
from simulator.engine.stages.retry import Budget, RetryBudget
from simulator.evidence.latency_tables import constant
from simulator.metrics.summary import summarise
from tests.builders import end, figures, people, plan, pool, retry, run_at
from tests.case.test_checks import messages

WAYS = {"done": end(), "gave_up": end()}


def server(again, service=10.0, **fields):
    """One server without a waiting room but for one request; who finds it full tries again."""
    stages = {"p": pool(max_queue=1, on_full="again"), "again": retry("p", on_exhausted="gave_up", **again)}
    return plan(stages, constant(service), ends=WAYS, **fields)


def times_at(trace, stage, column="entered_s"):
    return trace.visits.loc[trace.visits["stage"] == stage, column].tolist()


def test_a_refused_request_comes_back_after_a_backoff_that_doubles_until_its_tries_are_used_up():
    trace = run_at(server({"max_tries": 4}), [0, 1, 2])  # the first is served until 10, the second until 20
    third = trace.visits[trace.visits["request"] == 2]
    assert third.loc[third["stage"] == "p", "entered_s"].tolist() == [2, 3, 5, 9]
    assert third.loc[third["stage"] == "again", "left_s"].tolist() == [3, 5, 9, 9]
    assert trace.requests["end"].tolist() == ["done", "done", "gave_up"]
    assert trace.requests["outcome"].tolist() == ["done", "done", "shed"]
    assert trace.requests["answered_s"].tolist() == [10, 20, 9]


def test_a_request_that_a_retry_saved_is_done_and_its_wait_began_with_the_first_try():
    trace = run_at(server({"max_tries": 5}), [0, 1, 2])
    assert trace.requests["outcome"].tolist() == ["done"] * 3
    assert trace.requests["answered_s"].tolist() == [10, 20, 30]
    assert trace.requests["sent_s"].tolist() == [0, 1, 2]
    assert trace.requests["tries"].tolist() == [1, 1, 1]  # the same photo each time


def test_a_backoff_grows_by_its_factor_and_no_further_than_the_most():
    trace = run_at(server({"max_tries": 5, "factor": 3, "max_backoff_ms": 4000}, service=1000.0), [0, 1, 2])
    assert times_at(trace, "p")[2:] == [2, 3, 6, 10, 14]


def test_a_request_that_may_be_sent_once_is_never_sent_again():
    trace = run_at(server({"max_tries": 1}), [0, 1, 2])
    assert trace.requests["end"].tolist() == ["done", "done", "gave_up"]
    assert len(times_at(trace, "p")) == 3


def test_a_request_that_waited_too_long_is_sent_again_when_that_is_noticed():
    stages = {"p": pool(timeout_s=3, on_timeout="again"), "again": retry("p", on_exhausted="gave_up", max_tries=2)}
    trace = run_at(plan(stages, constant(10.0), ends=WAYS), [0, 1, 2])
    assert times_at(trace, "again") == [10, 10, 21]  # both are sent at 11, and one of them is served until 21
    assert trace.requests["outcome"].tolist() == ["done", "done", "timed_out"]


def test_a_last_failure_may_lead_to_people_and_counts_as_the_answer():
    stages = {"p": pool(max_queue=1, on_full="again"), "again": retry("p", on_exhausted="r", max_tries=2),
              "r": people(("00:00", "24:00", 1), minutes=1)}  # fmt: skip
    trace = run_at(plan(stages, constant(100.0)), [0, 1, 2])
    assert trace.requests.loc[2, ["answered_s", "finished_s", "outcome"]].tolist() == [3, 63, "shed"]


BOUNDS = {"none": (1, 1), "full": (0, 1), "equal": (0.5, 1)}


@pytest.mark.parametrize("jitter", ["full", "equal"])
def test_jitter_spreads_each_backoff_evenly_and_anew_for_every_try(jitter):
    trace = run_at(server({"jitter": jitter, "max_tries": 3}, service=1e9), np.linspace(0, 1, 2000))
    visits = trace.visits[(trace.visits["stage"] == "again") & trace.visits["started_s"].notna()]
    waits = (visits["left_s"] - visits["entered_s"]).to_numpy()
    turn = visits.groupby("request").cumcount().to_numpy()
    low, high = BOUNDS[jitter]
    for number, longest in enumerate((1, 2)):
        assert kstest(waits[turn == number] / longest, "uniform", (low, high - low)).pvalue > 0.05 / 4
    by_request = visits.assign(wait=waits, turn=turn).pivot(index="request", columns="turn", values="wait")
    assert abs(by_request.corr().iloc[0, 1]) < 4 / np.sqrt(len(by_request))


def test_more_tries_change_nothing_about_the_first_ones():
    few, many = (run_at(server({"jitter": "full", "max_tries": tries}), [0, 1, 2, 3]) for tries in (2, 5))
    first = [trace.visits[trace.visits["stage"] == "again"].groupby("request")["left_s"].first() for trace in (few, many)]
    assert first[0].equals(first[1])


# Budgets


def budget_of(arrived, **fields):
    return RetryBudget(Budget(**fields), arrived, lambda: len(arrived))


def test_a_budget_spends_a_share_of_the_fresh_requests_and_no_more():
    """Ten requests in the window allow two retries, and the two that come five seconds later two more."""
    budget = budget_of(np.arange(10.0), share=0.2, window_s=10)
    assert [budget.spend(time) for time in (9, 9, 9)] == [True, True, False]
    assert not budget.spend(18.9)
    budget = budget_of(np.arange(10.0), share=0.0, window_s=10, min_per_s=0.1)
    assert [budget.spend(time) for time in (3, 4, 12.9, 13)] == [True, False, False, True]


spends = st.lists(st.floats(0, 40), max_size=30).map(sorted)


@given(spends, spends, st.sampled_from([0, 0.1, 0.5, 1]), st.sampled_from([1, 10]), st.sampled_from([0, 0.3]))
def test_in_no_window_that_ends_with_a_retry_are_there_more_than_the_budget_says(arrived, asked, share, window, least):
    budget = budget_of(np.array(arrived), share=share, window_s=window, min_per_s=least)
    spent = []
    for time in asked:
        mine = [at for at in spent if time - window < at]
        fresh = sum(time - window < at <= time for at in arrived)
        fits = len(mine) + 1 <= share * fresh + least * window + 1e-9
        assert budget.spend(time) == fits
        spent += [time] * fits


def test_who_finds_the_budget_spent_gives_up_at_once():
    made = server({"max_tries": 20, "budget": {"share": 0.25, "window_s": 100}}, service=1000.0)
    trace = run_at(made, [0, 1, 2, 3, 4, 5, 6, 7])
    assert trace.requests["end"].tolist()[2:] == ["gave_up"] * 6
    assert times_at(trace, "p") == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]  # a retry at 3, when four had come, and at 7, when eight had


def test_in_a_closed_loop_the_budget_counts_what_the_clients_have_sent_so_far():
    """One of three clients is served for ever and one waits; the third is refused, tries again as it may, and asks anew."""
    clients = {"kind": "closed", "clients": 3, "think_mean_s": {"value": 1, "assumed": "a test"}}
    again = {"max_tries": 20, "budget": {"share": 0.5, "window_s": 1000}}
    trace = simulate(server(again, service=1e6, arrivals=clients), seed=0)
    retries, sent = np.array(trace.logs["again"].started), trace.columns.arrived
    for index in np.flatnonzero(~np.isnan(retries)):
        spent = np.count_nonzero(retries[: index + 1] <= retries[index])
        assert spent <= 0.5 * np.count_nonzero(sent <= retries[index])
    assert np.isnan(retries).any()
    assert not np.isnan(retries).all()


# What is told of them


def test_retries_and_those_who_gave_up_are_counted_for_each_request():
    trace = run_at(server({"max_tries": 4}), [0, 1, 2])
    metrics = figures(trace)
    assert metrics["retries_per_request.again"] == pytest.approx(3 / 3)
    assert metrics["exhausted_share.again"] == pytest.approx(1 / 3)
    told = summarise([trace, run_at(server({"max_tries": 4}), [0, 1, 2])])
    assert told["retries_per_request.again"].value == pytest.approx(1)
    assert told["exhausted_share.again"].value == pytest.approx(1 / 3)


def test_the_metrics_of_a_retry_are_those_of_the_scenario():
    made = server({"max_tries": 4})
    assert figures(simulate(made)).keys() <= set(made.scenario.metrics)


def test_a_retry_takes_only_what_was_turned_away():
    found = messages({"p": pool(to="again"), "again": retry("p")})
    assert "were turned away" in found["stages.p.to"]


def test_a_ring_of_retries_ends_and_one_of_gave_ups_is_refused():
    assert server({}).scenario
    assert "for ever" in messages({"p": pool(max_queue=1, on_full="a"), "a": retry("p", on_exhausted="a")})["stages.a"]
