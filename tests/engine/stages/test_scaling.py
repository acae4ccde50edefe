"""Autoscaling rules against what their documentation says, number by number."""

import pytest

from simulator.engine.stages.pool_policies import Hpa, Knative, RayServe
from simulator.engine.stages.replica_scaling import HpaScaler, KnativeScaler, RayServeScaler, Usage


def usage(*looks):
    """What a pool did: (time, replicas at work, requests in the pool) since the look before."""
    made, work, ongoing, last = Usage(), 0.0, 0.0, 0.0
    for time, busy, inside in looks:
        work, ongoing, last = work + busy * (time - last), ongoing + inside * (time - last), time
        made.note(time, work, ongoing)
    return made


def hpa(busy, ready, **fields):
    """What an autoscaler with a target of 50% wants that looks for the first time."""
    rule = HpaScaler(Hpa(kind="hpa", max_replicas=100, **{"target": 0.5, **fields}))
    return rule.wanted(15, ready, ready, usage((15, busy, 0)))


def test_hpa_twice_the_target_doubles_the_replicas_and_half_of_it_halves_them():
    assert hpa(busy=4.0, ready=4) == 8  # 100% where 50% is the target
    assert hpa(busy=1.0, ready=4, stabilization_s=0) == 2


def test_hpa_rounds_up():
    assert hpa(busy=3.0, ready=5) == 6  # 60% of 50%: 5 x 1.2


@pytest.mark.parametrize("busy", [1.81, 2.0, 2.19])
def test_hpa_leaves_the_number_alone_within_a_tenth_of_the_target(busy):
    assert hpa(busy=busy, ready=4) == 4


def test_hpa_goes_up_by_four_or_by_double_in_one_step_at_most():
    assert hpa(busy=1.0, ready=1, target=0.1) == 5  # ten are wanted; one and four more
    assert hpa(busy=8.0, ready=8, target=0.1) == 16


def test_hpa_goes_down_to_the_highest_wish_of_the_last_five_minutes():
    rule = HpaScaler(Hpa(kind="hpa", max_replicas=100, target=0.5))
    looks = [(15, 4.0, 0)]
    assert rule.wanted(15, 8, 8, usage(*looks)) == 8  # at the target
    wishes = []
    for time in range(30, 346, 15):
        looks.append((time, 1.0, 0))
        wishes.append(rule.wanted(time, 8, 8, usage(*looks)))
    assert wishes == [8] * 20 + [2] * 2  # at 330 s the wish of 15 s is older than 300 s


def test_knative_wants_the_concurrency_of_the_stable_window_over_the_target():
    rule = KnativeScaler(Knative(kind="knative", max_replicas=100, target=10))
    looks = usage((54, 0, 40), (60, 0, 45))
    assert rule.wanted(60, 3, 3, looks) == 5  # (54 x 40 + 6 x 45) / 60 = 40.5; the panic window wants 5, not twice 3


def test_knative_panics_when_the_last_six_seconds_want_twice_what_is_ready_and_then_does_not_go_down():
    rule = KnativeScaler(Knative(kind="knative", max_replicas=100, target=10))
    assert rule.wanted(60, 3, 3, usage((54, 0, 30), (60, 0, 60))) == 6
    quiet = usage((54, 0, 30), (60, 0, 60), (90, 0, 10))
    assert rule.wanted(90, 6, 6, quiet) == 6
    calm = usage((54, 0, 30), (60, 0, 60), (121, 0, 10))
    assert rule.wanted(121, 6, 6, calm) == 1


def test_ray_serve_goes_up_when_the_wish_has_lasted_thirty_seconds_and_down_after_ten_minutes():
    rule = RayServeScaler(RayServe(kind="ray_serve", max_replicas=100))
    looks, wanted = [], {}
    for time in range(1, 700):
        looks.append((time, 0, 9 if time < 40 else 1))
        current = 1 if time <= 30 else 5
        wanted[time] = rule.wanted(time, current, current, usage(looks[-1] if len(looks) == 1 else looks[-2], looks[-1]))
    assert wanted[30] == 1
    assert wanted[31] == 5  # nine ongoing at two a replica, since 1 s
    assert wanted[39] == 5
    assert wanted[639] == 5
    assert wanted[640] == 1
