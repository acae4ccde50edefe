"""Lets a run be stopped: deliveries to a stage that takes no time are held back until the run reaches their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulator.serving.engine import Run

Rows = NDArray[np.int32]
Times = NDArray[np.float64]


class Airlock:
    """Sits in front of a stage without an inbox. Stages hand over requests ahead of time; a pick may have changed by then."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self._kept: list[Callable[[], None]] = []

    def release(self) -> None:
        """The run goes on: pass on, in the order of delivery, what is due by now; hold the rest."""
        kept, self._kept = self._kept, []
        for deliver in kept:
            deliver()

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Which requests that come here may come to `stage` later on, shape (n,)."""
        return self.run.stages[self.name].may_reach(stage)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Take requests that all come at `time`."""
        if time < self.run.holds_from:
            self.run.stages[self.name].accept(rows, time)
        else:
            kept = list(rows)
            self._kept.append(lambda: self.accept(kept, time))

    def accept_block(self, rows: Rows, times: Times) -> None:
        """Take many requests, each at its own time."""
        due = times < self.run.holds_from
        if due.all():
            self.run.stages[self.name].accept_block(rows, times)
            return
        self.run.stages[self.name].accept_block(rows[due], times[due])
        late_rows, late_times = rows[~due], times[~due]
        self._kept.append(lambda: self.accept_block(late_rows, late_times))

    def fall_back(self, row: int, outcome: int, time: float) -> None:
        """Take a request that a stage has turned away."""
        if time < self.run.holds_from:
            self.run.stages[self.name].fall_back(row, outcome, time)
        else:
            self._kept.append(lambda: self.fall_back(row, outcome, time))

    def fall_back_block(self, rows: Rows, outcome: int, times: Times) -> None:
        """The same for many rows, each at its own time."""
        due = times < self.run.holds_from
        self.run.stages[self.name].fall_back_block(rows[due], outcome, times[due])
        if not due.all():
            late_rows, late_times = rows[~due], times[~due]
            self._kept.append(lambda: self.fall_back_block(late_rows, outcome, late_times))
