"""What one replication looked like over time, against schedules worked out by hand."""

import numpy as np

from simulator.analysis.timeline import batches, busiest_minute, staffed, waiting
from tests.builders import people, plan, pool, run_at


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
