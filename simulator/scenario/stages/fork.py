"""One request, several branches at once."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.scenario.stages.base import AnyStage, Target


class Fork(AnyStage):
    """Sends every request into several branches at once; they meet again at one join."""

    splits: ClassVar[bool] = True

    kind: Literal["fork"]
    to: Annotated[list[Target], Field(min_length=2, max_length=16)]
