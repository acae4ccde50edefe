"""How long it takes from a frame to the brakes, from plans whose delays are known."""

import pytest

from simulator.engine.run import simulate
from simulator.vehicle.meeting import Meeting, reaction_s
from tests.builders import assumed, pool
from tests.encounters import encounters, vehicle_plan


def test_the_answer_half_a_tick_and_the_brakes_add_up():
    """0.1 s to the answer, 0.05 s to a planner's tick ten times a second, 0.2 s to the brakes."""
    slow = encounters(braking={"planner_hz": assumed(10), "actuation_s": assumed(0.2)})
    assert reaction_s(Meeting(simulate(vehicle_plan(encounters=slow)))) == pytest.approx(0.35)


def test_without_an_answer_there_is_no_reaction():
    stages = {"look": pool(to="dropped")}
    assert reaction_s(Meeting(simulate(vehicle_plan(stages=stages)))) is None
