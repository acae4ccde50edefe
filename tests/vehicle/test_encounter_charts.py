"""An encounter is drawn where the vehicle was when, complete as a still picture, in so few frames that it can be played."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from simulator.charts.look import FOUND, MISSED
from simulator.vehicle.encounter_charts import MOST_FRAMES, encounter, step_s
from tests.charts.meetings import DECELERATION, followed

SPEED = 50 / 3.6
#: At 50 km/h, from 0.7 s on at 6 m/s^2: 9.7 m before the brakes hold, 16.1 m with them.
NEEDED = 0.7 * SPEED + SPEED**2 / (2 * DECELERATION)


@pytest.fixture
def late():
    return followed(confirmed_s=1.2, braking_s=1.4, seen_s=0.9)


def named(chart, name):
    return [trace for trace in chart.figure.data if trace.name == name]


def moving(chart, per_design=4):
    return chart.figure.data[-per_design:]


def test_the_sentence_tells_what_each_design_does_with_the_same_encounter(late):
    chart = encounter({"This design": followed(), "The pinned run": late})
    assert chart.takeaway == (
        "A pedestrian steps out, 35.0 m ahead of a vehicle at 50 km/h: this design confirms it after 500 ms, brakes after "
        f"700 ms and stops {35 - NEEDED:.1f} m before it; the pinned run confirms it after 1.20 s, brakes after 1.40 s and "
        "hits it at 9.0 km/h, 0.5 m short."
    )


def test_a_vehicle_that_never_learns_of_it_arrives_at_full_speed():
    chart = encounter({"This design": followed(seen_s=None, confirmed_s=None, braking_s=None)})
    assert chart.takeaway.endswith("this design never confirms it and hits it at 50 km/h.")
    assert "nan" not in chart.takeaway


def test_behind_something_that_drives_nobody_stops():
    truck = followed()
    truck.steps["vehicle_kmh"] += 20
    assert f"slows to its speed {35 - NEEDED:.1f} m before it" in encounter({"This design": truck}).takeaway


def test_the_road_shows_where_the_vehicle_was_in_which_phase():
    chart = encounter({"This design": followed()})
    braking = next(trace for trace in named(chart, "braking") if trace.line.width == 6)
    assert list(braking.x) == pytest.approx([0.7 * SPEED, NEEDED], abs=0.02)
    assert list(braking.y) == [0, 0]


def test_the_timeline_leads_each_frame_from_its_capture_to_its_answer():
    chart = encounter({"This design": followed(late_s=0.15)})
    (found,) = named(chart, "front: found")
    (missed,) = named(chart, "front: not found")
    assert list(found.x[:2]) == pytest.approx([0.2, 0.35])
    assert list(found.y[:2]) == [2, 1]
    assert [x for x in missed.x if not math.isnan(x)] == pytest.approx([0, 0.15, 0.1, 0.25])


def test_frames_of_two_sensors_have_a_mark_each():
    both = followed()
    lidar = both.frames.assign(sensor="LiDAR")
    chart = encounter({"This design": replace(both, frames=pd.concat([both.frames, lidar], ignore_index=True))})
    marks = {trace.name: trace.marker.symbol for trace in chart.figure.data if trace.name and "found" in trace.name}
    assert marks == {
        "front: not found": "circle-open",
        "front: found": "circle",
        "LiDAR: not found": "diamond-open",
        "LiDAR: found": "diamond",
    }


def test_how_it_ended_has_the_colour_of_a_verdict(late):
    chart = encounter({"This design": followed(), "The pinned run": late})
    ((stopped,), (hit,)) = (named(chart, name) for name in ("in time", "collision"))
    assert (stopped.marker.color, hit.marker.color) == (FOUND, MISSED)
    assert stopped.x[0] == pytest.approx(0.7 + SPEED / DECELERATION)


def test_the_still_picture_is_that_of_the_end_unless_an_instant_is_asked_for():
    chart = encounter({"This design": followed()})
    vehicle, _, believed, cursor = moving(chart)
    assert max(vehicle.x) == pytest.approx(NEEDED, abs=0.02)
    assert believed.x[0] == pytest.approx(35 + 0.15 * SPEED, abs=0.05)  # as late as the answers are
    assert cursor.x[0] == pytest.approx(0.7 + SPEED / DECELERATION)
    vehicle, thing, _, cursor = moving(encounter({"This design": followed()}, 0.5))
    assert max(vehicle.x) == pytest.approx(0.5 * SPEED, abs=0.02)
    assert (thing.x[0], cursor.x[0]) == (pytest.approx(35), 0.5)


def test_what_the_planner_believed_when_it_braked_stays_in_the_picture():
    late = followed()
    late.steps.loc[late.steps["t_s"] > 0.7, "believed_gap_m"] = 1.0
    at_end = moving(encounter({"This design": late}))[2]
    assert at_end.x[0] == pytest.approx(35 + 0.15 * SPEED, abs=0.05)


def test_until_anything_is_known_nothing_is_believed():
    believed = moving(encounter({"This design": followed(seen_s=0.3)}, 0.1))[2]
    assert math.isnan(believed.x[0])


def test_both_designs_move_on_one_clock_in_at_most_a_hundred_frames(late):
    chart = encounter({"This design": followed(), "The pinned run": late})
    frames = chart.figure.frames
    assert 20 < len(frames) <= MOST_FRAMES
    assert all(len(frame.data) == 8 for frame in frames)
    middle = frames[len(frames) // 2]
    assert middle.data[3].x[0] == middle.data[7].x[0] == pytest.approx(float(middle.name), abs=1e-3)
    assert max(frames[-1].data[0].x) == pytest.approx(NEEDED, abs=0.02)


@pytest.mark.parametrize("ends", [0.05, 0.9, 3.0, 9.9, 60.0, 2000.0])
def test_a_step_is_one_that_people_count_in_and_leaves_few_enough_frames(ends):
    assert math.ceil(ends / step_s(ends)) + 1 <= MOST_FRAMES


def test_nothing_moves_by_itself_and_nothing_glides():
    layout = encounter({"This design": followed()}).figure.layout
    play, pause = layout.updatemenus[0].buttons
    assert (play.args[1]["transition"]["duration"], pause.label) == (0, "Pause")
    assert play.args[1]["frame"]["duration"] == pytest.approx(2 * 1000 * step_s(0.7 + SPEED / DECELERATION))


def test_the_table_tells_everything_that_happens_in_the_order_of_time(late):
    table = encounter({"This design": followed(), "The pinned run": late}).table
    mine = table[table["design"] == "This design"]
    assert mine["time (s)"].is_monotonic_increasing
    happened = mine.set_index("what happens")
    assert happened.loc["pedestrian is confirmed", "distance (m)"] == pytest.approx(35 - 0.5 * SPEED, abs=0.05)
    assert happened.loc["vehicle stops", "vehicle (km/h)"] == pytest.approx(0, abs=0.1)
    assert (table["what happens"] == "vehicle hits it").sum() == 1
    assert happened.loc["front captures a frame: found", "answer known at (s)"].iloc[0] == pytest.approx(0.35)


def test_a_car_is_drawn_as_long_as_it_is_and_what_steps_out_comes_from_the_side():
    car = moving(encounter({"This design": followed(object="car")}))[1]
    assert (min(car.x), max(car.x)) == (pytest.approx(35), pytest.approx(39.5))
    aside = encounter({"This design": followed(lateral_m=3.0)}).figure
    assert [3.0, 0] in [list(trace.y) for trace in aside.data]
    assert aside.layout.yaxis.range[1] > 3.0
