"""The machines by sensor: a bar a frame on the replica that worked on it, and the frames of a batch above each other."""

import pytest

from simulator.charts.look import INSTANT, SERIES, translucent
from simulator.charts.replica_charts import machines_by_sensor
from simulator.engine.run import simulate
from simulator.evidence.latency_tables import constant
from tests.builders import assemble, end, plan, pool, sensors

CAMERAS = {name: {"rate_per_s": 1} for name in ("front", "left")}


def cameras(batch, **fields):
    """Two cameras whose frames come together every second: a batch of both takes 150 ms, one alone 100 ms."""
    told = {"label": "Detector", "max_batch": batch, "max_queue_delay_ms": 1 if batch > 1 else 0} | fields
    service = constant(*[0.1, 0.15][:batch])
    return simulate(plan({"look": pool(**told)}, service, seconds=20, arrivals=sensors(**CAMERAS)))


def test_one_by_one_the_frames_follow_each_other():
    chart = machines_by_sensor(cameras(1), 5.2)
    front, left = chart.figure.data
    assert (front.name, left.name) == ("front", "left")
    assert [*front.base, *left.base] == pytest.approx([-200, -100])
    assert [*front.x, *left.x] == pytest.approx([100, 100])
    assert [*front.y] == [*left.y] == pytest.approx([0])
    assert chart.takeaway == (
        "In the second around 00:00:05.20: Detector was busy 20% of the time, one frame at a time, 100 ms each."
    )


def test_the_frames_of_a_batch_share_its_time_and_its_lane():
    front, left = machines_by_sensor(cameras(2), 5.2).figure.data
    assert list(front.base) == list(left.base)
    assert [*front.x, *left.x] == pytest.approx([150, 150])
    assert [*front.width, *left.width] == pytest.approx([0.4, 0.4])
    assert left.y[0] - front.y[0] == pytest.approx(0.4)
    assert "2.0 frames in a batch, 150 ms each" in machines_by_sensor(cameras(2), 5.2).takeaway


def test_each_sensor_has_its_colour_and_the_instant_its_line():
    figure = machines_by_sensor(cameras(1), 5.2).figure
    assert [bar.marker.color for bar in figure.data] == list(SERIES[:2])
    assert [(shape.x0, shape.line.width) for shape in figure.layout.shapes] == [(0, INSTANT["width"])]


def test_where_nothing_is_worked_on_the_sentence_says_so():
    quiet = machines_by_sensor(cameras(1), 60.0)
    assert (quiet.figure, quiet.takeaway) == (None, "In the second around 00:01:00.00 no machine worked.")


def test_a_sixth_sensor_is_paler_than_the_first_one():
    many = sensors(**{f"c{number}": {"rate_per_s": 1} for number in range(6)})
    trace = simulate(plan({"look": pool(replicas=6)}, constant(0.1), seconds=20, arrivals=many))
    bars = machines_by_sensor(trace, 5.2).figure.data
    assert [bar.marker.color for bar in bars] == [*SERIES, translucent(SERIES[0], 0.35)]
    assert bars[5].marker.line.color == SERIES[0]


def test_a_set_of_frames_belongs_to_no_camera():
    ends = {"done": end(), "rest": end(), "old": end()}
    stages = {"sets": assemble("track", waits_for="all"), "track": pool(label="Tracker")}
    trace = simulate(plan(stages, constant(0.01), seconds=20, arrivals=sensors(**CAMERAS), ends=ends))
    (bar,) = machines_by_sensor(trace, 5.2).figure.data
    assert bar.name == "a set of frames"
