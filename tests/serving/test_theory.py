"""The closed forms against textbook values, bounds and each other; flows and loads against simulated visits."""

import numpy as np
import pytest

from simulator.serving.engine import simulate
from simulator.serving.latency import constant
from simulator.serving.theory import batch_queue, fork_join_response, loads, mg1_wait, mmc_wait, visit_ratios
from tests.builders import (
    assumed,
    end,
    fork,
    gate,
    join,
    link,
    people,
    plan,
    pool,
    population,
    retake,
    score_table,
    spread,
)
from tests.serving.intervals import assert_agrees


def test_one_exponential_server_is_the_textbook_queue():
    assert mmc_wait(0.8, 1.0, 1) == pytest.approx(0.8 / (1 - 0.8))
    assert mmc_wait(0.8, 1.0, 1) == pytest.approx(mg1_wait(0.8, 1.0, 2.0))


def test_two_exponential_servers_follow_the_textbook_formula():
    load = 0.75
    assert mmc_wait(1.5, 1.0, 2) == pytest.approx(load**2 / (1 - load**2))


def test_the_chance_to_wait_is_that_of_the_erlang_c_tables():
    waits = mmc_wait(8.0, 1.0, 10) * (10 - 8)
    assert waits == pytest.approx(0.4092, abs=5e-5)


def test_constant_service_waits_half_as_long_as_exponential_service():
    assert mg1_wait(0.9, 1.0, 1.0) == pytest.approx(mmc_wait(0.9, 1.0, 1) / 2)


@pytest.mark.parametrize("load", [0.1, 0.5, 0.9])
def test_batches_of_one_are_the_queue_with_constant_service(load):
    assert batch_queue(load, constant(1.0), 1).wait_s == pytest.approx(mg1_wait(load, 1.0, 1.0), rel=1e-7)


def triage(service=0.01, tries=3, **fields):
    """Photos that may be taken again, a model, a threshold and people: the shape of the first case."""
    rng = np.random.default_rng(0)
    table = score_table(rng.beta(4, 2, 200), rng.beta(2, 4, 300))
    stages = {
        "upload": link("decode", 0.1),
        "decode": pool(to="look"),
        "look": gate("quality", {"at_sensitivity": 0.9, "to": "model"}, {"to": "again"}),
        "again": retake("upload", max_tries=tries, gives_up=assumed(0.2), minutes=spread(0.1), on_exhausted="reader"),
        "model": pool(to="sort", scores="x", replicas=2),
        "sort": gate("score", {"at_sensitivity": 0.5, "to": "reader"}, {"at_sensitivity": 0.9, "to": "reader"}, {"to": "done"}),
        "reader": people(("00:00", "24:00", 50), minutes=0.05),
    }
    people_ = population(prevalence=0.3, unusable=0.2, auc=0.8)
    return plan(stages, constant(service), scores=table, population=people_, ends={"done": end()}, **fields)


@pytest.mark.parametrize("tries", [2, 4])
def test_expected_visits_are_those_of_a_run_without_queues(tries):
    made = triage(tries=tries, rate=20, seconds=200)
    expected = visit_ratios(made)
    traces = [simulate(made, seed=0, replication=replication) for replication in range(20)]
    for stage in ("upload", "decode", "model", "reader"):
        assert_agrees([len(trace.logs[stage]) / trace.columns.n for trace in traces], expected[stage], checks=8, sharp=0.02)


def test_every_branch_is_visited_and_a_join_once_by_each_of_them():
    stages = {"f": fork("a", "b"), "a": link("j", 1), "b": pool(to="look"), "j": join("after"), "after": pool()}
    stages["look"] = gate("quality", {"at_sensitivity": 0.3, "to": "c"}, {"to": "j"})
    stages["c"] = pool(to="j")
    made = plan(stages, constant(0.01), rate=20, seconds=100, population=population(unusable=0.0))
    ratios = visit_ratios(made)
    assert [ratios[name] for name in ("a", "b", "j", "after")] == pytest.approx([1, 1, 2, 1])
    assert ratios["c"] == pytest.approx(0.3)
    trace = simulate(made, seed=0)
    assert [len(trace.logs[name]) / trace.columns.n for name in ("a", "b", "j", "after")] == [1, 1, 2, 1]


def test_the_response_of_a_fork_lies_between_one_branch_and_both_in_turn():
    for load in (0.1, 0.5, 0.9):
        alone = 1 / (1 - load)
        assert alone < fork_join_response(load, 1.0) < 1.5 * alone  # 1.5: two independent exponential times
    assert fork_join_response(1e-9, 1.0) == pytest.approx(1.5)


def test_load_is_the_work_that_comes_over_the_work_that_can_be_done():
    made = triage(service=0.02, rate=10)
    ratios = visit_ratios(made)
    found = {load.stage: load for load in loads(made)}
    assert found["model"].mean == pytest.approx(10 * ratios["model"] * 0.02 / 2)
    assert found["decode"].mean == pytest.approx(10 * ratios["decode"] * 0.02)
    assert found["reader"].mean == pytest.approx(10 * ratios["reader"] * 3 / 50)
    assert {name: load.peak for name, load in found.items()}["reader"] is None


def test_the_peak_load_is_that_of_the_busiest_part_of_the_day():
    weights = {"kind": "daily", "per_day": assumed(86_400), "weights": [1, 3]}
    run = {"starts_at": "06:00", "days": 1, "replications": 2}
    (found,) = loads(plan({"p": pool()}, constant(0.4), arrivals=weights, run=run))
    assert (found.mean, found.peak) == pytest.approx((0.4, 0.6))
    (found,) = loads(plan({"p": pool()}, constant(0.4), arrivals=weights, run=run | {"days": 9 / 24}))  # 06:00 to 15:00
    assert (found.mean, found.peak) == pytest.approx(((6 * 0.2 + 3 * 0.6) / 9, 0.6))


def closed_loads(stages, service, arrivals):
    return {load.stage: load.mean for load in loads(plan(stages, service, arrivals=arrivals)) if load.at_most}


RING = {"a": pool(to="b", replicas=2), "b": pool()}
SERVICE = {"a": constant(1.0), "b": constant(0.8)}


def test_clients_who_do_not_think_can_at_most_keep_the_tightest_stage_busy():
    found = closed_loads(RING, SERVICE, {"kind": "closed", "clients": 9, "requests": 100})
    assert found == {"a": pytest.approx(0.5 / 0.8), "b": pytest.approx(1)}


def test_few_clients_bring_at_most_one_request_a_cycle_each():
    found = closed_loads(RING, SERVICE, {"kind": "closed", "clients": 2, "think_mean_s": assumed(8.2)})
    assert found == {"a": pytest.approx(2 / 10 / 2), "b": pytest.approx(2 / 10 * 0.8)}


def test_a_single_stream_keeps_each_stage_busy_for_its_share_of_the_way():
    arrivals = {"kind": "single_stream", "queries": 50}
    found = closed_loads(RING, SERVICE, arrivals)
    trace = simulate(plan(RING, SERVICE, arrivals=arrivals), 0)
    busy = {name: (trace.logs[name].frame(name).eval("left_s - started_s")).sum() for name in RING}
    span, servers = trace.requests["finished_s"].max(), {"a": 2, "b": 1}
    assert found == {name: pytest.approx(busy[name] / span / servers[name]) for name in RING}


def test_a_heap_of_samples_can_at_most_keep_the_tightest_stage_busy():
    assert closed_loads(RING, SERVICE, {"kind": "offline", "samples": 50})["b"] == pytest.approx(1)


def test_a_rota_offers_only_what_breaks_and_tiredness_leave_of_it():
    rota = [
        {"start": "08:00", "end": "16:00", "people": 2, "handover_minutes": 30, "breaks": [{"start": "12:00", "minutes": 90}]}
    ]
    (rested,) = loads(plan({"r": people(minutes=30, shifts=rota)}, rate=0.0005))
    assert rested.mean == pytest.approx(0.0005 * 86_400 * 0.5 / (2 * 6))
    (tired,) = loads(plan({"r": people(minutes=30, shifts=rota, fatigue_per_h=assumed(0.1))}, rate=0.0005))
    fresh_hours = 10 * (np.log(1.4 / 1.05) + np.log(1.8 / 1.55))
    assert tired.mean == pytest.approx(0.0005 * 86_400 * 0.5 / (2 * fresh_hours))


def test_replicas_that_are_repaired_a_third_of_the_time_bear_half_as_much_again():
    failing = {"mtbf_h": assumed(1), "repair_minutes": assumed(30)}
    (usual,), (failed,) = (loads(plan({"p": pool(**fields)}, rate=0.3)) for fields in ({}, {"failures": failing}))
    assert failed.mean == pytest.approx(1.5 * usual.mean)
    assert failed.peak == pytest.approx(1.5 * usual.peak)


@pytest.mark.parametrize("tag", [None, "urgent"])
def test_the_load_on_people_counts_second_readings(tag):
    made = triage(rate=20, seconds=200)
    routes = [{"at_sensitivity": 0.5, "to": "reader", "tag": "urgent"}, {"at_sensitivity": 0.9, "to": "reader"}, {"to": "done"}]
    stages = made.scenario.model_dump(exclude_unset=True)["stages"]
    stages["sort"]["routes"] = routes
    stages["reader"]["second_reader"] = {"share": 0.4, "rule": "both", "tag": tag}
    twice = plan(stages, constant(0.01), scores=made.scores, rate=20, seconds=200,
                 population=population(prevalence=0.3, unusable=0.2, auc=0.8))  # fmt: skip
    expected = {load.stage: load.visits_per_request for load in loads(twice)}["reader"]
    traces = [simulate(twice, seed=0, replication=replication) for replication in range(10)]
    assert_agrees([len(trace.logs["reader"]) / trace.columns.n for trace in traces], expected, checks=2, sharp=0.02)
