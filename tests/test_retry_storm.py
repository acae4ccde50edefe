"""The case of the service that stays down: a retry storm outlives the rush that began it, and a budget ends it."""

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
from simulator.paths import SCENARIOS
from simulator.records.trace import DONE
from tests.effort import quarter

REPLICATIONS = 3
RUSH_ENDS_S = 90


@cache
def traces(**picks):
    return [simulate(compile_plan(load("retry-storm"), picks), seed=1, replication=number) for number in range(REPLICATIONS)]


def served_between(trace, start, stop):
    """Of the requests that came then, the share that was served in time."""
    columns = trace.columns
    came = (start <= columns.arrived) & (columns.arrived < stop)
    return float(np.mean(columns.outcome[came] == DONE))


def asked_between(trace, start, stop):
    """Calls a second, retries included."""
    entered = np.array(trace.logs["check"].frame("check").drop_duplicates(["request", "entered_s"])["entered_s"])
    return np.count_nonzero((start <= entered) & (entered < stop)) / (stop - start)


@pytest.mark.long
@pytest.mark.parametrize("picks", quarter([{}, {"retries": "backoff"}, {"abandoned": "dropped"}]))
def test_with_naive_retries_it_is_still_overloaded_minutes_after_the_rush(picks):
    runs = traces(**picks)
    assert min(served_between(trace, 0, 60) for trace in runs) > 0.95
    assert mean_interval([served_between(trace, 480, 600) for trace in runs]).high < 0.2
    limit = capacity_per_s(runs[0].plan)
    assert mean_interval([asked_between(trace, 480, 600) for trace in runs]).low > 2 * limit
    assert "does not recover within the run: the surge ended at 20:01:30" in goodput_over_time(runs[0]).takeaway


@pytest.mark.parametrize("picks", [{"retries": "budget"}, {"retries": "none"}])
def test_with_a_budget_or_without_retries_it_comes_back(picks):
    runs = traces(**picks)
    assert mean_interval([served_between(trace, 120, 180) for trace in runs]).high < 0.2
    assert mean_interval([served_between(trace, 480, 600) for trace in runs]).low > 0.95
    assert mean_interval([asked_between(trace, 480, 600) for trace in runs]).high < capacity_per_s(runs[0].plan)


def test_a_short_queue_brings_it_back_at_once_whatever_the_clients_do():
    assert mean_interval([served_between(trace, RUSH_ENDS_S + 5, 600) for trace in traces(queue="short")]).low > 0.95


@pytest.mark.parametrize("retries", ["budget", "none"])
def test_dropping_abandoned_photos_brings_it_back_at_once_where_retries_are_bounded(retries):
    runs = traces(retries=retries, abandoned="dropped")
    assert mean_interval([served_between(trace, RUSH_ENDS_S + 5, 600) for trace in runs]).low > 0.95


def test_it_tells_the_loads_that_its_figures_come_to():
    case, run, usual = load("retry-storm"), traces()[0], 18
    limit = capacity_per_s(run.plan)
    told = " ".join(
        " ".join([case.brief, *(one.answer for one in case.questions), *(one.text for one in case.debrief)]).split()
    )
    assert f"two replicas could check {limit:.0f}" in told
    assert f"{usual / limit:.0%}, which everybody thought was healthy" in told
    assert f"{4 * usual} a second reach a service that can handle {limit:.0f}" in told
    assert asked_between(run, 480, 600) == pytest.approx(4 * usual, rel=0.05)
    assert ceil(4 * usual / (limit / 2)) == 6 and f"six replicas, at {usual / (3 * limit):.0%}" in told
    left_s = (asked_between(run, 60, RUSH_ENDS_S) - limit) * 30 / limit
    assert left_s == pytest.approx(4 * 60, abs=30) and "the queue holds four minutes of work" in told


def test_a_design_meets_what_is_asked():
    """The case can be solved: with what the debrief recommends, and one more replica."""
    done = [served_between(trace, 0, 601) for trace in traces(queue="short", retries="budget", replicas=3)]
    assert mean_interval(done).low > 0.9


def test_the_retry_storm_with_six_surges_at_once_is_refused_before_it_runs():
    text = (SCENARIOS / "retry-storm.yaml").read_text(encoding="utf-8")
    surge = "    - {at_s: 60, seconds: 30, times: 4}\n"
    with pytest.raises(ScenarioError) as caught:
        compile_plan(loads(text.replace(surge, 6 * surge)))
    (fault,) = caught.value.faults
    # 18 a second for 570 s, and 18 x 4^6 for 30 s
    assert (
        f"about {18 * 570 + 18 * 4**6 * 30:,} requests a replication, each sent up to 4 times; at most 1,079," in fault.message
    )
    assert text.splitlines()[fault.line - 1] == "arrivals:"
