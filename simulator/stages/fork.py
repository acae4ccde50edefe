"""One request, several branches at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.case.kinds import AnyStage, Target
from simulator.stages.stage import Stage

if TYPE_CHECKING:
    from simulator.engine.run import Run
    from simulator.stages.stage import Rows, Times


class Fork(AnyStage):
    """Sends every request into several branches at once; they meet again at one join."""

    splits: ClassVar[bool] = True

    kind: Literal["fork"]
    to: Annotated[list[Target], Field(min_length=2, max_length=16)]


class ForkStage(Stage):
    """Every branch is handed the same row; what the branches may write of it is limited by the checks of a scenario.

    inside: the stages of the branches. photos: which of its photos each request showed when it came here, shape (n,): the
    branches look at that one, even if the request is behind their join by then and has sent another.
    """

    def __init__(self, run: Run, name: str, spec: Fork) -> None:
        super().__init__(run, name, spec)
        self.inside = run.plan.scenario.network.inside(name)
        self.photos = np.zeros(run.requests.n, np.int8)

    def take_over(self, before: Stage, now: float) -> None:
        """Remember which of its photos each request showed."""
        super().take_over(before, now)
        assert isinstance(before, ForkStage)
        self.photos = before.photos

    def connect(self) -> None:
        """Look up where each branch begins."""
        self.shown = self.run.photos(self.name)
        self.branches = [self.run.receiver(target) for target in self.spec.to]

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Hand the requests to every branch."""
        self.photos[list(rows)] = self.shown[list(rows)]
        for branch in self.branches:
            branch.accept(rows, time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        self.photos[rows] = self.shown[rows]
        for branch in self.branches:
            branch.accept_block(rows, times)
