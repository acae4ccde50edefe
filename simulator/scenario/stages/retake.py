"""Another photo, please."""

from typing import Annotated, Literal

from pydantic import Field

from simulator.scenario.base import Quantity, ShareFigure
from simulator.scenario.stages.base import AnyStage, Target


class Retake(AnyStage):
    """The requester is asked for another photo, takes some time over it, or gives up."""

    kind: Literal["retake"]
    minutes: Quantity
    gives_up: ShareFigure
    max_tries: Annotated[int, Field(ge=2, le=5, description="photos one requester may send in all")] = 2
    to: Target
    on_give_up: Target
    on_exhausted: Annotated[Target, Field(description="where a request goes whose last photo was no better")]
