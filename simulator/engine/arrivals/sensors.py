"""Frames of sensors, each periodic on its own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from simulator.case.case_contract import RateFigure, RequestContent
from simulator.case.fields import Figure, Line, Name, Quantity, Strict, at_most_one, bounded
from simulator.engine.arrivals.arrival import Comings, OpenProcess, steady, warped
from simulator.records.streams import Streams

if TYPE_CHECKING:
    from simulator.arrays import Times
    from simulator.engine.arrivals.arrival import Clock
    from simulator.records.timetables import Surge


JitterFigure = Annotated[Figure, bounded(0, 60_000)]

#: The fields that say how a sensor's frames scatter around its clock's ticks; at most one of them.
JITTERS = ("jitter_ms", "jitter_uniform_ms", "jitter_normal_ms")


class Sensor(Strict):
    """One source of frames: a tick every 1 / rate seconds of its own clock, and a frame near each tick."""

    label: Line
    """its name on the page"""
    rate_per_s: RateFigure
    """frames a second of its own clock"""
    skew_ms: Annotated[Figure, bounded(0, 600_000)] | None = None
    """time of its first tick; none: at the start"""
    drift_ppm: Annotated[Figure, bounded(-10_000, 10_000)] | None = None
    """microseconds its clock gains per second; below 0 it loses"""
    jitter_ms: Quantity | None = None
    """delay of each frame after its tick"""
    jitter_uniform_ms: JitterFigure | None = None
    """largest shift of a frame before or after its tick, uniformly distributed"""
    jitter_normal_ms: JitterFigure | None = None
    """standard deviation of a frame around its tick, normally distributed"""

    _one_jitter = at_most_one(*JITTERS)

    @property
    def frames_per_s(self) -> float:
        return self.rate_per_s.value * (1 + (self.drift_ppm.value if self.drift_ppm else 0.0) / 1e6)

    @property
    def first_s(self) -> float:
        """The time of its first tick, in seconds."""
        return self.skew_ms.value / 1000 if self.skew_ms else 0.0


class Sensors(OpenProcess):
    """Several sensors; each frame is a request that knows its sensor and its number."""

    kind: Literal["sensors"]
    sensors: Annotated[dict[Name, Sensor], Field(min_length=1, max_length=64)]
    """the sensors by name"""

    @property
    def frames_per_s(self) -> Mapping[str, float]:
        return {name: sensor.frames_per_s for name, sensor in self.sensors.items()}

    @property
    def content(self) -> RequestContent:
        return RequestContent(self.frames_per_s)

    def comings(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Comings:
        """Draw the times, sensors (in the order of the file) and numbers of frames, in order of time; a random stream a sensor.

        Frame k of a sensor, from 0, comes at skew + k / (rate (1 + drift)) + its jitter. Jitter does not add up from frame to
        frame. Frames of one instant keep the order of the file. Every frame whose tick lies within the run belongs to it: one
        that jitter would bring before the start comes at the start, and one that it brings beyond the end is lost. A surge
        makes all clocks run faster, jitter included.
        """
        clock = steady(1.0, self._end).surged([*self.own_surges, *surges])
        streams, total = Streams(int(rng.integers(2**63))), clock.total(self._end)
        each = [_ticks(sensor, streams.named(name), total) for name, sensor in self.sensors.items()]
        ticks = np.concatenate(each)
        order = np.argsort(ticks, kind="stable")
        times = warped(lambda total: ticks[order], self._end, clock)
        kept = order[: len(times)]
        sensors = np.repeat(np.arange(len(each), dtype=np.int8), [len(frames) for frames in each])
        frames = np.concatenate([np.arange(len(frames), dtype=np.int32) for frames in each])
        return Comings(times, sensors[kept], frames[kept])

    def expected_under(self, surges: Sequence[Surge]) -> float:
        total = steady(1.0, self._end).surged([*self.own_surges, *surges]).total(self._end)
        return float(sum(_count(sensor, total) for sensor in self.sensors.values()))

    def rates(self) -> Clock:
        return steady(sum(self.frames_per_s.values()), self._end)


def _count(sensor: Sensor, total: float) -> int:
    """Return the number of ticks of a sensor fall on [0, total) seconds."""
    return max(ceil((total - sensor.first_s) * sensor.frames_per_s), 0)


def _ticks(sensor: Sensor, rng: np.random.Generator, total: float) -> Times:
    """When the frames come whose ticks fall on [0, total), in seconds, by number."""
    count = _count(sensor, total)
    ticks = sensor.first_s + np.arange(count) / sensor.frames_per_s
    return np.maximum(ticks + _jitter_s(sensor, rng, count), 0.0)


def _jitter_s(sensor: Sensor, rng: np.random.Generator, count: int) -> Times:
    """Return the distance of each frame from its tick in seconds, shape (count,); a longer draw begins alike."""
    if sensor.jitter_ms is not None:
        return np.asarray(sensor.jitter_ms.draw(rng, count) / 1000.0, float)
    if sensor.jitter_uniform_ms is not None:
        return sensor.jitter_uniform_ms.value / 1000 * (2 * rng.random(count) - 1)
    if sensor.jitter_normal_ms is not None:
        return sensor.jitter_normal_ms.value / 1000 * rng.standard_normal(count)
    return np.zeros(count)
