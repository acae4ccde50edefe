"""What one replication looked like over time, against schedules worked out by hand."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulator.case.scenario_parts import Noun
from simulator.charts.queue_charts import queues
from simulator.charts.timeline import batches, busiest_minute, moment, occupancy, queue_steps, staffed, waiting
from simulator.evidence.latency_tables import constant
from tests.builders import end, people, plan, pool, run_at
from tests.explain.test_reasons import short_storm


def test_the_busiest_minute_is_the_one_with_most_arrivals():
    trace = run_at(plan({"pool": pool()}, seconds=300), [10, 70, 80, 119.9, 120, 200])
    assert busiest_minute(trace) == 60


def test_without_arrivals_the_busiest_minute_is_the_first():
    assert busiest_minute(run_at(plan({"pool": pool()}), [])) == 0


def test_a_batch_is_one_row_with_its_replica_time_and_size():
    trace = run_at(plan({"pool": pool(max_batch=2)}), [0, 0.5, 0.6, 5])
    found = batches(trace, 0, 60)
    assert found["started_s"].tolist() == [0, 1, 5]
    assert found["size"].tolist() == [1, 2, 1]
    assert found["seconds"].tolist() == [1, 1, 1]
    assert found["replica"].tolist() == [1, 1, 1]


def test_only_batches_within_the_window_are_shown():
    trace = run_at(plan({"pool": pool()}), [0, 10, 20])
    assert batches(trace, 5, 15)["started_s"].tolist() == [10]
    assert batches(trace, 10.5, 15)["started_s"].tolist() == [10]


def test_who_waits_has_come_and_has_not_been_served():
    stages = {"people": people(("00:00", "24:00", 1), minutes=2)}
    found = waiting(run_at(plan(stages, seconds=600), [0, 30, 60]), "people", step_s=60)
    assert found["all"].tolist()[:5] == [0, 2, 1, 1, 0]  # served at 0, 120 and 240
    assert np.all(found["all"] >= 0)


def test_those_who_are_never_served_wait_to_the_end():
    stages = {"people": people(("00:00", "00:01", 1), minutes=10)}
    found = waiting(run_at(plan(stages, seconds=100), [0, 1, 2]), "people", step_s=60)
    assert found["all"].iloc[-1] == 2


def test_shifts_are_told_with_their_people():
    stages = {"people": people(("00:00", "00:01", 2), ("00:01", "00:03", 5))}
    assert staffed(plan(stages, seconds=100), "people") == [(0, 60, 2), (60, 180, 5)]


def test_a_shift_that_takes_over_with_as_many_people_is_no_change():
    stages = {"people": people(("00:00", "00:01", 2), ("00:01", "00:03", 2))}
    assert staffed(plan(stages, seconds=100), "people") == [(0, 180, 2)]


def test_the_most_that_wait_within_a_step_are_seen_however_short_the_peak():
    trace = run_at(plan({"pool": pool()}, seconds=100), [0, 0.1, 0.2, 0.3, 50])  # one a second: three wait at 0.3
    found = occupancy(trace, steps=11)  # of a hundred seconds each
    assert found["pool"].tolist() == [3, *[0] * 10]
    assert found["in_flight"].tolist() == [4, *[0] * 10]
    assert found["time_s"].tolist() == [100 * step for step in range(11)]


def test_a_queue_that_lasts_is_seen_in_every_step_that_it_lasts_for():
    trace = run_at(plan({"pool": pool()}, constant(60.0), seconds=60), [0, 1, 2])  # served at 0, 60 and 120, done at 180
    found = occupancy(trace, steps=11)
    assert found["pool"].tolist()[:4] == [2, 1, 0, 0]
    assert found["in_flight"].tolist()[:4] == [3, 2, 1, 0]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(1, 12))
def test_the_most_within_a_step_is_that_of_counting_at_every_instant(arrivals, steps):
    made = plan({"pool": pool(max_batch=2)}, constant(1.5, 2.5), seconds=40)
    trace = run_at(made, sorted(arrivals))
    visits = trace.visits
    edges = np.linspace(0, made.horizon_s, steps + 1)
    instants = np.unique(np.concatenate([edges, visits["entered_s"], visits["started_s"], visits["started_s"] + 1e-6]))
    waiting_at = [((visits["entered_s"] <= at) & (at < visits["started_s"])).sum() for at in instants]
    most = [max(n for at, n in zip(instants, waiting_at, strict=True) if start <= at < end) for start, end in pairwise(edges)]
    assert occupancy(trace, steps)["pool"].tolist() == most


def test_the_length_of_a_queue_changes_when_somebody_comes_or_is_served():
    trace = run_at(plan({"pool": pool()}), [0, 0.25, 0.5])  # served at 0, 1 and 2
    times, lengths = queue_steps(trace, "pool")
    assert (times.tolist(), lengths.tolist()) == ([0.25, 0.5, 1, 2], [1, 2, 1, 0])


def gave_up():
    """A check takes 10 s and clients wait 2 s: they give up at 2, 3 and 4 s, and are served until 10, 20 and 30 s."""
    stages = {"pool": pool(label="Model", client_timeout_s=2, cancels=False, on_timeout="gone", to="done")}
    ends = {"done": end(label="Done"), "gone": end(label="Gone")}
    return run_at(plan(stages, constant(10.0), ends=ends), [0, 1, 2])


def test_a_call_that_was_given_up_is_in_the_queue_once_until_it_is_served():
    trace = gave_up()
    (before, after) = moment(trace, 2.5), moment(trace, 4.5)
    assert [(one.stations[0].waiting, one.stations[0].given_up, one.in_flight) for one in (before, after)] == [
        (2, 0, 2),
        (2, 2, 0),
    ]
    assert after.stations[0].words() == "Model: 2 wait, 2 of them given up, 1 of 1 at work"
    assert occupancy(trace)["pool"].max() == 2
    assert queue_steps(trace, "pool")[1].tolist() == [1, 2, 1, 0]


def test_a_queue_holds_the_calls_that_came_less_those_whose_service_has_begun():
    """No call leaves the queue of the shipped case in another way, and none is left out when the run ends."""
    (trace, *_), _ = short_storm()
    visits, at = trace.logs["check"].visits(), trace.plan.horizon_s - 1
    came = np.count_nonzero(visits.wanted & (visits.entered_s <= at))
    assert moment(trace, at).stations[0].waiting == came - np.count_nonzero(visits.started_s <= at)


def test_a_full_queue_holds_as_many_calls_as_it_may():
    """400 photos may wait in the shipped case, whether their phones still do or not."""
    (trace, *_), _ = short_storm(queue="long")
    assert occupancy(trace)["check"].max() == 400
    assert "Photo check 400 at 20:01, calls that were given up included" in queues(trace).takeaway


def test_an_instant_is_told_with_who_waits_and_who_works():
    """Two replicas, one second a request: of three at 0 s two are served until 1 s; of four at 60 s one is gone at 61 s."""
    stages = {"pool": pool(replicas=2, label="Model", to="people"), "people": people(("00:00", "00:01", 3), label="Readers")}
    trace = run_at(plan(stages, constant(1.0), seconds=300), [0, 0, 0, 65])
    at_half, later = moment(trace, 0.5), moment(trace, 65.5)
    assert (at_half.arrivals, at_half.in_flight) == (3, 3)
    assert at_half.sentences(Noun(one="photo", many="photos")) == [
        "In flight: 3 photos; arrivals in the 30.5 s around this instant: 3.",
        "Model: 1 waits, 2 of 2 at work.",
        "Readers: nothing waits, 0 of 3 at work.",
    ]
    assert later.sentences(Noun(one="photo", many="photos"))[0].endswith("arrivals in the minute around this instant: 1.")
    assert later.stations[0].words() == "Model: nothing waits, 1 of 2 at work"
    assert later.stations[1].words() == "Readers: nothing waits, no one is on duty"
