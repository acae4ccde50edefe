"""Where a request's way ends: the columns are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.case.stage_model import End
from simulator.engine.annotations import as_memoryview
from simulator.stages.stage import Stage

if TYPE_CHECKING:
    from simulator.engine.run import Run
    from simulator.stages.stage import Rows, Times


class EndStage(Stage):
    """One end of the scenario; `index` is its place in the file."""

    def __init__(self, run: Run, name: str, spec: End, index: int) -> None:
        super().__init__(run, name, spec)
        self.index = index
        self.finished = as_memoryview(run.requests.finished)
        self.end = as_memoryview(run.requests.end)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Note when and where the requests ended."""
        for row in rows:
            self.finished[row] = time
            self.end[row] = self.index

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows at once."""
        self.run.requests.finished[rows] = times
        self.run.requests.end[rows] = self.index


class ReturningEnd(EndStage):
    """An end of a closed loop: the client that sent the request hears of it."""

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Note when and where the requests ended, and tell the clients."""
        super().accept(rows, time)
        self.run.source.accept(rows, time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows, one by one."""
        Stage.accept_block(self, rows, times)
