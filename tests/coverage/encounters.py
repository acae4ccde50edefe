"""Detectors whose recall was estimated on a few drives: what is said of a vehicle that has them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.special import expit

from simulator.engine.compiled_plan import Plan
from simulator.evidence.evidence_tables import DRAWS
from simulator.explain.result import replicate
from simulator.metrics.comparisons import compare
from simulator.vehicle.detector_answers import Recall
from tests.coverage.registry import Claim, study
from tests.encounters import encounters, hazard, misses, vehicle_plan

#: Half of the objects of this height are found; drives tell it to this share of itself (standard deviation of the logarithm).
HALF_PX, UNSURE = 45.0, 0.12
NODES = np.geomspace(8, 400, 24)
FIGURES = ("stopped_share", "margin_mean_m", "harm_share", "confirmed_mean_m")
RUNS = 30


def curve(half_px: np.ndarray) -> Recall:
    """Recalls of detectors that find half of the objects at these heights, shape (1 + DRAWS,): first the estimate."""
    return Recall("height_px", NODES, expit(4 * np.log(NODES / half_px[:, None])))


def estimated(number: int, detector: int = 0) -> Recall:
    """What some drives say of a detector: an estimate, and resamples that scatter about it as it does about the truth."""
    rng = np.random.default_rng([number, detector, 23])
    estimate = HALF_PX * np.exp(UNSURE * rng.standard_normal())
    resamples = estimate * np.exp(UNSURE * rng.standard_normal(DRAWS))
    return curve(np.append(estimate, resamples))


def driven(found: Recall, latency_s: float, count: int = 100) -> Plan:
    """A vehicle at 50 km/h among pedestrians who step out 20 to 50 m ahead."""
    distance = {"median": {"value": 30, "assumed": "a test"}, "sigma": 0.3}
    spec = encounters({"one": hazard(distance_m=distance)}, kmh=50, count=count)
    return vehicle_plan(found, misses(0.4, 0.4, 0.5), latency_s=latency_s, encounters=spec)


@lru_cache
def truth(latency_s: float) -> dict[str, float]:
    """The figures with the true recall, on many encounters."""
    run = replicate(driven(curve(np.full(1 + DRAWS, HALF_PX)), latency_s, 5000), 10_000, 10)
    return {name: run.metrics[name].value for name in FIGURES}


#: With 20 replications instead of 5 the intervals of the stopped share are 0.034 wide for this reason instead of 0.048.
FEW_RUNS = (
    "The resamples are evaluated in the first replications alone, so that their spread holds the luck of few encounters too."
)


@study(
    "a detector that was judged on a few drives",
    why={"change of stopped_share": FEW_RUNS, "change of margin_mean_m": FEW_RUNS},
)
def of_one(number: int) -> Iterator[Claim]:
    """One design, and the same with later answers: both rest on the same drives."""
    runs = [replicate(driven(estimated(number), latency_s), number, RUNS) for latency_s in (0.1, 0.2)]
    for name in FIGURES:
        yield Claim(name, truth(0.1)[name], runs[0].metrics.get(name))
    changes = {one.metric.name: one.change for one in compare(*runs, every=True).moved}
    for name in FIGURES:
        yield Claim(f"change of {name}", truth(0.2)[name] - truth(0.1)[name], changes.get(name))


@study("two detectors alike, each judged on drives of its own")
def of_two_alike(number: int) -> Iterator[Claim]:
    """A difference that is not there."""
    runs = [replicate(driven(estimated(number, detector), 0.1), number, RUNS) for detector in (1, 2)]
    changes = {one.metric.name: one.change for one in compare(*runs, every=True).moved}
    for name in FIGURES:
        yield Claim(f"change of {name}", 0.0, changes.get(name))
