"""What encounters come to: metrics with intervals, paired between designs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from simulator.engine.run import simulate
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.vehicle.encounter_causes import ENCOUNTER_CAUSES
from simulator.vehicle.encounter_metrics import busy_s, encounter_totals
from tests.builders import assumed, pool
from tests.encounters import each, encounters, hazard, misses, recall, vehicle_plan


def test_every_metric_by_hand():
    """From 8 m none stops: 40 encounters at 10 m/s, found after 0.3 to 0.4 s."""
    totals = encounter_totals(simulate(vehicle_plan(encounters=encounters({"one": hazard(distance_m=each(8))})), 1))
    assert totals["stopped_share"].ratio == 0
    assert totals["stopped_share.one"].ratio == 0
    assert totals["confirmed_share"].ratio == 1
    assert 4 < totals["confirmed_mean_m"].ratio < 5
    harm, impact = totals["harm_share"].ratio, totals["impact_mean_kmh"].ratio / 3.6
    assert (impact / 10) ** 2 == pytest.approx(harm, rel=0.02)  # all encounters are nearly alike


def test_what_does_not_close_in_does_not_count():
    kinds = {"slow": hazard(share=assumed(0.5)), "fast": hazard(share=assumed(0.5), speed_kmh=each(100))}
    totals = encounter_totals(simulate(vehicle_plan(encounters=encounters(kinds)), 1))
    assert totals["stopped_share.fast"].denominator == 0
    assert totals["stopped_share"].denominator == totals["stopped_share.slow"].denominator


def test_time_in_degraded_mode():
    """Of information that is .1 to 1.1 s old, the share above .6 s is one half."""
    spec = encounters(degrades={"above_age_ms": 600, "speed_kmh": assumed(18)})
    totals = encounter_totals(simulate(vehicle_plan(rates={"front": 1}, encounters=spec, seconds=1000), 1))
    assert totals["degraded_share"].ratio == pytest.approx(0.5, abs=0.002)


def test_the_price_of_degraded_mode():
    """Once a second it begins, for half a second at half the speed: a quarter of the way, and 3,600 times an hour."""
    spec = encounters(degrades={"above_age_ms": 600, "speed_kmh": assumed(18), "usd_each": assumed(0.01)})
    driven = vehicle() | {"lost_hour_usd": assumed(40)}
    runs = [vehicle_plan(rates={"front": 1}, encounters=one, seconds=500, vehicle=driven) for one in (spec, encounters())]
    slow, usual = (encounter_totals(simulate(run, 1)) for run in runs)
    assert slow["lost_way_share"].ratio == pytest.approx(0.25, abs=0.002)
    assert slow["degraded_per_h"].ratio == pytest.approx(3600, rel=0.01)
    dearer = slow["usd_per_vehicle"].ratio - usual["usd_per_vehicle"].ratio
    assert dearer == pytest.approx(1000 * (0.25 * 40 + 3600 * 0.01), rel=0.01)


def test_pairing_narrows_the_interval_of_a_difference():
    """0.05 s save half a metre in each encounter: far less than encounters differ from each other."""
    found, missed = recall(0.5), misses(of_object=0.3, slow=0.3)
    runs = [replicate(vehicle_plan(found, missed, latency_s=at), 1, 10) for at in (0.15, 0.1)]
    (change,) = [one for one in compare(*runs, every=True).moved if one.metric.name == "margin_mean_m"]
    width = change.change.high - change.change.low
    alone = np.hypot(*(run.metrics["margin_mean_m"].high - run.metrics["margin_mean_m"].low for run in runs))
    assert change.significant
    assert 0 < change.change.value < 3
    assert width < alone / 3


def test_resamples_of_the_evidence_widen_the_interval():
    """Resamples whose recall is 0.1 higher or lower count as a doubt of their own, beside the luck of the run."""
    certain = recall(0.5)
    shares = certain.shares.copy()
    shares[1::2] += 0.1
    shares[2::2] -= 0.1
    doubtful = type(certain)(certain.by, certain.x, shares)
    one, other = (replicate(vehicle_plan(found), 1, 4).metrics["margin_mean_m"] for found in (certain, doubtful))
    assert one.labels is None
    assert other.labels is not None
    assert other.value == one.value
    assert other.high - other.low > one.high - one.low


def vehicle(**module):
    """Driven for 1,000 h, in which a kWh costs 0.50 USD and a brake without need 2 USD."""
    watts = {"idle_w": assumed(10), "busy_w": assumed(30)}
    return {
        "parts": {"module": {"label": "Module", "usd": assumed(500), **watts, "works_for": ["look"]} | module},
        "driven_h": assumed(1000),
        "usd_per_kwh": assumed(0.5),
        "needless_brake_usd": assumed(2),
        "drive_wh_per_km": assumed(164),
        "average_kmh": assumed(50),
    }


def test_a_vehicle_pays_for_what_it_carries_draws_and_fears():
    """A part at work 0.4 of each 0.1 s draws 10 + 0.4 * 20 W; brakes that nothing called for lie between 0 and 15 an hour."""
    run = replicate(vehicle_plan(latency_s=0.04, seconds=600, vehicle=vehicle()), 1, 3)
    assert run.metrics["power_mean_w"].value == pytest.approx(18, abs=0.01)
    assert run.metrics["energy_per_frame_j"].value == pytest.approx(1.8, abs=0.01)
    assert run.metrics["range_lost_share"].value == pytest.approx(18 / 8218, abs=1e-5)
    cost = run.metrics["usd_per_vehicle"]
    assert cost.value == pytest.approx(500 + 18 * 0.5, abs=0.01)
    assert cost.high == pytest.approx(cost.value + 15 * 1000 * 2, abs=0.1)
    assert run.metrics["needless_brakes_per_h"].high == pytest.approx(15)


def test_the_same_fear_on_both_sides_is_no_doubt_about_a_difference():
    """A part of 40 USD more and the same brakes without need: 40 USD between the designs, whatever those brakes come to."""
    runs = [replicate(vehicle_plan(latency_s=0.04, vehicle=vehicle(usd=assumed(usd))), 1, 3) for usd in (500, 540)]
    (change,) = [one for one in compare(*runs, every=True).moved if one.metric.name == "usd_per_vehicle"]
    assert (change.change.value, change.change.low, change.change.high) == pytest.approx((40, 40, 40), abs=0.01)


def test_frames_that_no_machine_works_on_take_no_share_of_the_energy():
    """Two sensors at 10 Hz, one of which is led past the machine: 18 W are 1.8 J for each frame of the other."""
    past = {
        "kind": "gate",
        "label": "Which",
        "by": "sensor",
        "routes": [{"values": ["front"], "to": "look"}, {"to": "dropped"}],
    }
    stages = {"which": past, "look": pool(to="planner", replicas=4)}
    plan = vehicle_plan(latency_s=0.04, seconds=600, rates={"front": 10, "rear": 10}, stages=stages, vehicle=vehicle())
    assert replicate(plan, 1, 3).metrics["energy_per_frame_j"].value == pytest.approx(1.8, abs=0.01)


@pytest.mark.parametrize(("parts", "seconds"), [(1, 3.0), (2, 3.5)])
def test_as_many_parts_work_as_there_are(parts, seconds):
    """Services on [0, 2), [1, 1.5) and [3, 4): one part covers 3 s, two work for 3.5 s together."""
    assert busy_s(np.array([3.0, 0.0, 1.0]), np.array([4.0, 2.0, 1.5]), parts) == seconds


def test_what_is_lost_is_told_by_kind():
    """From 8 m none stops, from 40 m all do: whatever is lost is of the first kind."""
    kinds = {"near": hazard(share=assumed(0.5), distance_m=each(8)), "far": hazard(share=assumed(0.5), distance_m=each(40))}
    run = replicate(vehicle_plan(encounters=encounters(kinds)), 1, 2)
    totals = run.measures[0].totals
    assert (
        totals["lost.unseen"].denominator == totals["stopped_share.near"].denominator == totals["lost.unseen.near"].denominator
    )
    assert totals["lost.unseen.far"].denominator == 0
    verdict = SimpleNamespace(metric=run.metric("stopped_share.near"), estimate=run.metrics["stopped_share.near"])
    told = ENCOUNTER_CAUSES["stopped_share"](run, verdict).sentence
    assert told.startswith("In 100% of the encounters of the kind “Pedestrian” the vehicle does not stop in time. Of these, ")
