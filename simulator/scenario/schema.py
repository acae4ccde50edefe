"""A scenario: everything an author writes in one YAML file."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from simulator.scenario.arrivals import Arrivals
from simulator.scenario.attributes import Attribute, grouping, with_groups
from simulator.scenario.base import ClockTime, CostFigure, Figure, Line, Name, Prose, ShareFigure, Slug, Strict, bounded
from simulator.scenario.branches import meeting, reached
from simulator.scenario.choices import Choice
from simulator.scenario.curveballs import Curveball
from simulator.scenario.document import Document
from simulator.scenario.metrics import Metric, metrics_of
from simulator.scenario.stages import End, Fork, Gate, Pool, Stage


class Question(Strict):
    """A clarifying question a good candidate asks, and what the interviewer answers."""

    ask: Line
    answer: Prose


class Lesson(Strict):
    """One point of the debrief: what to take away, why, and where it is written."""

    title: Line
    text: Prose
    source: Line | None = None


class Run(Strict):
    """How long one replication is and how many are run."""

    starts_at: ClockTime = "00:00"
    days: Annotated[float, Field(gt=0, le=28, description="requests arrive over this many days")] = 1
    drain_days: Annotated[float, Field(ge=0, le=28, description="time after the last arrival to finish what waits")] = 1
    replications: Annotated[int, Field(ge=2, le=1000)] = 30
    warm_up: Annotated[
        Literal["none", "mser5"],
        Field(description="what is left out at the front: nothing, or by MSER where a steady state is asked for"),
    ] = "none"


class Quality(Strict):
    """Photos that show too little: how many, and how well a quality check tells them apart."""

    unusable: ShareFigure
    auc: ShareFigure


class Population(Strict):
    """Who the requests come from: what the labelled items stand for."""

    positive: Line
    negative: Line
    detected: Annotated[Line, Field(description="what is said of a positive that is detected")] = "detected"
    escalated: Annotated[Line, Field(description="what is said of a request that is passed on to people")] = "escalated"
    prevalence: ShareFigure
    quality: Quality | None = None


class RequestClass(Strict):
    """A kind of request: how many are of it, how urgent they are, how long an answer is worth anything."""

    label: Line
    share: ShareFigure
    priority: Annotated[int, Field(ge=1, le=100, description="1 is served first where the order is `priority`")] = 1
    deadline_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="seconds from its arrival after which an answer is worth nothing")
    ] = None


class Accelerator(Strict):
    """A device that several pools share. With s the slowdown, k batches at once each take 1 + (k - 1) (s - 1) times as long."""

    label: Line
    slowdown: Annotated[Figure, bounded(1, 10), Field(description="times as long that two batches at once take: 2 takes turns")]


class Costs(Strict):
    """Costs that no single stage carries."""

    missed_positive_usd: CostFigure


class Objective(Strict):
    """A bound on one metric."""

    metric: Annotated[str, Field(max_length=120)]
    label: Line
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give exactly one of at_least and at_most")
        return self


class Scenario(Strict):
    """A case: its story, what may be picked, what runs, and what is asked of it."""

    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: Line
    summary: Line
    minutes: Annotated[int, Field(ge=5, le=240, description="how long the case takes in an interview")] = 45
    brief: Prose
    questions: Annotated[list[Question], Field(max_length=40)] = []
    debrief: Annotated[list[Lesson], Field(max_length=40)] = []
    run: Run = Run()
    arrivals: Arrivals
    population: Population | None = None
    classes: Annotated[dict[Name, RequestClass], Field(max_length=16)] = {}
    attributes: Annotated[dict[Name, Attribute], Field(max_length=16)] = {}
    accelerators: Annotated[dict[Name, Accelerator], Field(max_length=16)] = {}
    start: Annotated[str, Field(description="the stage that every request enters first")]
    stages: Annotated[dict[Name, Stage], Field(min_length=1, max_length=64)]
    ends: Annotated[dict[Name, End], Field(min_length=1, max_length=32)]
    costs: Costs | None = None
    curveballs: Annotated[dict[Name, Curveball], Field(max_length=32)] = {}
    objectives: Annotated[list[Objective], Field(max_length=16)] = []
    choices: Annotated[dict[Name, Choice], Field(max_length=32)] = {}

    _document: Document = PrivateAttr()

    @property
    def document(self) -> Document:
        """The file this scenario was read from, with the place of every value."""
        return self._document

    @classmethod
    def of(cls, document: Document) -> Scenario:
        """Validate a document's data; raises pydantic's ValidationError."""
        scenario = cls.model_validate(document.data)
        scenario._document = document
        return scenario

    def label_of(self, target: str) -> str:
        """What a person calls a stage or an end."""
        return (self.stages.get(target) or self.ends[target]).label

    def tags(self) -> list[str]:
        """The tags that gates give to requests, in the order of the file."""
        routes = [route for stage in self.stages.values() if isinstance(stage, Gate) for route in stage.routes]
        return list(dict.fromkeys(route.tag for route in routes if route.tag))

    def scorers(self) -> list[str]:
        """The pools that give scores, in the order of the file."""
        return [name for name, stage in self.stages.items() if isinstance(stage, Pool) and stage.scores]

    def scorer_of(self, gate: Gate) -> str:
        """The pool whose scores a gate goes by."""
        return gate.of or self.scorers()[-1]

    def inputs_of(self, join: str) -> int:
        """How many branches meet at a join."""
        forks = [stage for stage in self.stages.values() if isinstance(stage, Fork)]
        return next(len(fork.to) for fork in forks if meeting(self.stages, fork) == join)

    def in_branches(self) -> set[str]:
        """The stages between a fork and its join."""
        forks = [stage for stage in self.stages.values() if isinstance(stage, Fork)]
        return set[str]().union(*(reached(self.stages, to, meeting(self.stages, fork)) for fork in forks for to in fork.to))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that a run of this scenario can report, by name, in the order of the screen."""
        kinds = {name: stage.kind for name, stage in self.stages.items()}
        classes = {name: kind.deadline_s is not None for name, kind in self.classes.items()}
        labels = {name: stage.label for name, stage in self.stages.items()}
        words = (self.population.detected, self.population.escalated) if self.population else None
        found = metrics_of(kinds, self.tags(), classes, words, labels)
        return with_groups(found, {name: grouping(attribute) for name, attribute in self.attributes.items()})

    def defaults(self) -> dict[str, Any]:
        """The design that picks nothing: every choice at its default."""
        return {name: choice.read(choice.default) for name, choice in self.choices.items()}
