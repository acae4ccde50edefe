"""Whose frame which replica worked on, from hand-made runs."""

import pytest

from simulator.charts.timeline import A_SET, busy_share, frames_served
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from tests.builders import assemble, assumed, end, plan, pool, sensors

CAMERAS = sensors(front={"rate_per_s": 1}, left={"rate_per_s": 1, "skew_ms": 50})


def test_each_frame_has_its_sensor_its_replica_and_its_time():
    """Frames of the front camera come at full seconds, those of the left one 50 ms later; each takes 100 ms."""
    trace = simulate(plan({"look": pool(replicas=2)}, constant(0.1), seconds=20, arrivals=CAMERAS))
    found = frames_served(trace, 5.0, 5.5)
    assert found["sensor"].tolist() == ["front", "left"]
    assert sorted(found["replica"]) == [1, 2]
    assert found["frame"].tolist() == [5, 5]
    assert found["started_s"].tolist() == pytest.approx([5.0, 5.05])
    assert found["seconds"].tolist() == pytest.approx([0.1, 0.1])


def test_only_what_falls_into_the_time_counts_as_work():
    """Two of 0.1 s each on one replica, from 5.0 to 5.2 s; looked at from 5.1 to 5.5 s."""
    trace = simulate(plan({"look": pool()}, constant(0.1), seconds=20, arrivals=CAMERAS))
    found = frames_served(trace, 5.1, 5.5)
    assert busy_share(trace, "look", found, 5.1, 5.5) == pytest.approx(0.1 / 0.4)


def test_a_batch_works_once_however_many_frames_it_has():
    together = sensors(front={"rate_per_s": 1}, left={"rate_per_s": 1})
    stages = {"look": pool(max_batch=2, max_queue_delay_ms=1)}
    trace = simulate(plan(stages, constant(0.1, 0.2), seconds=20, arrivals=together))
    found = frames_served(trace, 5.0, 6.0)
    assert found[["sensor", "size", "place"]].to_numpy().tolist() == [["front", 2, 0], ["left", 2, 1]]
    assert busy_share(trace, "look", found, 5.0, 6.0) == pytest.approx(0.2)


def test_pools_that_share_an_accelerator_stand_beside_each_other():
    stages = {"a": pool("b", shares="gpu"), "b": pool("c"), "c": pool(shares="gpu")}
    gpu = {"gpu": {"label": "GPU", "slowdown": assumed(2)}}
    trace = simulate(plan(stages, constant(0.01), seconds=20, arrivals=CAMERAS, accelerators=gpu))
    assert list(frames_served(trace, 5.0, 6.0)["stage"].cat.categories) == ["a", "c", "b"]


def test_frames_that_are_worked_on_as_a_set_have_no_sensor_of_their_own():
    stages = {"look": pool("sets"), "sets": assemble("track", waits_for="all"), "track": pool()}
    ends = {"done": end(), "rest": end(), "old": end()}
    trace = simulate(plan(stages, constant(0.01), seconds=20, arrivals=CAMERAS, ends=ends))
    found = frames_served(trace, 5.0, 5.5)
    assert found.loc[found["stage"] == "track", "sensor"].tolist() == [A_SET]
    assert found.loc[found["stage"] == "look", "sensor"].tolist() == ["front", "left"]
