"""A run may stand for a longer one: its hours pass faster, at their own rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator import compile_plan, summarise
from simulator.case.designs import TRAFFIC
from simulator.case.document import ScenarioError
from simulator.engine.run import simulate
from simulator.explain.result import result_of
from simulator.metrics.measures import measure
from simulator.metrics.stage_metrics import clock
from simulator.records.timetables import DAY_S
from simulator.theory.loads import loads as planned_loads
from tests.builders import assumed, cache, checked, document, end, people, pool, popularity, server
from tests.truths.queue_formulas import mmc_wait

#: Requests a second in the four quarters of a day, and the rate at which a server works.
RATES, SERVICE_PER_S = np.array([2.0, 6.0, 8.0, 4.0]), 10.0
DAILY = {"kind": "daily", "per_day": assumed(float(RATES.mean()) * DAY_S), "weights": RATES.tolist()}
QUEUE = {"q": server(service_ms={"exponential_mean": assumed(1000 / SERVICE_PER_S)})}


def shortened(days: float = 0.05, stands_for_days: float | None = 1.0, stages: Any = None, **fields: Any):
    run = {"days": days, "drain_days": 0.01, "replications": 4}
    longer = {} if stands_for_days is None else {"stands_for_days": stands_for_days}
    usual = {"arrivals": DAILY, "run": run | longer, "ends": {"done": end(usd=assumed(0.01))}}
    return checked(document(stages or QUEUE, **usual | fields))


def mean_wait() -> float:
    """The wait of M/M/1 in each quarter, weighted by its requests: the limit where queues settle at once."""
    return float(np.average([mmc_wait(rate, SERVICE_PER_S, 1) for rate in RATES], weights=RATES))


def test_rates_waits_shares_and_costs_are_those_of_the_whole_day():
    made = compile_plan(shortened())
    found = summarise(simulate(made, 1, one) for one in range(16))
    cost = 1000 * (1 / 3600 / RATES.mean() + 0.01)
    expected = {
        "throughput_per_s": RATES.mean(),
        "utilization.q": RATES.mean() / SERVICE_PER_S,
        "latency_served_mean_s": mean_wait() + 1 / SERVICE_PER_S,
        "cost_per_1000_usd": cost,
    }
    for name, value in expected.items():
        assert found[name].low < value < found[name].high, name
        assert found[name].high - found[name].low < 0.1 * value, name


def test_a_shortened_run_and_the_whole_one_agree():
    """At a quarter of the rates, so that a whole day is quick to run."""
    seldom = DAILY | {"per_day": assumed(float(RATES.mean()) / 4 * DAY_S)}
    slow = {"arrivals": seldom, "stages": {"q": server(service_ms={"exponential_mean": assumed(4000 / SERVICE_PER_S)})}}
    whole = summarise(simulate(compile_plan(shortened(1.0, None, **slow)), 2, one) for one in range(2))
    short = summarise(simulate(compile_plan(shortened(0.1, **slow)), 3, one) for one in range(12))
    for name in ("throughput_per_s", "utilization.q", "latency_served_mean_s", "latency_p95_s", "cost_per_1000_usd"):
        spread = np.hypot(whole[name].high - whole[name].low, short[name].high - short[name].low)
        assert abs(whole[name].value - short[name].value) < spread, name


def test_each_quarter_has_its_own_rate_for_a_twentieth_of_its_time():
    trace = simulate(compile_plan(shortened()), 1)
    quarter_s = 0.05 * DAY_S / 4
    counts = np.bincount((trace.requests["arrived_s"] // quarter_s).astype(int), minlength=4)
    assert len(counts) == 4
    assert (np.abs(counts - RATES * quarter_s) < 4 * np.sqrt(RATES * quarter_s)).all()


def test_it_may_begin_at_any_time_of_the_day():
    case = shortened(run={"days": 0.05, "stands_for_days": 1, "starts_at": "12:00", "drain_days": 0.01, "replications": 2})
    trace = simulate(compile_plan(case), 1)
    first = (trace.requests["arrived_s"] < 0.05 * DAY_S / 4).sum()
    assert first == pytest.approx(RATES[2] * 0.05 * DAY_S / 4, rel=0.1)
    assert clock(case, 0.05 * DAY_S / 2).startswith("00:00")


def test_days_of_a_week_keep_their_weights():
    weekly = {"kind": "weekly", "per_week": assumed(7 * 4 * DAY_S), "weights": [1], "days": [3, 1, 1, 1, 1, 0, 0]}
    trace = simulate(compile_plan(shortened(0.07, 7.0, arrivals=weekly)), 1)
    counts = np.bincount((trace.requests["arrived_s"] // (0.01 * DAY_S)).astype(int), minlength=7)
    expected = 7 * 4 * DAY_S * np.array([3, 1, 1, 1, 1, 0, 0]) / 7 / 100
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()


def test_a_run_of_one_rate_is_the_shorter_run_and_says_for_what_it_stands():
    steady = {"kind": "poisson", "rate_per_s": assumed(5)}
    plain, longer = (compile_plan(shortened(0.01, days, arrivals=steady)) for days in (None, 1.0))
    assert simulate(plain, 1).requests["arrived_s"].equals(simulate(longer, 1).requests["arrived_s"])
    assert plain.warnings == []
    (warning,) = longer.warnings
    assert warning.startswith(
        "About 4,320 requests in 14.4 min stand for 432,000 in 24.0 h: each hour takes 36.0 s, at its own rate."
    )
    assert any(source.what == "Time simulated" and source.kind == "assumed" for source in longer.provenance)


def test_the_planned_load_at_the_busiest_time_is_that_of_the_whole_day():
    (load,) = planned_loads(compile_plan(shortened()))
    assert (load.mean, load.peak) == pytest.approx((0.5, 0.8))


def test_a_queue_that_grows_at_the_busiest_time_is_said_to_be_too_short():
    busy = DAILY | {"per_day": assumed(1.5 * float(RATES.mean()) * DAY_S)}
    made = compile_plan(shortened(0.01, arrivals=busy))
    assert planned_loads(made)[0].peak > 1
    result = result_of(made, 1, [measure(simulate(made, 1, one)) for one in range(2)])
    assert any("its queue grows at the busiest time, in reality for 100 times as long" in one for one in result.warnings)


def test_other_traffic_can_be_tried():
    more = compile_plan(shortened(), figures={TRAFFIC: 1.2})
    assert more.arrivals.expected == pytest.approx(1.2 * RATES.mean() * 0.05 * DAY_S)


PHOTO = {"thing": popularity(10)}
BALL = {"more": {"kind": "traffic", "label": "More", "times": 2, "at_s": 10}}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stages": {"p": people(("00:00", "24:00", 9))}}, "People: people work in shifts"),
        ({"stages": {"c": cache("thing", 2)}, "attributes": PHOTO}, "Cache: it fills with every request"),
        (
            {"stages": {"m": pool(scaling={"kind": "hpa", "max_replicas": 3})}},
            "Pool: its replicas come and go with delays",
        ),
        ({"curveballs": BALL}, "curveballs last for a time"),
        ({"arrivals": DAILY | {"spikes": [{"at_s": 10, "seconds": 5, "times": 2}]}}, "spikes last for a time"),
        ({"arrivals": {"kind": "closed", "clients": 2, "think_mean_s": assumed(1)}}, "arrivals of the kind closed"),
    ],
)
def test_what_takes_its_own_time_is_refused(fields, reason):
    with pytest.raises(ScenarioError, match=f"this run cannot stand for a longer one: {reason}"):
        shortened(**fields)


def test_it_stands_for_more_than_itself():
    with pytest.raises(ScenarioError, match=r"stands_for_days should be more than days \(1\); got 0.5"):
        shortened(1.0, 0.5)


def test_a_case_that_is_too_large_is_told_of_it():
    crowd = {"kind": "poisson", "rate_per_s": assumed(200)}
    with pytest.raises(ScenarioError, match=r"about 17,280,000 requests a replication.*run\.stands_for_days"):
        compile_plan(shortened(1.0, None, arrivals=crowd))
    assert compile_plan(shortened(0.05, 1.0, arrivals=crowd)).arrivals.expected == pytest.approx(864_000)
