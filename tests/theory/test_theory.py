"""The closed forms against textbook values, bounds and each other; flows and loads against simulated visits."""

import numpy as np
import pytest

from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant, profiled
from simulator.evidence.profiles import load_profile
from simulator.metrics.measures import measure
from simulator.theory.loads import filling_queue_s, loads, visit_ratios
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
    retry,
    score_table,
    spread,
)
from tests.engine.intervals import assert_agrees
from tests.truths.queue_formulas import batch_queue, fork_join_response, mg1_wait, mmc_wait


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
    (found,) = loads(plan({"p": pool()}, constant(0.4), arrivals=weights, run=run | {"days": 6 / 24}))  # to noon
    assert (found.mean, found.peak) == pytest.approx((0.2, 0.2))
    news = {"news": {"kind": "traffic", "label": "News", "times": 4, "lasts_s": 3600}}
    at_noon = plan({"p": pool()}, constant(0.4), arrivals=weights, run=run, curveballs=news, strikes={"news": 6 * 3600.0})
    (found,) = loads(at_noon)
    assert (found.mean, found.peak) == pytest.approx((0.4, 4 * 0.6))


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


def done_per_s(trace, stage, since=0.2):
    """What a stage gets done a second while requests come, once so much of that time has passed."""
    end = trace.plan.arrivals_end_s
    left = trace.logs[stage].frame(stage).dropna(subset="started_s")["left_s"]
    return np.count_nonzero((left > since * end) & (left <= end)) / ((1 - since) * end)


#: Most efficient in twos: a queue that is never empty is served in threes all the same.
UNEVEN = constant(1.0, 1.6, 3.9)


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"max_batch": 3}, 3),
        ({"max_batch": 2}, 2),
        ({"max_batch": 3, "max_queue_delay_ms": 5}, 3),
        ({"max_batch": 3, "preferred_batches": [2]}, 2),
        ({"max_batch": 3, "preferred_batches": [2], "max_queue_delay_ms": 5}, 3),  # in a long queue everybody is overdue
        ({"max_batch": 3, "max_queue": 2, "on_full": "done"}, 2),
        ({"max_batch": 3, "replicas": 2, "balance": "round_robin"}, 3),
        ({"max_batch": 3, "scaling": {"kind": "hpa", "min_replicas": 2, "max_replicas": 2}, "replicas": 2}, 3),
    ],
)
def test_a_load_is_the_rate_over_what_the_rule_gets_done_of_a_queue_that_is_never_empty(fields, size):
    made = plan({"p": pool(**fields)}, UNEVEN, rate=10, seconds=400)
    made.cold_starts["p"] = [1.0]
    (load,) = loads(made)
    trace = simulate(made, 1)
    assert load.mean == pytest.approx(10 * UNEVEN.mean_s(size) / size / fields.get("replicas", 1))
    assert done_per_s(trace, "p") == pytest.approx(10 / load.mean, rel=0.01)  # constant service: but for the ends
    assert measure(trace).stages["p"].load == pytest.approx(load.mean * trace.columns.n / (10 * 400))


@pytest.mark.parametrize(
    ("model", "precision", "threads", "batch"),
    [("vit_b_16", "int8_dynamic", 2, 4), ("efficientnet_b0", "fp32", 1, 16), ("efficientnet_lite0", "fp32", 1, 8)],
)
def test_a_measured_network_gets_as_much_done_as_its_load_says(model, precision, threads, batch):
    table = profiled(load_profile("epyc-zen4-2c", model, precision), threads, batch)
    rate = 2 * batch / table.mean_s(batch)
    made = plan({"p": pool(max_batch=batch)}, table, rate=rate, seconds=2000 * table.mean_s(batch))
    (load,) = loads(made)
    done = [done_per_s(simulate(made, 0, replication), "p") for replication in range(10)]
    assert_agrees(done, rate / load.mean, checks=3, sharp=0.03)


@pytest.mark.long
def test_a_shared_accelerator_gets_as_much_done_for_each_pool_as_its_load_says():
    """The first pool is asked for more than it can do, the second has enough: they share it by turns, or nearly so."""
    for slowdown, replicas in ((2, 1), (1.5, 1), (1.3, 3)):
        stages = {"f": fork("a", "b"), "a": pool(to="j", shares="gpu", replicas=replicas), "b": pool(to="j", shares="gpu"),
                  "j": join()}  # fmt: skip
        service = {"a": constant(0.8 * replicas), "b": constant(0.4)}
        made = plan(stages, service, rate=1.2, seconds=1000,
                    accelerators={"gpu": {"label": "GPU", "slowdown": assumed(slowdown)}})  # fmt: skip
        found = {load.stage: load.mean for load in loads(made)}
        assert found["b"] < 1 < found["a"]
        # While the first has all its replicas at work, the second gets all of its work done.
        beside = 1.2 * 0.4 * (slowdown - 1)
        pace = (1 - beside) / (1 + (replicas - 1) * (slowdown - 1))
        done = [done_per_s(simulate(made, 0, replication), "a") for replication in range(12)]
        assert_agrees(done, pace / 0.8, checks=3, sharp=0.03)
    assert found["a"] == pytest.approx(1.2 * 0.8 * (1 + (replicas - 1 + 0.4 / 0.8) * (slowdown - 1)))


def test_loads_on_shared_cores_add_up_once_there_are_more_threads_than_cores():
    """Of three pools, as on one processor: 1.2 a second take 0.5, 0.4 and 0.3 s of it. On three cores each has its own."""
    service = {"a": constant(0.5), "b": constant(0.4), "c": constant(0.3)}
    stages = {"f": fork(*service), **{name: pool(to="j", shares="cpu") for name in service}, "j": join()}
    shared = [
        {load.stage: load.mean for load in loads(plan(stages, service, rate=1.2, accelerators=cpu(cores)))} for cores in (1, 3)
    ]
    assert shared[0]["a"] == pytest.approx(1.2 * (0.5 + 0.4 + 0.3))
    assert shared[1] == pytest.approx({"a": 0.6, "b": 0.48, "c": 0.36})
    stages["a"]["threads"] = 2
    assert loads(plan(stages, service, rate=1.2, accelerators=cpu(2)))[0].mean == pytest.approx(
        0.6 * (2 + 0.4 / 0.5 + 0.3 / 0.5) / 2
    )


def test_no_core_idles_while_a_pool_has_more_replicas_with_too_much_to_do():
    """The second pool gets all of its work done, 0.24 s a second; the first one what is left of two cores."""
    stages = {"f": fork("a", "b"), "a": pool(to="j", shares="cpu", replicas=4), "b": pool(to="j", shares="cpu"), "j": join()}
    made = plan(stages, {"a": constant(2.0), "b": constant(0.2)}, rate=1.2, seconds=1000, accelerators=cpu(2))
    found = {load.stage: load.mean for load in loads(made)}
    assert found["b"] < 1 < found["a"]
    done = [done_per_s(simulate(made, 0, replication), "a") for replication in range(12)]
    assert_agrees(done, (2 - 1.2 * 0.2) / 2, checks=1, sharp=0.03)
    assert found["a"] == pytest.approx(1.2 * 2 / 4 * (4 + 0.2 * 4 / 2) / 2)


def cpu(cores):
    return {"cpu": {"label": "CPU", "cores": cores}}


def test_an_autoscaled_pool_is_meant_to_have_as_many_replicas_as_it_may():
    hpa = {"kind": "hpa", "max_replicas": 4}
    made = plan({"p": pool(scaling=hpa)}, constant(1.0), rate=2)
    assert [load.mean for load in loads(made)] == pytest.approx([0.5])


def behind(**second):
    """A model that refers to people, who refer to others, who refer to a model: each gets what those before let through."""
    rng = np.random.default_rng(0)
    table = score_table(rng.beta(4, 2, 200), rng.beta(2, 4, 300))
    all_day = ("00:00", "24:00", 40)
    stages = {
        "model": pool(to="sort", scores="x"),
        "sort": gate("score", {"at_sensitivity": 0.5, "to": "reader", "tag": "urgent"}, {"at_sensitivity": 0.9, "to": "reader"},
                     {"to": "done"}),
        "reader": people(all_day, minutes=0.01, positive_to="clinic", sensitivity=assumed(0.9), specificity=assumed(0.8)),
        "clinic": people(all_day, minutes=0.02, positive_to="later", sensitivity=assumed(0.8), specificity=assumed(0.95)),
        "later": pool(),
    }  # fmt: skip
    stages["reader"] |= second
    people_ = population(prevalence=0.3, unusable=0.2)
    return plan(stages, constant(0.001), scores=table, population=people_, rate=20, seconds=200)


@pytest.mark.parametrize("second", [None, {"share": 0.4, "rule": "both"}, {"share": 0.9, "rule": "either", "tag": "urgent"}])
def test_behind_people_come_those_whom_they_call_positive(second):
    made = behind(**({} if second is None else {"second_reader": second}))
    expected = {load.stage: load for load in loads(made)}
    traces = [simulate(made, seed=0, replication=replication) for replication in range(20)]
    for stage in ("reader", "clinic", "later"):
        visits = [len(trace.logs[stage]) / trace.columns.n for trace in traces]
        assert_agrees(visits, expected[stage].visits_per_request, checks=9, sharp=0.03)
    assert expected["clinic"].mean == pytest.approx(20 * expected["clinic"].visits_per_request * 1.2 / 40)


def test_behind_people_without_a_population_come_those_whom_they_call_positive_by_mistake():
    made = plan({"r": people(("00:00", "24:00", 1), specificity=assumed(0.9), positive_to="p"), "p": pool()}, constant(0.1))
    assert visit_ratios(made) == pytest.approx({"r": 1, "p": 0.1})


@pytest.mark.parametrize(
    ("fields", "times"),
    [({"max_tries": 4}, 4), ({"max_tries": 4, "budget": {"share": 0.1}}, 1.1),
     ({"max_tries": 3, "budget": {"share": 0.1, "min_per_s": 0.2}}, 1.5)],
)  # fmt: skip
def test_retries_are_a_bound_on_what_may_come(fields, times):
    stages = {"p": pool(client_timeout_s=2, on_timeout="again", cancels=False), "again": retry("p", 100, **fields)}
    (load,) = loads(plan(stages, constant(1.0), rate=0.5))
    assert (load.mean, load.retried) == pytest.approx((0.5, 0.5 * times))
    rush = plan(stages, constant(1.0), rate=3, seconds=500)  # where nearly everybody comes as often as may be
    found = measure(simulate(rush)).stages["p"].load
    (load,) = loads(rush)
    assert 0.8 * load.retried < found * 3 * 500 / simulate(rush).columns.n <= load.retried


def test_without_a_retry_that_leads_back_nothing_comes_again():
    stages = {"p": pool(client_timeout_s=2, on_timeout="again"), "again": retry("q", 100), "q": pool()}
    assert [load.retried for load in loads(plan(stages, constant(1.0)))] == [None, None]
    stages["again"] = retry("p", 100, max_tries=1)
    assert [load.retried for load in loads(plan({name: stages[name] for name in ("p", "again")}, constant(1.0)))] == [None]


def test_in_a_run_of_some_hours_those_count_who_are_on_duty_meanwhile():
    run = {"starts_at": "09:00", "days": 4 / 24, "replications": 2}
    made = plan({"r": people(("11:00", "17:00", 3), minutes=6)}, rate=15 / 3600, run=run)
    assert [load.mean for load in loads(made)] == pytest.approx([4 * 15 * 0.1 / (3 * 2)])


@pytest.mark.parametrize("servers", [1, 7])
def test_a_queue_that_fills_is_between_the_steady_one_and_one_that_only_grows(servers):
    calm, over, span_s = np.array([0.2, 0.6]), np.array([1.5, 3.0]), 1e7
    steady = [60 + mmc_wait(load / 60 * servers, 1 / 60 * servers, 1) for load in calm]
    assert filling_queue_s(calm, 60.0, servers, span_s) == pytest.approx(steady, rel=1e-3)
    assert filling_queue_s(over, 60.0, servers, span_s) == pytest.approx((over - 1) * span_s / 2, rel=1e-3)
    assert (np.diff(filling_queue_s(np.linspace(0.1, 2, 200), 60.0, servers, 12_000.0)) > 0).all()
