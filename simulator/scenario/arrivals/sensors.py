"""Frames of sensors, each periodic on its own clock."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.arrivals.base import Open, RateFigure
from simulator.scenario.base import Figure, Line, Name, Strict, bounded
from simulator.scenario.quantities import Quantity

JitterFigure = Annotated[Figure, bounded(0, 60_000)]

#: The fields that say how a sensor's frames scatter around its clock's ticks; at most one of them.
JITTERS = ("jitter_ms", "jitter_uniform_ms", "jitter_normal_ms")


class Sensor(Strict):
    """One source of frames: a tick every 1 / rate seconds of its own clock, and a frame near each tick."""

    label: Line
    rate_per_s: RateFigure
    skew_ms: Annotated[
        Annotated[Figure, bounded(0, 600_000)] | None, Field(description="time of its first tick; none: at the start")
    ] = None
    drift_ppm: Annotated[
        Annotated[Figure, bounded(-10_000, 10_000)] | None,
        Field(description="microseconds its clock gains per second; below 0 it loses"),
    ] = None
    jitter_ms: Annotated[Quantity | None, Field(description="delay of each frame after its tick")] = None
    jitter_uniform_ms: Annotated[
        JitterFigure | None, Field(description="largest shift of a frame before or after its tick, uniformly distributed")
    ] = None
    jitter_normal_ms: Annotated[
        JitterFigure | None, Field(description="standard deviation of a frame around its tick, normally distributed")
    ] = None

    @model_validator(mode="after")
    def _one_jitter(self) -> Self:
        given = [field for field in JITTERS if getattr(self, field) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        return self

    @property
    def frames_per_s(self) -> float:
        """Frames a second of the run: the rate on its own clock, corrected for its drift."""
        return self.rate_per_s.value * (1 + (self.drift_ppm.value if self.drift_ppm else 0.0) / 1e6)

    @property
    def first_s(self) -> float:
        """The time of its first tick, in seconds."""
        return self.skew_ms.value / 1000 if self.skew_ms else 0.0


class Sensors(Open):
    """Several sensors; each frame is a request that knows its sensor and its number."""

    kind: Literal["sensors"]
    sensors: Annotated[dict[Name, Sensor], Field(min_length=1, max_length=64)]

    @property
    def frames_per_s(self) -> Mapping[str, float]:
        """Frames a second of each sensor."""
        return {name: sensor.frames_per_s for name, sensor in self.sensors.items()}
