"""Frames of sensors: hand-worked ticks, and what is known of their scatter."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest, norm, uniform

from simulator.engine.run import simulate
from simulator.records.streams import Streams
from simulator.records.timetables import Surge
from tests.builders import assumed, link, plan, spread
from tests.engine.arrivals.kinds import drawn, process


def sensors(end=10.0, **given):
    """Arrivals of these sensors; figures may be plain numbers."""
    figures = ("rate_per_s", "skew_ms", "drift_ppm", "jitter_uniform_ms", "jitter_normal_ms")
    written = {
        name: {"label": name} | {key: assumed(value) if key in figures else value for key, value in fields.items()}
        for name, fields in given.items()
    }
    return process(end, kind="sensors", sensors=written)


def comings(made, seed=0, **surges):
    return made.comings(Streams(seed).named("arrivals"), **surges)


def test_two_cameras_out_of_step_take_turns():
    """Four a second from 0 on, and two a second from 0.1 s on."""
    found = comings(sensors(1.0, front={"rate_per_s": 4}, rear={"rate_per_s": 2, "skew_ms": 100}))
    assert found.times.tolist() == pytest.approx([0, 0.1, 0.25, 0.5, 0.6, 0.75])
    assert found.sensors.tolist() == [0, 1, 0, 0, 1, 0]
    assert found.frames.tolist() == [0, 0, 1, 2, 1, 3]


def test_frames_of_one_instant_keep_the_order_of_the_file():
    found = comings(sensors(1.0, b={"rate_per_s": 2}, a={"rate_per_s": 2}))
    assert found.sensors.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("drift_ppm", "last"), [(5_000, 200 / 2.01), (-5_000, 198 / 1.99), (0, 99.5)])
def test_a_clock_that_gains_ticks_earlier_and_fits_more_frames_in(drift_ppm, last):
    """Two a second for 100 s are 200 frames; 2.01 a second are 201, 1.99 are 199."""
    found = comings(sensors(100.0, it={"rate_per_s": 2, "drift_ppm": drift_ppm}))
    assert found.times[-1] == pytest.approx(last)
    assert len(found.times) == found.frames[-1] + 1


def test_a_sensor_that_starts_after_the_run_sends_nothing():
    assert len(comings(sensors(1.0, it={"rate_per_s": 4, "skew_ms": 2_000})).times) == 0


@pytest.mark.parametrize(
    ("jitter", "shape"),
    [({"jitter_uniform_ms": 40}, uniform(-0.04, 0.08)), ({"jitter_normal_ms": 30}, norm(0, 0.03))],
)
def test_jitter_scatters_around_ticks_and_does_not_add_up(jitter, shape):
    found = comings(sensors(2_000.0, it={"rate_per_s": 2} | jitter))
    off = (found.times - found.frames / 2)[1:-1]
    assert kstest(off, shape.cdf).pvalue > 0.01
    assert abs(np.corrcoef(off[1:], off[:-1])[0, 1]) < 4 / np.sqrt(len(off))


def test_jitter_as_a_quantity_is_a_delay():
    found = comings(sensors(100.0, it={"rate_per_s": 2, "jitter_ms": spread(20, 0)}))
    assert found.times == pytest.approx(found.frames / 2 + 0.02)


def test_a_frame_that_jitter_would_bring_before_the_start_comes_at_the_start():
    firsts = [times[0] for times in drawn(sensors(10.0, it={"rate_per_s": 2, "jitter_uniform_ms": 100}))]
    assert min(firsts) == 0
    assert np.mean(np.array(firsts) == 0) == pytest.approx(0.5, abs=0.3)


def test_a_further_sensor_shifts_no_frame_of_the_others():
    one = {"rate_per_s": 2, "jitter_normal_ms": 30}
    alone, beside = comings(sensors(it=one)), comings(sensors(other=one, it=one))
    assert alone.times.tolist() == beside.times[beside.sensors == 1].tolist()
    assert not set(alone.times) & set(beside.times[beside.sensors == 0])


def test_a_surge_makes_frames_come_faster_and_leaves_those_before_it_as_they_were():
    """Two a second for 10 s, and three times as many in 2 of them; nothing at all in another two."""
    made = sensors(it={"rate_per_s": 2, "jitter_normal_ms": 10})
    usual, surged = comings(made), comings(made, surges=[Surge(4, 2, 3.0), Surge(8, 2, 0.0)])
    assert surged.times[surged.times < 4].tolist() == usual.times[usual.times < 4].tolist()
    assert np.histogram(surged.times, [0, 3.9, 5.9, 7.9, 8.01, 10])[0].tolist() == [8, 12, 4, 0, 0]
    assert made.expected_under([Surge(4, 2, 3.0), Surge(8, 2, 0.0)]) == 24


def test_a_frame_knows_its_sensor_and_its_number():
    arrivals = {"kind": "sensors", "sensors": {"front": {"label": "Front", "rate_per_s": assumed(2)}}}
    requests = simulate(plan({"l": link("done", 0.1)}, arrivals=arrivals, seconds=2)).requests
    assert requests["sensor"].tolist() == ["front"] * 4
    assert requests["frame"].tolist() == [0, 1, 2, 3]


def test_two_kinds_of_jitter_at_once_are_refused():
    with pytest.raises(ValidationError, match="give jitter_uniform_ms or jitter_normal_ms, not both"):
        sensors(it={"rate_per_s": 2, "jitter_uniform_ms": 1, "jitter_normal_ms": 1})
