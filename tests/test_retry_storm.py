"""The case of the service that stays down: a retry storm outlives the rush that began it, whatever the network.

The arithmetic of its text is done here again, and what each remedy does alone is read from the traces.
"""

from functools import cache
from math import ceil

import numpy as np
import pytest

from simulator.case.document import ScenarioError
from simulator.case.load import load, loads
from simulator.charts.queue_charts import goodput_over_time
from simulator.engine.plan import compile_plan
from simulator.engine.run import simulate
from simulator.intervals import mean_interval
from simulator.metrics.overload import capacity_per_s
from simulator.metrics.summary import summarise
from simulator.paths import SCENARIOS
from tests.effort import quarter

REPLICATIONS = 3
RUSH_ENDS_S = 90


@cache
def traces(**picks):
    return [simulate(compile_plan(load("retry-storm"), picks), seed=1, replication=number) for number in range(REPLICATIONS)]


def checked_between(trace, start, stop):
    """Of the photos that came then, the share that a network checked in time."""
    columns, ends = trace.columns, [*trace.plan.scenario.ends]
    came = (start <= columns.arrived) & (columns.arrived < stop)
    return float(np.mean(np.isin(columns.end[came], [ends.index("checked"), ends.index("wrong")])))


def asked_between(trace, start, stop):
    """Calls a second, retries included."""
    entered = np.array(trace.logs["check"].frame("check").drop_duplicates(["request", "entered_s"])["entered_s"])
    return np.count_nonzero((start <= entered) & (entered < stop)) / (stop - start)


@pytest.mark.long
@pytest.mark.parametrize(
    "picks",
    quarter([{}, {"retries": "backoff"}, {"abandoned": "dropped"}, {"network": "int8"}, {"network": "int8", "replicas": 4}]),
)
def test_with_naive_retries_it_is_still_overloaded_minutes_after_the_rush(picks):
    """Whatever the network and however many replicas: twelve calls a photo are more than any of them can answer."""
    runs = traces(**picks)
    assert min(checked_between(trace, 0, 60) for trace in runs) > 0.95
    assert mean_interval([checked_between(trace, 240, 360) for trace in runs]).high < 0.1
    limit = capacity_per_s(runs[0].plan)
    assert mean_interval([asked_between(trace, 240, 360) for trace in runs]).low > 1.2 * limit
    assert "does not recover within the run: the surge ended at 20:01:30" in goodput_over_time(runs[0]).takeaway


@pytest.mark.parametrize("picks", [{"retries": "budget"}, {"retries": "none"}])
def test_with_a_budget_or_without_retries_the_load_is_below_capacity_and_the_old_queue_is_still_there(picks):
    runs = traces(**picks)
    assert mean_interval([checked_between(trace, 240, 360) for trace in runs]).high < 0.2
    assert mean_interval([asked_between(trace, 240, 360) for trace in runs]).high < capacity_per_s(runs[0].plan)


@pytest.mark.parametrize("retries", ["budget", "none"])
def test_8_bits_work_off_the_old_queue_where_retries_are_bounded(retries):
    runs = traces(retries=retries, network="int8")
    assert mean_interval([checked_between(trace, 240, 360) for trace in runs]).low > 0.99


def test_a_short_queue_brings_it_back_at_once_whatever_the_callers_do():
    assert mean_interval([checked_between(trace, RUSH_ENDS_S + 5, 360) for trace in traces(queue="short")]).low > 0.95


@pytest.mark.parametrize("retries", ["budget", "none"])
def test_dropping_abandoned_photos_brings_it_back_at_once_where_retries_are_bounded(retries):
    runs = traces(retries=retries, abandoned="dropped")
    assert mean_interval([checked_between(trace, RUSH_ENDS_S + 5, 360) for trace in runs]).low > 0.95


def test_it_tells_the_loads_that_its_figures_come_to():
    case, run, usual, calls = load("retry-storm"), traces()[0], 18, 12
    limit = capacity_per_s(run.plan)
    told = " ".join(
        " ".join([case.brief, *(one.answer for one in case.questions), *(one.text for one in case.debrief)]).split()
    )
    assert f"two replicas could check {limit:.0f}" in told
    assert f"{usual / limit:.0%}, which everybody thought was healthy" in told
    assert f"{calls * usual} a second reach a service that can handle {limit:.0f}" in told
    assert asked_between(run, 240, 360) == pytest.approx(calls * usual, rel=0.05)
    assert ceil(calls * usual / (limit / 2)) == 17 and f"seventeen replicas, at {2 * usual / (17 * limit):.0%}" in told
    left_s = 30 * (13 * usual - limit) / limit
    assert left_s == pytest.approx(4 * 60, abs=15) and "the queue holds four minutes of work" in told
    eight_bits, four = (capacity_per_s(compile_plan(case, {"network": "int8", "replicas": number})) for number in (2, 4))
    assert f"With 8 bits two replicas check {eight_bits:.0f} photos a second, and four of them {four:.0f}" in told
    small = capacity_per_s(compile_plan(case, {"network": "mobile"})) / 2
    assert (
        f"It checks {small:.0f} photos a second, so the two networks together check {eight_bits + small:.0f} of the 234" in told
    )


def test_what_waits_for_the_surge_is_paid_until_the_next_one():
    """A machine of two replicas by the hour of its list price, for 90 days, laid on six minutes."""
    paid = compile_plan(load("retry-storm")).scenario.hardware["replica_pair"].usd_per_hour
    list_price, hours = 0.10264, 90 * 24
    assert paid.value == pytest.approx(list_price * hours * 10, rel=1e-4)
    assert paid.between == pytest.approx((paid.value / 3, 2 * paid.value), rel=2e-3)
    replica = list_price * hours / 2
    assert f"a replica costs {replica:.0f} USD" in load("retry-storm").brief
    # one more replica checks the 39 photos a second of the surge that the two networks cannot; each costs five cents
    weeks = 30 * 39 * 0.05 / (list_price / 2 * 24 * 7)
    assert weeks == pytest.approx(7, abs=1)


@pytest.mark.parametrize("name", ["bounded", "unrepeated"])
def test_a_reference_recovers_from_a_surge_half_as_large_again(name):
    case = load("retry-storm")
    plan = compile_plan(case, case.reference[name].set, {"second_rush": 150})
    found = summarise(simulate(plan, seed=1, replication=number) for number in range(REPLICATIONS))
    assert found["recovered_share"].low > 0.99
    assert found["retries_per_request.again"].high < 0.1
    assert found["latency_p99_s"].high < 10


def test_without_discipline_the_larger_surge_is_met_by_retries_even_where_capacity_held_the_first():
    picks = {"network": "int8", "overflow": "small", "queue": "short", "replicas": 3}
    plans = [compile_plan(load("retry-storm"), picks, strikes) for strikes in ({}, {"second_rush": 150})]
    calm, struck = (summarise(simulate(plan, seed=1, replication=number) for number in range(2)) for plan in plans)
    assert calm["retries_per_request.again"].value < 0.1 < 1 < struck["retries_per_request.again"].low


def test_the_retry_storm_with_six_surges_at_once_is_refused_before_it_runs():
    text = (SCENARIOS / "retry-storm.yaml").read_text(encoding="utf-8")
    surge = "    - {at_s: 60, seconds: 30, times: 13}\n"
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text.replace(surge, 6 * surge)))
    (fault,) = caught.value.faults
    # 18 a second for 330 s, and 18 x 13^6 for 30 s
    assert (
        f"about {18 * 330 + 18 * 13**6 * 30:,} requests a replication, each sent up to 12 times; at most 326,450"
        in fault.message
    )
    assert text.splitlines()[fault.line - 1] == "arrivals:"
