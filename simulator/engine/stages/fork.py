"""One request, several branches at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.arrays import Rows, Times
from simulator.case.any_stage import Target
from simulator.engine.contract import Stage, StageModel, StageRun


class Fork(StageModel):
    """Sends every request into several branches at once; they meet again at one join."""

    branching: ClassVar[Literal["", "fork", "join"]] = "fork"

    fresh: ClassVar[Mapping[str, Any]] = {"label": "Do several things at once", "to": []}

    kind: Literal["fork"]
    to: Annotated[list[Target], Field(min_length=2, max_length=16)]
    """the stages that each request enters at once"""


class ForkStage(Stage):
    """Every branch is handed the same row; what the branches may write of it is limited by the checks of a scenario.

    photos: the photo that each request showed when it came here, by number, shape (n,). The branches look at that photo, even
    if the request is behind their join by then and has sent another.
    """

    goes_on_with = ("log", "photos")

    def __init__(self, run: StageRun, name: str, spec: Fork) -> None:
        super().__init__(run, name, spec)
        self.photos = np.zeros(run.requests.n, np.int8)

    def connect(self) -> None:
        self.shown = self.run.photos(self.name)
        self.branches = [self.run.receiver(target) for target in self.spec.to]

    def accept(self, rows: Sequence[int], time: float) -> None:
        self.photos[list(rows)] = self.shown[list(rows)]
        for branch in self.branches:
            branch.accept(rows, time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        self.photos[rows] = self.shown[rows]
        for branch in self.branches:
            branch.accept_block(rows, times)
