"""Shards that answer side by side: the slowest that a request waits for decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator import compile_plan, summarise
from simulator.case.document import ScenarioError
from simulator.case.load import loads as read
from simulator.engine.run import simulate
from simulator.engine.run_trace import Trace
from simulator.theory.loads import loads
from tests.builders import assumed, end, fanout, figures, plan, pool, run_at, scenario
from tests.truths.queue_formulas import fork_join_response, mmc_wait

EXPONENTIAL = {"exponential_mean": assumed(100)}


def fanned(rate: float = 1, seconds: float = 100, curveballs: Any = None, strikes: Any = None, **fields: Any):
    stages = {"index": fanout(**fields)}
    made = {"rate": rate, "seconds": seconds, "ends": {"done": end(), "late": end()}, "strikes": strikes}
    return plan(stages, **made, **({"curveballs": curveballs} if curveballs else {}))


def times(trace: Trace) -> list[float]:
    return (trace.requests["finished_s"] - trace.requests["arrived_s"]).tolist()


def drawn(shards: int, requests: int, seed: int = 0) -> np.ndarray:
    """Times of each shard for each request (s), as a run draws them."""
    made = fanned(seconds=1_000, shards=shards, needs=1, service_ms=EXPONENTIAL)
    trace = run_at(made, np.arange(requests) * 5.0, seed)
    visits = trace.logs["index"].visits()
    found = np.empty((requests, shards))
    found[visits.request, visits.server] = visits.left_s - visits.started_s
    return found


@pytest.mark.parametrize(("shards", "needs"), [(1, 1), (8, "all"), (8, 6), pytest.param(32, "all", marks=pytest.mark.long)])
def test_a_lone_request_waits_for_the_maximum_of_exponentials(shards, needs):
    """The k-th smallest of N exponentials has the mean 1/N + 1/(N-1) + ... + 1/(N-k+1)."""
    made = fanned(seconds=100_000, shards=shards, needs=needs, service_ms=EXPONENTIAL)
    taken = times(run_at(made, np.arange(20_000) * 5.0))
    k = shards if needs == "all" else needs
    mean = 0.1 * sum(1 / (shards - place) for place in range(k))
    spread = 0.1 * np.sqrt(sum(1 / (shards - place) ** 2 for place in range(k)))
    assert abs(np.mean(taken) - mean) < 3 * spread / np.sqrt(len(taken))
    assert np.std(taken) == pytest.approx(spread, rel=0.05)


def test_by_hand():
    """Two shards with times of 1 and 3 s, then 2 and 1 s, for requests that come at 0 and at 0.5 s."""
    made = fanned(shards=2, service_ms={"samples": [1000, 2000, 3000], "assumed": "a test"})
    trace = run_at(made, [0, 0.5])
    service = {(row, server): left - started for row, server, started, left in visits_of(trace)}
    free = [0.0, 0.0]
    for row, came in enumerate((0.0, 0.5)):
        free = [max(free[shard], came) + service[row, shard] for shard in range(2)]
        assert trace.requests["finished_s"][row] == max(free)


def visits_of(trace: Trace) -> list[tuple[int, int, float, float]]:
    visits = trace.logs["index"].visits()
    return [*zip(*(getattr(visits, name).tolist() for name in ("request", "server", "started_s", "left_s")), strict=True)]


def test_each_shard_is_a_queue_of_its_own_and_the_slowest_decides():
    """With constant times of 2 s, requests each second queue alike at all shards; a time of 1 s each keeps up."""
    slow = run_at(fanned(shards=3, service_ms={"constant": assumed(2000)}), [0, 1, 2])
    assert times(slow) == [2, 3, 4]
    paired = run_at(fanned(shards=3, replicas=2, service_ms={"constant": assumed(2000)}), [0, 1, 2])
    assert times(paired) == [2, 2, 2]


def test_it_agrees_with_the_recursion_of_lindley_at_each_shard():
    trace = simulate(fanned(rate=7, seconds=300, shards=5, needs=3, service_ms=EXPONENTIAL), 1)
    came = trace.requests["arrived_s"].to_numpy()
    service = np.empty((len(came), 5))
    for row, server, started, left in visits_of(trace):
        service[row, server] = left - started
    free, answered = np.zeros(5), []
    for arrived, each in zip(came, service, strict=True):
        free = np.maximum(free, arrived) + each
        answered.append(np.sort(free)[2])
    assert trace.requests["finished_s"].to_numpy() == pytest.approx(np.array(answered))


def test_one_shard_is_an_ordinary_queue():
    made = fanned(rate=6, seconds=2_000, shards=1, service_ms=EXPONENTIAL)
    metrics = summarise(simulate(made, 1, one) for one in range(6))
    assert metrics["latency_served_mean_s"].low < mmc_wait(6, 10, 1) + 0.1 < metrics["latency_served_mean_s"].high


@pytest.mark.long
def test_two_queues_in_parallel_take_as_long_as_the_formula_for_a_fork_and_a_join_says():
    """Two M/M/1 queues with common arrivals (Flatto and Hahn 1984)."""
    made = fanned(rate=5, seconds=3_000, shards=2, service_ms=EXPONENTIAL)
    metrics = summarise(simulate(made, 1, one) for one in range(8))
    assert metrics["latency_served_mean_s"].low < fork_join_response(5, 10) < metrics["latency_served_mean_s"].high


def test_its_load_utilization_and_price_count_every_shard():
    made = fanned(rate=5, seconds=2_000, shards=4, replicas=2, service_ms=EXPONENTIAL, needs=1)
    (load,) = loads(made)
    assert load.mean == pytest.approx(5 * 0.1 / 2)
    found = summarise(simulate(made, 1, one) for one in range(4))
    assert found["utilization.index"].low < 0.25 < found["utilization.index"].high
    hours = 2_000 / 3600 * 8
    trace = simulate(made, 1)
    assert figures(trace)["cost_per_1000_usd"] == pytest.approx(1000 * hours / trace.columns.n, rel=1e-3)


def test_too_much_work_shows_as_too_much():
    made = fanned(rate=20, seconds=500, shards=4, service_ms=EXPONENTIAL)
    assert figures(simulate(made, 1))["utilization.index"] == pytest.approx(2, rel=0.03)


def test_time_that_is_up_ends_the_wait_and_an_answer_at_that_instant_is_in_time():
    slow = {"service_ms": {"constant": assumed(2000)}, "shards": 2, "timeout_s": 2, "on_incomplete": "late"}
    requests = run_at(fanned(**slow), [0, 1, 10]).requests
    assert requests["end"].tolist() == ["done", "late", "done"]
    assert requests["outcome"].tolist() == ["done", "timed_out", "done"]
    assert requests["finished_s"].tolist() == pytest.approx([2, 3, 12])
    trace = run_at(fanned(**slow), [0, 1, 10])
    assert figures(trace)["incomplete_share.index"] == 1 / 3
    anyway = run_at(fanned(**slow | {"on_incomplete": None}), [0, 1, 10])
    assert anyway.requests["end"].tolist() == ["done"] * 3
    assert figures(anyway)["incomplete_share.index"] == 1 / 3


def test_a_slow_server_slows_what_waits_for_all_and_not_what_waits_for_some():
    ball = {"slow": {"kind": "slow_replicas", "label": "Slow", "stage": "index", "replicas": 1, "times": 5, "at_s": 0}}
    usual = {"shards": 10, "service_ms": {"constant": assumed(100)}, "curveballs": ball}
    assert times(run_at(fanned(**usual), [0, 10])) == pytest.approx([0.5, 0.5])
    assert times(run_at(fanned(**usual, needs=9), [0, 10])) == pytest.approx([0.1, 0.1])


def test_a_server_that_is_down_begins_anew_when_it_is_back():
    ball = {"loss": {"kind": "replica_loss", "label": "Loss", "stage": "index", "replicas": 1, "at_s": 5, "lasts_s": 10}}
    usual = {"shards": 2, "service_ms": {"constant": assumed(2000)}, "curveballs": ball}
    requests = run_at(fanned(**usual), [0, 4, 6, 20]).requests
    assert requests["finished_s"].tolist() == pytest.approx([2, 17, 19, 22])
    spare = run_at(fanned(**usual, replicas=2), [0, 6, 7]).requests
    assert spare["finished_s"].tolist() == pytest.approx([2, 8, 10])


def test_designs_with_more_shards_meet_the_same_requests_and_the_same_times():
    assert drawn(2, 50).tolist() == drawn(4, 50)[:, :2].tolist()


CASE = """
id: sharded
version: 1
title: Shards
summary: Shards.
brief: How many shards?
run: {days: 0.002, drain_days: 0.002, replications: 2}
arrivals: {kind: constant, rate_per_s: {value: 1, assumed: a test}}
start: index
stages:
  index:
    kind: fanout
    label: Index
    shards: 2
    service_ms: {constant: {value: 1500, assumed: a test}}
    usd_per_hour: {value: 1, assumed: a test}
    to: done
ends:
  done: {label: Done, escalated: false, detected: {value: 1, assumed: all}, usd: {value: 0, assumed: free}}
choices:
  replicas: {kind: number, label: Servers, default: 1, values: [1, 2, 4], set: [stages.index.replicas]}
  shards: {kind: number, label: Shards, default: 2, values: [2, 4], set: [stages.index.shards]}
  needs: {kind: number, label: Answers, default: 2, values: [1, 2], set: [stages.index.needs]}
"""


def test_shards_that_are_taken_away_finish_what_they_have_begun():
    made = compile_plan(read(CASE), {"shards": 4})
    trace = simulate(made, 1, actions=[(50, {"shards": 2})])
    visits = trace.logs["index"].visits()
    began = visits.served & (visits.server >= 2)
    assert (trace.requests["outcome"] == "done").all()
    assert visits.entered_s[visits.server >= 2].max() < 50
    assert visits.left_s[began] - visits.started_s[began] == pytest.approx(1.5)
    assert 45 < visits.started_s[began].max() < 50


@pytest.mark.parametrize("picks", [{"replicas": 2}, {"shards": 4}, {"shards": 4, "needs": 1}, {"needs": 1}])
def test_a_pick_during_the_run_leaves_what_came_before_as_it_is(picks):
    made = compile_plan(read(CASE))
    plain, changed = simulate(made, 1), simulate(made, 1, actions=[(50, picks)])
    before = plain.requests["finished_s"] < 50
    assert before.sum() > 20
    assert plain.requests["finished_s"][before].equals(changed.requests["finished_s"][before])
    assert (changed.requests["outcome"] == "done").all()
    if "replicas" in picks:
        last = changed.requests["finished_s"] - changed.requests["arrived_s"]
        assert last.to_numpy()[-1] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shards": 3, "needs": 4}, "4 answers are needed, but there are 3 shards"),
        ({"on_incomplete": "late"}, "every request gets its answers; set `timeout_s`, or delete this line"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(ScenarioError, match=message):
        scenario({"index": fanout(**fields)}, ends={"done": end(), "late": end()})


def test_it_stands_behind_a_pool_and_before_another():
    stages = {"first": pool(to="index"), "index": fanout(to="last", service_ms=EXPONENTIAL), "last": pool(replicas=3)}
    trace = simulate(plan(stages, rate=0.8), 1)
    assert (trace.requests["outcome"] == "done").all()
