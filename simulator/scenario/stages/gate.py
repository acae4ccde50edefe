"""A fork in the way: which requests go where."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simulator.scenario.base import Name, Strict
from simulator.scenario.faults import Path
from simulator.scenario.stages.base import AnyStage, Target


class Route(Strict):
    """One way out of a gate: for values at or above a threshold, or, with no threshold, for all the rest."""

    to: Target
    tag: Name | None = None
    at_least: float | None = None
    at_sensitivity: Annotated[
        float | None, Field(ge=0, le=1, description="the threshold that this share of the labelled positives reaches")
    ] = None

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        if self.at_least is not None and self.at_sensitivity is not None:
            raise ValueError("give at_least or at_sensitivity, not both")
        return self

    @property
    def is_rest(self) -> bool:
        """Whether the route takes all that no route before it took."""
        return self.at_least is None and self.at_sensitivity is None


class Gate(AnyStage):
    """Sends each request one of several ways by the model's score or by the quality of its photo."""

    kind: Literal["gate"]
    by: Literal["score", "quality"]
    of: Annotated[Name | None, Field(description="whose scores; needed where several pools carry scores")] = None
    routes: Annotated[list[Route], Field(min_length=1, max_length=16)]
    answers: Annotated[
        bool,
        Field(description="whether the requester has the answer once the request is here; the ends answer if no gate does"),
    ] = False

    @model_validator(mode="after")
    def _rest_comes_last(self) -> Self:
        if [route.is_rest for route in self.routes] != [False] * (len(self.routes) - 1) + [True]:
            raise ValueError("the last route, and only the last, should have no threshold: it takes the rest")
        return self

    def targets(self) -> dict[Path, str]:
        """Every route's target."""
        return {("routes", index, "to"): route.to for index, route in enumerate(self.routes)}
