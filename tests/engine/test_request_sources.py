"""Clients that wait for their answers: against schedules worked out by hand, exact theory, and the invariants of any run."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.run import Run, simulate
from simulator.evidence.latency_tables import constant
from simulator.records.streams import Streams
from tests.builders import assumed, gate, link, people, plan, pool, population, spread
from tests.effort import examples
from tests.engine.arrivals.kinds import KIND
from tests.engine.intervals import assert_agrees
from tests.engine.networks import check, networks, service_times

DAY = ("00:00", "24:00")


def closed(clients, **fields):
    return {"kind": "closed", "clients": clients, **fields}


def thinking(clients, seconds, sigma=0.0, **fields):
    return closed(clients, think_s=spread(seconds, sigma), **fields)


def single_stream(queries, **fields):
    return {"kind": "single_stream", "queries": queries, **fields}


def times(trace, *columns):
    return [trace.requests[column].round(6).tolist() for column in columns]


# By hand


def test_a_client_thinks_sends_waits_and_thinks_again():
    trace = simulate(plan({"p": pool()}, constant(2.0), arrivals=thinking(1, 3), seconds=14))
    assert times(trace, "arrived_s", "finished_s") == [[3, 8, 13], [5, 10, 15]]


def test_two_clients_wait_for_each_other_at_one_server():
    """Both come at 3; the second is served until 7 and comes again at 10, when the first is back since 8."""
    trace = simulate(plan({"p": pool()}, constant(2.0), arrivals=thinking(2, 3), seconds=12))
    assert times(trace, "arrived_s", "finished_s") == [[3, 3, 8, 10], [5, 7, 10, 12]]


def test_a_client_waits_until_the_way_of_its_request_ends_wherever_that_is():
    stages = {"up": link("p", 1), "p": pool(to="r"), "r": people((*DAY, 1), minutes=1 / 60)}
    trace = simulate(plan(stages, constant(2.0), arrivals=thinking(1, 3), seconds=12))
    assert times(trace, "arrived_s", "finished_s") == [[3, 10], [7, 14]]


def test_a_single_stream_sends_the_next_query_when_the_one_before_is_done():
    trace = simulate(plan({"p": pool()}, constant(2.0), arrivals=single_stream(3)))
    assert times(trace, "arrived_s", "finished_s") == [[0, 2, 4], [2, 4, 6]]


def test_a_multi_stream_waits_for_all_samples_of_its_query():
    """Five samples in batches of two are back at 2, 4 and 5; the next query comes at 5."""
    stream = {"kind": "multi_stream", "queries": 2, "samples_per_query": 5}
    trace = simulate(plan({"p": pool(max_batch=2)}, constant(1.0, 2.0), arrivals=stream))
    assert times(trace, "arrived_s", "finished_s") == [[0] * 5 + [5] * 5, [2, 2, 4, 4, 5, 7, 7, 9, 9, 10]]


def test_a_limit_ends_the_requests_of_all_clients_together():
    trace = simulate(plan({"p": pool()}, constant(1.0), arrivals=closed(3, requests=7)))
    assert times(trace, "arrived_s", "finished_s") == [[0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7]]


def test_who_waits_for_a_request_that_never_ends_sends_no_other():
    night = plan({"r": people(("08:00", "09:00", 1))}, arrivals=thinking(2, 3))
    trace = simulate(night)
    assert times(trace, "arrived_s") == [[3, 3]]
    assert trace.requests["outcome"].tolist() == ["unfinished"] * 2


def test_a_client_hears_of_a_time_out_when_it_is_noticed():
    """The second of two requests at 3 may wait 1 s, but nobody looks at the queue before the server is free at 13."""
    stage = pool(timeout_s=1, on_timeout="done")
    trace = simulate(plan({"p": stage}, constant(10.0), arrivals=thinking(2, 3), seconds=17))
    assert times(trace, "arrived_s", "finished_s") == [[3, 3, 16, 16], [13, 13, 26, 26]]
    assert trace.requests["outcome"].tolist() == ["done", "timed_out", "done", "timed_out"]


def test_a_refused_client_thinks_again_at_once():
    """Of three at 3 one is taken and one may wait; the other one is back at 6, and refused again."""
    stage = pool(max_queue=1, on_full="done")
    trace = simulate(plan({"p": stage}, constant(10.0), arrivals=thinking(3, 3), seconds=7))
    assert times(trace, "arrived_s", "finished_s") == [[3, 3, 3, 6], [13, 23, 3, 6]]
    assert trace.requests["outcome"].tolist() == ["done", "done", "shed", "shed"]


# Theory


def test_a_single_stream_is_served_at_the_reciprocal_of_the_mean_service_time():
    table = service_times(1, 3)
    mean = table.mean_s(1, idled=False)
    made = plan({"p": pool()}, table, arrivals=single_stream(2000), seconds=10_000)
    rates = [2000 / simulate(made, 0, replication).requests["finished_s"].max() for replication in range(20)]
    assert_agrees(rates, 1 / mean, checks=1)


def test_clients_who_do_not_think_keep_the_tightest_stage_busy():
    stages = {"a": pool(to="b", replicas=2), "b": pool()}
    service = {"a": constant(1.0), "b": constant(0.8)}
    trace = simulate(plan(stages, service, arrivals=closed(10, requests=500), seconds=1000))
    assert trace.requests["finished_s"].max() == pytest.approx(1.0 + 500 * 0.8)


# Rows


def test_the_rows_that_nobody_sent_are_gone():
    arrivals = thinking(5, 0.1)
    made = plan({"p": pool()}, constant(1.0), arrivals=arrivals, population=population(0.3, unusable=0.1), seconds=20)
    trace = simulate(made, 0)
    room = Run(made, Streams(0)).requests
    sent = trace.columns.n
    assert sent == len(trace.requests) == trace.visits["request"].nunique() < room.n
    assert trace.requests["arrived_s"].notna().all()
    assert np.array_equal(trace.columns.positive, room.positive[:sent])
    assert np.array_equal(trace.columns.checks["quality"], room.checks["quality"][:, :sent])


@settings(max_examples=examples(40))
@given(st.integers(1, 20), st.sampled_from([0.05, 1, 30]), st.sampled_from([None, 3, 100]), st.integers(0, 2**31 - 1))
def test_there_is_room_for_every_request_of_clients_who_are_answered_at_once(clients, think, limit, seed):
    """A wire without delay: each client sends as often as its think times allow, and that is all there is room for."""
    arrivals = closed(clients, think_mean_s=assumed(think), requests=limit)
    wire = link("done", 0) | {"bandwidth_mbps": spread(1e9)}
    made = plan({"w": wire}, arrivals=arrivals, seconds=50)
    trace = simulate(made, seed)
    assert trace.columns.n == Run(made, Streams(seed)).requests.n


def test_a_faster_design_meets_the_same_people_in_the_same_order():
    made = [
        plan({"p": pool(replicas=n)}, service_times(1, 0), arrivals=thinking(9, 1, 1.0), population=population(0.3))
        for n in (1, 4)
    ]
    slow, fast = (simulate(one, 2) for one in made)
    assert slow.columns.n < fast.columns.n
    assert np.array_equal(slow.columns.positive, fast.columns.positive[: slow.columns.n])


def test_the_same_seed_gives_the_same_loop_and_another_seed_another():
    made = plan({"p": pool(max_batch=3)}, service_times(3, 0), arrivals=thinking(9, 1, 1.0))
    first, again, other = (simulate(made, seed).digest for seed in (1, 1, 2))
    assert first == again != other


# Invariants

LOOPS = [
    closed(1, requests=40),
    closed(6, think_mean_s=assumed(2)),
    closed(20, think_mean_s=assumed(8)),
    thinking(5, 1, 0.7),
    thinking(4, 0.5, 1.0, requests=30),
    {"kind": "multi_stream", "queries": 12, "samples_per_query": 3},
]


@settings(max_examples=examples(60))
@given(networks(), st.sampled_from(LOOPS), st.integers(0, 2**31 - 1))
def test_in_any_network_a_closed_loop_loses_no_request_and_no_effect_comes_before_its_cause(made, loop, seed):
    spec = KIND.validate_python(loop)
    made = replace(made, scenario=made.scenario.model_copy(update={"arrivals": spec}))
    trace = simulate(made, seed)
    check(trace)
    check_loop(trace)


def check_loop(trace):
    """Rows are in order of time, and no client has more under way than it may."""
    spec, requests = trace.plan.scenario.arrivals, trace.requests
    arrived = requests["arrived_s"].to_numpy()
    assert np.all(np.diff(arrived) >= 0)
    assert not len(arrived) or arrived[-1] < trace.plan.arrivals_end_s
    assert not (requests["finished_s"] < requests["arrived_s"]).any()
    in_flight = [(time, +1) for time in arrived] + [(time, -1) for time in requests["finished_s"].dropna()]
    outstanding = np.cumsum([change for _, change in sorted(in_flight)])
    assert not len(outstanding) or outstanding.max() <= spec.most_at_once


POLICIES = {
    "impatience": {"client_timeout_s": 1.5, "on_timeout": "done"},
    "work in vain": {"client_timeout_s": 1.5, "on_timeout": "done", "cancels": False},
    "second copies": {"hedge_after_s": 0.6, "cancels": False, "balance": "round_robin"},
    "the freshest first": {"order": "freshest", "max_queue": 2, "drops": "oldest", "on_full": "done"},
    "a breaker": {
        "breaker": {"min_requests": 3, "open_s": 2},
        "client_timeout_s": 0.7,
        "on_timeout": "done",
        "on_full": "done",
    },
    "scaling": {"scaling": {"kind": "knative", "max_replicas": 4}},
}


@pytest.mark.parametrize("loop", LOOPS[:4] + LOOPS[5:], ids=lambda loop: loop["kind"])
@pytest.mark.parametrize("policy", POLICIES)
def test_whatever_a_pools_policies_every_client_is_told_once_what_became_of_its_request(policy, loop):
    stages = {"p": pool(to="q", max_batch=2, replicas=2, **POLICIES[policy]), "q": pool()}
    service = {"p": service_times(2, 1), "q": service_times(1, 2)}
    made = replace(plan(stages, service, arrivals=loop, seconds=60), cold_starts={"p": [1.0]})
    trace = simulate(made, 1)
    check_loop(trace)
    assert (trace.requests["outcome"] != "unfinished").all()
    assert trace.columns.n > 5


def test_a_deadline_counts_from_when_the_request_is_sent():
    kinds = {"urgent": {"label": "Urgent", "share": assumed(1), "priority": 1, "deadline_s": 5}}
    made = plan({"p": pool(order="deadline")}, constant(2.0), arrivals=thinking(3, 3), seconds=30, classes=kinds)
    columns = simulate(made, 0).columns
    assert columns.deadline == pytest.approx(columns.arrived + 5)


def test_a_gate_may_send_requests_round_within_the_loop():
    stages = {
        "p": pool(to="look"),
        "look": gate("quality", {"at_least": 0, "to": "done"}, {"to": "r"}),
        "r": people((*DAY, 1), minutes=1 / 60),
    }
    made = plan(stages, constant(1.0), arrivals=thinking(3, 2), population=population(0.5, unusable=0.5), seconds=60)
    trace = simulate(made, 0)
    assert all(before <= after for before, after in pairwise(trace.requests["arrived_s"]))
    assert (trace.requests["outcome"] == "done").all()
    assert len(trace.logs["r"]) > 5
