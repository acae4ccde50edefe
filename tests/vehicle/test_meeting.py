"""Encounters worked out by hand: distances from speed, frame rate, latency and recall alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from simulator.engine.run import simulate
from simulator.evidence.evidence_tables import DRAWS
from simulator.vehicle.detector_answers import Recall
from simulator.vehicle.encounter_metrics import encounter_totals
from simulator.vehicle.encounter_section import LONGEST_S
from simulator.vehicle.meeting import Meeting
from simulator.vehicle.sight import sights_of
from tests.builders import assumed, pool
from tests.encounters import each, encounters, hazard, misses, recall, step_recall, vehicle_plan


def meeting(plan, seed=1, replication=0):
    return Meeting(simulate(plan, seed, replication))


def test_recall_1_confirms_with_the_third_frame():
    """At 10 frames a second and 0.1 s to the answer: the third frame comes after 0.2 to 0.3 s."""
    met = meeting(vehicle_plan())
    found = met.outcome()
    first_frame = np.ceil(met.drawn.at_s * 10) / 10 - met.drawn.at_s
    assert found.confirmed_s == pytest.approx(first_frame + 0.2 + 0.1, abs=1e-6)


def test_brakes_at_the_next_tick_and_stops_where_the_formula_says():
    met = meeting(vehicle_plan())
    found = met.outcome()
    tick = np.ceil((met.drawn.at_s + found.confirmed_s) * 100 - 1e-6) / 100 - met.drawn.at_s
    assert found.braking_s == pytest.approx(tick, abs=0.0101)
    gap = 30 - 10 * found.braking_s
    assert found.margin_m == pytest.approx(gap - 10**2 / (2 * 5))
    assert found.stopped.all()


@pytest.mark.parametrize("latency_s", [0.1, 0.2, 0.4])
def test_latency_costs_speed_times_latency(latency_s):
    """Same frames, same misses: a later answer costs v dt metres, give or take a tick of the planner."""
    early, late = (meeting(vehicle_plan(latency_s=one)).outcome() for one in (0.05, latency_s))
    lost = early.margin_m - late.margin_m
    assert lost == pytest.approx(10 * (latency_s - 0.05), abs=10 * 0.01 + 1e-6)


def test_height_in_pixels_says_from_where_it_is_found():
    """1.7 m at a focal length of 700 px is 59.5 px high 20 m ahead: nothing farther away is found, everything nearer is."""
    met = meeting(vehicle_plan(step_recall(59.5)))
    frames, hits = met.families["camera"], met.hits("camera")
    gap = 30 - 10 * frames.after_s
    assert np.array_equal(hits, (gap <= 20) & frames.known)


def test_too_late_hits_at_the_speed_that_is_left():
    """From 8 m at 10 m/s and 5 m/s^2: sqrt(100 - 80) m/s are left. It is confirmed after 0.3 to 0.4 s."""
    met = meeting(vehicle_plan(encounters=encounters({"one": hazard(distance_m=each(8))})))
    found = met.outcome()
    left = 8 - 10 * found.braking_s
    assert not found.stopped.any()
    assert found.impact_mps == pytest.approx(np.sqrt(100 - 10 * left))


def test_never_found_hits_at_full_speed():
    found = meeting(vehicle_plan(recall(0.0))).outcome()
    assert np.isinf(found.confirmed_s).all()
    assert found.impact_mps == pytest.approx(10)
    assert found.margin_m == pytest.approx(-10)


def test_a_truck_that_drives_on_closes_in_with_the_difference():
    """36 km/h behind 18 km/h: the gap closes at 5 m/s, and 2.5 m are needed."""
    met = meeting(vehicle_plan(encounters=encounters({"one": hazard(object="car", speed_kmh=each(18))})))
    assert met.closing_mps == pytest.approx(5)
    assert met.outcome().margin_m == pytest.approx(30 - 5 * met.outcome().braking_s - 2.5)


def test_what_is_farther_than_the_longest_time_is_met_later():
    met = meeting(vehicle_plan(encounters=encounters({"one": hazard(distance_m=each(500))})))
    assert met.gap_m == pytest.approx(10 * LONGEST_S)


def test_waits_with_braking_until_it_has_to():
    """With a margin of half a second it brakes at 10 m + 5 m, not as soon as it sees the object 30 m ahead."""
    spec = encounters(braking={"margin_s": assumed(0.5)})
    with_prediction = spec | {"braking": spec["braking"] | {"predicts": True}}
    late, ahead = (meeting(vehicle_plan(encounters=one)).outcome() for one in (spec, with_prediction))
    assert ahead.margin_m == pytest.approx(5, abs=10 * 0.0101)
    # An answer is 0.1 to 0.2 s old, in which the vehicle moves on by 1 to 2 m.
    assert ((late.margin_m > 2.8) & (late.margin_m < 4.05)).all()


def test_beside_the_way_and_outside_the_angle_is_not_seen():
    """3 m beside the way, 45 degrees are reached 3 m ahead: with half an angle of 10 degrees, not nearer than 17 m."""
    spec = encounters({"one": hazard(lateral_m=each(3))})
    spec["sees"]["look"]["half_angle_deg"] = assumed(10)
    met = meeting(vehicle_plan(encounters=spec))
    frames, hits = met.families["camera"], met.hits("camera")
    gap = 30 - 10 * frames.after_s
    assert np.array_equal(hits, (gap >= 3 / np.tan(np.radians(10))) & frames.known)


def test_independent_frames_hit_as_often_as_the_recall_says():
    met = meeting(vehicle_plan(recall(0.4), seconds=300, encounters=encounters(count=2000)))
    hits, known = met.hits("camera"), met.families["camera"].known
    n = known.sum()
    assert hits.sum() / n == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / n))


def test_two_frames_hit_together_as_often_as_the_latent_process_says():
    """P(hit, hit) of two frames 0.1 s apart is a bivariate normal probability with the correlation of the process."""
    kept = misses(of_object=0.3, slow=0.4, tau_s=0.5)
    met = meeting(vehicle_plan(recall(0.4), kept, latency_s=0.01, seconds=600, encounters=encounters(count=4000)))
    hits = met.hits("camera")
    correlation = 0.3 + 0.4 * np.exp(-0.1 / 0.5)
    both = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf(np.full(2, ndtri(0.4)))
    found = (hits[:, 0] & hits[:, 1])[met.families["camera"].known[:, 1]]
    assert found.mean() == pytest.approx(both, abs=4 * found.std() / np.sqrt(len(found)))


def test_the_same_object_is_never_found_where_all_of_it_stays():
    met = meeting(vehicle_plan(recall(0.4), misses(of_object=1.0)))
    hits, known = met.hits("camera"), met.families["camera"].known
    assert all(len(set(row[there])) <= 1 for row, there in zip(hits, known, strict=True))


def test_designs_meet_the_same_encounters_and_the_same_misses():
    """Another latency changes no frame that hits; only when it is known."""
    kept = misses(of_object=0.3, slow=0.4)
    one, other = (meeting(vehicle_plan(recall(0.4), kept, latency_s=at)) for at in (0.05, 0.2))
    assert np.array_equal(one.drawn.at_s, other.drawn.at_s)
    for row in range(40):
        early, late = (
            dict(zip(m.families["camera"].after_s[row].round(6), m.hits("camera")[row], strict=True)) for m in (one, other)
        )
        assert all(early[at] == hit for at, hit in late.items() if np.isfinite(at) and hit)


def fused(fuses, correlation, count=3000, finds=0.5):
    spec = encounters(count=count, fuses=fuses, confirms={"hits": 1, "of": 1})
    spec["sees"] = {
        "look": {"finds": "kitti.yolox_x", "sensors": ["front"], "focal_px": assumed(700)},
        "echo": {"finds": "kitti.pointrcnn", "threshold": 3, "sensors": ["lidar"]},
    }
    stages = {
        "split": {
            "kind": "gate",
            "label": "Which",
            "by": "sensor",
            "routes": [{"values": ["lidar"], "to": "echo"}, {"to": "look"}],
        },
        "look": pool(to="planner", replicas=4),
        "echo": pool(to="planner", replicas=4),
    }
    stays = misses(of_object=1.0)
    return vehicle_plan(
        {"look": recall(finds), "echo": recall(finds, "distance_m")},
        stays,
        seconds=300,
        rates={"front": 10, "lidar": 10},
        correlations={"pedestrian": np.array([correlation] * 3)},
        stages=stages,
        encounters=spec,
    )


@pytest.mark.parametrize(
    ("fuses", "correlation", "promised"), [("either", 0.0, 0.75), ("both", 0.0, 0.25), ("either", 0.5, 2 / 3)]
)
def test_two_sensors_find_as_much_as_their_misses_have_in_common(fuses, correlation, promised):
    """Of objects that are found half of the time by each: P(neither) = 1/4 + arcsin(r) / (2 pi) (Sheppard 1899)."""
    found = np.isfinite(meeting(fused(fuses, correlation)).outcome().confirmed_s)
    assert found.mean() == pytest.approx(promised, abs=4 * found.std() / np.sqrt(len(found)))


def test_degraded_mode_slows_down_while_information_is_old():
    """Frames once a second are up to 1.1 s old: encounters while they are older than 0.6 s are met at 18 km/h."""
    spec = encounters(degrades={"above_age_ms": 600, "speed_kmh": assumed(18)})
    met = meeting(vehicle_plan(rates={"front": 1}, encounters=spec))
    age = (met.drawn.at_s - 0.1) % 1 + 0.1
    degraded = met.too_old(met.drawn.at_s)
    assert np.array_equal(degraded[met.drawn.at_s > 1.2], (age > 0.6)[met.drawn.at_s > 1.2])
    assert met.speed_mps == pytest.approx(np.where(degraded, 5, 10))


def test_what_is_mostly_hidden_at_first_is_found_less_often():
    """Half of the frames find it, and Phi(-1) = 0.1587 of those within 0.5 s; other draws stay as they are."""
    spec = encounters({"one": hazard(hidden_s=each(0.5))}, count=2000)
    spec["sees"]["look"]["hidden_shift"] = assumed(-1)
    met = meeting(vehicle_plan(recall(0.5), seconds=300, encounters=spec))
    usual = meeting(vehicle_plan(recall(0.5), seconds=300, encounters=encounters(count=2000)))
    frames, hits = met.families["camera"], met.hits("camera")
    early = frames.known & (frames.after_s < 0.5)
    assert hits[early].mean() == pytest.approx(0.1587, abs=4 * np.sqrt(0.1335 / early.sum()))
    assert np.array_equal(hits[~early], usual.hits("camera")[~early])


@pytest.mark.parametrize(("missed", "early_share"), [("none", 1), ("hidden", 0)])
def test_a_detector_may_miss_nothing_or_only_what_is_mostly_hidden(missed, early_share):
    """It finds one frame in a hundred as measured; here it finds each, or each that comes after the object is in full view."""
    spec = encounters({"one": hazard(hidden_s=each(0.5))}, count=200, misses=missed)
    met = meeting(vehicle_plan(recall(0.01), seconds=30, encounters=spec))
    frames, hits = met.families["camera"], met.hits("camera")
    early = frames.after_s < 0.5
    assert hits[frames.known & frames.seen & early].mean() == early_share
    assert hits[frames.known & frames.seen & ~early].all()


def test_it_slows_down_gently_from_when_the_information_got_too_old():
    """At 10 m/s and 4 m/s^2, 0.2 s beyond the limit leave 9.2 m/s; 5 m/s are reached after 1.25 s, which never passes here."""
    mode = {"above_age_ms": 600, "speed_kmh": assumed(18), "slows_mps2": assumed(4)}
    met = meeting(vehicle_plan(rates={"front": 1}, encounters=encounters(degrades=mode)))
    later = met.drawn.at_s > 1.2
    age = ((met.drawn.at_s - 0.1) % 1 + 0.1)[later]
    assert met.speed_mps[later] == pytest.approx(10 - 4 * np.maximum(age - 0.6, 0), abs=1e-6)


def test_a_condition_shifts_what_is_found():
    spec = encounters(
        count=2000, condition="night", conditions={"night": {"label": "Night", "corruption": "night", "severity": 2}}
    )
    plan = vehicle_plan(recall(0.5), seconds=300, encounters=spec)
    sight = sights_of(plan).by_stage["look"]
    dark = replace(sight, shifts={"night": np.full(41, -1.0)})
    plan = replace(plan, of_sections={"encounters": replace(sights_of(plan), by_stage={"look": dark})})
    met = meeting(plan)
    n = met.families["camera"].known.sum()
    assert met.hits("camera").sum() / n == pytest.approx(0.1587, abs=4 * np.sqrt(0.1335 / n))


def test_where_both_must_confirm_the_view_is_as_old_as_the_older_of_the_two():
    """A camera at 10 Hz and a LiDAR at 1 Hz, answered after 0.1 s: where either is enough, the camera keeps it fresh."""
    sees = {
        "look": {"finds": "kitti.yolox_x", "sensors": ["front"], "focal_px": assumed(700)},
        "scan": {"finds": "kitti.pointrcnn", "sensors": ["lidar"]},
    }
    which = {
        "kind": "gate",
        "label": "Which",
        "by": "sensor",
        "routes": [{"values": ["front"], "to": "look"}, {"to": "scan"}],
    }
    looks = {"which": which, **{name: pool(to="planner", replicas=4) for name in sees}}
    found = {"look": recall(), "scan": recall(by="distance_m")}
    slow = {}
    for fuses in ("either", "both"):
        spec = encounters(sees=sees, fuses=fuses, degrades={"above_age_ms": 600, "speed_kmh": assumed(18)})
        plan = vehicle_plan(found, stages=looks, rates={"front": 10, "lidar": 1}, encounters=spec)
        slow[fuses] = encounter_totals(simulate(plan, 1))["degraded_share"].ratio
    assert slow == {"either": pytest.approx(0, abs=0.001), "both": pytest.approx(0.5, abs=0.01)}


@pytest.mark.parametrize("predicts", [True, False])
def test_it_brakes_at_the_first_tick_at_which_the_gap_it_believes_in_is_short_enough(predicts):
    """Looked for tick by tick: the object counts, and at most c margin + c^2 / (2 a) + clearance are believed to be left."""
    spec = encounters(
        braking={"margin_s": assumed(0.8), "clearance_m": assumed(1), "predicts": predicts, "planner_hz": assumed(20)}
    )
    met = meeting(vehicle_plan(recall(0.6), misses(0.3, 0.3), encounters=spec))
    found = met.outcome()
    with np.errstate(invalid="ignore"):
        so = (met.ticks >= found.confirmed_s[:, None]) & (met.believed <= 10 * 0.8 + 10**2 / (2 * 5) + 1)
    decided = [ticks[brakes][0] if brakes.any() else np.inf for ticks, brakes in zip(met.ticks, so, strict=True)]
    assert np.isfinite(decided).sum() > 20
    assert found.braking_s.tolist() == decided


def test_draws_of_the_evidence_change_nothing_for_each_other():
    """Evaluated together or alone, each gives the same; one in which nothing is found stops for nobody."""
    shares = np.full((1 + DRAWS, 2), 0.7)
    shares[5] = 0.0
    met = meeting(vehicle_plan(Recall("height_px", np.array([1.0, 1000.0]), shares), misses(0.3, 0.3)))
    together, alone = met.outcomes(np.array([0, 5, 7])), met.outcomes(np.array([7]))
    assert together.margin_m[2].tolist() == alone.margin_m[0].tolist()
    assert together.margin_m[0].tolist() == met.outcome().margin_m.tolist()
    assert not np.isfinite(together.braking_s[1]).any()
