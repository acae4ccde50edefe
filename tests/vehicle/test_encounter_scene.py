"""An encounter is drawn where the vehicle was when, with every frame and its answer, and is said in short sentences."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from simulator.vehicle.encounter_scene import EncounterScene
from tests.charts.meetings import DECELERATION, followed

SPEED = 50 / 3.6
#: At 50 km/h, from 0.7 s on at 6 m/s^2: 9.7 m before the brakes hold, 16.1 m with them.
NEEDED = 0.7 * SPEED + SPEED**2 / (2 * DECELERATION)
STANDS = 0.7 + SPEED / DECELERATION


@pytest.fixture
def late():
    return followed(confirmed_s=1.2, braking_s=1.4, seen_s=0.9)


def drawn(*designs):
    """The data of the picture, as the browser gets them."""
    names = ["This design", "The pinned run"]
    return json.loads(json.dumps(EncounterScene(dict(zip(names, designs, strict=False))).to_json(), allow_nan=False))


def takeaway(*designs):
    return EncounterScene(dict(zip(["This design", "The pinned run"], designs, strict=False))).takeaway


def test_three_short_sentences_say_what_each_design_does_with_the_same_encounter(late):
    scene = EncounterScene({"This design": followed(), "The pinned run": late})
    assert [claim.words for claim in scene.claims] == [
        "A pedestrian steps out, 35.0 m ahead of a vehicle at 50 km/h.",
        f"This design confirms it after 500 ms, brakes after 700 ms and stops {35 - NEEDED:.1f} m before it.",
        "The pinned run confirms it after 1.20 s, brakes after 1.40 s and hits it at 9.0 km/h, 0.5 m short.",
    ]
    assert [claim.value for claim in scene.claims] == [35, *(pytest.approx(one, abs=0.05) for one in (35 - NEEDED, -0.5))]
    assert scene.takeaway == " ".join(claim.words for claim in scene.claims) == drawn(followed(), late)["alt"]


def test_a_vehicle_that_never_learns_of_it_arrives_at_full_speed():
    assert takeaway(followed(seen_s=None, confirmed_s=None, braking_s=None)).endswith(
        "This design never confirms it and hits it at 50 km/h."
    )


def test_behind_something_that_drives_nobody_stops():
    truck = followed()
    truck.steps["vehicle_kmh"] += 20
    assert f"comes no nearer than {35 - NEEDED:.1f} m" in takeaway(truck)


def test_the_vehicle_is_where_the_schedule_has_it():
    steps = drawn(followed())["panes"][0]["steps"]
    times = np.array(steps["t"])
    braked = np.clip(times - 0.7, 0, None)
    assert steps["vehicle"] == pytest.approx(SPEED * times - DECELERATION / 2 * braked**2, abs=0.02)
    assert steps["object"] == pytest.approx([35] * len(times), abs=0.02)
    assert steps["kmh"] == pytest.approx(3.6 * (SPEED - DECELERATION * braked), abs=0.01)
    assert times[-1] == pytest.approx(STANDS, abs=1e-4)


def test_the_phases_follow_each_other_without_a_gap():
    spans = drawn(followed())["panes"][0]["spans"]
    assert spans == [
        ["unseen", 0, 0.3],
        ["seen", 0.3, 0.5],
        ["confirmed", 0.5, 0.7],
        ["braking", 0.7, pytest.approx(STANDS, abs=1e-4)],
        ["stopped", pytest.approx(STANDS, abs=1e-4), pytest.approx(STANDS, abs=1e-4)],
    ]


def test_each_frame_leads_from_its_capture_to_its_answer_until_the_vehicle_stands():
    (sensor,) = drawn(followed(late_s=0.15))["panes"][0]["sensors"]
    assert sensor["name"] == "front"
    assert [frame[:3] for frame in sensor["frames"]] == [
        [pytest.approx(0.1 * place), pytest.approx(0.1 * place + 0.15), "missed" if place < 2 else "found"]
        for place in range(31)  # it stands after 3.01 s
    ]
    assert sensor["frames"][0][3] == "front: not found, known 150 ms later; 40% of such frames find it"


def test_a_frame_without_an_answer_is_a_result_of_its_own():
    some = followed()
    some.frames.loc[some.frames.index % 3 == 1, "answered_s"] = np.nan
    scene = drawn(some)
    frames = scene["panes"][0]["sensors"][0]["frames"]
    assert frames[1] == [0.1, None, "unanswered", "front: no answer"]
    assert {frame[2] for frame in frames} == set(scene["results"]) == {"found", "missed", "unanswered"}
    assert scene["results"]["unanswered"][0] == "no answer"


def test_each_sensor_has_a_lane_of_its_own():
    both = followed()
    frames = pd.concat([both.frames, both.frames.assign(sensor="LiDAR")], ignore_index=True)
    lanes = drawn(replace(both, frames=frames))["panes"][0]["sensors"]
    assert [(lane["name"], len(lane["frames"])) for lane in lanes] == [("front", 31), ("LiDAR", 31)]


def test_how_it_ended_is_the_last_phase(late):
    first, other = drawn(followed(), late)["panes"]
    assert (first["spans"][-1][0], other["spans"][-1][0]) == ("stopped", "hit")
    assert [what for what, _ in first["moments"]] == ["comes into view", "is confirmed", "vehicle brakes", "vehicle stops"]
    assert other["moments"][-1][0] == "vehicle hits it"


def test_the_planner_believes_nothing_before_an_answer_and_goes_on_believing_while_the_vehicle_brakes():
    pane = drawn(followed(late_s=0.15))["panes"][0]
    times, believed = np.array(pane["steps"]["t"]), pane["steps"]["believed"]
    assert all(place is None for place in np.array(believed)[times < 0.3])
    assert believed[-1] == pytest.approx(35 + 0.15 * SPEED, abs=0.05)  # as late as the answers are, to the end
    assert None not in np.array(believed)[times >= 0.3]


def test_both_designs_move_on_one_clock_and_one_road(late):
    scene = drawn(followed(), late)
    impact = np.sqrt(SPEED**2 - 2 * DECELERATION * (35 - 1.4 * SPEED))
    assert scene["ends"] == pytest.approx(1.4 + (SPEED - impact) / DECELERATION, abs=1e-4)
    assert scene["panes"][0]["steps"]["t"][-1] == pytest.approx(STANDS, abs=1e-4)
    assert scene["road"][1] > max(max(pane["steps"]["object"]) for pane in scene["panes"]) + 4.5


def test_something_that_comes_from_the_side_has_room_beside_the_way():
    aside = followed(lateral_m=3.0)
    aside.steps["lateral_m"] = np.clip(3 - aside.steps["t_s"], 0, None)
    scene = drawn(aside)
    assert scene["side"] > 3
    assert scene["panes"][0]["steps"]["lateral"][0] == 3


def test_something_that_is_hidden_at_first_is_drawn_and_told_so():
    hidden = followed(hidden_s=0.4)
    assert drawn(hidden)["hidden"] == 0.4
    happened = EncounterScene({"This design": hidden}).table().set_index("what happens")
    assert happened.loc["pedestrian is no longer hidden", "time (s)"] == 0.4
    assert "pedestrian is no longer hidden" not in list(EncounterScene({"This design": followed()}).table()["what happens"])


def test_the_table_tells_everything_that_happens_in_the_order_of_time(late):
    table = EncounterScene({"This design": followed(), "The pinned run": late}).table()
    mine = table[table["design"] == "This design"]
    assert mine["time (s)"].is_monotonic_increasing
    happened = mine.set_index("what happens")
    assert happened.loc["pedestrian is confirmed", "distance (m)"] == pytest.approx(35 - 0.5 * SPEED, abs=0.05)
    assert happened.loc["vehicle stops", "vehicle (km/h)"] == pytest.approx(0, abs=0.1)
    assert (table["what happens"] == "vehicle hits it").sum() == 1
    assert happened.loc["front captures a frame: found", "answer known at (s)"].iloc[0] == pytest.approx(0.35)
