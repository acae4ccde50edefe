"""A gate: which requests go where."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from simulator.errors import suggest
from simulator.scenario.base import Name, Share, Strict
from simulator.scenario.stages.base import AnyStage, Faults, Target

if TYPE_CHECKING:
    from simulator.scenario.schema import Scenario

#: What a gate may use besides an attribute of the requests.
SCORE, QUALITY, RANDOM, SENSOR, FRAME = "score", "quality", "random", "sensor", "frame"
#: All of these.
OWN = (SCORE, QUALITY, RANDOM, SENSOR, FRAME)

#: Of these, and of attributes: the fields of a route that set what it takes.
_BY_LABELLED, _BY_CHANCE = ("at_least", "at_sensitivity", "at_specificity"), ("share",)
_BY_VALUE, _BY_NUMBER, _BY_FRAME = ("values",), ("at_least",), ("every",)

#: The fields of a route that say what it takes; at most one of them.
THRESHOLDS = ("at_least", "at_sensitivity", "at_specificity", "values", "share", "every")


class Route(Strict):
    """One route out of a gate, by threshold, values, share or number; without any of them, for all the rest."""

    to: Target
    tag: Name | None = None
    at_least: float | None = None
    at_sensitivity: Annotated[
        float | None,
        Field(ge=0, le=1, description="the threshold that this share of the labelled positives reaches or exceeds"),
    ] = None
    at_specificity: Annotated[
        float | None, Field(ge=0, le=1, description="the threshold that this share of the labelled negatives stays below")
    ] = None
    values: Annotated[
        list[str] | None, Field(min_length=1, max_length=64, description="values of an attribute, or sensors")
    ] = None
    share: Annotated[Share | None, Field(description="this share of all requests at the gate, chosen at random")] = None
    every: Annotated[int | None, Field(ge=1, le=100_000, description="one of so many frames of a sensor, by number")] = None
    first: Annotated[int, Field(ge=0, description="with `every`: the number of the first frame that takes it")] = 0

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        given = [name for name in THRESHOLDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        if self.first >= (self.every or 1):
            limit = f"should be below every ({self.every})" if self.every else "needs `every`"
            raise ValueError(f"first {limit}; got {self.first}")
        return self

    @property
    def is_rest(self) -> bool:
        """Whether the route takes everything no earlier route took."""
        return all(getattr(self, name) is None for name in THRESHOLDS)


class Gate(AnyStage):
    """Sends each request along one of several routes.

    By the model's score, the photo's quality, an attribute, chance, the sensor of a frame or its number.
    """

    kind: Literal["gate"]
    by: Annotated[Name, Field(description="`score`, `quality`, `random`, `sensor`, `frame` or an attribute of the requests")]
    of: Annotated[Name | None, Field(description="the pool whose scores to use; needed if several pools give scores")] = None
    holds: Annotated[
        Literal["labelled", "next"],
        Field(
            description="whether at_sensitivity and at_specificity hold for the labelled items, or for the next one with at "
            "least that probability, as split conformal prediction promises"
        ),
    ] = "labelled"
    routes: Annotated[list[Route], Field(min_length=1, max_length=16)]
    answers: Annotated[
        bool,
        Field(description="whether a request is answered once it is here; an end answers those without an answer"),
    ] = False

    @model_validator(mode="after")
    def _promises_of_scores(self) -> Self:
        if self.holds == "next" and self.by != SCORE:
            raise ValueError("holds: next is for gates by score: only their thresholds are chosen on labelled items")
        return self

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        if [route.is_rest for route in self.routes] != [False] * (len(self.routes) - 1) + [True]:
            raise ValueError("only the last route must have no threshold, values, share or number: it takes the rest")
        return self

    @property
    def by_score(self) -> bool:
        """Whether the model's word decides."""
        return self.by == SCORE

    @property
    def by_quality(self) -> bool:
        """Whether the quality of the photo decides."""
        return self.by == QUALITY

    @property
    def by_chance(self) -> bool:
        """Whether chance decides."""
        return self.by == RANDOM

    @property
    def by_photo(self) -> bool:
        """Whether it matters which of its photos a request shows."""
        return self.by_score or self.by_quality

    @property
    def by_frame(self) -> bool:
        """Whether the number of a frame decides."""
        return self.by == FRAME

    @property
    def by_source(self) -> bool:
        """Whether the sensor of a frame or its number decides."""
        return self.by_frame or self.by == SENSOR

    @property
    def asks(self) -> str | None:
        """The attribute that decides, if one does."""
        return None if self.by in OWN else self.by

    @property
    def gives_answers(self) -> bool:
        """Where the author says so."""
        return self.answers

    @property
    def sends_alike(self) -> bool:
        """Scores, photos, attributes and luck of a request are what they were."""
        return True

    def arrows(self) -> Iterator[tuple[str, str]]:
        """The routes that are open."""
        open_ = [route for route in self.routes if route.at_specificity is None or route.at_specificity < 1]
        return ((route.tag or "", route.to) for route in open_)

    @classmethod
    def check_names(cls, stage: dict[str, Any], data: dict[str, Any]) -> Faults:
        """An attribute that is not declared."""
        by, attributes = stage.get("by"), data.get("attributes")
        known = [*OWN, *(attributes if isinstance(attributes, dict) else {})]
        if isinstance(by, str) and by not in known:
            yield ("by",), f"'{by}' is not an attribute of the requests; {suggest(by, known)}"

    def check(self, name: str, scenario: Scenario) -> Faults:
        """Routes that a request may take, and what they go by."""
        yield from self._check_thresholds()
        yield from self._check_routes(scenario)
        if self.by_score:
            yield from self._check_scores(name, scenario)
        elif self.of:
            yield ("of",), f"a gate by {self.by} uses no pool's scores; delete this line"
        if self.by_quality and (scenario.population is None or scenario.population.quality is None):
            yield ("by",), "a gate by quality needs `population.quality`"
        if self.by_source and not scenario.sensors:
            yield ("by",), f"a gate by {self.by} needs frames: arrivals of the kind sensors"

    def _check_routes(self, scenario: Scenario) -> Faults:
        """Each route says what it takes in terms of what the gate goes by."""
        values = self.values(scenario)
        own = {SCORE: _BY_LABELLED, QUALITY: _BY_LABELLED, RANDOM: _BY_CHANCE, FRAME: _BY_FRAME, SENSOR: _BY_VALUE}
        allowed = _BY_VALUE if values else own.get(self.by, _BY_NUMBER)
        for index, route in enumerate(self.routes):
            for field in THRESHOLDS:
                if getattr(route, field) is not None and field not in allowed:
                    yield ("routes", index, field), f"a gate by {self.by} does not use this; {suggest(field, allowed)}"
        if values:
            yield from self._check_values(values)
        total = sum(route.share or 0.0 for route in self.routes)
        if self.by_chance and total > 1 + 1e-9:
            yield ("routes",), f"the shares add up to {total:g}; they should leave something of 1 for the last route"

    def values(self, scenario: Scenario) -> list[str]:
        """The values that its routes name: of an attribute that is a category, or the sensors; none if it goes by others."""
        if self.by == SENSOR:
            return scenario.sensors
        return scenario.attributes[self.asks].categories if self.asks else []

    def _check_values(self, values: list[str]) -> Faults:
        """Each value of the attribute exists, and is named once."""
        seen: dict[str, int] = {}
        for index, route in enumerate(self.routes):
            for place, value in enumerate(route.values or []):
                if value not in values:
                    yield ("routes", index, "values", place), f"'{value}' is not a value of it; {suggest(value, values)}"
                elif value in seen:
                    message = f"'{value}' is already in route {seen[value]}; name it once"
                    yield ("routes", index, "values", place), message
                seen.setdefault(value, index)

    def _check_thresholds(self) -> Faults:
        """A threshold that an earlier route also passes is never reached."""
        highest, lowest, strictest = 0.0, inf, 1.0
        for index, route in enumerate(self.routes):
            if route.at_least is not None and route.at_least >= lowest:
                message = f"{route.at_least:g} is not below {lowest:g} of an earlier route, so no request takes this one"
                yield ("routes", index, "at_least"), message
            lowest = min(lowest, inf if route.at_least is None else route.at_least)
            if route.at_sensitivity is not None and route.at_sensitivity < highest:
                message = f"{route.at_sensitivity:g} is below {highest:g} of an earlier route; the strictest comes first"
                yield ("routes", index, "at_sensitivity"), message
            highest = max(highest, route.at_sensitivity or 0.0)
            if route.at_specificity is not None and route.at_specificity > strictest:
                message = f"{route.at_specificity:g} is above {strictest:g} of an earlier route; the strictest comes first"
                yield ("routes", index, "at_specificity"), message
            strictest = min(strictest, 1.0 if route.at_specificity is None else route.at_specificity)

    def _check_scores(self, name: str, scenario: Scenario) -> Faults:
        """It uses the scores of one pool, which the requests have passed."""
        scorers, known = scenario.scorers(), {*scenario.stages, *scenario.ends}
        if not scorers:
            yield ("by",), "a gate by score needs a pool with `scores`"
        elif self.of and self.of not in scorers:
            yield ("of",), f"'{self.of}' is not a pool with scores; {suggest(self.of, scorers)}"
        elif self.of is None and len(scorers) > 1:
            yield ("by",), f"several pools give scores; name one with `of`: {', '.join(scorers)}"
        elif name not in (reached := scenario.network.reached(scenario.scorer_of(self))) and reached <= known:
            yield ("by",), f"no request arrives here from '{scenario.scorer_of(self)}', whose scores it uses"
