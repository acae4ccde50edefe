"""Pools with policies: against schedules worked out by hand, against the plain pool, and against theory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.optimize import brentq

from simulator.engine.compiled_plan import Conditions
from simulator.engine.run import simulate
from simulator.engine.stages import STAGES
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.evidence.latency_tables import GRID, LatencyTable, constant
from simulator.metrics.servers import server_s
from simulator.records.streams import Streams
from tests.builders import (
    arrivals_at,
    assumed,
    batches,
    end,
    exponential,
    figures,
    fork,
    gate,
    join,
    plan,
    pool,
    population,
    run_at,
)
from tests.case.test_checks import messages
from tests.effort import examples
from tests.engine.intervals import assert_agrees
from tests.engine.networks import SCORES, networks, ordered, pools, pools_of, reachable, service_times
from tests.truths.queue_formulas import mmc_wait

TEN = constant(10, 10, 10, 10)
ENDS = {"done": end(), "gone": end(), "full": end()}


def run(times, service=TEN, classes=None, **fields):
    """A pool that takes ten seconds a batch."""
    kinds = {"classes": classes} if classes else {}
    return run_at(plan({"p": pool(**fields)}, service, ends=ENDS, **kinds), times)


def fates(trace):
    """How and when each request ended."""
    return list(zip(trace.requests["outcome"], trace.requests["finished_s"], strict=True))


def in_vain(trace):
    """What was served though nobody waited for it: request, from, until."""
    visits = trace.visits[~trace.visits["wanted"]]
    return list(visits[["request", "started_s", "left_s"]].itertuples(index=False, name=None))


def classes(**deadlines):
    """Two classes of which requests are drawn evenly: `urgent` (priority 1) and `patient` (priority 2)."""
    return {
        name: {"label": name, "share": assumed(0.5), "priority": number, "deadline_s": deadlines.get(name)}
        for number, name in enumerate(["urgent", "patient"], start=1)
    }


@pytest.fixture
def kinds(monkeypatch):
    """Sets the classes of the requests: 0 urgent, 1 patient."""

    drawn = Streams.uniform

    def set_to(wanted):
        def uniform(streams, name, n, dtype=np.float64):
            return np.array(wanted[:n], float) * 0.9 if name == "classes" else drawn(streams, name, n, dtype)

        monkeypatch.setattr(Streams, "uniform", uniform)

    return set_to


@st.composite
def two_in_a_row(draw):
    """Two pools, perhaps with scores and a gate that goes by them; what they turn away may go on to the next one or end."""
    stages = {"a": draw(pools(["b", "sort"], ["b", "done"], ["done"])), "b": draw(pools(["done", "last"], ["done"], ["done"]))}
    scored = draw(st.sampled_from([["a"], ["a", "b"]]))
    for name in scored:
        stages[name]["scores"] = "x"
    routes = {"at_least": 0.5, "to": "b", "tag": "high"}, {"to": "done", "tag": "low"}
    stages["sort"] = gate("score", *routes, of="a", answers=draw(st.booleans()))
    stages["last"] = draw(pools(["done"], ["done"], ["done"]))
    used = reachable(stages)
    tables = {name: service_times(stage["max_batch"], draw(st.integers(0, 99))) for name, stage in pools_of(used).items()}
    more = {"population": population(), "scores": SCORES, "classes": classes(urgent=1.0)}
    return plan(used, tables, rate=draw(st.sampled_from([0.5, 2, 5])), seconds=60, **more)


def state(trace):
    """Everything that is known of each request in the end, by column, and every visit.

    What a stage writes ahead of time on requests that do not end within the run is left out: the plain pool hands on at once
    what it will have done after the end.
    """
    columns = trace.columns
    ended = np.isfinite(columns.finished)
    found = {name: column for name, column in vars(columns).items() if isinstance(column, np.ndarray)}
    found |= {f"scores_by {pool}": scores for pool, scores in columns.scores_by.items()}
    found |= {f"given {pool}": marks.column for pool, marks in columns.given.items()}
    ahead = {"risk", "tag", "tries", *(name for name in found if name.startswith("given"))}
    shown = {name: column[..., ended] if name in ahead else column for name, column in found.items()}
    return shown | {"sent": columns.sent[ended]}, ordered(trace.visits)


def managed(made, seed):
    """A run in which every pool is a managed one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "pool", ManagedPoolStage)
        return simulate(made, seed)


#: Where a request may come back to a pool at the very instant of a time-out, it depends on turns which pool is served first.
@settings(max_examples=examples(100), deadline=None)
@given(two_in_a_row() | networks(late_fallbacks=False))
def test_without_policies_it_does_what_the_plain_pool_does(made):
    (plain, visits), (other, others) = (state(trace) for trace in (simulate(made, 3), managed(made, 3)))
    assert plain.keys() == other.keys()
    for name, column in plain.items():
        np.testing.assert_array_equal(column, other[name], err_msg=name)
    assert_frame_equal(visits, others)


# Impatient clients


def test_a_client_leaves_at_its_time_out_and_what_it_left_is_served_in_vain():
    trace = run([0, 1], client_timeout_s=12, cancels=False, on_timeout="gone")
    assert fates(trace) == [("done", 10), ("timed_out", 13)]
    assert in_vain(trace) == [(1, 10, 20)]


def test_what_a_client_left_in_the_queue_is_not_served_where_the_server_is_told():
    trace = run([0, 1, 2, 15], client_timeout_s=9.5, on_timeout="gone")
    assert fates(trace) == [("timed_out", 9.5), ("timed_out", 10.5), ("timed_out", 11.5), ("timed_out", 24.5)]
    assert in_vain(trace) == [(0, 0, 10), (1, 10, 20), (3, 20, 30)]


def test_an_answer_at_the_instant_of_the_time_out_still_arrives():
    assert fates(run([0, 1], client_timeout_s=10, on_timeout="gone")) == [("done", 10), ("timed_out", 11)]


def test_a_second_copy_takes_over_from_a_slow_first_one():
    alone = run([0, 0, 1], hedge_after_s=3)
    assert fates(alone) == [("done", 10), ("done", 20), ("done", 30)]
    uneven = run([0, 1, 2, 11], replicas=2, balance="round_robin", hedge_after_s=3, service=constant(10))
    # The third joins the first queue behind the first, its copy goes to the second queue at 5: both start at 10 and 11.
    assert fates(uneven)[2] == ("done", 20)
    assert (2, 11, 21) in in_vain(uneven)


def test_a_copy_goes_to_another_queue_and_is_served_in_vain_where_the_server_is_not_told():
    two = run([0, 1], replicas=2, balance="round_robin", hedge_after_s=3, cancels=False)
    assert fates(two) == [("done", 10), ("done", 11)]
    assert in_vain(two) == [(0, 11, 21), (1, 10, 20)]


def test_no_second_copy_is_sent_for_who_has_an_answer():
    assert in_vain(run([0, 20], hedge_after_s=11, cancels=False)) == []


def test_a_request_times_out_only_when_its_last_copy_has():
    # Request 1 is at work from 0.5 on; its copy waits from 2.5 on for a replica, which is free at 10: after its time-out.
    fields = {"replicas": 2, "hedge_after_s": 2, "timeout_s": 1, "on_timeout": "gone", "balance": "round_robin"}
    assert fates(run([0, 0.5], **fields)) == [("done", 10), ("done", 10.5)]


def test_a_copy_that_is_dropped_leaves_the_first_one_to_answer():
    fields = {"hedge_after_s": 1, "max_queue": 1, "drops": "oldest", "on_full": "full"}
    assert fates(run([0, 2], **fields)) == [("done", 10), ("done", 20)]


def test_two_copies_in_one_batch_are_one_answer():
    trace = run([0, 1], max_batch=4, hedge_after_s=3, cancels=False)
    assert fates(trace) == [("done", 10), ("done", 20)]
    assert in_vain(trace) == [(0, 10, 20), (1, 10, 20)]


def test_a_second_copy_draws_a_service_time_of_its_own():
    slow_and_fast = LatencyTable(np.tile(np.where(np.arange(GRID) < GRID // 2, 1.0, 100.0), (2, 2, 1)))
    made = plan({"p": pool(replicas=500, hedge_after_s=2)}, slow_and_fast, rate=1, seconds=300)
    took = simulate(made).requests.eval("finished_s - arrived_s").to_numpy()
    # Half are slow; half of their copies are fast and come to 2 + 1 s, and the rest wait for the first one.
    assert set(np.round(took)) == {1, 3, 100}
    assert abs(np.mean(took > 50) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(took))


# Orders


def test_by_priority_the_urgent_go_first_and_within_a_level_first_come_first_served(kinds):
    kinds([1, 1, 0, 1, 0])
    trace = run([0, 1, 2, 3, 4], order="priority", classes=classes())
    assert batches(trace, "p") == [(0, [0]), (10, [2]), (20, [4]), (30, [1]), (40, [3])]


def test_the_earliest_deadline_goes_first(kinds):
    kinds([1, 1, 0, 1])
    trace = run([0, 1, 2, 3], order="deadline", classes=classes(urgent=5, patient=100))
    assert batches(trace, "p") == [(0, [0]), (10, [2]), (20, [1]), (30, [3])]


def test_the_freshest_goes_first_and_the_stalest_is_dropped():
    trace = run([0, 1, 2, 3], order="freshest", max_queue=2, drops="oldest", on_full="full")
    assert batches(trace, "p") == [(0, [0]), (10, [3]), (20, [2])]
    assert fates(trace)[1] == ("shed", 3)


def test_what_cannot_be_answered_in_time_any_more_is_turned_away(kinds):
    kinds([0, 0, 1])
    trace = run([0, 1, 2], sheds_late=True, on_full="full", classes=classes(urgent=15, patient=18.5))
    assert fates(trace) == [("done", 10), ("shed", 10), ("done", 20)]
    late = run([0, 1, 2], sheds_late=True, on_full="full", classes=classes(urgent=15, patient=17.5))
    assert fates(late)[2] == ("shed", 10)


# Balancing


def starts(trace):
    visits = trace.visits
    return list(zip(visits["server"], visits["started_s"], strict=True))


def test_round_robin_takes_turns_whoever_is_busy():
    assert starts(run([0, 1, 11, 12], balance="round_robin", replicas=2)) == [(0, 0), (1, 1), (0, 11), (1, 12)]
    uneven = run([0, 1, 2], service=constant(10), balance="round_robin", replicas=2)
    assert starts(uneven)[2] == (0, 10)


def test_the_least_outstanding_queue_is_joined():
    trace = run([0, 1, 2, 10.5, 10.6], balance="least_outstanding", replicas=2)
    assert starts(trace) == [(0, 0), (1, 1), (0, 10), (0, 20), (1, 11)]


@pytest.mark.long
def test_a_random_queue_each_is_as_many_queues_with_their_share_of_the_arrivals():
    made = plan({"p": pool(balance="random", replicas=8)}, exponential(1.0), rate=0.5 * 8, seconds=1500)
    assert_agrees(mean_waits(made, 20), mmc_wait(0.5, 1.0, 1), checks=1)


@pytest.mark.long
def test_round_robin_waits_are_those_of_erlang_arrivals():
    """GI/M/1: the wait is sigma / (1 - sigma) services, with sigma = A*(mu - mu sigma), of every eighth Poisson arrival."""
    rate = 0.6 * 8
    sigma = brentq(lambda s: (rate / (rate + 1 - s)) ** 8 - s, 1e-9, 1 - 1e-6)
    made = plan({"p": pool(balance="round_robin", replicas=8)}, exponential(1.0), rate=rate, seconds=1500)
    assert_agrees(mean_waits(made, 30), sigma / (1 - sigma), checks=1)


@pytest.mark.long
def test_the_power_of_two_choices_is_that_of_many_queues():
    """Mitzenmacher 2001: with ever more queues the mean response goes to the sum of rho^(2^i - 2), services of mean 1."""
    made = plan({"p": pool(balance="two_choices", replicas=400)}, exponential(1.0), rate=0.7 * 400, seconds=50)
    limit = sum(0.7 ** (2**i - 2) for i in range(1, 12)) - 1
    assert_agrees(mean_waits(made, 6), limit, checks=1)


def mean_waits(made, replications):
    """The mean wait of each replication, without the first third."""
    means = []
    for replication in range(replications):
        visits = simulate(made, seed=1, replication=replication).logs["p"].frame("p").sort_values("entered_s")
        wait = (visits["started_s"] - visits["entered_s"]).to_numpy()
        means.append(wait[len(wait) // 3 :].mean())
    return means


# Circuit breaker


def test_a_breaker_opens_after_too_many_failures_and_closes_after_trials_that_go_well():
    rule = {"window_s": 100, "failure_share": 0.5, "min_requests": 2, "open_s": 30, "trials": 1}
    fields = {"client_timeout_s": 5, "on_timeout": "gone", "on_full": "full", "breaker": rule}
    slow = plan({"p": pool(**fields)}, constant(6), ends=ENDS)
    trace = run_at(slow, [0, 1, 20, 37, 43, 80])
    # Both time out, the second at 6: the breaker opens until 36, lets one try at 37, which fails at 42, and opens until 72.
    assert fates(trace)[:5] == [("timed_out", 5), ("timed_out", 6), ("shed", 20), ("timed_out", 42), ("shed", 43)]
    assert fates(trace)[5] == ("timed_out", 85)


def test_a_breaker_closes_when_its_trials_go_well():
    rule = {"window_s": 100, "failure_share": 0.5, "min_requests": 2, "open_s": 30, "trials": 1}
    fields = {"client_timeout_s": 15, "on_timeout": "gone", "on_full": "full", "breaker": rule}
    trace = run([0, 1, 2, 3, 50, 51, 59, 60], **fields)
    outcomes = [outcome for outcome, _ in fates(trace)]
    assert outcomes == ["done", "timed_out", "timed_out", "timed_out", "done", "shed", "shed", "done"]


#: A server that takes ten seconds; refusals open the breaker, so that requests which it let in before are still there.
FULL = {"max_queue": 1, "on_full": "full", "client_timeout_s": 15, "on_timeout": "gone"}


def test_an_answer_to_a_request_that_was_let_in_before_the_breaker_opened_is_no_trial_that_went_well():
    rule = {"window_s": 100, "failure_share": 0.5, "min_requests": 2, "open_s": 4, "trials": 2}
    trace = run([0, 1, 2, 3, 21, 32, 33, 50], breaker=rule, **FULL | {"client_timeout_s": 25})
    # The refusals at 2 and 3 open it until 7. Those that end at 10 and 20 came before; the trials come at 21 and 32.
    assert fates(trace)[:4] == [("done", 10), ("done", 20), ("shed", 2), ("shed", 3)]
    assert fates(trace)[4:] == [("done", 31), ("done", 42), ("shed", 33), ("done", 60)]


def test_a_request_that_was_let_in_before_the_breaker_opened_and_fails_late_does_not_open_it_again():
    rule = {"window_s": 100, "failure_share": 0.5, "min_requests": 2, "open_s": 10, "trials": 1}
    trace = run([0, 1, 2, 3, 17, 31], breaker=rule, **FULL)
    # The refusals at 2 and 3 open it until 13. The client of 1 leaves at 16, and the one that comes at 17 is the trial.
    assert fates(trace) == [("done", 10), ("timed_out", 16), ("shed", 2), ("shed", 3), ("done", 30), ("done", 41)]


# Who comes at one instant


def test_of_those_who_come_at_once_the_first_in_the_order_is_taken_and_then_the_last_to_come_is_refused(kinds):
    kinds([1, 1, 0])
    trace = run([0, 0, 0], order="priority", max_queue=1, on_full="full", classes=classes())
    assert fates(trace) == [("done", 20), ("shed", 0), ("done", 10)]


def test_of_those_who_come_at_once_the_oldest_are_dropped_once_replicas_have_taken_theirs():
    trace = run([0, 0, 0, 0, 0], replicas=2, max_queue=2, drops="oldest", on_full="full")
    assert fates(trace) == [("done", 10), ("done", 10), ("shed", 0), ("done", 20), ("done", 20)]


@pytest.mark.parametrize(("replicas", "kept"), [(4, [0, 1, 2, 3, 7]), (1, [0, 7])])
def test_of_a_burst_no_more_stay_than_the_limit_says(replicas, kept):
    """Eight come at once. The free replicas take the first; of the others only the newest waits."""
    trace = run([0] * 8, replicas=replicas, max_queue=1, drops="oldest", on_full="full")
    assert [row for row, (outcome, _) in enumerate(fates(trace)) if outcome == "done"] == kept


def picked_at(time, times, before, after):
    """A pool whose pick changes at a time, as a plain pool where it is one, and as a managed one."""
    one, other = (plan({"p": pool(on_full="full", **fields)}, TEN, ends=ENDS, seconds=200) for fields in (before, after))
    changed = replace(one, later=((time, other),))
    with arrivals_at(times):
        return fates(simulate(changed, 0)), fates(managed(changed, 0))


def done(ends):
    return [row for row, (outcome, _) in enumerate(ends) if outcome == "done"]


@pytest.mark.parametrize(("after", "kept"), [
    ({"replicas": 1, "max_queue": 2}, [0, 1, 2]),
    ({"replicas": 3, "max_queue": 2}, [0, 1, 2, 3, 4]),
    ({"replicas": 3, "max_queue": 0}, [0, 1, 2]),
])  # fmt: skip
def test_at_a_pick_added_replicas_take_theirs_before_the_new_limit_sheds_the_last(after, kept):
    """Seven have come one a second, the first is served, six wait; at 7 s the pick changes."""
    both = picked_at(7.0, range(7), {"replicas": 1, "max_queue": 20}, after)
    for ends in both:
        assert done(ends) == kept
        assert {time for outcome, time in ends if outcome == "shed"} == {7.0}
    assert both[0] == both[1]


def test_at_a_pick_a_lowered_limit_sheds_the_oldest_where_the_pool_says_so():
    fields = {"replicas": 1, "drops": "oldest"}
    _, ends = picked_at(7.0, range(7), fields | {"max_queue": 20}, fields | {"max_queue": 2})
    assert done(ends) == [0, 5, 6]


def test_at_a_pick_a_lowered_limit_holds_for_those_that_a_time_out_has_put_back():
    """At 10 s the first is done, those who have waited over 3 s go to the end of the queue, and the limit falls."""
    fields = {"replicas": 1, "timeout_s": 3, "timeout_action": "delay"}
    _, ends = picked_at(10.0, range(9), fields | {"max_queue": 20}, fields | {"max_queue": 2})
    assert len(done(ends)) == 4  # the first, the one that is served at 10 s, and two that wait


def test_a_second_copy_goes_to_a_replica_that_is_free_though_nobody_may_wait():
    fields = {"max_queue": 0, "on_full": "full", "hedge_after_s": 3, "cancels": False}
    assert in_vain(run([0], replicas=2, **fields)) == [(0, 3, 13)]
    assert in_vain(run([0, 1], replicas=2, **fields)) == []  # there is none: the request goes on without a copy


# A device that pools share


def sharing(slowdown, **pools):
    """Pools that share one device, all fed by a fork."""
    device = {"gpu": {"label": "GPU", "slowdown": assumed(slowdown)}}
    made = {name: pool(shares="gpu", to="meet", replicas=8) for name in pools}
    stages = {"all": fork(*pools), **made, "meet": join()}
    return plan(stages, {name: constant(seconds) for name, seconds in pools.items()}, accelerators=device)


def test_batches_side_by_side_slow_each_other_down():
    # Both go at half pace until a is done at 2 x 4 = 8; b has 6 - 4 = 2 left and goes on alone, until 10.
    visits = run_at(sharing(2, a=4, b=6), [0]).visits
    assert dict(zip(visits["stage"], visits["left_s"], strict=True)) == pytest.approx({"a": 8, "b": 10, "meet": 10})


def test_a_batch_that_joins_slows_one_that_is_at_work():
    # The first does 1 s alone; then both go at 1 / 1.5 of the pace: it takes 3 x 1.5 s more, the second has 1 s left by then.
    device = {"gpu": {"label": "GPU", "slowdown": assumed(1.5)}}
    trace = run_at(plan({"p": pool(shares="gpu", replicas=2)}, constant(4), accelerators=device), [0, 1])
    assert trace.visits["left_s"].tolist() == pytest.approx([5.5, 6.5])


def test_a_device_with_room_for_all_slows_nobody():
    visits = run_at(sharing(1, a=4, b=6), [0]).visits
    assert dict(zip(visits["stage"], visits["left_s"], strict=True)) == {"a": 4, "b": 6, "meet": 6}


def test_what_a_failing_replica_was_doing_leaves_the_shared_device_at_that_instant():
    """Both go at half pace until 3, when a is lost. Then b has 6 - 1.5 left, alone; a starts anew at 23, after the repair."""
    device = {"gpu": {"label": "GPU", "slowdown": assumed(2)}}
    ball = {"down": loss(3, 20) | {"label": "Ball", "stage": "a"}}
    stages = {"all": fork("a", "b"), "a": pool(shares="gpu", to="meet"), "b": pool(shares="gpu", to="meet"), "meet": join()}
    made = plan(stages, {"a": constant(4), "b": constant(6)}, accelerators=device, curveballs=ball)
    visits = run_at(made, [0]).visits
    mine = visits[visits["stage"] != "meet"].sort_values("left_s")
    assert mine["stage"].tolist() == ["a", "b", "a"]
    assert mine["started_s"].tolist() == pytest.approx([0, 0, 23])
    assert mine["left_s"].tolist() == pytest.approx([3, 7.5, 27])
    assert mine["wanted"].tolist() == [False, True, True]


def test_on_a_device_of_its_own_that_could_be_shared_a_replica_fails_as_on_any_other():
    shared = {"shares": "gpu", "accelerators": {"gpu": {"label": "GPU", "slowdown": assumed(2)}}}
    for times, balls in (([0, 1], [loss(4, 20)]), ([0, 12], [loss(10, 5)]), ([0, 1], [loss(4)]), ([5], [loss(2, 20)])):
        for fields in ({}, {"on_failure": "gone"}):
            assert_frame_equal(struck(times, balls, **fields).visits, struck(times, balls, **fields, **shared).visits)


@pytest.mark.long
def test_turns_at_a_shared_device_are_processor_sharing():
    """M/G/1-PS: the response time is service / (1 - rho) for each service time, whatever their mix (Kleinrock 1976)."""
    stages = {
        "sort": gate("quality", {"at_least": 0, "to": "short"}, {"to": "long"}),
        "short": pool(shares="gpu", replicas=200),
        "long": pool(shares="gpu", replicas=200),
    }
    made = plan(
        stages,
        {"short": constant(0.5), "long": constant(1.5)},
        rate=0.6,
        seconds=3000,
        population=population(unusable=0.5, auc=0.5),
        accelerators={"gpu": {"label": "GPU", "slowdown": assumed(2)}},
    )
    traces = [simulate(made, seed=2, replication=replication) for replication in range(20)]
    for stage, service in (("short", 0.5), ("long", 1.5)):
        visits = [trace.logs[stage].frame(stage) for trace in traces]
        means = [float((rows["left_s"] - rows["entered_s"])[len(rows) // 10 :].mean()) for rows in visits]
        assert_agrees(means, service / (1 - 0.6), checks=2)


def on_cores(cores, times, service=4, **fields):
    """When the requests of one pool are done that shares a processor with nobody, by their times of arrival."""
    device = {"cpu": {"label": "CPU", "cores": cores}}
    made = plan({"p": pool(shares="cpu", **fields)}, constant(service), accelerators=device)
    return run_at(made, times).visits["left_s"].tolist()


def test_up_to_as_many_batches_as_there_are_cores_run_at_full_speed_and_more_share_them():
    """The third comes at 1: two with 3 s left and one with 4 at two thirds of the pace. At 5.5 it has 1 s left, and a core."""
    assert on_cores(2, [0, 0, 1], replicas=3) == pytest.approx([5.5, 5.5, 6.5])
    assert on_cores(3, [0, 0, 1], replicas=3) == [4, 4, 5]


def test_who_waits_for_a_replica_takes_no_core():
    assert on_cores(2, [0, 0, 1], replicas=2) == [4, 4, 8]


def test_a_batch_on_two_threads_takes_two_cores():
    """Two batches of two threads each on three cores go at three quarters of the pace: 4 s take 16 / 3."""
    assert on_cores(3, [0, 0], replicas=2, threads=2) == pytest.approx([16 / 3] * 2)
    assert on_cores(4, [0, 0], replicas=2, threads=2) == [4, 4]


def test_pools_share_cores_with_each_other_and_a_hot_processor_slows_what_begins():
    """Three pools on two cores at two thirds of the pace: a's 2 s take 3; then b has 4 - 2 and c 6 - 2 left, on a core each."""
    stages = {"all": fork("a", "b", "c"), **{name: pool(shares="cpu", to="meet") for name in "abc"}, "meet": join()}
    service = {"a": constant(2), "b": constant(4), "c": constant(6)}
    device = {"cpu": {"label": "CPU", "cores": 2}}
    visits = run_at(plan(stages, service, accelerators=device), [0]).visits
    assert dict(zip(visits["stage"], visits["left_s"], strict=True)) == pytest.approx({"a": 3, "b": 5, "c": 7, "meet": 7})
    hot = {"hot": {"kind": "throttle", "label": "Hot", "accelerator": "cpu", "times": 2, "at_s": 0}}
    visits = run_at(plan(stages, service, accelerators=device, curveballs=hot), [0]).visits
    assert dict(zip(visits["stage"], visits["left_s"], strict=True)) == pytest.approx({"a": 6, "b": 10, "c": 14, "meet": 14})


@pytest.mark.long
def test_shared_cores_are_processor_sharing_by_several_servers():
    """As many are there as in M/M/c, whatever the service times are, and each stays in proportion to its own (Kelly 1979)."""
    stages = {
        "sort": gate("quality", {"at_least": 0, "to": "short"}, {"to": "long"}),
        "short": pool(shares="cpu", replicas=200),
        "long": pool(shares="cpu", replicas=200),
    }
    made = plan(
        stages,
        {"short": constant(0.5), "long": constant(1.5)},
        rate=2.1,
        seconds=2500,
        population=population(unusable=0.5, auc=0.5),
        accelerators={"cpu": {"label": "CPU", "cores": 3}},
    )
    stretch = 1 + mmc_wait(2.1, 1.0, 3)
    traces = [simulate(made, seed=2, replication=replication) for replication in range(20)]
    for stage, service in (("short", 0.5), ("long", 1.5)):
        visits = [trace.logs[stage].frame(stage) for trace in traces]
        means = [float((rows["left_s"] - rows["entered_s"])[len(rows) // 10 :].mean()) for rows in visits]
        assert_agrees(means, service * stretch, checks=2)


# Scaling


def scaled(rule, times, cold_start=5.0, replicas=1, **fields):
    made = plan({"p": pool(scaling=rule, replicas=replicas, **fields)}, TEN, ends=ENDS)
    made.cold_starts["p"] = [cold_start]
    return run_at(made, times)


def test_a_new_replica_serves_after_its_cold_start():
    # At 15 s the one replica has worked all the time: 1 x 1.0 / 0.5 = 2 are wanted, the second is ready at 20.
    rule = {"kind": "hpa", "max_replicas": 2, "target": 0.5, "every_s": 15}
    trace = scaled(rule, [0, 1, 2, 3])
    assert starts(trace) == [(0, 0), (0, 10), (0, 20), (1, 20)]
    assert trace.fleets["p"].wanted[:2] == [(0, 1), (15, 2)]


def test_a_replica_at_work_finishes_its_batch_before_it_goes_and_no_longer_counts():
    rule = {"kind": "hpa", "max_replicas": 4, "target": 1, "every_s": 15, "stabilization_s": 0}
    trace = scaled(rule, [0, 14], replicas=2)
    # At 15 s: 11 of 30 replica-seconds were work, one replica is enough. The younger one is at work until 24.
    assert starts(trace) == [(0, 0), (1, 14)]
    assert trace.fleets["p"].wanted == [(0, 2), (15, 1)]
    assert fates(trace)[1] == ("done", 24)
    assert trace.fleets["p"].paid_s == pytest.approx(100 + 24)


def test_scaling_keeps_to_its_bounds():
    rule = {"kind": "ray_serve", "max_replicas": 3, "target": 1, "upscale_delay_s": 0, "downscale_delay_s": 10}
    trace = scaled(rule, np.arange(0, 60, 0.5), cold_start=1.0)
    counts = [number for _, number in trace.fleets["p"].wanted]
    assert max(counts) == 3
    assert min(counts) == 1
    assert counts[-1] == 1


# Replicas that are down or slow

FAILING = {"mtbf_h": assumed(0.1), "repair_minutes": assumed(2)}
TEN_DAYS = {"days": 10, "drain_days": 1, "replications": 2}


def struck(times, balls, service=TEN, accelerators=None, **fields):
    """A pool on which curveballs strike at their own times."""
    curveballs = {f"ball_{number}": {"label": "Ball", "stage": "p"} | ball for number, ball in enumerate(balls)}
    return run_at(
        plan({"p": pool(**fields)}, service, ends=ENDS, curveballs=curveballs, accelerators=accelerators or {}), times
    )


def loss(at_s, lasts_s=None, replicas=1):
    return {"kind": "replica_loss", "at_s": at_s, "lasts_s": lasts_s, "replicas": replicas}


def slow(at_s, lasts_s, times, replicas=1):
    return {"kind": "slow_replicas", "at_s": at_s, "lasts_s": lasts_s, "replicas": replicas, "times": times}


def test_a_batch_that_an_outage_interrupts_is_lost_and_served_anew_after_the_repair():
    trace = struck([0, 1], [loss(4, 20)], max_batch=1)
    assert fates(trace) == [("done", 44), ("done", 34)]  # 24 the second, which has been waiting in front, 34 the first
    assert in_vain(trace) == [(0, 0, 4)]


def test_where_a_failure_leads_elsewhere_a_lost_batch_has_failed():
    trace = struck([0, 0, 1], [loss(4, 20)], max_batch=2, on_failure="gone")
    assert fates(trace) == [("failed", 4), ("failed", 4), ("done", 34)]
    assert trace.requests["end"].tolist() == ["gone", "gone", "done"]


def test_another_replica_takes_what_a_failed_one_has_lost():
    assert fates(struck([0], [loss(4, 20)], replicas=2)) == [("done", 14)]


def test_a_batch_that_is_done_when_its_replica_fails_is_not_lost():
    assert fates(struck([0, 0], [loss(10, 5)])) == [("done", 10), ("done", 25)]


def test_a_replica_that_is_down_while_idle_serves_from_its_repair_on():
    assert fates(struck([5], [loss(2, 20)])) == [("done", 32)]
    assert fates(struck([30], [loss(2, 20)])) == [("done", 40)]


def test_while_one_of_two_is_down_the_other_serves_alone():
    assert fates(struck([5, 5], [loss(2, 20)], replicas=2)) == [("done", 15), ("done", 25)]


def test_while_all_are_down_everybody_waits_and_nobody_enters_where_nobody_may_wait():
    both = [loss(2, 20, replicas=2)]
    assert fates(struck([5, 6, 7], both, replicas=2)) == [("done", 32), ("done", 32), ("done", 42)]
    assert fates(struck([5, 25], both, replicas=2, max_queue=0, on_full="full")) == [("shed", 5), ("done", 35)]
    assert fates(struck([5, 6], both, replicas=2, timeout_s=3, on_timeout="gone")) == [("timed_out", 8), ("timed_out", 9)]


def test_what_is_lost_for_good_stays_unfinished():
    assert fates(struck([0, 5], [loss(4)]))[0][0] == "unfinished"
    assert fates(struck([0, 5], [loss(4)]))[1][0] == "unfinished"


def test_a_slow_replica_takes_longer_for_what_it_begins_while_it_is_slow():
    assert fates(struck([0, 4, 40], [slow(3, 20, 1.5)])) == [("done", 10), ("done", 25), ("done", 50)]
    assert fates(struck([5, 5], [slow(3, 20, 2)], replicas=2)) == [("done", 25), ("done", 15)]
    assert fates(struck([5], [slow(3, 20, 2), slow(4, 20, 3)])) == [("done", 65)]


def test_a_replica_cannot_be_paid_with_work_while_it_is_down():
    trace = struck([0], [loss(20, 60)], replicas=2)
    assert figures(trace)["utilization.p"] == pytest.approx(10 / (200 - 60))


def test_an_autoscaled_pool_offers_less_while_replicas_are_down():
    hpa = {"kind": "hpa", "every_s": 15, "max_replicas": 2}
    ball = {"down": loss(20, 60) | {"label": "Ball", "stage": "p"}}
    made = plan({"p": pool(replicas=1, scaling=hpa)}, TEN, ends=ENDS, curveballs=ball)
    made.cold_starts["p"] = [1.0]
    trace = run_at(made, [0])
    assert trace.fleets["p"].paid_s - server_s(trace, "p") == pytest.approx(60 + 1)  # a second replica takes 1 s to start


def test_in_the_long_run_replicas_are_up_their_mean_time_up_over_that_and_the_repair():
    made = plan({"p": pool(failures=FAILING)}, constant(1), run=TEN_DAYS)
    up = [1 - sum(end - start for start, end in Conditions(made, Streams(seed)).outages("p", 0)) / made.horizon_s
          for seed in range(10)]  # fmt: skip
    assert_agrees(up, 3 / 4, checks=1)


@pytest.mark.long
def test_a_request_that_meets_failing_replicas_waits_as_an_on_off_server_makes_it():
    """Lone requests find the one replica down for 1 - A of the time, and then wait for the rest of an exponential repair."""
    made = plan({"p": pool(failures=FAILING)}, constant(1e-6), run=TEN_DAYS, rate=0.02)
    waits = []
    for seed in range(10):
        visits = simulate(made, seed).visits
        served = visits[visits["wanted"] & visits["started_s"].notna()]
        waits.append((served["started_s"] - served["entered_s"]).mean())
    assert_agrees(waits, 120 / 4, checks=1)


# Only the newest counts


def frames(service=TEN, seconds=12, **fields):
    """Two sensors with a frame every four seconds each, the second one a second later."""
    named = {"a": {}, "b": {"skew_ms": assumed(1000)}}
    sensors = {name: {"label": name, "rate_per_s": assumed(0.25)} | more for name, more in named.items()}
    arrivals = {"kind": "sensors", "sensors": sensors}
    return simulate(plan({"p": pool(**fields)}, service, ends=ENDS, arrivals=arrivals, seconds=seconds))


def test_a_newer_request_replaces_the_one_that_still_waits():
    """The first is served until 10; of those that come at 1, 2 and 3 only the last is served, until 20."""
    trace = run([0, 1, 2, 3], replaces="newest", on_replaced="gone")
    assert fates(trace) == [("done", 10), ("shed", 2), ("shed", 3), ("done", 20)]
    assert trace.requests["end"].tolist() == ["done", "gone", "gone", "done"]


def test_without_a_way_of_its_own_what_is_replaced_goes_where_the_refused_go():
    assert run([0, 1, 2], replaces="newest", on_full="full").requests["end"].tolist() == ["done", "full", "done"]


def test_a_newer_frame_has_the_place_of_the_older_one_of_its_sensor():
    """Frames at 0, 1, 4, 5, 8, 9: those at 1 and 4 wait, and the later ones of their sensors take their places."""
    trace = frames(replaces="newest_of_sensor", on_replaced="gone")
    assert fates(trace) == [("done", 10), ("shed", 5), ("shed", 8), ("shed", 9), ("done", 30), ("done", 20)]


def test_an_older_request_that_comes_later_is_the_one_that_goes():
    """The second of three is replaced at 2 and tries again at 2.5, when the newer one still waits."""
    stages = {"p": pool(replaces="newest", on_replaced="again"), "again": {"kind": "retry", "label": "Again", "to": "p",
              "backoff_ms": assumed(500), "max_tries": 2, "on_exhausted": "gone"}}  # fmt: skip
    trace = run_at(plan(stages, TEN, ends=ENDS), [0, 1, 2])
    assert fates(trace) == [("done", 10), ("shed", 2.5), ("done", 20)]


def test_a_newer_request_takes_the_place_of_the_one_in_service():
    """Each is interrupted by the next but the last: served from 3 to 13."""
    trace = run([0, 1, 3], preempts="newest", on_replaced="gone")
    assert fates(trace) == [("shed", 1), ("shed", 3), ("done", 13)]
    assert in_vain(trace) == [(0, 0, 1), (1, 1, 3)]


def test_a_free_replica_comes_first_and_then_the_oldest_in_service_makes_way():
    trace = run([0, 1, 2, 3], replicas=2, preempts="newest", on_replaced="gone")
    assert fates(trace) == [("shed", 2), ("shed", 3), ("done", 12), ("done", 13)]


def test_a_frame_interrupts_one_of_its_own_sensor_alone():
    """b waits from 1 on, and from 9 on its newest; a is served from 0 on, from 4 on, from 8 on."""
    trace = frames(preempts="newest_of_sensor", replaces="newest_of_sensor", on_replaced="gone")
    assert fates(trace) == [("shed", 4), ("shed", 5), ("shed", 8), ("shed", 9), ("done", 18), ("done", 28)]


def test_visits_of_one_request_from_two_branches_do_not_replace_each_other():
    """Two visits a request: the first one's are served from 0 and from 10 on; those of the second make way for the third."""
    stages = {"f": fork("p", "p"), "p": pool(to="j", replaces="newest", on_replaced="j"), "j": join(on_incomplete="gone")}
    trace = run_at(plan(stages, TEN, ends=ENDS), [0, 11, 12])
    assert fates(trace) == [("done", 20), ("shed", 12), ("done", 40)]


def test_what_is_done_at_the_instant_at_which_a_newer_one_comes_is_done():
    assert fates(run([0, 10], preempts="newest", on_replaced="gone")) == [("done", 10), ("done", 20)]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"replaces": "newest"}, "replaces is set but on_replaced does not say"),
        ({"preempts": "newest"}, "preempts is set but on_replaced does not say"),
        ({"replaces": "newest", "on_replaced": "gone", "hedge_after_s": 1}, "cannot be combined with hedge_after_s"),
        ({"preempts": "newest", "on_replaced": "gone", "max_batch": 2}, "leave max_batch out"),
        ({"replaces": "newest_of_sensor", "on_replaced": "gone"}, "needs arrivals of the kind sensors"),
    ],
)
def test_what_cannot_replace_requests_is_refused(fields, says):
    assert any(says in message for message in messages({"p": pool(**fields)}, ends=ENDS).values())
