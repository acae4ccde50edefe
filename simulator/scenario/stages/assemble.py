"""Combines frames of several sensors into sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.errors import suggest
from simulator.scenario.base import Name
from simulator.scenario.metrics import Metric, share_metric
from simulator.scenario.stages.base import AnyStage, Faults, Target

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Assemble(AnyStage):
    """Makes sets of the freshest frames, one per sensor; a set goes on as one request."""

    held_for: ClassVar[str] = "waiting for other frames"
    in_branches: ClassVar[bool] = False

    kind: Literal["assemble"]
    sensors: Annotated[
        list[Name],
        Field(max_length=64, description="sensors whose frames make a set, the leading one first; none: all in the file"),
    ] = []
    waits_for: Annotated[
        Literal["all", "deadline", "none"],
        Field(
            description="when a set goes on: with a frame of every sensor; then, or at the deadline; with each frame of "
            "the first sensor"
        ),
    ] = "all"
    deadline_ms: Annotated[
        float | None, Field(gt=0, le=600_000, description="longest wait from the first frame of a set on")
    ] = None
    holds: Annotated[bool, Field(description="whether a sensor's last frame is used if there is no new one")] = False
    to: Target
    rest_to: Annotated[Target, Field(description="where the other frames of a set go")]
    on_replaced: Annotated[Target, Field(description="where a frame goes that a newer one replaced before it was used")]
    on_incomplete: Annotated[Target | None, Field(description="where a set with a missing frame goes; none: `to`")] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.sensors)) < len(self.sensors):
            raise ValueError("a sensor is named twice; a set has one frame of each")
        if (self.waits_for == "deadline") != (self.deadline_ms is not None):
            raise ValueError("deadline_ms and `waits_for: deadline` need each other; give both or neither")
        if self.waits_for == "all" and (self.holds or self.on_incomplete is not None):
            field = "holds" if self.holds else "on_incomplete"
            raise ValueError(f"with `waits_for: all` no set lacks a frame; leave {field} out")
        return self

    def check(self, name: str, scenario: Scenario) -> Faults:
        """The sensors exist."""
        known = scenario.sensors
        if not known:
            yield ("kind",), "sets are made of frames: they need arrivals of the kind sensors"
        for index, sensor in enumerate(self.sensors if known else []):
            if sensor not in known:
                yield ("sensors", index), f"'{sensor}' is not a sensor; {suggest(sensor, known)}"

    @classmethod
    def metrics(cls, name: str, label: str, tags: list[str]) -> Iterator[Metric]:
        """How many sets there are, what is missing, and how old their frames are."""
        yield Metric(f"sets_per_s.{name}", f"{label}: sets that went on", "1/s", "higher", "ratio", stage=name)
        yield share_metric(f"incomplete_share.{name}", f"{label}: sets with a sensor missing", "lower", name)
        frames = {"set_spread": "time from the oldest to the newest frame of a set", "set_age": "age of a set's oldest frame"}
        for short, what in frames.items():
            told, of = f"{label}: {what}", f"{short}.{name}"
            yield Metric(f"{short}_mean_s.{name}", f"{told}, mean", "s", "lower", "mean", of, stage=name)
            yield Metric(f"{short}_p95_s.{name}", f"{told}, 95% within", "s", "lower", "quantile", of, 0.95, stage=name)
