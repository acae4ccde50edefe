"""Gentle braking at a first sight, against kinematics by hand: v^2 = c^2 - 2 g d, step by step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.engine.run import simulate
from simulator.vehicle.braking import GentleCourse
from simulator.vehicle.detector_answers import Alarms
from simulator.vehicle.encounter_metrics import encounter_totals, usd_by_part
from simulator.vehicle.followed import follow
from simulator.vehicle.meeting import Meeting
from simulator.vehicle.sight import sights_of
from tests.builders import assumed
from tests.encounters import each, encounters, hazard, recall, vehicle_plan


def gentle(mps2=2.0, lasts_s=1.0, **braking):
    """Encounters 30 m ahead at 10 m/s; full brakes of 5 m/s^2 half a second before they have to."""
    usual = {"margin_s": assumed(0.5), "predicts": True}
    soft = {"gentle": {"deceleration_mps2": assumed(mps2), "lasts_s": assumed(lasts_s)}}
    return usual | soft | braking


def outcome(found=None, distance_m=30, **braking):
    spec = encounters({"one": hazard(distance_m=each(distance_m))}, braking=braking)
    return Meeting(simulate(vehicle_plan(found, encounters=spec), 1)).outcome()


def driven(gap, closing, begins, lasts, gently, brakes, fully, step=1e-4):
    """Drive an encounter in small steps: the gap that is left at standstill, or minus the speed at the object."""
    at, speed = 0.0, closing
    while speed > 1e-9:
        slows = fully if at >= brakes else gently if begins <= at < begins + lasts else 0.0
        gap, speed, at = gap - speed * step, max(speed - slows * step, 0.0), at + step
        if gap <= 0:
            return -speed
    return gap


@pytest.mark.parametrize("brakes", [0.5, 1.0, 2.2, 2.9])
def test_the_gap_is_that_of_a_drive_in_small_steps(brakes):
    course = GentleCourse(np.array([0.3]), np.array([1.0]), 2.0)
    closing = course.closing_at(np.array([30.0]), np.array([10.0]), np.array([brakes]))
    gap = 30 - 10 * brakes + course.gained_m(np.array([brakes]))
    margin = float(gap[0] - closing[0] ** 2 / 10)
    stepped = driven(30, 10, 0.3, 1.0, 2, brakes, 5)
    assert margin == pytest.approx(stepped, abs=0.01) if margin >= 0 else stepped < 0
    if margin < 0:
        assert np.sqrt(closing**2 - 10 * gap) == pytest.approx(-stepped, abs=0.02)


def test_it_is_at_the_object_when_small_steps_say_so():
    course = GentleCourse(np.array([0.3, 0.3, np.inf, 2.9]), np.array([1.0, 5.0, 1.0, 1.0]), 2.0)
    near = course.contact_s(np.array([30.0, 30.0, 30.0, 30.0]), np.full(4, 10.0))
    assert near[0] == pytest.approx(1.3 + (27 - 9) / 8)
    assert np.isinf(near[1])  # 10 m/s end after 5 s and 25 m; 27 m are left when it begins
    assert near[2] == pytest.approx(3)
    assert near[3] == pytest.approx(2.9 + (10 - np.sqrt(100 - 4 * 1)) / 2)


def test_a_gentle_second_leaves_more_of_the_gap():
    """The first frame begins it, full brakes follow as late as ever: what is left grows by what gentle braking has saved."""
    plain, soft = outcome(**gentle(gentle=None)), outcome(**gentle())
    assert np.isinf(plain.slowing_s).all()
    assert (soft.slowing_s < soft.confirmed_s).all()
    # It begins within 0.21 s, 2 m/s are lost in a second, and full brakes of 8 m/s leave half a second of that.
    assert soft.stopped.all()
    assert soft.margin_m == pytest.approx(0.5 * 8, abs=8 * 0.0101)
    assert (soft.braking_s > plain.braking_s).all()


def test_gentle_brakes_alone_stop_what_is_never_confirmed():
    """10 m/s end after 5 s and 25 m; from 27.9 to 30 m away they are enough, though full brakes never come."""
    spec = encounters(confirms={"hits": 15, "of": 15}, braking=gentle(lasts_s=5))
    met = Meeting(simulate(vehicle_plan(encounters=spec, rates={"front": 4}), 1))
    found = met.outcome()
    assert np.isinf(found.braking_s).all()
    stood = found.slowing_s < 0.5
    assert found.margin_m[stood] == pytest.approx(30 - 10 * found.slowing_s[stood] - 25)
    assert found.stopped[stood].all()
    assert (found.impact_mps[stood] == 0).all()


def test_never_found_is_as_without_it():
    found = outcome(recall(0.0), **gentle())
    assert np.isinf(found.slowing_s).all()
    assert found.impact_mps == pytest.approx(10)


def test_far_objects_wait_for_the_way_of_a_gentle_stop():
    """From 10 m/s at 2 m/s^2 a stop takes 25 m, and 5 m for the half second: it begins 30 m before the object, not at 60 m."""
    found = outcome(distance_m=60, **gentle())
    assert found.slowing_s == pytest.approx(3, abs=0.0201)


def test_the_picture_follows_both_brakes():
    spec = encounters({"near": hazard(distance_m=each(14))}, braking=gentle())
    met = Meeting(simulate(vehicle_plan(recall(0.7), encounters=spec), 1))
    slowed = 0
    for number in range(40):
        told = follow(met, number)
        steps, gap = told.steps, told.steps["gap_m"].to_numpy()
        speed = steps["vehicle_kmh"].to_numpy() / 3.6
        moved = (speed[1:] + speed[:-1]) / 2 * np.diff(steps["t_s"])
        held = np.diff(steps["t_s"]) < 1e-9
        # A change of brakes within a step bends the speed by less than 5 m/s^2 times the step.
        assert np.all(held | (np.abs(-np.diff(gap) - moved) <= 5 * np.diff(steps["t_s"]) ** 2 + 1e-6))
        assert gap[-1] == pytest.approx(max(told.margin_m, 0) if told.stopped else 0, abs=1e-6)
        assert speed[-1] == pytest.approx(0 if told.stopped else told.impact_kmh / 3.6, abs=1e-4)
        slowed += "slowing" in set(steps["phase"])
    assert slowed > 20


def test_false_first_sights_have_a_rate_and_a_price():
    plan = vehicle_plan(encounters=encounters(braking=gentle()))
    assert sights_of(plan) is not None
    sight = sights_of(plan).by_stage["look"]
    first = Alarms(5, 0.2, 25, 8, 58, 1)
    told = replace(
        plan, of_sections={"encounters": replace(sights_of(plan), by_stage={"look": replace(sight, first_alarms=first)})}
    )
    rate = encounter_totals(simulate(told, 1))["needless_slowings_per_h"]
    assert (rate.numerator / rate.denominator, rate.between) == (25, (8, 58))
    assert "needless_slowings_per_h" not in encounter_totals(simulate(vehicle_plan(), 1))


def test_its_price_is_a_part_of_the_cost(vehicle_spec):
    scenario = vehicle_plan().scenario.model_copy(update={"vehicle": vehicle_spec})
    parts = usd_by_part(scenario, 0.0, {"needless_slowings_per_h": 20})
    assert parts["Needless gentle brakes"] == pytest.approx(20 * 1000 * 0.01)


@pytest.fixture
def vehicle_spec():
    from simulator.vehicle.encounter_section import Vehicle

    part = {"label": "Computer", "usd": assumed(0), "idle_w": assumed(0)}
    fields = {"driven_h": 1000, "usd_per_kwh": 0.3, "needless_brake_usd": 0.1, "needless_slowing_usd": 0.01}
    fields |= {"drive_wh_per_km": 200, "average_kmh": 40}
    return Vehicle.model_validate({"parts": {"one": part}} | {name: assumed(value) for name, value in fields.items()})
