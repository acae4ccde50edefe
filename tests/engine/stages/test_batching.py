"""Triton's dynamic batching: the rule against Triton's own scan, whole schedules against those worked out by hand."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.run import Run
from simulator.engine.stages import STAGES
from simulator.engine.stages.managed_pool import ManagedPoolStage
from simulator.engine.stages.replicas import TritonRule
from simulator.evidence.latency_tables import constant
from simulator.records.streams import Streams
from tests.builders import arrivals_at, assumed, batches, plan, pool, run_at
from tests.effort import examples

TEN = 10.0


def served(times, **fields):
    """The batches of a pool that takes ten seconds a batch, requests numbered by arrival."""
    largest = fields.get("max_batch", 1)
    return batches(run_at(plan({"p": pool(**fields)}, constant(*[TEN] * largest)), times), "p")


def ends(times, **fields):
    """How and when each request ended."""
    largest = fields.get("max_batch", 1)
    requests = run_at(plan({"p": pool(**fields)}, constant(*[TEN] * largest)), times).requests
    return list(zip(requests["outcome"], requests["finished_s"], strict=True))


def scan(waiting, max_batch, preferred, exceeded, delayed):
    """The loop of Triton's `GetDynamicBatch` for requests of one item each."""
    sizes = set(preferred) or {max_batch}
    pending, marked, send_now = 0, 0, False
    while pending < waiting:
        if pending and pending + 1 > max(sizes) and not marked:
            marked = pending
        if pending and pending + 1 > max_batch:
            send_now = True
            break
        pending += 1
        if pending in sizes:
            marked = pending
    exceeded = exceeded and delayed
    if marked and not exceeded:
        return marked
    if send_now or pending >= max(sizes) or exceeded or not delayed:
        return pending
    return 0


@st.composite
def rules(draw):
    largest = draw(st.integers(1, 8))
    preferred = draw(st.lists(st.integers(1, largest), max_size=3, unique=True))
    return largest, preferred, draw(st.sampled_from([0.0, 0.5, 3.0]))


@given(rules(), st.integers(0, 20), st.booleans())
def test_triton_rule_takes_what_its_scan_takes(rule, waiting, overdue):
    largest, preferred, delay = rule
    expected = scan(waiting, largest, preferred, overdue, delay > 0)
    made = TritonRule(largest, delay, tuple(preferred))
    assert made.take(waiting, overdue) == expected
    assert made.tables()[0][overdue][min(waiting, largest + 1)] == expected


def test_triton_without_delay_a_free_instance_takes_whoever_waits():
    assert served([0, 1, 2, 3, 4, 5], max_batch=4) == [(0, [0]), (10, [1, 2, 3, 4]), (20, [5])]


def test_triton_a_batch_forms_only_when_an_instance_is_free():
    assert served([0, 2, 3, 4], max_batch=2, max_queue_delay_ms=1000) == [(1, [0]), (11, [1, 2]), (21, [3])]


def test_triton_several_instances_take_turns():
    assert served([0, 1, 2, 3, 4], max_batch=2, replicas=2) == [(0, [0]), (1, [1]), (10, [2, 3]), (11, [4])]


def test_triton_a_full_batch_goes_at_once():
    assert served([0, 1, 2], max_batch=3, max_queue_delay_ms=5000) == [(2, [0, 1, 2])]


def test_triton_a_batch_that_stays_short_goes_when_its_oldest_request_is_due():
    assert served([0, 1, 20], max_batch=3, max_queue_delay_ms=5000) == [(5, [0, 1]), (25, [2])]


def test_triton_the_delay_counts_from_arrival_though_the_instance_was_busy():
    assert served([0, 6, 14], max_batch=4, max_queue_delay_ms=5000) == [(5, [0]), (15, [1, 2])]


def test_triton_the_rest_of_the_delay_is_waited_out_when_the_instance_comes_free_early():
    assert served([0, 12], max_batch=4, max_queue_delay_ms=5000) == [(5, [0]), (17, [1])]


def test_triton_an_arrival_at_the_instant_of_the_deadline_goes_along():
    assert served([0, 5], max_batch=4, max_queue_delay_ms=5000) == [(5, [0, 1])]


def test_triton_an_arrival_at_the_instant_an_instance_comes_free_goes_along():
    assert served([0, 3, 10], max_batch=4) == [(0, [0]), (10, [1, 2])]


def test_triton_requests_of_the_same_instant_fill_one_instance_after_the_other():
    assert served([0, 0, 0, 0, 0], max_batch=2, replicas=2) == [(0, [0, 1]), (0, [2, 3]), (10, [4])]


def test_triton_a_request_due_at_the_instant_an_instance_comes_free_goes_then_with_whoever_comes_then():
    assert served([0, 10, 15], max_batch=4, max_queue_delay_ms=5000) == [(5, [0]), (15, [1, 2])]


def test_triton_the_delay_counts_from_the_oldest_request_that_is_still_pending():
    fields = {"max_batch": 4, "preferred_batches": [2], "max_queue_delay_ms": 5000, "replicas": 2}
    assert served([0, 1, 2], **fields) == [(1, [0, 1]), (7, [2])]


def test_triton_a_request_that_timed_out_no_longer_counts_as_the_oldest():
    fields = {"max_batch": 4, "max_queue_delay_ms": 5000, "timeout_s": 7, "on_timeout": "done"}
    assert served([0, 6, 13], **fields) == [(5, [0]), (18, [2])]


def test_triton_a_preferred_size_goes_without_waiting_for_more():
    assert served([0, 1, 2], max_batch=4, preferred_batches=[2], max_queue_delay_ms=5000)[0] == (1, [0, 1])


def test_triton_beyond_a_preferred_size_exactly_that_many_go():
    fields = {"max_batch": 4, "preferred_batches": [2], "max_queue_delay_ms": 5000}
    assert served([0, 1, 9, 9.5, 10.5], **fields) == [(1, [0, 1]), (11, [2, 3]), (21, [4])]


def test_triton_between_two_preferred_sizes_the_smaller_goes():
    fields = {"max_batch": 4, "preferred_batches": [4, 2], "max_queue_delay_ms": 5000}
    assert served([0, 1, 9, 9.5, 10.5], **fields)[1] == (11, [2, 3])


def test_triton_the_largest_preferred_size_reached_goes():
    fields = {"max_batch": 4, "preferred_batches": [2, 3], "max_queue_delay_ms": 5000}
    assert served([0, 1, 8, 9, 10], **fields)[1] == (11, [2, 3, 4])


def test_triton_short_of_every_preferred_size_a_batch_waits_for_the_smallest():
    fields = {"max_batch": 4, "preferred_batches": [3], "max_queue_delay_ms": 5000}
    assert served([0, 1, 4], **fields) == [(4, [0, 1, 2])]


def test_triton_short_of_every_preferred_size_a_batch_goes_when_its_oldest_request_is_due():
    fields = {"max_batch": 4, "preferred_batches": [3], "max_queue_delay_ms": 5000}
    assert served([0, 1, 6], **fields) == [(5, [0, 1]), (15, [2])]


def test_triton_an_arrival_at_the_instant_of_the_deadline_goes_along_beyond_the_preferred_size():
    fields = {"max_batch": 4, "preferred_batches": [2], "max_queue_delay_ms": 4000}
    assert served([0, 1, 7, 8, 11], **fields) == [(1, [0, 1]), (11, [2, 3, 4])]


def test_triton_once_the_delay_is_exceeded_preferred_sizes_no_longer_count():
    fields = {"max_batch": 4, "preferred_batches": [2], "max_queue_delay_ms": 5000}
    assert served([0, 1, 2, 3, 4], **fields) == [(1, [0, 1]), (11, [2, 3, 4])]


def test_triton_no_batch_is_larger_than_the_limit_though_the_delay_is_exceeded():
    fields = {"max_batch": 3, "preferred_batches": [2], "max_queue_delay_ms": 5000}
    assert served([0, 1, 2, 3, 4, 5, 6], **fields) == [(1, [0, 1]), (11, [2, 3, 4]), (21, [5, 6])]


def test_triton_preferred_sizes_hold_without_a_delay_too():
    assert served([0, 1, 2, 3], max_batch=4, preferred_batches=[2]) == [(0, [0]), (10, [1, 2]), (20, [3])]


def test_triton_a_timeout_counts_in_the_queue_only():
    found = ends([0, 5, 8], timeout_s=3, on_timeout="done")
    assert found == [("done", 10), ("timed_out", 8), ("done", 20)]


def test_triton_an_instance_that_comes_free_at_the_instant_of_the_timeout_still_serves():
    assert ends([0, 7], timeout_s=3, on_timeout="done")[1] == ("done", 20)


def test_triton_a_timeout_shorter_than_the_delay_ends_the_wait_for_company():
    fields = {"max_batch": 2, "max_queue_delay_ms": 5000, "timeout_s": 3, "on_timeout": "done"}
    assert ends([0, 4], **fields) == [("timed_out", 3), ("timed_out", 7)]


def test_triton_an_arrival_at_the_instant_of_the_timeout_still_completes_the_batch():
    fields = {"max_batch": 2, "max_queue_delay_ms": 5000, "timeout_s": 3, "on_timeout": "done"}
    assert ends([0, 3], **fields) == [("done", 13), ("done", 13)]


def test_triton_a_timeout_at_the_instant_of_the_delay_leaves_the_request_served():
    fields = {"max_batch": 2, "max_queue_delay_ms": 3000, "timeout_s": 3, "on_timeout": "done"}
    assert ends([0], **fields) == [("done", 13)]


def test_triton_every_request_past_its_timeout_is_gone_before_a_batch_forms():
    fields = {"max_batch": 4, "timeout_s": 3, "on_timeout": "done"}
    found = ends([0, 1, 6.5, 8], **fields)
    assert found == [("done", 10), ("timed_out", 4), ("timed_out", 9.5), ("done", 20)]


def test_triton_a_timeout_that_no_instance_lived_to_see_is_one_all_the_same():
    made = plan({"p": pool(timeout_s=5, on_timeout="done")}, constant(1000), seconds=10)
    assert run_at(made, [0, 1, 108]).requests["outcome"].tolist() == ["unfinished", "timed_out", "unfinished"]


def test_triton_a_full_queue_refuses_at_once():
    found = ends([0, 1, 2, 3], max_queue=1, on_full="done")
    assert found == [("done", 10), ("done", 20), ("shed", 2), ("shed", 3)]


def test_triton_a_queue_that_waits_for_company_refuses_when_it_is_full():
    found = ends([0, 1, 2], max_batch=4, max_queue_delay_ms=5000, max_queue=2, on_full="done")
    assert found == [("done", 15), ("done", 15), ("shed", 2)]


def test_triton_a_timeout_at_this_very_instant_still_serves_though_those_before_it_are_gone():
    assert ends([0, 6.5, 7], timeout_s=3, on_timeout="done") == [("done", 10), ("timed_out", 9.5), ("done", 20)]


def test_triton_a_request_past_its_timeout_keeps_its_place_until_an_instance_is_free():
    fields = {"max_queue": 1, "on_full": "done", "timeout_s": 3, "on_timeout": "done"}
    assert ends([0, 1, 5, 10.5], **fields) == [("done", 10), ("timed_out", 4), ("shed", 5), ("done", 20.5)]


def test_a_request_waits_only_if_no_replica_takes_it_at_the_instant_at_which_it_comes():
    at_once = ends([0] * 8, replicas=4, max_queue=1, on_full="done")
    assert at_once == [("done", 10)] * 4 + [("done", 20)] + [("shed", 0)] * 3
    in_batches = ends([0] * 8, replicas=2, max_batch=3, max_queue=1, on_full="done")
    assert in_batches == [("done", 10)] * 6 + [("done", 20), ("shed", 0)]
    assert ends([0] * 3, replicas=2, max_queue=0, on_full="done") == [("done", 10), ("done", 10), ("shed", 0)]


def test_an_arrival_at_the_instant_a_batch_is_taken_finds_the_place_that_this_leaves():
    assert ends([0, 1, 10], max_queue=1, on_full="done") == [("done", 10), ("done", 20), ("done", 30)]
    assert ends([0, 1, 10, 10], max_queue=1, on_full="done")[2:] == [("done", 30), ("shed", 10)]
    assert ends([0, 1, 10, 10], max_queue=1, max_batch=2, on_full="done")[1:] == [("done", 20), ("done", 20), ("done", 30)]


def test_a_request_that_completes_the_batch_of_a_free_replica_is_not_refused_and_one_too_few_is():
    company = {"max_batch": 4, "max_queue_delay_ms": 5000, "max_queue": 2, "on_full": "done"}
    assert ends([0, 1, 2, 2], **company) == [("done", 12)] * 4
    assert ends([0, 0, 0, 0, 0], **company) == [("done", 10)] * 4 + [("done", 20)]
    assert ends([0, 0, 0], **company) == [("done", 15), ("done", 15), ("shed", 0)]
    assert (
        ends([0, 1, 5, 5], **company | {"max_batch": 8}) == [("done", 15)] * 4
    )  # the oldest is due at 5: all that are there go


def test_where_nobody_may_wait_a_request_is_served_at_once_or_refused():
    fields = {"max_queue": 0, "on_full": "done"}
    assert ends([0, 1, 10, 15, 21], **fields) == [("done", 10), ("shed", 1), ("done", 20), ("shed", 15), ("done", 31)]
    assert ends([0, 1, 2], replicas=2, **fields) == [("done", 10), ("done", 11), ("shed", 2)]


def test_triton_a_place_is_free_again_once_its_batch_is_taken():
    assert ends([0, 1, 10.5], max_queue=1, on_full="done")[2] == ("done", 30)


def of_class(kinds, times, **fields):
    """The batches of a pool by priority, requests numbered by arrival and of the stated classes: 0 urgent, 1 patient."""
    classes = {
        name: {"label": name, "share": assumed(0.5), "priority": level} for level, name in [(1, "urgent"), (2, "patient")]
    }
    made = plan({"p": pool(order="priority", **fields)}, constant(*[TEN] * fields["max_batch"]), classes=classes)
    with arrivals_at(times):
        run = Run(made, Streams(0))
    run.requests.priority[:] = np.array(kinds) + 1
    return batches(run.trace(), "p")


def test_triton_priority_levels_are_strict_and_first_come_first_served_within():
    assert of_class([1, 1, 0, 1, 0], [0, 1, 2, 3, 4], max_batch=2) == [(0, [0]), (10, [2, 4]), (20, [1, 3])]


def test_triton_a_higher_arrival_invalidates_the_pending_batch():
    fields = {"max_batch": 2, "preferred_batches": [2], "max_queue_delay_ms": 30_000}
    # The two that wait while the instance works would be the next batch; the urgent one at 9 takes the place of the second.
    assert of_class([1, 1, 1, 1, 0], [0, 1, 2, 3, 9], **fields)[:2] == [(1, [0, 1]), (11, [2, 4])]


def test_triton_the_delay_counts_from_the_oldest_of_the_pending_batch_whatever_its_level():
    fields = {"max_batch": 4, "max_queue_delay_ms": 5000}
    assert of_class([1, 0, 0], [0, 2, 4], **fields) == [(5, [0, 1, 2])]


def test_triton_a_time_out_that_delays_serves_who_waited_too_long_after_all_others():
    fields = {"timeout_s": 12, "timeout_action": "delay"}
    assert served([0, 1, 9, 10], **fields) == [(0, [0]), (10, [1]), (20, [2]), (30, [3])]
    assert served([0, 1, 2, 19], **fields) == [(0, [0]), (10, [1]), (20, [3]), (30, [2])]


def test_triton_a_request_that_was_delayed_does_not_time_out_again():
    assert served([0, 1, 2], timeout_s=3, timeout_action="delay") == [(0, [0]), (10, [1]), (20, [2])]


def by_hand(times, rule, replicas, timeout, most):
    """One instant after the other at which something may happen, with batches formed by Triton's scan.

    Whoever comes joins the queue, free replicas take their batches, and then the last ones that exceed the limit are refused.
    """
    largest, preferred, delay = rule
    queue, free_at, sent, gone = [], [0.0] * replicas, [], {}
    instants = set(times)
    while instants:
        now = min(instants)
        instants.remove(now)
        queue += [row for row, time in enumerate(times) if time == now]
        while queue and min(free_at) <= now:
            oldest = times[queue[0]]
            if oldest + timeout < now:
                gone[queue.pop(0)] = ("timed_out", oldest + timeout)
                continue
            size = scan(len(queue), largest, preferred, now - oldest >= delay, delay > 0)
            if not size:
                instants |= {instant for instant in (oldest + delay, oldest + timeout + 1e-6) if now < instant < inf}
                break
            sent.append((now, queue[:size]))
            del queue[:size]
            free_at.remove(min(free_at))
            free_at.append(now + TEN)
            instants.add(now + TEN)
        while len(queue) > most:
            gone[queue.pop()] = ("shed", now)
    return sent, gone


#: Any quarter of a second, and whole tens, at which many come at once and replicas come free.
ticks = st.integers(0, 240) | st.sampled_from([0, 40, 80, 120])
quarters = st.lists(ticks, min_size=1, max_size=25).map(lambda ticks: sorted(tick / 4 for tick in ticks))


@settings(max_examples=examples(200))
@given(quarters, rules(), st.integers(1, 3), st.sampled_from([1.0, 6.0, inf]), st.sampled_from([0, 1, 3, inf]), st.booleans())
def test_triton_schedules_equal_those_made_instant_by_instant(times, rule, replicas, timeout, most, managed):
    largest, preferred, delay = rule
    if most == 0:
        delay = 0.0  # nobody may wait for company
    rule = largest, preferred, delay
    fields = {"max_batch": largest, "preferred_batches": preferred, "max_queue_delay_ms": 1000 * delay, "replicas": replicas}
    if timeout < inf:
        fields |= {"timeout_s": timeout, "on_timeout": "done"}
    if most < inf:
        fields |= {"max_queue": most, "on_full": "done"}
    sent, gone = by_hand(times, rule, replicas, timeout, most)
    with pytest.MonkeyPatch.context() as patch:
        if managed:
            patch.setitem(STAGES, "pool", ManagedPoolStage)
        trace = run_at(plan({"p": pool(**fields)}, constant(*[TEN] * largest)), times)
    refused = trace.requests[trace.requests["outcome"] != "done"]
    assert batches(trace, "p") == sorted(sent)
    assert {row.Index: (row.outcome, row.finished_s) for row in refused.itertuples()} == gone
