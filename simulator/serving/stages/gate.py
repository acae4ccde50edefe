"""Routes by a threshold: no time passes here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.stages import Gate
from simulator.scenario.stages.gate import RANDOM
from simulator.serving.attributes import gate_values, goes_by_itself
from simulator.serving.columns import elements
from simulator.serving.stages.base import Rows, ServiceStage, Stage, Times
from simulator.serving.thresholds import thresholds

if TYPE_CHECKING:
    from simulator.serving.engine import Run


class GateStage(Stage):
    """Each request takes the first route whose threshold its value reaches."""

    def __init__(self, run: Run, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        # Scores are columns of single precision: so are the thresholds, or the item that sets one would fall below it.
        self.cuts = [float(np.float32(cut)) for cut in thresholds(run.plan, spec)]
        self.given = run.requests.given[run.plan.scenario.scorer_of(spec)] if spec.by == "score" else None
        self.marks = run.requests.tags
        self.values = run.requests.qualities if spec.by != RANDOM else self.run.uniform(f"{name}.route")[None]
        if spec.by in run.requests.attributes:
            self.values = gate_values(run.plan, spec, run.requests.attributes[spec.by])[None]
        self._values = [elements(row) for row in self.values]

    def connect(self) -> None:
        """Look up where each route leads."""
        tags = self.run.tags
        self.routes = [
            (self.run.way_out(self.name, route.to), tags.index(route.tag) + 1 if route.tag else 0) for route in self.spec.routes
        ]
        self.photos = self.run.photos(self.name)
        if goes_by_itself(self.spec):  # whatever photo a request shows
            self.photos = np.zeros_like(self.photos)
        self._photos = elements(self.photos)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Send each request its way at once."""
        if self.spec.answers:
            self.run.answer(rows, time)
        for row in rows:
            value = self.given.at(row, time) if self.given else self._values[self._photos[row]][row]
            route = 0
            for cut in self.cuts:
                if value >= cut:
                    break
                route += 1
            receiver, tag = self.routes[route]
            if tag:
                self.marks.write(row, tag, time)
            receiver.accept((row,), time)

    def accept_block(self, rows: Rows, times: Times) -> None:
        """The same for many rows at once."""
        if self.spec.answers:
            self.run.answer_block(rows, times)
        values = self._values_of(rows, times)
        route = np.full(len(rows), len(self.cuts))
        for index, cut in reversed(list(enumerate(self.cuts))):
            route[values >= cut] = index
        for index, (receiver, tag) in enumerate(self.routes):
            mine = route == index
            if tag:
                self.marks.write_all(rows[mine], tag, times[mine])
            receiver.accept_block(rows[mine], times[mine])

    def _values_of(self, rows: Rows, times: Times) -> NDArray[np.float32]:
        return self.given.at_all(rows, times) if self.given else self.values[self.photos[rows], rows]


class WaitingGateStage(ServiceStage):
    """A gate by the scores of a pool in a branch of a fork: a request may be here before its score is.

    So nothing is routed before its turn in the order of time, when all scores that have come by then are known.
    """

    def __init__(self, run: Run, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        self.gate = GateStage(run, name, spec)

    def connect(self) -> None:
        """Look up where each route leads."""
        super().connect()
        self.gate.connect()

    def due(self, time: float) -> float:
        """A request is routed at once."""
        return time

    def advance(self, now: float, limit: float) -> float:
        """Route all that come by `now` or before `limit`; returns when the next one comes."""
        rows, times = [], []
        while self.inbox.head <= now or self.inbox.head < limit:
            row, time = self.inbox.pop()
            rows.append(row)
            times.append(time)
        self.gate.accept_block(np.array(rows, np.int32), np.array(times))
        return self.inbox.head

    def hand_over_since(self) -> None:
        """Whoever was routed has gone on."""
