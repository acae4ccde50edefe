"""Whole runs: against recursions request by request, against queueing theory, against themselves, and by their invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from simulator.serving.engine import simulate
from simulator.serving.latency import constant
from simulator.serving.stages.base import ServiceStage
from simulator.serving.theory import batch_wait, mg1_wait, mmc_wait
from tests.builders import exponential, gate, people, plan, pool, population, retake
from tests.serving.intervals import assert_agrees
from tests.serving.networks import check, networks, service_times

DAY = ("00:00", "24:00")


def visits_of(trace, stage="p"):
    return trace.logs[stage].frame(stage).sort_values("request")


def waits(made, replications, stage="p", warm_up=0.1):
    """The mean wait of each replication, without the requests of the first part of the run."""
    means = []
    for replication in range(replications):
        visits = visits_of(simulate(made, seed=0, replication=replication), stage)
        wait = (visits["started_s"] - visits["entered_s"]).to_numpy()
        means.append(wait[int(warm_up * len(wait)) :].mean())
    return means


# Request by request


def test_one_server_follows_lindleys_recursion_request_by_request():
    visits = visits_of(simulate(plan({"p": pool()}, service_times(1, 0), rate=1.2, seconds=5000), seed=0))
    entered, service = visits["entered_s"].to_numpy(), (visits["left_s"] - visits["started_s"]).to_numpy()
    wait = np.zeros(len(visits))
    for n in range(1, len(visits)):
        wait[n] = max(0.0, wait[n - 1] + service[n - 1] - (entered[n] - entered[n - 1]))
    assert wait.max() > 5
    assert visits["started_s"].to_numpy() - entered == pytest.approx(wait, abs=1e-6)


@pytest.mark.parametrize("stage", [pool(replicas=3), people((*DAY, 3), minutes=0.6 / 60, sigma=0.7)], ids=["pool", "people"])
def test_several_servers_follow_the_recursion_of_kiefer_and_wolfowitz(stage):
    visits = visits_of(simulate(plan({"p": stage}, service_times(1, 0), rate=3.5, seconds=2000), seed=0))
    entered, service = visits["entered_s"].to_numpy(), (visits["left_s"] - visits["started_s"]).to_numpy()
    work, before = np.zeros(3), 0.0
    for n in range(len(visits)):
        work = np.sort(np.maximum(work - (entered[n] - before), 0))
        assert visits["started_s"].iloc[n] - entered[n] == pytest.approx(work[0], abs=1e-6)
        work[0] += service[n]
        before = entered[n]
    assert (visits["started_s"] > visits["entered_s"]).mean() > 0.2


# Theory

TEXTBOOK = 6


@pytest.mark.parametrize(("load", "servers"), [(0.5, 1), (0.8, 1), (0.8, 2), (0.8, 5)])
def test_exponential_service_waits_as_erlang_says(load, servers):
    made = plan({"p": pool(replicas=servers)}, exponential(1.0), rate=load * servers, seconds=20_000 / servers)
    assert_agrees(waits(made, 30), mmc_wait(load * servers, 1.0, servers), checks=TEXTBOOK, sharp=0.1)


def test_constant_service_waits_half_as_long():
    made = plan({"p": pool()}, constant(1.0), rate=0.8, seconds=20_000)
    assert_agrees(waits(made, 20), mmc_wait(0.8, 1.0, 1) / 2, checks=TEXTBOOK)


def test_people_with_lognormal_cases_wait_as_pollaczek_and_khinchine_say():
    sigma = 0.6
    mean, square = np.exp(sigma**2 / 2), np.exp(2 * sigma**2)
    made = plan({"p": people((*DAY, 1), minutes=1 / 60, sigma=sigma)}, rate=0.7 / mean, seconds=20_000)
    assert_agrees(waits(made, 20), mg1_wait(0.7 / mean, mean, square), checks=TEXTBOOK, sharp=0.1)


CAPS = (1, 4, 8)
LOADS = {0.5: (5_000, 0.05), 0.8: (15_000, 0.06), 0.95: (60_000, 0.12)}  # how many requests to run, and how sharp that is


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("load", LOADS)
def test_batches_wait_as_the_embedded_chain_says(load, cap):
    requests, sharp = LOADS[load]
    seconds = [0.6 + 0.4 * size**0.8 for size in range(1, cap + 1)]
    rate = load * cap / seconds[-1]
    made = plan({"p": pool(max_batch=cap)}, constant(*seconds), rate=rate, seconds=requests / rate)
    truth = batch_wait(rate, lambda batch: seconds[batch - 1], cap)
    assert_agrees(waits(made, 20), truth, checks=len(CAPS) * len(LOADS), sharp=sharp)


@pytest.mark.parametrize("rate", [0.2, 0.8, 1.6])
def test_time_in_the_system_keeps_the_bound_of_inoue(rate):
    """Service alpha b + tau for any batch b: arXiv 1912.06322, theorem 2. The bound is known to be sharp to 5%."""
    alpha, tau = 0.5, 1.0
    phi0 = (alpha + tau) / (2 * (1 - rate * alpha)) * (1 + 2 * rate * tau + (1 - rate * tau) / (1 + rate * alpha))
    phi1 = 1.5 * tau / (1 - rate * alpha) + alpha / 2 * (rate * alpha + 2) / (1 - rate**2 * alpha**2)
    service = constant(*[alpha * size + tau for size in range(1, 101)])
    made = plan({"p": pool(max_batch=100)}, service, rate=rate, seconds=10_000)
    means = []
    for replication in range(10):
        visits = visits_of(simulate(made, seed=0, replication=replication))
        means.append((visits["left_s"] - visits["entered_s"])[len(visits) // 10 :].mean())
    error = 3 * np.std(means, ddof=1) / np.sqrt(10)
    assert 0.95 * min(phi0, phi1) - error < np.mean(means) < min(phi0, phi1) + error


def test_littles_law_holds_at_every_stage_of_a_run_that_empties():
    """The number in a stage, integrated over time, is the time that its requests spent there, counted apart."""
    stages = {"a": pool(to="b", max_batch=3, max_queue_delay_ms=300), "b": people((*DAY, 2), minutes=0.6 / 60, sigma=0.5)}
    trace = simulate(plan(stages, service_times(3, 1), rate=2, seconds=500), seed=3)
    for name in stages:
        visits = visits_of(trace, name)
        edges = np.sort(np.concatenate([visits["entered_s"], visits["left_s"]]))
        inside = [((visits["entered_s"] <= time) & (time < visits["left_s"])).sum() for time in edges[:-1]]
        assert np.dot(inside, np.diff(edges)) == pytest.approx((visits["left_s"] - visits["entered_s"]).sum())
        assert len(visits) == trace.columns.n


# Invariants


@settings(max_examples=150)
@given(networks(), st.integers(0, 2**31))
def test_in_any_network_no_request_is_lost_no_server_idles_and_no_effect_comes_before_its_cause(made, seed):
    check(simulate(made, seed))


@settings(max_examples=80)
@given(networks(late_fallbacks=False), st.integers(0, 2**31))
def test_a_stage_that_runs_ahead_ends_where_single_steps_and_single_handovers_end(made, seed):
    ahead, stepped = simulate(made, seed), simulate_step_by_step(made, seed)
    assert ahead.digest == stepped.digest
    assert_frame_equal(ordered(ahead.visits), ordered(stepped.visits))


def ordered(visits):
    return (
        visits.astype({"stage": str}).drop(columns="batch").sort_values(["request", "entered_s", "left_s"], ignore_index=True)
    )


def simulate_step_by_step(made, seed):
    """A run in which every stage takes turns with all others and hands every request over by itself."""
    connect = ServiceStage.connect

    def connect_as_in_a_ring(stage):
        connect(stage)
        stage.rivals, stage.loops = [stage], True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceStage, "connect", connect_as_in_a_ring)
        return simulate(made, seed)


def test_two_pools_in_a_ring_hand_requests_to_and_fro_until_they_pass():
    """A photo passes the check in half of the cases; each try visits both pools."""
    stages = {
        "a": pool(to="b"),
        "b": pool(to="look"),
        "look": gate("quality", {"at_sensitivity": 0.5, "to": "done"}, {"to": "again"}),
        "again": retake("a", max_tries=3),
    }
    made = plan(stages, constant(0.2), rate=1, seconds=300, population=population(unusable=0.0))
    trace = simulate(made, seed=0)
    assert set(trace.requests["tries"]) == {1, 2, 3}
    for stage in ("a", "b"):
        assert np.array_equal(np.bincount(trace.logs[stage].request), trace.requests["tries"])
    assert (trace.requests["outcome"] == "done").all()


# Repeatability


def small(**fields):
    stages = {"a": pool(to="b", max_batch=4, max_queue=5, on_full="done"), "b": people((*DAY, 3), minutes=1 / 60, sigma=0.5)}
    return plan(stages, service_times(4, 0), rate=3, **fields)


def test_the_same_seed_gives_the_same_run_and_another_seed_or_replication_another():
    runs = [simulate(small(), seed, replication) for seed, replication in [(1, 0), (1, 0), (2, 0), (1, 1)]]
    first, again, *others = (run.digest for run in runs)
    assert first == again
    assert_frame_equal(runs[0].visits, runs[1].visits)
    assert len({first, *others}) == 3


def test_more_servers_serve_the_same_requests_and_none_of_them_later():
    few = simulate(plan({"p": pool()}, constant(1.0), rate=0.9, seconds=500), seed=1)
    many = simulate(plan({"p": pool(replicas=2)}, constant(1.0), rate=0.9, seconds=500), seed=1)
    assert few.requests["arrived_s"].equals(many.requests["arrived_s"])
    assert (many.requests["finished_s"] <= few.requests["finished_s"]).all()
    assert (many.requests["finished_s"] < few.requests["finished_s"]).any()
