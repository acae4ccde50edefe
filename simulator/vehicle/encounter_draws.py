"""The encounters of a replication, drawn beforehand: each design meets the same ones; and the frames of a run in each one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import Bools, Floats
from simulator.case.attributes import TimetableAttribute
from simulator.case.curveballs import Weather
from simulator.case.fields import Quantity
from simulator.engine.compiled_plan import Plan
from simulator.engine.run_trace import Trace
from simulator.metrics.ages import arrived_at
from simulator.records.streams import Streams
from simulator.vehicle.encounter_section import LONGEST_S, Encounters

#: The latent process behind misses is drawn in steps of this length, so that designs with other frame rates share it.
STEP_S = 0.02
STEPS = round(LONGEST_S / STEP_S) + 1
KMH = 1 / 3.6


@dataclass(frozen=True)
class Drawn:
    """Encounters of one replication, shape (n,) each, before any design has a say in them.

    kind: by its place in the file; at_s: when it comes into view; gap_m: how far ahead; own_mps: its speed along the road
    lateral_m: how far beside the way; crosses_mps: how fast it moves into it; hidden_s: how long most of it stays hidden
    """

    kind: NDArray[np.int64]
    at_s: Floats
    gap_m: Floats
    own_mps: Floats
    height_m: Floats
    lateral_m: Floats
    crosses_mps: Floats
    hidden_s: Floats


def drawn(plan: Plan, seed: int, replication: int) -> Drawn:
    """Return the encounters of a replication; a further kind in the case shifts no draw of the others."""
    spec = plan.scenario.encounters
    streams, n = Streams(seed, replication), spec.count
    kinds = list(spec.kinds)
    shares = np.cumsum([kind.share.value for kind in spec.kinds.values()])
    kind = np.minimum(np.searchsorted(shares, streams.named("encounters.kind").random(n), side="right"), len(kinds) - 1)
    latest = max(plan.arrivals_end_s - LONGEST_S, 0.0)
    at_s = (np.arange(n) + streams.named("encounters.at").random(n)) / n * latest

    def of(field: str, otherwise: float) -> Floats:
        values = np.full(n, otherwise)
        for place, name in enumerate(kinds):
            quantity: Quantity | None = getattr(spec.kinds[name], field)
            if quantity is not None:
                values[kind == place] = quantity.draw(streams.named(f"encounters.{name}.{field}"), n)[kind == place]
        return values

    speeds = of("speed_kmh", 0.0) * KMH
    distance, height = of("distance_m", np.nan), of("height_m", np.nan)
    beside, crosses, hidden = (of(field, 0.0) for field in ("lateral_m", "crosses_mps", "hidden_s"))
    return Drawn(kind, at_s, distance, speeds, height, beside, crosses, hidden)


def deceleration_of(spec: Encounters, condition: str | None) -> float:
    """Return the deceleration in a condition: that of the vehicle, or less where the road gives less."""
    road = spec.conditions[condition].deceleration_mps2 if condition else None
    vehicle = spec.braking.deceleration_mps2.value
    return vehicle if road is None else min(vehicle, road.value)


def speed_at(plan: Plan, at_s: Floats) -> Floats:
    """Return the vehicle's own speed at each time, in m/s, shape as `at_s`."""
    spec = plan.scenario.encounters
    if spec.speed_kmh is not None:
        return np.full(len(at_s), spec.speed_kmh.value * KMH)
    assert spec.speed_by is not None
    return cast(TimetableAttribute, plan.scenario.attributes[spec.speed_by]).at(at_s) * KMH


def weather_at(plan: Plan, at_s: Floats) -> NDArray[np.int64]:
    """Return the condition at each time, by its place in the file (their number for a clear day). The latest strike holds."""
    spec = plan.scenario.encounters
    names = list(spec.conditions)
    places = np.full(len(at_s), names.index(spec.condition) if spec.condition else len(names))
    for name, start in sorted(plan.strikes.items(), key=lambda strike: strike[1]):
        ball = plan.scenario.curveballs[name]
        if isinstance(ball, Weather):
            lasts = np.inf if ball.lasts_s is None else ball.lasts_s
            places[(at_s >= start) & (at_s < start + lasts)] = names.index(ball.condition)
    return places


@dataclass(frozen=True)
class Noise:
    """Independent standard normal numbers behind the misses of one kind of sensor.

    object: shape (n,); slow, white: a step each, shape (n, STEPS)
    """

    object: Floats
    slow: Floats
    white: Floats


def noise(seed: int, replication: int, n: int, name: str) -> Noise:
    """Return the numbers of a kind of sensor, `camera` or `lidar`; single precision is enough, and halves the time."""
    streams = Streams(seed, replication)

    def normal(part: str, *shape: int) -> Any:
        named = f"encounters.{name}.{part}"
        return streams.once(named, ("normal", shape), lambda rng: rng.standard_normal(shape, np.float32))

    return Noise(normal("object", n), normal("slow", n, STEPS), normal("white", n, STEPS))


def related(first: Noise, second: Noise, correlation: float) -> Noise:
    rest = float(np.sqrt(1 - correlation**2))
    parts = ((getattr(first, name), getattr(second, name)) for name in ("object", "slow", "white"))
    return Noise(*(correlation * one + rest * other for one, other in parts))


def slowly(normal: Floats, tau_s: float) -> Floats:
    """Make an Ornstein-Uhlenbeck process of unit variance in steps of STEP_S, from normal numbers, shape (n, STEPS)."""
    remains = float(np.exp(-STEP_S / max(tau_s, 1e-6)))
    made: Floats = (normal * np.sqrt(1 - remains**2).astype(normal.dtype)).astype(float)
    made[:, 0] = normal[:, 0]
    for step in range(1, made.shape[1]):  # as scipy.signal.lfilter does, whose import takes a second
        made[:, step] += remains * made[:, step - 1]
    return made


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
