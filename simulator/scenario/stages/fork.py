"""One request, several ways at once."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.faults import Path
from simulator.scenario.stages.base import AnyStage, Target


class Fork(AnyStage):
    """Sends every request into several branches at once; they meet again at one join."""

    kind: Literal["fork"]
    to: Annotated[list[Target], Field(min_length=2, max_length=16)]

    def targets(self) -> dict[Path, str]:
        """Where each branch begins."""
        return {("to", index): target for index, target in enumerate(self.to)}
