"""The frames of a run that look ahead, and those of each encounter: captured, looked at, known, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.engine.run_trace import Trace
from simulator.metrics.ages import arrived_at

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Frames of one object, sorted by the time of capture, shape (m,) each.

    known: when the planner knew the answer (s), infinite where it never did; sight: the stage that looked, by its place among
    those that look; sensor: by its place in the file
    """

    captured: Floats
    known: Floats
    sight: NDArray[np.int64]
    sensor: NDArray[np.int64]

    def of(self, sights: list[int]) -> Answers:
        own = np.isin(self.sight, sights)
        return Answers(self.captured[own], self.known[own], self.sight[own], self.sensor[own])


def answers_of(trace: Trace) -> Answers:
    """Return every frame of a sensor that looks ahead which reached a stage that looks, served there or not."""
    spec, columns = trace.plan.scenario.encounters, trace.columns
    assert spec is not None
    known = np.full(columns.n, np.inf)
    rows, came = arrived_at(trace, spec.known_at)
    np.minimum.at(known, rows, came)
    parts = []
    for place, (stage, sight) in enumerate(spec.sees.items()):
        ahead = [trace.plan.scenario.sensors.index(sensor) for sensor in sight.sensors]
        visits = trace.logs[stage].visits()
        row = np.unique(visits.request[np.isin(columns.sensor[visits.request], ahead)])
        served = visits.request[visits.served & visits.wanted]
        seen = np.where(np.isin(row, served), known[row], np.inf)
        parts.append((columns.arrived[row], seen, np.full(len(row), place), columns.sensor[row]))
    captured, seen, places, sensors = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(captured, kind="stable")
    return Answers(captured[order], seen[order], places[order], sensors[order].astype(np.int64))


@dataclass(frozen=True)
class EncounterOutcome:
    """The outcome of each encounter, shape (n,) each, or (draws, n); times in seconds from when the object comes into view.

    seen_s: when the frame that confirmed it was captured; confirmed_s: when its answer was known; slowing_s: when gentle
    brakes held; braking_s: when the brakes held; all infinite if never. confirmed_gap_m: the gap that was left when it was
    confirmed; margin_m: what is left of the gap at standstill, below 0: how much more was needed; impact_mps: the relative
    speed at the object
    """

    seen_s: Floats
    confirmed_s: Floats
    braking_s: Floats
    confirmed_gap_m: Floats
    margin_m: Floats
    impact_mps: Floats
    slowing_s: Floats

    @property
    def stopped(self) -> Bools:
        return np.asarray(self.margin_m >= 0)


@dataclass(frozen=True)
class Looks:
    """The frames of one kind of sensor within each encounter, shape (n, f), in the order in which their answers are known.

    after_s: captured so long after the object came into view, NaN beyond the last; known_s: answered then, infinite if never;
    seen: whether the object lies within the angle that the sensor sees
    """

    after_s: Floats
    known_s: Floats
    sight: NDArray[np.int64]
    sensor: NDArray[np.int64]
    seen: Bools
    step: NDArray[np.int64]

    @property
    def known(self) -> Bools:
        return np.isfinite(self.known_s)

    @property
    def answered(self) -> Looks:
        """The first columns, as many as the encounter with the most answers has: no later frame is ever known."""
        most = max(int(self.known.sum(1).max(initial=0)), 1)
        return Looks(**{name: column[:, :most] for name, column in vars(self).items()})


class FramesOfObject(NamedTuple):
    """Frames of encounters that one stage looks at for one kind of object, shape (k,) each.

    sight: the stage, by its place among those that look; row, place: of each frame in `Looks`
    x: what its recall goes by: the object's height in the picture (pixels), or its distance (m)
    hidden: whether most of the object is still hidden
    """

    sight: int
    what: str
    row: NDArray[np.int64]
    place: NDArray[np.int64]
    x: Floats
    hidden: NDArray[np.bool_]
