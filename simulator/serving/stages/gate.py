"""Routes by a threshold: no time passes here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.stages import Gate
from simulator.serving.columns import elements
from simulator.serving.stages.base import Rows, Stage, Times
from simulator.serving.thresholds import thresholds

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class GateStage(Stage):
    """Each request takes the first route whose threshold its value reaches."""

    def __init__(self, run: Run, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        # Scores are columns of single precision: so are the thresholds, or the item that sets one would fall below it.
        self.cuts = [float(np.float32(cut)) for cut in thresholds(run.plan, spec)]
        self.by_score = spec.by == "score"
        self.tries = elements(run.requests.tries)
        self.given = run.requests.given[run.plan.scenario.scorer_of(spec)] if self.by_score else run.requests.risk
        self._given = elements(self.given)
        self.tags = elements(run.requests.tag)
        self.qualities = [elements(row) for row in run.requests.qualities]

    def connect(self) -> None:
        """Look up where each route leads."""
        tags = self.run.tags
        self.routes = [
            (self.run.way_out(self.name, route.to), tags.index(route.tag) + 1 if route.tag else 0) for route in self.spec.routes
        ]

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Send each request its way at once."""
        if self.spec.answers:
            self.run.answer(rows, time)
        for row in rows:
            value = self._given[row] if self.by_score else self.qualities[self.tries[row]][row]
            route = 0
            for cut in self.cuts:
                if value >= cut:
                    break
                route += 1
            receiver, tag = self.routes[route]
            if tag:
                self.tags[row] = tag
            receiver.accept((row,), time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows at once."""
        if self.spec.answers:
            self.run.answer_block(rows, times)
        values = self._values(rows)
        route = np.full(len(rows), len(self.cuts))
        for index, cut in reversed(list(enumerate(self.cuts))):
            route[values >= cut] = index
        for index, (receiver, tag) in enumerate(self.routes):
            mine = route == index
            if tag:
                self.run.requests.tag[rows[mine]] = tag
            receiver.accept_block(rows[mine], times[mine])

    def _values(self, rows: Rows) -> NDArray[np.float32]:
        requests = self.run.requests
        return self.given[rows] if self.by_score else requests.qualities[requests.tries[rows], rows]
