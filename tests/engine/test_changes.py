"""What each kind of stage does when a pick changes: schedules worked out by hand, on the plans that run one after the other."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.engine.run import Run, simulate
from simulator.evidence.latency_tables import constant
from simulator.metrics.measures import measure
from simulator.metrics.stage_metrics import times_of
from simulator.records.streams import Streams
from tests.builders import arrivals_at, fork, gate, join, link, plan, pool, population, retake, run_at

TEN = constant(*[10.0] * 4)


def changed(before, after, at_s, times, service=TEN, **fields):
    """A run of some stages that become others at a time."""
    first, then = (plan(stages, service, **fields) for stages in (before, after))
    return run_at(replace(first, later=((at_s, then),)), times)


def starts(trace, stage="p"):
    return trace.visits.loc[trace.visits["stage"] == stage, "started_s"].dropna().tolist()


def ended(trace):
    """How and when each request ended."""
    return list(zip(trace.requests["outcome"].astype(str), trace.requests["finished_s"].tolist(), strict=True))


@pytest.mark.parametrize("policy", [{"order": "freshest"}, {"balance": "round_robin"}, {"hedge_after_s": 99}])
def test_a_pool_whose_policy_is_taken_away_serves_on(policy):
    trace = changed({"p": pool(replicas=1) | policy}, {"p": pool(replicas=1)}, 5, [0, 1, 2])
    assert starts(trace) == [0, 10, 20]


@pytest.mark.parametrize("policy", [{}, {"balance": "round_robin"}])
def test_a_lower_limit_refuses_at_the_change_and_not_before(policy):
    stages = [{"p": pool(max_queue=most, on_full="done") | policy} for most in (5, 1)]
    trace = changed(*stages, 5, [0, 1, 2, 3])
    assert ended(trace) == [("done", 10), ("done", 20), ("shed", 5), ("shed", 5)]


@pytest.mark.parametrize("policy", [{}, {"balance": "round_robin"}])
def test_a_shorter_time_out_is_over_at_the_change_and_not_before(policy):
    stages = [{"p": pool(timeout_s=seconds, on_timeout="done") | policy} for seconds in (50, 2)]
    trace = changed(*stages, 5, [0, 1, 2, 4])
    assert ended(trace) == [("done", 10), ("timed_out", 5), ("timed_out", 5), ("timed_out", 6)]


def test_fewer_inputs_that_are_needed_let_those_go_on_that_have_them():
    def stages(needs):
        late = {"slow": link("j", 60), "quick": link("j", 1)}
        return {"f": fork("quick", "slow"), **late, "j": join(needs=needs)}

    trace = changed(stages("all"), stages(1), 10, [0, 20], seconds=1000)
    assert ended(trace) == [("done", 10), ("done", pytest.approx(21))]


def test_more_photos_may_be_sent_from_a_change_on():
    def stages(tries):
        return {"q": gate("quality", {"at_least": 99, "to": "done"}, {"to": "r"}), "r": retake("q", max_tries=tries)}

    trace = changed(stages(2), stages(4), 90, [0, 80], population=population(unusable=0.5), seconds=1000)
    # A photo a minute: the first sends its second at 60 s, the last that it may; the second is asked on at 140 s.
    assert trace.requests["tries"].tolist() == [2, 4]


def test_what_leaves_a_ring_without_a_queue_is_handed_on():
    """Found with a gate and a retake before a pool: what passed at a later try was never served."""
    stages = {
        "q": gate("quality", {"at_sensitivity": 0.5, "to": "p"}, {"to": "r"}),
        "r": retake("q", max_tries=5),
        "p": pool(),
    }
    made = plan(stages, constant(0.01), population=population(unusable=0.3), seconds=100)
    for trace in (simulate(made, 1), stopped(made, 1)):
        assert (trace.requests["outcome"] == "done").all()
    assert simulate(made, 1).digest == stopped(made, 1).digest


def stopped(made, seed):
    run = Run(made, Streams(seed), stops=True)
    for time in np.arange(7, 1000, 7):
        run.advance(float(time))
    return run.trace()


def test_a_ring_that_a_change_breaks_hands_over_what_follows_alone():
    def stages(back):
        return {
            "p": pool(to="q", max_queue=1, on_full="again"),
            "again": {"kind": "retry", "label": "Retry", "backoff_ms": {"value": 1000, "assumed": "a test"}, "to": back}
            | {"on_exhausted": "done"},
            "q": pool(),
        }

    trace = changed(stages("p"), stages("q"), 15, [0, 1, 2, 3, 16, 17, 18], constant(2.0))
    assert trace.visits[trace.visits["stage"] == "q"].groupby("request").size().max() == 1


def test_the_load_of_a_run_is_that_of_the_servers_it_had():
    slow, fast = plan({"p": pool()}, constant(5.0), seconds=100), plan({"p": pool()}, constant(0.1), seconds=100)
    with arrivals_at(np.arange(0, 100, 1.0)):
        trace = simulate(replace(slow, later=((50.0, fast),)))
    # One server could take 50 / 5 requests in the first half and 50 / 0.1 in the second.
    assert times_of(trace, {"p": trace.logs["p"].visits()})["p"].load == pytest.approx(100 / (10 + 500))


def test_the_utilization_of_a_run_is_that_of_the_servers_it_had():
    trace = changed({"p": pool(replicas=1)}, {"p": pool(replicas=2)}, 5, [0, 1, 2])
    assert measure(trace).totals["utilization.p"].denominator == pytest.approx(5 + 95 * 2)


def test_of_two_copies_that_are_still_served_at_the_end_one_is_wanted():
    """The copy is sent after a second, to the other replica; neither is done when the run ends, a thousand seconds later."""
    trace = run_at(plan({"p": pool(replicas=2, hedge_after_s=1)}, constant(1e6)), [0])
    assert trace.visits["started_s"].tolist() == [0, 1]
    assert trace.visits["wanted"].tolist() == [True, False]
