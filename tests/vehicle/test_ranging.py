"""Distances and closing speeds that are measured with errors: braking worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from simulator.engine.run import simulate
from simulator.evidence.evidence_tables import DRAWS
from simulator.vehicle.detector_answers import NORMALS, RangeError, Ranging
from simulator.vehicle.meeting import Meeting
from simulator.vehicle.sight import sights_of
from tests.builders import assumed
from tests.encounters import each, encounters, hazard, misses, recall, vehicle_plan


def error(quantiles, of_object=0.0):
    return RangeError(np.array([10.0]), np.tile(quantiles, (1 + DRAWS, 1, 1)), misses(of_object))


def ranged(ratio=1.0, moved=0.0, of_object=0.0, found=None, missed=None, latency_s=0.1, **fields):
    """A meeting with these errors of distances (a ratio) and closing speeds (m/s), at 100 ticks a second."""
    plan = vehicle_plan(found, missed, latency_s=latency_s, **fields)
    ranging = Ranging(error(ratio + 0 * NORMALS, of_object), error(moved + 0 * NORMALS, of_object))
    sight = replace(sights_of(plan).by_stage["look"], ranging={"pedestrian": ranging, "car": ranging})
    plan = replace(plan, of_sections={"encounters": replace(sights_of(plan), by_stage={"look": sight})})
    return Meeting(simulate(plan, 1))


def brakes(**fields):
    """It brakes at c 0.5 s + c^2 / 10, so 15 m before what stands in the way at 10 m/s; 10 m are needed."""
    return {"margin_s": assumed(0.5), "predicts": True, **fields}


@pytest.mark.parametrize("ratio", [0.8, 1.0, 1.2, 1.6])
def test_what_is_taken_to_be_farther_away_is_braked_for_later(ratio):
    """15 m are believed when 15 / ratio are left, of which 10 are needed: at 1.6 too few."""
    met = ranged(ratio, latency_s=0.001, rates={"front": 100}, encounters=encounters(braking=brakes()))
    assert met.outcome().margin_m == pytest.approx(15 / ratio - 10, abs=0.2)
    assert met.outcome().stopped.all() == (ratio < 1.5)


def test_errors_that_stay_with_an_object_stop_as_many_as_the_normal_distribution_says():
    """Ratios 1 + 0.1 z, one for each object: of 12 m, 10 are left as long as z is at most 2."""
    spec = encounters(count=2000, braking=brakes(margin_s=assumed(0.2)))
    met = ranged(1 + 0.1 * NORMALS, of_object=1.0, latency_s=0.001, encounters=spec, seconds=120, rates={"front": 50})
    share = norm.cdf(2)
    assert met.outcome().stopped.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000) + 0.01)


def test_a_closing_speed_that_is_too_low_brakes_later_and_one_as_if_it_stood_does_not_use_it():
    """8 of 10 m/s ask for 4 m + 6.4 m in place of 15 m; as if the object stood, 15 m whatever was measured."""
    spec = encounters(braking=brakes(predicts=False))
    slow = ranged(moved=-2.0, encounters=spec, latency_s=0.01, rates={"front": 50})
    assert slow.outcome().margin_m == pytest.approx(0.4 - 0.1, abs=0.35)
    stands = encounters(braking=brakes(predicts=False, closing="own_speed"))
    own = ranged(moved=-2.0, encounters=stands, latency_s=0.01, rates={"front": 50})
    assert own.outcome().margin_m == pytest.approx(5 - 0.2, abs=0.35)


def test_as_if_it_stood_brakes_early_for_what_drives_on():
    """Behind 18 km/h it closes in at 5 m/s and needs 2.5 m; taken to stand, it brakes at 15 m."""
    kinds = {"one": hazard(object="car", speed_kmh=each(18))}
    met = ranged(latency_s=0.01, encounters=encounters(kinds, braking=brakes(closing="own_speed")), rates={"front": 50})
    assert met.outcome().margin_m == pytest.approx(15 - 2.5, abs=0.3)


def test_times_nothing_is_exact():
    spec = encounters(braking=brakes(range_error=assumed(0)))
    exact = ranged(1.4, -3.0, encounters=spec)
    assert exact.outcome().margin_m == pytest.approx(ranged(encounters=encounters(braking=brakes())).outcome().margin_m)


@pytest.mark.parametrize("predicts", [True, False])
def test_it_brakes_at_the_first_tick_when_the_gap_it_believes_in_is_short_enough(predicts):
    """Looked for tick by tick, with errors that are new in each frame."""
    spec = encounters(count=60, braking=brakes(predicts=predicts, planner_hz=assumed(20)))
    met = ranged(1 + 0.2 * NORMALS, found=recall(0.6), missed=misses(0.3, 0.3), encounters=spec)
    found = met.outcome()
    with np.errstate(invalid="ignore"):
        so = (met.ticks >= found.confirmed_s[:, None]) & (met.believed <= 15 + 1e-9)
    decided = [ticks[those][0] if those.any() else np.inf for ticks, those in zip(met.ticks, so, strict=True)]
    assert np.isfinite(decided).sum() > 30
    assert found.braking_s.tolist() == decided


def test_designs_meet_the_same_errors_and_the_same_misses():
    """Errors have streams of their own: without them the same frames hit, and a later answer reports the same distance."""
    spec = encounters(count=30, braking=brakes(predicts=False))
    early, late = (ranged(1 + 0.2 * NORMALS, latency_s=at, found=recall(0.6), encounters=spec) for at in (0.05, 0.2))
    exact = Meeting(simulate(vehicle_plan(recall(0.6), latency_s=0.05, encounters=spec), 1))
    assert np.array_equal(exact.hits("camera"), early.hits("camera"))
    gaps = [
        {(row, round(at, 6)): gap[0, row, place] for (row, place), at in np.ndenumerate(met.answered["camera"].after_s)}
        for met in (early, late)
        for gap in [met._believed_of("camera", np.zeros(1, np.intp))[0]]
    ]
    both = [at for at in gaps[0].keys() & gaps[1].keys() if np.isfinite(at[1])]
    assert len(both) > 200
    assert [gaps[0][at] for at in both] == [gaps[1][at] for at in both]
