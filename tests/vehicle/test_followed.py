"""One encounter step by step agrees with what became of it, and with kinematics."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.engine.run import simulate
from simulator.vehicle.followed import follow, interesting
from simulator.vehicle.meeting import Meeting
from tests.encounters import each, encounters, hazard, misses, recall, vehicle_plan


@pytest.fixture(scope="module")
def met():
    kinds = {
        "near": hazard(share={"value": 0.5, "assumed": "a test"}, distance_m=each(14)),
        "far": hazard(share={"value": 0.5, "assumed": "a test"}),
    }
    return Meeting(simulate(vehicle_plan(recall(0.6), misses(0.3, 0.3), encounters=encounters(kinds)), 1))


def test_every_encounter_ends_as_its_outcome_says(met):
    outcome = met.outcome()
    for number in range(40):
        told = follow(met, number)
        last = told.steps.iloc[-1]
        assert last["phase"] == ("stopped" if told.stopped else "hit")
        assert told.stopped == bool(outcome.stopped[number])
        assert last["gap_m"] == pytest.approx(max(told.margin_m, 0) if told.stopped else 0, abs=1e-6)
        assert last["vehicle_kmh"] == pytest.approx(0 if told.stopped else told.impact_kmh, abs=1e-4)


def test_the_gap_follows_from_the_speed(met):
    """Between two steps the gap closes by the mean speed times the time: exact at constant deceleration."""
    told = follow(met, 0)
    steps = told.steps
    moved = -np.diff(steps["gap_m"])
    mean = (steps["vehicle_kmh"].to_numpy()[1:] + steps["vehicle_kmh"].to_numpy()[:-1]) / 2 / 3.6
    assert moved == pytest.approx(mean * np.diff(steps["t_s"]), abs=1e-3)


def test_phases_come_in_their_order(met):
    order = ["unseen", "seen", "confirmed", "braking", "stopped", "hit"]
    for number in range(40):
        places = [order.index(phase) for phase in follow(met, number).steps["phase"]]
        assert places == sorted(places)


def test_frames_are_those_of_the_run(met):
    told = follow(met, 3)
    frames = told.frames
    assert np.diff(frames["captured_s"]) == pytest.approx(0.1)
    assert (frames["answered_s"] - frames["captured_s"]).dropna().to_numpy() == pytest.approx(0.1)
    assert set(frames["chance"]) == {0.6}
    assert told.confirmed_s is None or frames.loc[frames["answered_s"] <= told.confirmed_s + 1e-9, "hit"].sum() >= 3


@pytest.fixture(scope="module")
def braked():
    """Everything is found in 0.1 s; the third frame confirms, and 10 m/s end 2 s after the planner's next tick, or 10 m on."""
    kinds = {"near": hazard(distance_m=each(14))}
    return follow(Meeting(simulate(vehicle_plan(encounters=encounters(kinds)), 1)), 5)


def gap_by_hand(told, times):
    """14 m at 10 m/s, and 5 m/s^2 from the brakes on."""
    braked_s = np.clip(np.asarray(times) - told.braking_s, 0, 2)
    return 14 - 10 * np.minimum(times, told.ended_s) + 2.5 * braked_s**2


def test_the_camera_looks_on_until_the_vehicle_stands(braked):
    """Without brakes the vehicle would be there after 1.4 s; with them it stands after 2.3 s and more."""
    first = braked.frames["captured_s"].iloc[0]
    assert 0 <= first < 0.1
    assert first + 0.3 <= braked.confirmed_s + 1e-9 <= braked.braking_s + 2e-9 <= first + 0.31 + 3e-9
    assert braked.ended_s == pytest.approx(braked.braking_s + 2)
    assert braked.frames["captured_s"].to_numpy() == pytest.approx(first + 0.1 * np.arange(24))
    assert braked.frames["height_px"].to_numpy() == pytest.approx(700 * 1.7 / gap_by_hand(braked, braked.frames["captured_s"]))
    assert braked.frames["hit"].all()


def test_the_planner_believes_the_gap_of_the_newest_answered_frame_until_the_vehicle_stands(braked):
    steps, captured = braked.steps, braked.frames["captured_s"].to_numpy()
    assert steps["gap_m"].to_numpy() == pytest.approx(gap_by_hand(braked, steps["t_s"]))
    for at in captured[:-2]:
        row = steps[steps["t_s"] <= at + 0.15].iloc[-1]  # its answer is known, that of the next frame is not
        assert row["believed_gap_m"] == pytest.approx(gap_by_hand(braked, at))
    assert steps["believed_gap_m"].iloc[-1] - steps["gap_m"].iloc[-1] < 0.1


def test_a_planner_that_predicts_moves_the_gap_on_at_the_speed_of_the_frame():
    kinds = {"near": hazard(distance_m=each(14))}
    plan = vehicle_plan(encounters=encounters(kinds, braking={"predicts": True}))
    told = follow(Meeting(simulate(plan, 1)), 5)
    for at in told.frames["captured_s"].to_numpy()[3:-2]:
        row = told.steps[told.steps["t_s"] <= at + 0.15].iloc[-1]
        closing = 10 - 5 * np.clip(at - told.braking_s, 0, 2)
        age = row["t_s"] - at  # of the answer, less the time since the planner's last tick: 10 ms at most
        assert row["believed_gap_m"] == pytest.approx(gap_by_hand(told, at) - closing * age, abs=0.01 * closing + 1e-6)


def test_worth_a_look_has_a_worst_and_one_of_each_kind(met):
    found, margin = interesting(met), met.outcome().margin_m
    assert margin[found["worst"]] == margin.min()
    assert {"typical", "closest call", "Pedestrian"} <= found.keys()


def test_where_the_vehicle_never_stops_the_closest_call_is_where_least_was_lacking():
    kinds = {
        "near": hazard(share=each(0.5)["constant"], distance_m=each(3)),
        "far": hazard(share=each(0.5)["constant"], distance_m=each(7)),
    }
    met = Meeting(simulate(vehicle_plan(encounters=encounters(kinds)), 1))
    margin = met.outcome().margin_m
    found = interesting(met)
    assert margin.max() < 0
    assert margin[found["closest call"]] == margin.max()
    assert margin[found["worst"]] == margin.min()
