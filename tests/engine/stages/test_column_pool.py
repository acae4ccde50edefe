"""Pools with policies at speed: against the managed pool, processes in SimPy and schedules worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from benchmarks.feedback import WORKLOADS, FeedbackDrawn, ends_of, textbook
from simulator.engine.run import Run, simulate
from simulator.engine.stages import STAGES
from simulator.engine.stages.column_pool import ColumnPoolStage
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.evidence.latency_tables import constant
from simulator.records.streams import Streams
from tests.builders import assumed, end, plan, pool, retry, run_at
from tests.effort import examples
from tests.engine.networks import ordered, service_times

ENDS = {"done": end(), "lost": end(escalated=True)}
CLASSES = {
    name: {"label": name, "share": assumed(0.5), "priority": number, "deadline_s": 1.5 * number}
    for number, name in enumerate(["urgent", "patient"], start=1)
}


@st.composite
def policies(draw):
    """What clients and server do with requests that wait too long or find the queue full."""
    fields = {"replicas": draw(st.integers(1, 3)), "order": draw(st.sampled_from(["fifo", "fifo", "priority", "freshest"]))}
    fields["max_batch"] = draw(st.sampled_from([1, 1, 1, 2]))  # two at a time is left to the managed pool
    if draw(st.booleans()):
        fields |= {"client_timeout_s": draw(st.sampled_from([0.5, 1, 2])), "cancels": draw(st.booleans())}
    if draw(st.booleans()):
        fields |= {"max_queue": draw(st.integers(0, 5)), "drops": draw(st.sampled_from(["newest", "oldest"]))}
    if draw(st.booleans()):
        fields["hedge_after_s"] = draw(st.sampled_from([0.25, 0.7]))
    if draw(st.integers(0, 3)) == 0:
        fields["timeout_s"] = draw(st.sampled_from([0.4, 1.5]))
    if draw(st.integers(0, 3)) == 0:
        fields["breaker"] = {"window_s": 5, "min_requests": 3, "open_s": 2, "trials": 2}
    return fields


@st.composite
def rings(draw):
    """A pool whose clients send again, perhaps with picks that change."""
    full, gone = (draw(st.sampled_from(["again", "again", "lost", "spare"])) for _ in range(2))
    budget = {"budget": {"share": 0.5, "window_s": 5}} if draw(st.booleans()) else {}
    backoff_ms = draw(st.sampled_from([0, 100, 700]))
    again = retry("p", backoff_ms, jitter=draw(st.sampled_from(["none", "full"])), **budget)
    # Only one of the two may send requests to the other, or they could circulate unserved. Of requests that go round two queues
    # within one instant, the turns decide which is the first.
    ways = [("lost", "lost"), ("spare", "lost"), *([("lost", "again")] if backoff_ms else [])]
    exhausted, refused = draw(st.sampled_from(ways))
    again |= {"max_tries": draw(st.integers(1, 4)), "on_exhausted": exhausted}
    rate = draw(st.sampled_from([1, 4]))
    table = {"p": service_times(2, draw(st.integers(0, 9))), "spare": service_times(1, 0)}

    def made():
        first = pool(to="done", on_full=full, on_timeout=gone, **draw(policies()))
        spare = pool(replicas=2, max_queue=draw(st.sampled_from([None, 1])), on_full=refused)
        stages = {"p": first, "again": again, "spare": spare}
        reached = {"p", full, gone} | ({refused} if "spare" in (full, gone) else set())
        reached |= {exhausted} if "again" in reached else set()
        used = {name: stage for name, stage in stages.items() if name in reached}
        return plan(
            used, {name: table[name] for name in used if name in table}, rate=rate, seconds=40, ends=ENDS, classes=CLASSES
        )

    first = made()
    # A plain pool settles a service at its start: a policy that comes later does not concern it, as in a managed one it would.
    # A change of picks moves requests at one instant, too.
    fixed = first.scenario.stages["p"].is_plain or refused == "again"
    times = () if fixed else draw(st.sampled_from([(), (9.0,), (9.0, 21.5)]))
    return replace(first, later=tuple((at_s, made()) for at_s in times))


def managed(made, seed):
    """A run in which every pool steps from event to event."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "pool", ManagedPoolStage)
        return simulate(made, seed)


def assert_alike(one, other):
    assert one.digest == other.digest
    columns = {name: column for name, column in vars(one.columns).items() if isinstance(column, np.ndarray)}
    for name, column in columns.items():
        np.testing.assert_array_equal(column, getattr(other.columns, name), err_msg=name)
    assert_frame_equal(ordered(one.visits), ordered(other.visits))


@settings(max_examples=examples(160), deadline=None)
@given(rings(), st.integers(0, 9))
def test_it_does_what_the_managed_pool_does(made, seed):
    assert_alike(simulate(made, seed), managed(made, seed))


@settings(max_examples=examples(24), deadline=None)
@given(rings())
def test_looks_on_the_way_change_nothing_and_see_what_the_managed_pool_shows(made):
    looked = Run(made, Streams(1), stops=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STAGES, "pool", ManagedPoolStage)
        other = Run(made, Streams(1), stops=True)
        for time in (5.0, 9.0, 30.5):
            looked.advance(time)
            other.advance(time)
            assert_alike(looked.look(), other.look())
    assert_alike(looked.trace(), simulate(made, 1))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.title)
def test_every_request_ends_as_in_a_process_of_its_own_in_simpy(workload):
    run = Run(workload.plan(1_500), Streams(3))
    assert isinstance(run.stages["server"], ColumnPoolStage)
    drawn = FeedbackDrawn(run)
    finished, done = ends_of(run.trace())
    ended, answered = textbook(workload, drawn)
    np.testing.assert_allclose(ended, finished, atol=1e-6)
    np.testing.assert_array_equal(answered, done)


def server(backoff_ms, tries, **fields):
    """One server that takes ten seconds, and clients that send again."""
    stages = {"p": pool(on_full="again", on_timeout="again", **fields), "again": retry("p", backoff_ms, factor=1)}
    stages["again"] |= {"max_tries": tries, "on_exhausted": "lost"}
    return plan(stages, constant(10.0), ends=ENDS)


def at(trace, stage, column):
    return trace.visits.loc[trace.visits["stage"] == stage, column].tolist()


def test_a_client_that_gives_up_comes_back_at_its_time_and_is_served_in_vain_until_then():
    trace = run_at(server(1_000, 3, client_timeout_s=4, cancels=False), [0])
    # Sent at 0, 5 and 10; the server works on the three from 0, 10 and 20 on, and the last one leaves at 14.
    assert at(trace, "again", "left_s") == pytest.approx([5, 10, 14])
    assert sorted(time for time in at(trace, "p", "started_s") if time == time) == pytest.approx([0, 10, 20])
    assert not trace.visits.loc[trace.visits["started_s"].notna() & (trace.visits["stage"] == "p"), "wanted"].any()
    assert trace.requests["outcome"].tolist() == ["timed_out"]


def test_who_comes_back_at_once_comes_after_the_replica_has_taken_another():
    """At 10 the first is done and the second is taken; the third, refused at 1 for the first time, has given up by then."""
    trace = run_at(server(0, 3, max_queue=1), [0, 1, 1, 10])
    third = trace.visits[trace.visits["request"] == 2]
    assert third.loc[third["stage"] == "p", "entered_s"].tolist() == [1, 1, 1]
    assert trace.requests["finished_s"].tolist() == [10, 20, 1, 30]
    assert at(trace, "again", "left_s") == [1, 1, 1]


def test_who_comes_while_the_queue_is_full_is_refused_until_a_replica_is_done():
    """Clients come back 4 s after a refusal: one finds room when the first is done at 10, the other never does."""
    trace = run_at(server(4_000, 3, max_queue=1), [0, 1, 2, 3.5])
    refused = trace.visits[(trace.visits["stage"] == "p") & trace.visits["started_s"].isna()]
    assert refused["entered_s"].tolist() == refused["left_s"].tolist() == [2, 3.5, 6, 7.5, 11.5]
    assert refused["request"].tolist() == [2, 3, 2, 3, 3]
    assert at(trace, "again", "left_s") == [6, 7.5, 10, 11.5, 11.5]
    assert trace.requests["finished_s"].tolist() == [10, 20, 30, 11.5]


def test_who_is_served_in_vain_is_known_after_a_time_of_batches():
    """Two are served together from 0 to 10; from 15 on each is served alone, and the client of the second leaves at 32."""
    batches, alone = server(0, 1, max_batch=2), server(0, 1, client_timeout_s=12, cancels=False)
    trace = run_at(replace(batches, latencies={"p": constant(10.0, 10.0)}, later=((15.0, alone),)), [0, 0, 20, 20])
    served = trace.visits[trace.visits["started_s"].notna() & (trace.visits["stage"] == "p")]
    assert served.sort_values("request")[["request", "left_s", "wanted"]].values.tolist() == [
        [0, 10, True],
        [1, 10, True],
        [2, 30, True],
        [3, 40, False],
    ]
    assert trace.requests["finished_s"].tolist() == pytest.approx([10, 10, 30, 32])


def test_a_pool_and_its_retry_take_no_turns_with_each_other():
    run = Run(server(1_000, 4, client_timeout_s=4), Streams(0))
    assert len(run.trace().logs["again"]) > 200
    assert run.turns < 5


@pytest.mark.parametrize("fields", [{"balance": "random"}, {"max_batch": 2}, {"sheds_late": True}, {"replaces": "newest"}])
def test_what_the_loop_does_not_know_is_left_to_the_managed_pool(fields):
    made = plan({"p": pool(client_timeout_s=1, on_timeout="lost", on_full="lost", **fields)}, ends=ENDS, classes=CLASSES)
    assert type(Run(made, Streams(0)).stages["p"]) is ManagedPoolStage


def test_a_queue_without_a_limit_makes_no_ring_with_what_stands_behind_it_when_full():
    stages = {
        "p": pool(on_full="spare", on_timeout="again", client_timeout_s=2),
        "again": retry("p") | {"on_exhausted": "lost"},
    }
    stages["spare"] = pool(on_full="again", on_timeout="again", client_timeout_s=2)
    times = {name: constant(1.0) for name in ("p", "spare")}
    unlimited = Run(plan(stages, times, ends=ENDS), Streams(1))
    assert (unlimited.reached, unlimited.stages["p"].is_heard) == ({"p", "again"}, False)
    stages["p"]["max_queue"] = 3
    limited = Run(plan(stages, times, ends=ENDS), Streams(1))
    assert (limited.reached, limited.stages["p"].is_heard) == ({"p", "again", "spare"}, True)
