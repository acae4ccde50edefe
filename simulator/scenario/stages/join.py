"""Combines several inputs of one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from simulator.scenario.metrics import Metric, share_metric
from simulator.scenario.stages.base import AnyStage, Faults, Target

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Join(AnyStage):
    """Waits for all or some branches of a fork, and goes on once; later inputs are dropped.

    A branch that turns a request away may name the join as its fallback: then the join knows that this input is missing.
    """

    joins: ClassVar[bool] = True
    keeps: ClassVar[bool] = True
    held_for: ClassVar[str] = "waiting for other inputs"

    kind: Literal["join"]
    needs: Annotated[Literal["all"] | Annotated[int, Field(ge=1, le=16)], Field(description="inputs to wait for")] = "all"
    timeout_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="longest wait from the first input on; none: no limit")
    ] = None
    to: Target
    on_incomplete: Annotated[
        Target | None,
        Field(description="where a request goes if an input is missing and no more can arrive, or time is up; none: `to`"),
    ] = None

    def needed(self, inputs: int) -> int:
        """Inputs that make a request complete, given the number of branches."""
        return inputs if self.needs == "all" else self.needs

    def check(self, name: str, scenario: Scenario) -> Faults:
        """No more inputs are needed than can arrive."""
        inputs = scenario.network.inputs_of(name)
        if inputs and self.needed(inputs) > inputs:
            yield ("needs",), f"{self.needs} inputs are needed, but {inputs} branches meet here"

    @classmethod
    def metrics(cls, name: str, label: str, tags: list[str]) -> Iterator[Metric]:
        """Requests that went on without an input, and inputs that came too late."""
        yield share_metric(f"incomplete_share.{name}", f"{label}: requests that went on without an input", "lower", name)
        yield share_metric(f"late_share.{name}", f"{label}: inputs that came too late", "lower", name)
