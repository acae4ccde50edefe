"""A fork in the way: which requests go where."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Name, Share, Strict
from simulator.scenario.faults import Path
from simulator.scenario.stages.base import AnyStage, Target

#: What a gate may go by beside an attribute of the requests.
SCORE, QUALITY, RANDOM = "score", "quality", "random"

#: The fields of a route that say what it takes; one of them at most.
THRESHOLDS = ("at_least", "at_sensitivity", "at_specificity", "values", "share")


class Route(Strict):
    """One way out of a gate: for what its threshold, its values or its share say, or, with none of them, for all the rest."""

    to: Target
    tag: Name | None = None
    at_least: float | None = None
    at_sensitivity: Annotated[
        float | None, Field(ge=0, le=1, description="the threshold that this share of the labelled positives reaches")
    ] = None
    at_specificity: Annotated[
        float | None, Field(ge=0, le=1, description="the threshold that this share of the labelled negatives stays below")
    ] = None

    values: Annotated[list[str] | None, Field(min_length=1, max_length=64, description="values of an attribute")] = None
    share: Annotated[Share | None, Field(description="this share of all requests that come to the gate, by chance")] = None

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        given = [name for name in THRESHOLDS if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give {given[0]} or {given[1]}, not both")
        return self

    @property
    def is_rest(self) -> bool:
        """Whether the route takes all that no route before it took."""
        return all(getattr(self, name) is None for name in THRESHOLDS)


class Gate(AnyStage):
    """Sends each request one of several ways: by the model's score, the quality of its photo, an attribute, or chance."""

    kind: Literal["gate"]
    by: Annotated[Name, Field(description="`score`, `quality`, `random` or an attribute of the requests")]
    of: Annotated[Name | None, Field(description="whose scores; needed where several pools carry scores")] = None
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
        Field(description="whether the requester has the answer once the request is here; an end answers whoever has none yet"),
    ] = False

    @model_validator(mode="after")
    def _promises_of_scores(self) -> Self:
        if self.holds == "next" and self.by != SCORE:
            raise ValueError("holds: next is for gates by score: only their thresholds are chosen on labelled items")
        return self

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        if [route.is_rest for route in self.routes] != [False] * (len(self.routes) - 1) + [True]:
            raise ValueError("the last route, and only the last, should set no threshold, values or share: it takes the rest")
        return self

    def targets(self) -> dict[Path, str]:
        """Every route's target."""
        return {("routes", index, "to"): route.to for index, route in enumerate(self.routes)}
