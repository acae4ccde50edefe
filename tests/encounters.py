"""Small plans of vehicles for the tests: what comes into the way, and who finds what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.engine.compiled_plan import Plan
from simulator.evidence.evidence_tables import DRAWS
from simulator.evidence.latency_tables import constant
from simulator.vehicle.detector_answers import Alarms, Misses, Recall
from simulator.vehicle.sight import Sights, StageSight
from tests.builders import assumed, end, plan, pool, sensors


def each(value: float) -> dict[str, Any]:
    """A quantity that is always the same."""
    return {"constant": assumed(value)}


def hazard(**fields: Any) -> dict[str, Any]:
    """A pedestrian of 1.7 m who stands in the way, 30 m ahead."""
    usual = {"label": "Pedestrian", "share": assumed(1), "object": "pedestrian", "height_m": each(1.7), "distance_m": each(30)}
    return usual | fields


def encounters(kinds: Mapping[str, Any] | None = None, kmh: float = 36, **fields: Any) -> dict[str, Any]:
    """At 10 m/s, braking at 5 m/s^2 without any delay of its own, by a planner that decides a hundred times a second."""
    braking = {
        "planner_hz": assumed(100),
        "actuation_s": assumed(0),
        "deceleration_mps2": assumed(5),
        "margin_s": assumed(60),
        "clearance_m": assumed(0),
    }
    sees = {"look": {"finds": "kitti.yolox_x", "sensors": ["front"], "focal_px": assumed(700)}}
    usual = {"known_at": "planner", "count": 40, "speed_kmh": assumed(kmh), "sees": sees, "kinds": kinds or {"one": hazard()}}
    return usual | {"braking": braking | fields.pop("braking", {})} | fields


def recall(share: float = 1.0, by: Any = "height_px") -> Recall:
    """The same share at every height, or distance."""
    return Recall(by, np.array([1.0, 1000.0]), np.full((1 + DRAWS, 2), share))


def step_recall(height_px: float) -> Recall:
    """Everything from this height on, nothing below."""
    x = np.array([1.0, height_px * (1 - 1e-9), height_px, 1000.0])
    return Recall("height_px", x, np.repeat([[0.0, 0.0, 1.0, 1.0]], 1 + DRAWS, axis=0))


def misses(of_object: float = 0.0, slow: float = 0.0, tau_s: float = 1.0) -> Misses:
    """The same in every resample."""
    return Misses(*(np.full(1 + DRAWS, value) for value in (of_object, slow, tau_s)))


NO_ALARMS = Alarms(0, 0.2, 0, 0, 15, 3)


def vehicle_plan(
    found: Recall | Mapping[str, Recall] | None = None,
    missed: Misses | None = None,
    latency_s: float = 0.1,
    seconds: float = 60,
    rates: Mapping[str, float] | None = None,
    correlations: Mapping[str, np.ndarray] | None = None,
    stages: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Plan:
    """Frames at 10 Hz that are answered after `latency_s`; what looks finds everything unless told otherwise."""
    told = {"encounters": encounters(), **fields}
    looks = stages or {"look": pool(to="planner", replicas=4)}
    made = plan(
        looks,
        {name: constant(latency_s) for name in looks},
        seconds=seconds,
        arrivals=sensors(**{name: {"rate_per_s": rate} for name, rate in (rates or {"front": 10}).items()}),
        ends={"planner": end(age=True), "dropped": end()},
        **told,
    )
    spec = made.scenario.encounters
    assert spec is not None
    curves = found if isinstance(found, Mapping) else dict.fromkeys(spec.sees, found or recall())
    objects = {kind.object for kind in spec.kinds.values()}
    shifts = {name: np.zeros(1 + DRAWS) for name in spec.conditions}
    sights = {
        stage: StageSight(
            sight, dict.fromkeys(objects, curves[stage]), dict.fromkeys(objects, missed or misses()), NO_ALARMS, shifts
        )
        for stage, sight in spec.sees.items()
    }
    return replace(made, of_sections={"encounters": Sights(sights, correlations or {})})
