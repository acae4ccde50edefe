"""Frames of several sensors, one way on."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Name
from simulator.scenario.stages.base import AnyStage, Target


class Assemble(AnyStage):
    """Makes sets of the freshest frames, one of each sensor; a set goes on as one of them."""

    kind: Literal["assemble"]
    sensors: Annotated[
        list[Name],
        Field(max_length=64, description="whose frames make a set, the leading one first; none: all of the file"),
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
    holds: Annotated[
        bool, Field(description="whether the last frame of a sensor stands in where a set would go without a new one")
    ] = False
    to: Target
    rest_to: Annotated[Target, Field(description="where the other frames of a set go")]
    on_replaced: Annotated[Target, Field(description="where a frame goes that was not taken before a newer one came")]
    on_incomplete: Annotated[
        Target | None, Field(description="where a set goes that lacks the frame of a sensor; none: `to`")
    ] = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.sensors)) < len(self.sensors):
            raise ValueError("sensors names one sensor twice; a set has one frame of each")
        if (self.waits_for == "deadline") != (self.deadline_ms is not None):
            raise ValueError("deadline_ms and `waits_for: deadline` need each other; give both or neither")
        if self.waits_for == "all" and (self.holds or self.on_incomplete is not None):
            field = "holds" if self.holds else "on_incomplete"
            raise ValueError(f"with `waits_for: all` no set lacks a frame; leave {field} out")
        return self
