"""Routes by a threshold: no time passes here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from simulator.scenario.stages import Gate, Route
from simulator.serving.attributes import Column, item_values
from simulator.serving.columns import elements
from simulator.serving.requests import quality_separation
from simulator.serving.stages.base import Comers, Onward, Rows, ServiceStage, Stage, Times, Waiting
from simulator.serving.thresholds import attribute_values, frame_values, thresholds

if TYPE_CHECKING:
    from simulator.serving.engine import Run
    from simulator.serving.plan import Plan


class GateStage(Stage):
    """Each request takes the first route whose threshold its value reaches."""

    @classmethod
    def of(cls, run: Run, name: str, spec: Gate) -> Stage:
        """The gate that waits for its turn only where that matters."""
        waits = spec.by_score and run.plan.scenario.scorer_of(spec) in run.in_branches
        return (WaitingGateStage if waits else cls)(run, name, spec)

    @classmethod
    def facts(cls, plan: Plan, name: str) -> list[str]:
        """What its routes are set to take."""
        spec = cast(Gate, plan.scenario.stages[name])
        if not spec.by_photo:
            return [_taken(plan, route) for route in spec.routes if not route.is_rest]
        whom, others = ("positives", "negatives") if spec.by_score else ("usable photos", "unusable photos")
        cuts = [(route.tag, route.at_sensitivity, whom) for route in spec.routes if route.at_sensitivity is not None]
        above = [(route.tag, 1 - route.at_specificity, others) for route in spec.routes if route.at_specificity is not None]
        told = [(tag, share, of) for tag, share, of in [*above, *cuts] if share > 0]
        return [f"{f'{tag}: ' if tag else ''}{100 * share:.3g}% of the {of}" for tag, share, of in told]

    @classmethod
    def flows(cls, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        """By what the photo, chance or an attribute makes each route take."""
        spec = cast(Gate, plan.scenario.stages[name])
        shares = comers.photo.routes[name]
        return [Onward(route.to, share, route.tag or "") for route, share in zip(spec.routes, shares, strict=True)]

    @classmethod
    def routes_of_items(cls, plan: Plan, name: str) -> NDArray[np.int64] | None:
        """The first route whose threshold its score reaches, or which its attribute takes."""
        spec = cast(Gate, plan.scenario.stages[name])
        if spec.asks and plan.scenario.attributes[spec.asks].of_items:
            return cls.routes_of_values(plan, name, item_values(plan, spec.asks))
        if not spec.by_score:
            return None
        table = plan.table_of(spec)
        return _first(np.concatenate([table.positives, table.negatives]), thresholds(plan, spec))

    @classmethod
    def routes_of_values(cls, plan: Plan, name: str, values: Column) -> NDArray[np.int64]:
        """The first route that takes each value."""
        spec = cast(Gate, plan.scenario.stages[name])
        return _first(attribute_values(plan, spec, values), np.array(thresholds(plan, spec), np.float32))

    @classmethod
    def routes_of_frames(cls, plan: Plan, name: str, sensors: Column, frames: Column) -> NDArray[np.int64]:
        """The first route that names the sensor, or that takes the number."""
        spec = cast(Gate, plan.scenario.stages[name])
        return _first(frame_values(plan, spec, sensors, frames), np.array(thresholds(plan, spec), np.float32))

    @classmethod
    def routes_by_chance(cls, plan: Plan, name: str) -> list[float] | None:
        """The shares of its routes; the last takes what they leave."""
        spec = cast(Gate, plan.scenario.stages[name])
        if not spec.by_chance:
            return None
        return [high - low for high, low in pairwise([1.0, *thresholds(plan, spec), 0.0])]

    @classmethod
    def bounds(cls, plan: Plan, name: str) -> list[float]:
        """Its thresholds."""
        return thresholds(plan, cast(Gate, plan.scenario.stages[name]))

    @classmethod
    def routes_of_photos(cls, plan: Plan, name: str, usable: bool) -> list[float] | None:
        """What the curve of the quality check lets through, by its AUC."""
        spec = cast(Gate, plan.scenario.stages[name])
        if not spec.by_quality:
            return None
        assert plan.scenario.population is not None
        quality = plan.scenario.population.quality
        apart = quality_separation(quality.auc.value) if quality and usable else 0.0
        above = [float(ndtr(apart - cut)) for cut in thresholds(plan, spec)]
        return [low - high for low, high in zip([*above, 1.0], [0.0, *above], strict=True)]

    def __init__(self, run: Run, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        # Scores are columns of single precision: so are the thresholds, or the item that sets one would fall below it.
        self.cuts = [float(np.float32(cut)) for cut in thresholds(run.plan, spec)]
        self.given = run.requests.given[run.plan.scenario.scorer_of(spec)] if spec.by_score else None
        self.marks = run.requests.tags
        self.values = self._known()
        self._elements = [elements(row) for row in self.values]

    def _known(self) -> NDArray[np.float32]:
        """What it compares with its thresholds where that is no score: of each photo, or of the request; shape (photos, n)."""
        if self.spec.by_chance:
            return self.run.uniform(f"{self.name}.route")[None]
        if self.spec.asks:
            return attribute_values(self.run.plan, self.spec, self.run.requests.attributes[self.spec.asks])[None]
        if self.spec.by_source:
            return frame_values(self.run.plan, self.spec, self.run.requests.sensor, self.run.requests.frame)[None]
        return self.run.requests.qualities

    def connect(self) -> None:
        """Look up where each route leads."""
        tags = self.run.tags
        self.routes = [
            (self.run.way_out(self.name, route.to), tags.index(route.tag) + 1 if route.tag else 0) for route in self.spec.routes
        ]
        self.photos = self.run.photos(self.name)
        if not self.spec.by_photo:
            self.photos = np.zeros_like(self.photos)
        self._photos = elements(self.photos)

    def accept(self, rows: Sequence[int], time: float) -> None:
        """Send each request its way at once."""
        if self.spec.answers:
            self.run.answer(rows, time)
        for row in rows:
            value = self.given.at(row, time) if self.given else self._elements[self._photos[row]][row]
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
        route = self._route(self._values_at(rows, times))
        for index, (receiver, tag) in enumerate(self.routes):
            mine = route == index
            if tag:
                self.marks.write_all(rows[mine], tag, times[mine])
            receiver.accept_block(rows[mine], times[mine])

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Which requests that come here may come to `stage` later on: whatever is no score is known of all."""
        if self.given:
            return super().may_reach(stage)
        leads = np.array([self.run.leads(route.to, stage) for route in self.spec.routes])
        found = np.zeros(self.run.requests.n, bool)
        for values in self.values:
            found |= leads[self._route(values)]
        return found

    def _route(self, values: NDArray[np.float32]) -> NDArray[np.int8]:
        """The place of the route that each value takes, from 0."""
        route = np.full(len(values), len(self.cuts), np.int8)
        for index, cut in reversed(list(enumerate(self.cuts))):
            route[values >= cut] = index
        return route

    def _values_at(self, rows: Rows, times: Times) -> NDArray[np.float32]:
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

    def waiting(self, time: float) -> Waiting:
        """Nothing waits for anything but its turn."""
        return Waiting.none()

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


def _first(values: NDArray[Any], cuts: Sequence[float] | NDArray[np.float32]) -> NDArray[np.int64]:
    """The place of the first threshold that each value reaches, or that of the rest behind the last; shape of `values`."""
    passes = [values >= cut for cut in cuts] + [np.ones(len(values), bool)]
    return np.asarray(np.argmax(passes, axis=0))


def _taken(plan: Plan, route: Route) -> str:
    """What a route of a gate takes that looks at no photo."""
    if route.share is not None:
        taken = f"{100 * route.share:.3g}% by chance"
    elif route.every is not None:
        taken = f"1 of {route.every} frames"
    else:
        taken = ", ".join(route.values) if route.values else f"{route.at_least:g} and more"
    return f"{taken}: {route.tag or plan.scenario.label_of(route.to)}"
