"""Several inputs of one request, one way on."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.stages.base import AnyStage, Target


class Join(AnyStage):
    """Waits for the branches of a fork, or for some of them, and goes on once; what comes later is dropped.

    A branch that turns a request away may name the join as its fallback: the join then knows that this input is missing.
    """

    kind: Literal["join"]
    needs: Annotated[Literal["all"] | Annotated[int, Field(ge=1, le=16)], Field(description="inputs to wait for")] = "all"
    timeout_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="longest wait from the first input on; none: no limit")
    ] = None
    to: Target
    on_incomplete: Annotated[
        Target | None,
        Field(description="where a request goes that lacks an input when no more can come, or the time is up; none: `to`"),
    ] = None

    def needed(self, inputs: int) -> int:
        """Inputs that make a request complete, of so many branches."""
        return inputs if self.needs == "all" else self.needs
