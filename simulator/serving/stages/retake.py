"""The requester is asked for another photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.scenario.stages import Retake
from simulator.serving.columns import elements
from simulator.serving.stages.base import Stage

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class RetakeStage(Stage):
    """A pure delay with two ways out early: no patience left, or no tries left."""

    def __init__(self, run: Run, name: str, spec: Retake) -> None:
        super().__init__(run, name, spec)
        self.delay = elements(60 * run.lognormal(f"{name}.minutes", spec.minutes))
        self.gives_up = elements(run.uniform(f"{name}.gives_up") < spec.gives_up.value)
        self.tries = elements(run.requests.tries)

    def connect(self) -> None:
        """Look up the ways out."""
        self.to = self.run.receiver(self.spec.to)
        self.on_give_up = self.run.receiver(self.spec.on_give_up)
        self.on_exhausted = self.run.receiver(self.spec.on_exhausted)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Ask for another photo, or let go."""
        for row in rows:
            if self.tries[row] + 1 >= self.spec.max_tries:
                self.run.answer((row,), time)
                self.on_exhausted.accept((row,), time)
            elif self.gives_up[row]:
                self.on_give_up.accept((row,), time)
            else:
                self.tries[row] += 1
                sent = time + self.delay[row]
                self.run.requests.sent[row] = sent
                self.log.add(row, time, time, sent)
                self.to.accept((row,), sent)
