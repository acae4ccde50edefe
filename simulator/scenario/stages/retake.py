"""Asks for another photo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from simulator.scenario.base import ShareFigure
from simulator.scenario.quantities import Quantity
from simulator.scenario.stages.base import AnyStage, Faults, Target

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario


class Retake(AnyStage):
    """The requester is asked for another photo, takes some time over it, or gives up."""

    keeps: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    in_branches: ClassVar[bool] = False

    kind: Literal["retake"]
    minutes: Quantity
    gives_up: ShareFigure
    max_tries: Annotated[int, Field(ge=2, le=5, description="total number of photos one person may send")] = 2
    to: Target
    on_give_up: Target
    on_exhausted: Annotated[Target, Field(description="where a request goes if its last photo was no better")]

    @property
    def photos(self) -> int:
        """The first one, and those that it asks for."""
        return self.max_tries

    def check(self, name: str, scenario: Scenario) -> Faults:
        """There are people who take the photos."""
        if scenario.population is None:
            yield ("kind",), "a retake needs a `population` section"
