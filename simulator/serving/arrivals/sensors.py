"""Frames of sensors: ticks of clocks that start apart and drift apart, and a frame near each tick."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from simulator.scenario.arrivals.sensors import Sensor
from simulator.serving.arrivals.base import Comings, OpenProcess
from simulator.serving.arrivals.clock import Clock, Surge, Times, steady, warped
from simulator.serving.quantities import draw
from simulator.serving.streams import Streams


class SensorsProcess(OpenProcess):
    """The frames of all sensors in order of time; frames of one instant keep the order of the file.

    Frame k of a sensor, from 0, comes at skew + k / (rate (1 + drift)) + its jitter. Jitter does not add up from frame to
    frame. Every frame whose tick lies within the run belongs to it: one that jitter would bring before the start comes at the
    start, and one that it brings beyond the end is lost. A surge makes all clocks run faster, jitter included.
    """

    def draw(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Times:
        """When frames come, in seconds."""
        return self.comings(rng, surges).times

    def comings(self, rng: np.random.Generator, surges: Sequence[Surge] = ()) -> Comings:
        """When frames come, of which sensor, in the order of the file, and the number of each; a stream a sensor."""
        clock = steady(1.0, self.end).surged([*self.spikes, *surges])
        streams, total = Streams(int(rng.integers(2**63))), clock.total(self.end)
        each = [_ticks(sensor, streams.named(name), total) for name, sensor in self.spec.sensors.items()]
        ticks = np.concatenate(each)
        order = np.argsort(ticks, kind="stable")
        times = warped(lambda total: ticks[order], self.end, clock)
        kept = order[: len(times)]
        sensors = np.repeat(np.arange(len(each), dtype=np.int8), [len(frames) for frames in each])
        frames = np.concatenate([np.arange(len(frames), dtype=np.int32) for frames in each])
        return Comings(times, sensors[kept], frames[kept])

    def expected_under(self, surges: Sequence[Surge]) -> float:
        """How many ticks fall into the run."""
        total = steady(1.0, self.end).surged([*self.spikes, *surges]).total(self.end)
        return float(sum(_count(sensor, total) for sensor in self.spec.sensors.values()))

    def rates(self) -> Clock:
        """The rates of all sensors together."""
        return steady(sum(self.spec.frames_per_s.values()), self.end)


def _count(sensor: Sensor, total: float) -> int:
    """How many ticks of a sensor fall on [0, total) seconds."""
    return max(ceil((total - sensor.first_s) * sensor.frames_per_s), 0)


def _ticks(sensor: Sensor, rng: np.random.Generator, total: float) -> Times:
    """When the frames come whose ticks fall on [0, total), in seconds, by number."""
    count = _count(sensor, total)
    ticks = sensor.first_s + np.arange(count) / sensor.frames_per_s
    return np.maximum(ticks + _jitter_s(sensor, rng, count), 0.0)


def _jitter_s(sensor: Sensor, rng: np.random.Generator, count: int) -> Times:
    """How far each frame is from its tick, in seconds, shape (count,); the first ones are the same whatever `count` is."""
    if sensor.jitter_ms is not None:
        return np.asarray(draw(sensor.jitter_ms, rng, count) / 1000.0, float)
    if sensor.jitter_uniform_ms is not None:
        return sensor.jitter_uniform_ms.value / 1000 * (2 * rng.random(count) - 1)
    if sensor.jitter_normal_ms is not None:
        return sensor.jitter_normal_ms.value / 1000 * rng.standard_normal(count)
    return np.zeros(count)
