"""A gate and its routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.arrays import Column, Rows, Times
from simulator.case.any_stage import Faults, Target
from simulator.case.attributes import item_values
from simulator.case.case_contract import AnyCase
from simulator.case.document import Path
from simulator.case.fields import Name, Share, ShareFigure, Strict, refused
from simulator.case.references import NAME_KINDS, KnownCase, NameKind, Ref
from simulator.case.scenario_parts import BY_CHECK, FRAME, OOD, OWN, QUALITY, RANDOM, SCORE, SENSOR
from simulator.engine.compiled_plan import Plan
from simulator.engine.contract import Comers, Onward, Stage, StageModel, StageRun
from simulator.engine.stages.gate_routes import (
    attribute_values,
    chance_thresholds,
    first_reached,
    frame_values,
    label_values,
    thresholds,
)
from simulator.engine.stages.stage import OrderedStage
from simulator.errors import suggest
from simulator.phrases import phrase
from simulator.records.trace import as_memoryview

#: The fields of a route that set what it takes, by what the gate goes by; of an attribute with values, and of a number.
_BY_VALUE, _BY_NUMBER = ("values",), ("at_least",)
_FIELDS_BY = dict.fromkeys((SCORE, *BY_CHECK), ("at_least", "at_sensitivity", "at_specificity")) | {
    RANDOM: ("share", "share_of_positives"),
    FRAME: ("every",),
    SENSOR: _BY_VALUE,
}

#: The two groups that thresholds are set by.
_GROUPS = {
    SCORE: ("positives", "negatives"),
    QUALITY: ("usable photos", "unusable photos"),
    OOD: ("photos as expected", "foreign photos"),
}

#: The fields of a route that say what it takes; at most one of them.
THRESHOLDS = ("at_least", "at_sensitivity", "at_specificity", "values", "share", "share_of_positives", "every")


class Route(Strict):
    """One route out of a gate, by threshold, values, share or number; without any of them, for all the rest."""

    to: Target
    tag: Name | None = None
    """a tag for the requests of this route"""
    at_least: float | None = None
    """the threshold itself"""
    at_sensitivity: Annotated[float | None, Field(ge=0, le=1)] = None
    """the threshold that this share of the labelled positives reaches or exceeds"""
    at_specificity: Annotated[float | None, Field(ge=0, le=1)] = None
    """the threshold that this share of the labelled negatives stays below"""
    values: Annotated[list[Annotated[str, Ref("value")]] | None, Field(min_length=1, max_length=64)] = None
    """values of an attribute, or sensors"""
    share: Share | None = None
    """this share of all requests at the gate, chosen at random"""
    share_of_positives: ShareFigure | None = None
    """this share of the positives, chosen at random"""
    share_of_negatives: ShareFigure | None = None
    """with `share_of_positives`: this share of the negatives, chosen at random"""
    every: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """one of N frames of a sensor, by number"""
    first: Annotated[int, Field(ge=0)] = 0
    """with `every`: the number of the first frame that takes it"""

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        given = [name for name in THRESHOLDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        if (self.share_of_positives is None) != (self.share_of_negatives is None):
            raise ValueError("share_of_positives and share_of_negatives need each other; give both or neither")
        if self.first >= (self.every or 1):
            limit = f"should be below every ({self.every})" if self.every else "needs `every`"
            raise ValueError(f"first {limit}; got {self.first}")
        return self

    def chance(self, positive: bool) -> float:
        """Return the share of the positives, or of the negatives, that takes it by chance."""
        given = self.share_of_positives if positive else self.share_of_negatives
        return (self.share or 0.0) if given is None else given.value

    @property
    def is_rest(self) -> bool:
        return all(getattr(self, name) is None for name in THRESHOLDS)


def at_threshold(route: Route, threshold: float) -> Route:
    return route.model_copy(update={"at_least": threshold, "at_sensitivity": None, "at_specificity": None})


class Gate(StageModel):
    """Sends each request along one of several routes.

    By the model's score, a check of the photo, an attribute, chance, the sensor of a frame or its number.
    """

    sends_alike: ClassVar[bool] = True

    fresh: ClassVar[Mapping[str, Any]] = {"label": "Gate", "by": RANDOM, "routes": [{"share": 0.5}, {}]}
    at_the_box: ClassVar[Mapping[str, str]] = {
        "routes.*.share": "Share",
        "routes.*.share_of_positives.value": "Share of the positives",
        "routes.*.share_of_negatives.value": "Share of the negatives",
        "routes.*.at_sensitivity": "Threshold: share of the positives",
        "routes.*.at_specificity": "Threshold: share of the negatives below",
        "routes.*.at_least": "Threshold",
    }

    kind: Literal["gate"]
    by: Annotated[Name, Ref("property")]
    """`score`, `quality`, `ood`, `random`, `sensor`, `frame` or an attribute of the requests"""
    of: Annotated[Name, Ref("scorer")] | None = None
    """the pool whose scores to use; needed if several pools give scores"""
    holds: Literal["labelled", "next"] = "labelled"
    """whether at_sensitivity and at_specificity hold for the labelled items, or for the next one with at least that
    probability, as split conformal prediction promises"""
    routes: Annotated[list[Route], Field(min_length=1, max_length=16)]
    """tried from top to bottom; the last one takes all that is left"""
    answers: bool = False
    """whether a request is answered once it is here; an end answers those without an answer"""

    _promises_of_scores = refused(
        lambda gate: gate.holds == "next" and gate.by != SCORE,
        "holds: next is for gates by score: only their thresholds are chosen on labelled items",
    )

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        rests = [index for index, route in enumerate(self.routes) if route.is_rest]
        if rests == [len(self.routes) - 1]:
            return self
        if len(rests) == 1:
            taken = f"route {rests[0]}, to '{self.routes[rests[0]].to}', says nothing of what it takes, so it takes the rest"
            raise ValueError(f"the routes are swapped: {taken}; move it to the end")
        none = "no route takes the rest; end with one like {to: a stage}"
        several = "routes {} all take the rest; all but the last need a threshold, values, share or number"
        raise ValueError(several.format(" and ".join(map(str, rests))) if rests else none)

    @property
    def routing(self) -> Gate:
        return self

    @property
    def by_score(self) -> bool:
        return self.by == SCORE

    @property
    def by_check(self) -> bool:
        return self.by in BY_CHECK

    @property
    def by_chance(self) -> bool:
        return self.by == RANDOM

    @property
    def by_label(self) -> bool:
        return any(route.share_of_positives is not None for route in self.routes)

    @property
    def by_photo(self) -> bool:
        return self.by_score or self.by_check

    @property
    def by_source(self) -> bool:
        return self.by in (FRAME, SENSOR)

    @property
    def asks(self) -> str | None:
        return None if self.by in OWN else self.by

    @property
    def gives_answers(self) -> bool:
        return self.answers

    def open_routes(self) -> Iterator[tuple[str, str]]:
        open_ = [route for route in self.routes if route.at_specificity is None or route.at_specificity < 1]
        return ((route.tag or "", route.to) for route in open_)

    def check(self, name: str, scenario: AnyCase) -> Faults:
        """Routes that a request may take, and what they go by."""
        yield from self._check_thresholds()
        yield from self._check_routes(scenario)
        if self.by_score:
            yield from self._check_scores(name, scenario)
        elif self.of:
            yield ("of",), f"a gate by {self.by} uses no pool's scores; delete this line"
        if self.by_check and (scenario.population is None or self.by not in scenario.population.photo_checks):
            yield ("by",), f"a gate by {self.by} needs `population.{self.by}`"
        if self.by_source and not scenario.sensors:
            yield ("by",), f"a gate by {self.by} needs frames: arrivals of the kind sensors"

    def _check_routes(self, scenario: AnyCase) -> Faults:
        """Each route says what it takes in terms of what the gate goes by."""
        values = self.values(scenario)
        allowed = _BY_VALUE if values else _FIELDS_BY.get(self.by, _BY_NUMBER)
        for index, route in enumerate(self.routes):
            for field in THRESHOLDS:
                if getattr(route, field) is not None and field not in allowed:
                    yield ("routes", index, field), f"a gate by {self.by} does not use this; {suggest(field, allowed)}"
        if values:
            yield from self._check_values(values)
        total = max(sum(route.chance(positive) for route in self.routes) for positive in (False, True))
        if self.by_chance and total > 1 + 1e-9:
            yield ("routes",), f"the shares add up to {total:g}; they should leave something of 1 for the last route"
        if self.by_label and scenario.population is None:
            yield ("routes",), "shares of positives and of negatives need a `population` section that states the prevalence"

    def values(self, scenario: AnyCase) -> list[str]:
        if self.by == SENSOR:
            return scenario.sensors
        return scenario.attributes[self.asks].categories if self.asks else []

    def _check_values(self, values: list[str]) -> Faults:
        """Each value of the attribute is named once."""
        seen: dict[str, int] = {}
        for index, route in enumerate(self.routes):
            for place, value in enumerate(route.values or []):
                if value in values and value in seen:
                    message = f"'{value}' is already in route {seen[value]}; name it once"
                    yield ("routes", index, "values", place), message
                seen.setdefault(value, index)

    def _check_thresholds(self) -> Faults:
        """Yield thresholds that are never reached, since an earlier route takes all that pass them."""
        passed = {"at_least": inf, "at_sensitivity": 0.0, "at_specificity": 1.0}
        for index, route in enumerate(self.routes):
            for field, last in passed.items():
                value = getattr(route, field)
                if value is None:
                    continue
                rises, earlier = field == "at_sensitivity", f"{last:g} of an earlier route"
                if field == "at_least" and value >= last:
                    remedy = "; swap them" if value > last else ""
                    yield ("routes", index, field), f"{value:g} is not below {earlier}, so no request takes this one{remedy}"
                elif field != "at_least" and (value < last if rises else value > last):
                    side = "below" if rises else "above"
                    yield ("routes", index, field), f"{value:g} is {side} {earlier}; swap them: the strictest comes first"
                passed[field] = max(value, last) if rises else min(value, last)

    def _check_scores(self, name: str, scenario: AnyCase) -> Faults:
        """Yield faults of the scores it uses: they come from one pool, which the requests have passed."""
        scorers, known = scenario.scorers(), {*scenario.stages, *scenario.ends}
        if not scorers:
            yield ("by",), "a gate by score needs a pool with `scores`"
        elif self.of is None and len(scorers) > 1:
            yield ("by",), f"several pools give scores; name one with `of`: {', '.join(scorers)}"
        elif self.of and self.of not in scorers:
            return  # the name has a fault of its own
        elif name not in (reached := scenario.network.reached(scenario.scorer_of(self))) and reached <= known:
            yield ("by",), f"no request arrives here from '{scenario.scorer_of(self)}', whose scores it uses"

    def routes_of_items(self, plan: Plan) -> NDArray[np.int64] | None:
        if self.asks and plan.scenario.attributes[self.asks].of_items:
            return self.routes_of_values(plan, item_values(plan, self.asks))
        if not self.by_score:
            return None
        table = plan.table_of(self)
        return first_reached(np.concatenate([table.positives, table.negatives]), thresholds(plan, self))

    def routes_of_values(self, plan: Plan, values: Column) -> NDArray[np.int64]:
        return first_reached(attribute_values(plan, self, values), np.array(thresholds(plan, self), np.float32))

    def routes_of_frames(self, plan: Plan, sensors: Column, frames: Column) -> NDArray[np.int64]:
        return first_reached(frame_values(plan, self, sensors, frames), np.array(thresholds(plan, self), np.float32))

    def routes_by_chance(self, plan: Plan, positive: bool = False) -> list[float] | None:
        if not self.by_chance:
            return None
        return [high - low for high, low in pairwise([1.0, *chance_thresholds(self, positive), 0.0])]

    def routes_of_photos(self, plan: Plan, faults: frozenset[str]) -> list[float] | None:
        """Return the shares that the check lets through, of photos with these faults."""
        if not self.by_check:
            return None
        above = [plan.checks[self.by].passing(cut, self.by not in faults) for cut in thresholds(plan, self)]
        return [low - high for low, high in zip([*above, 1.0], [0.0, *above], strict=True)]

    def bounds(self, plan: Plan) -> list[float]:
        return thresholds(plan, self)

    def facts(self, plan: Plan, name: str) -> list[str]:
        """Return the share that each route is set to take, in words."""
        if not self.by_photo:
            return [_taken(plan, self.by, route) for route in self.routes if not route.is_rest]
        whom, others = _GROUPS[self.by]
        cuts = [(route.tag, route.at_sensitivity, whom) for route in self.routes if route.at_sensitivity is not None]
        above = [(route.tag, 1 - route.at_specificity, others) for route in self.routes if route.at_specificity is not None]
        parts = [(tag, share, of) for tag, share, of in [*above, *cuts] if share > 0]
        return [f"{f'{tag}: ' if tag else ''}{100 * share:.3g}% of the {of}" for tag, share, of in parts]

    def flows(self, plan: Plan, name: str, comers: Comers) -> list[Onward]:
        shares = comers.photo.routes[name]
        return [Onward(route.to, share, route.tag or "") for route, share in zip(self.routes, shares, strict=True)]


class GateStage(Stage):
    """Each request takes the first route whose threshold its value reaches."""

    @classmethod
    def of(cls, run: StageRun, name: str, spec: Gate) -> Stage:
        waits = spec.by_score and run.plan.scenario.scorer_of(spec) in run.in_branches
        return (WaitingGateStage if waits else cls)(run, name, spec)

    def __init__(self, run: StageRun, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        # Scores are columns of single precision: so are the thresholds, or the item that sets one would fall below it.
        self.cuts = [float(np.float32(cut)) for cut in thresholds(run.plan, spec)]
        self.given = run.requests.given[run.plan.scenario.scorer_of(spec)] if spec.by_score else None
        self.marks = run.requests.tags
        self.values = self._known()
        self._elements = [as_memoryview(row) for row in self.values]

    def _known(self) -> NDArray[np.float32]:
        """Return the values to compare with its thresholds, other than scores, by photo and request; shape (photos, n)."""
        if self.spec.by_chance:
            drawn = self.run.uniform(f"{self.name}.route")
            return (label_values(self.spec, self.run.requests.positive, drawn) if self.spec.by_label else drawn)[None]
        if self.spec.asks:
            return attribute_values(self.run.plan, self.spec, self.run.requests.attributes[self.spec.asks])[None]
        if self.spec.by_source:
            return frame_values(self.run.plan, self.spec, self.run.requests.sensor, self.run.requests.frame)[None]
        return self.run.requests.checks.get(self.spec.by, np.zeros((1, self.run.requests.n), np.float32))

    def connect(self) -> None:
        """Look up where each route leads."""
        tags = self.run.tags
        self.routes = [
            (self.run.way_out(self.name, route.to), tags.index(route.tag) + 1 if route.tag else 0) for route in self.spec.routes
        ]
        self.photos = self.run.photos(self.name)
        if not self.spec.by_photo:
            self.photos = np.zeros_like(self.photos)
        self._photos = as_memoryview(self.photos)

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
        """Take many rows at once."""
        if self.spec.answers:
            self.run.answer_block(rows, times)
        route = first_reached(self._values_at(rows, times), self.cuts)
        for index, (receiver, tag) in enumerate(self.routes):
            mine = route == index
            if tag:
                self.marks.write_all(rows[mine], tag, times[mine])
            receiver.accept_block(rows[mine], times[mine])

    def may_reach(self, stage: str) -> NDArray[np.bool_]:
        """Return which requests that come here may come to `stage` later on: whatever is no score is known of all."""
        if self.given:
            return super().may_reach(stage)
        leads = np.array([self.run.leads(route.to, stage) for route in self.spec.routes])
        reaches = np.zeros(self.run.requests.n, bool)
        for values in self.values:
            reaches |= leads[first_reached(values, self.cuts)]
        return reaches

    def _values_at(self, rows: Rows, times: Times) -> NDArray[np.float32]:
        return self.given.at_all(rows, times) if self.given else self.values[self.photos[rows], rows]


class WaitingGateStage(OrderedStage):
    """A gate by the scores of a pool in a branch of a fork: a request may be here before its score is.

    So nothing is routed before its turn in the order of time, when all scores that have come by then are known.
    """

    def __init__(self, run: StageRun, name: str, spec: Gate) -> None:
        super().__init__(run, name, spec)
        self.gate = GateStage(run, name, spec)

    def connect(self) -> None:
        super().connect()
        self.gate.connect()

    def pass_on(self, rows: Rows, times: Times) -> None:
        self.gate.accept_block(rows, times)


def _taken(plan: Plan, by: str, route: Route) -> str:
    """Return what a route of a gate takes that looks at no photo. by: the attribute that decides."""
    if route.share is not None:
        taken = f"{100 * route.share:.3g}% by chance"
    elif route.share_of_positives is not None:
        of_positives, of_negatives = (f"{100 * route.chance(positive):.3g}%" for positive in (True, False))
        taken = phrase("gates.shares", of_positives=of_positives, of_negatives=of_negatives)
    elif route.every is not None:
        taken = f"1 of {route.every} frames"
    else:
        words = plan.scenario.value_words(by)
        taken = ", ".join(words.get(value, value) for value in route.values) if route.values else f"{route.at_least:g} and more"
    return f"{taken}: {route.tag or plan.scenario.label_of(route.to)}"


def _values(case: KnownCase, path: Path) -> list[str] | None:
    """Return the values by which a gate routes; None for a gate by a number."""
    gate: Any = case.scenario.stages[str(path[1])]
    return gate.values(case.scenario) or None


NAME_KINDS["value"] = NameKind("value", _values, "'{}' is not a value of it", by_place=True)


def score_gates(scenario: AnyCase) -> dict[str, Gate]:
    """Return the stages that route by scores, by name."""
    return {name: cast(Gate, routing) for name, routing in scenario.routers().items() if routing.by_score}


def gates_of_items(scenario: AnyCase) -> dict[str, Gate]:
    """Return the stages whose routes follow from the labelled item of a request, by name."""
    of_items = [name for name, attribute in scenario.attributes.items() if attribute.of_items]
    routers = scenario.routers().items()
    return {name: cast(Gate, routing) for name, routing in routers if routing.by_score or routing.asks in of_items}
