"""One request takes several ways at once: no time passes here."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.serving.stages.base import Rows, Stage, Times


class ForkStage(Stage):
    """Every branch is handed the same row; what the branches may write of it is limited by the checks of a scenario."""

    def connect(self) -> None:
        """Look up where each branch begins."""
        self.branches = [self.run.receiver(target) for target in self.spec.to]

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Hand the requests to every branch."""
        for branch in self.branches:
            branch.accept(rows, time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows."""
        for branch in self.branches:
            branch.accept_block(rows, times)
