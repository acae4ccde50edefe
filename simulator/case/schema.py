"""A scenario: everything an author writes in one YAML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, cached_property
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, create_model

from simulator.case.any_stage import STAGE_KINDS, AnyStage, End, Routing, ScoreRouting
from simulator.case.attributes import Attribute, ItemAttribute
from simulator.case.case_contract import ARRIVAL_KINDS, AnyArrivals
from simulator.case.case_tests import CaseTests, TextClaim
from simulator.case.choices import Choice, Controller, Pick, against_default
from simulator.case.column_samples import ColumnSamples
from simulator.case.curveballs import Curveball
from simulator.case.document import Document
from simulator.case.exhibits import offered
from simulator.case.fields import (
    EVIDENCE_KINDS,
    Line,
    Name,
    Prose,
    Slug,
    Strict,
    add_quantity,
)
from simulator.case.interview import Interview
from simulator.case.kinds import HOLDERS, PLACES, OneOf, Provided, Section
from simulator.case.network import Network
from simulator.case.outputs import CaseNouns, CaseOutline, Metric, grouping, metrics_of, with_groups
from simulator.case.phases import PRACTICE_FIELDS, TEXT_FIELDS, Anchors, ExhibitName, PracticePhase, Reference
from simulator.case.prose_figures import with_filled_texts
from simulator.case.references import Ref
from simulator.case.scenario_parts import (
    SENSOR,
    Accelerator,
    Costs,
    Lesson,
    Noun,
    Objective,
    OwnHardware,
    OwnMetric,
    Population,
    Question,
    RequestClass,
    RunLength,
)
from simulator.limits import OPTIONS
from simulator.phrases import phrase

add_quantity(ColumnSamples)


def _few_options(choices: dict[str, Choice]) -> dict[str, Choice]:
    count = sum(len(choice.extremes()) for choice in choices.values())
    if count > OPTIONS.most:
        raise ValueError(f"there are {count:,} options in all; at most {OPTIONS} are taken, as {OPTIONS.why}")
    return choices


class Scenario(Strict):
    """A case: its story, its choices, what runs, and its objectives."""

    # The kinds of stages and the sections of features lie above this module: they are looked up when a case is first read.
    model_config = ConfigDict(defer_build=True)

    without_figures = frozenset({*PRACTICE_FIELDS, *TEXT_FIELDS, "questions", "choices", "exhibits"})

    id: Slug
    """its name in lower-case words joined by -; the file is called ID.yaml"""
    version: Annotated[int, Field(ge=1)]
    """a whole number; raise it when the case changes"""
    title: Line
    """the title"""
    summary: Line
    """one line for the list of cases"""
    minutes: Annotated[int, Field(ge=5, le=240)] = 45
    """how long the case takes in an interview"""
    brief: Prose
    """the task for the candidate, in Markdown"""
    questions: Annotated[list[Question], Field(max_length=40)] = []
    """clarifying questions of a good candidate, with answers"""
    debrief: Annotated[list[Lesson], Field(max_length=40)] = []
    """the lessons of the case"""
    run: RunLength = RunLength()
    """length and number of the replications"""
    unit: Noun = Noun(one="request", many="requests")
    """the word for a request"""
    arrivals: Annotated[AnyArrivals, OneOf(ARRIVAL_KINDS, "simulator.engine.arrivals")]
    """when requests arrive"""
    population: Population | None = None
    """the people or things behind the requests; without it no metric counts positives"""
    classes: Annotated[dict[Name, RequestClass], Field(max_length=16)] = {}
    """kinds of requests, by name"""
    attributes: Annotated[dict[Name, Attribute], Field(max_length=16)] = {}
    """properties of requests, by name"""
    accelerators: Annotated[dict[Name, Accelerator], Field(max_length=16)] = {}
    """devices that pools share, by name"""
    hardware: Annotated[dict[Name, OwnHardware], Field(max_length=16)] = {}
    """machines that no catalogue lists"""
    start: Annotated[str, Ref("stage", absent="there is none to choose")]
    """the stage that every request enters first"""
    stages: Annotated[
        dict[Name, Annotated[AnyStage, OneOf(STAGE_KINDS, "simulator.engine.stages")]], Field(min_length=1, max_length=64)
    ]
    """the stages on the path of a request, by name"""
    ends: Annotated[dict[Name, End], Field(min_length=1, max_length=32)]
    """the ends of the path, by name"""
    costs: Costs | None = None
    """costs that belong to no single stage"""
    encounters: Annotated[Any, Provided("encounters")] = None
    """encounters of a vehicle on its way"""
    vehicle: Annotated[Any, Provided("vehicle")] = None
    """a vehicle, its parts and its costs"""
    incident: Annotated[Any, Provided("incident")] = None
    """a stream of frames, and a fault in it"""
    curveballs: Annotated[dict[Name, Curveball], Field(max_length=32)] = {}
    """events that strike during a run, by name"""
    controllers: Annotated[dict[Name, Controller], Field(max_length=16)] = {}
    """rules that change picks during a run, by name"""
    own_metrics: Annotated[dict[Name, OwnMetric], Field(max_length=32)] = {}
    """metrics that the case defines itself, by name"""
    objectives: Annotated[list[Objective], Field(max_length=16)] = []
    """bounds on metrics that a good design meets"""
    choices: Annotated[dict[Name, Choice], Field(max_length=32), AfterValidator(_few_options)] = {}
    """the choices of the candidate, by name"""
    exhibits: Annotated[list[ExhibitName], Field(max_length=32)] = []
    """what the page shows of a run, in this order; empty: everything the stages offer"""
    phases: Annotated[list[PracticePhase], Field(max_length=12)] = []
    """the parts of a session of practice"""
    predict: Annotated[list[Annotated[str, Ref("metric"), Field(max_length=120)]], Field(max_length=2)] = []
    """up to two metrics that the candidate predicts before a run"""
    defence: Annotated[list[Line], Field(max_length=3)] = []
    """questions for the end of a session"""
    hero: ExhibitName | None = None
    """the exhibit that stands first"""
    reference: Annotated[dict[Name, Reference], Field(max_length=4)] = {}
    """good designs that the author ran, by name"""
    anchors: Annotated[dict[Annotated[Name, Ref("signal")], Anchors], Field(max_length=8)] = {}
    """four levels of a signal"""
    interview: Interview = Interview()
    """notes and probes for the interviewer alone"""
    claims: Annotated[list[TextClaim], Field(max_length=400)] = []
    """sentences of the text, with their evidence"""
    tests: CaseTests = CaseTests()
    """the results of some designs that `casesim test` expects"""

    _document: Document = PrivateAttr()
    _sound: bool = PrivateAttr(default=False)
    _variant: str = PrivateAttr(default="")

    @property
    def is_sound(self) -> bool:
        """Whether every check of the whole case has passed."""
        return self._sound

    def found_sound(self) -> Self:
        """Note that every check of the whole case has passed; return the scenario."""
        self._sound = True
        return self

    @property
    def document(self) -> Document:
        return self._document

    @cached_property
    def content(self) -> str:
        """The hash of the file's name, of all data in it, and of what was changed since: a cache may go by it.

        Two loads of one file share it; a pick, a figure, or another value of a copy makes it another one.
        """
        document = self._document
        parts = self._variant, document.file, document.data, document.written_by
        return sha256(repr(parts).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.content)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Scenario) and self.content == other.content)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copied = super().model_copy(update=update, deep=deep)
        copied._vary(update or {})
        return copied

    def _vary(self, changes: object) -> None:
        """Note what makes this copy another case than its document says."""
        self._variant = f"{self._variant} {changes!r}" if changes else self._variant

    @property
    def hashed_data(self) -> dict[str, Any]:
        """The author's data that can move a figure: all but the texts, and what only practice, interviewers and tests read."""
        return without_texts(self._document.data)

    @classmethod
    def of(cls, document: Document, known: Scenario | None = None) -> Scenario:
        """Validate a document's data; raises pydantic's ValidationError.

        known: a scenario that is valid; the models of all that its document shares with this one are taken from it.
        """
        data: Any = document.data
        if known is None:
            scenario = cls.model_validate(data)
            scenario._document = document
            return with_filled_texts(scenario)
        before = known.document.data
        changed = {name: part for name, part in data.items() if part is not before.get(name)}
        parts = {name: _with_models(part, before.get(name), getattr(known, name, None)) for name, part in changed.items()}
        names = frozenset(changed) | (before.keys() - data.keys())  # a section that is gone has its default
        sections = _sections(names).model_validate(parts)
        scenario = super(Scenario, known).model_copy(update={name: getattr(sections, name) for name in names})
        scenario._document, scenario._sound = document, False
        return scenario

    def label_of(self, target: str) -> str:
        return (self.stages.get(target) or self.ends[target]).label

    def value_words(self, by: str) -> dict[str, str]:
        """Return the words for values by which a gate routes: of an attribute, or the names of sensors."""
        if by == SENSOR:
            return dict(zip(self.sensors, self.sensor_labels, strict=True))
        attribute = self.attributes.get(by)
        return attribute.values if isinstance(attribute, ItemAttribute) else {}

    @cached_property
    def network(self) -> Network:
        return Network(self.stages)

    @property
    def sections(self) -> dict[str, Section]:
        return {name: section for name in PLACES if (section := getattr(self, name)) is not None}

    @property
    def who(self) -> Noun:
        return (self.population and self.population.unit) or self.unit

    @property
    def has_deadlines(self) -> bool:
        return any(kind.deadline_s is not None for kind in self.classes.values())

    def tags(self) -> list[str]:
        return list(dict.fromkeys(tag for stage in self.stages.values() for tag in stage.tags()))

    @property
    def sensors(self) -> list[str]:
        return list(self.arrivals.content.frames_per_s)

    @property
    def sensor_labels(self) -> list[str]:
        sensors = getattr(self.arrivals, "sensors", {})
        return [sensors[name].label for name in self.sensors]

    @property
    def ages(self) -> dict[str, list[str]]:
        return {name: self.sensors for name, end in self.ends.items() if end.age}

    def scorers(self) -> list[str]:
        return [name for name, stage in self.stages.items() if stage.service.gives_scores]

    def machine_stages(self) -> list[str]:
        return [name for name, stage in self.stages.items() if stage.servers and not stage.servers.keeps_hours]

    def staffed_stages(self) -> list[str]:
        return [name for name, stage in self.stages.items() if stage.servers.keeps_hours]

    def routers(self) -> dict[str, Routing]:
        return {name: stage.routing for name, stage in self.stages.items() if stage.routing is not None}

    def scorer_of(self, gate: ScoreRouting) -> str:
        return gate.of or self.scorers()[-1]

    def shown(self) -> list[str]:
        return self.exhibits or offered(self)

    def in_branches(self) -> set[str]:
        return set[str]().union(*map(self.network.inside, self.network.forks))

    @property
    def outline(self) -> CaseOutline:
        """The parts that decide which metrics a run reports."""
        ends = {name: end.label for name, end in self.ends.items()}
        sensors = {f"sensor {name}": label for name, label in zip(self.sensors, self.sensor_labels, strict=True)}
        return CaseOutline(
            stages={name: type(stage) for name, stage in self.stages.items()},
            tags=self.tags(),
            classes={name: kind.deadline_s is not None for name, kind in self.classes.items()},
            population=(self.population.detected, self.population.escalated) if self.population else None,
            ages=self.ages,
            own=self.own_metrics,
            rewards=self.costs is not None and any(price.reward_usd is not None for price in self.costs.prices),
            labels={name: stage.label for name, stage in self.stages.items()} | ends | sensors,
            nouns=self._nouns,
        )

    @property
    def _nouns(self) -> CaseNouns:
        nouns = CaseNouns(self.unit.one, self.unit.many, self.who.many)
        if self.population is None:
            return nouns
        return nouns._replace(positives=self.population.positives, negatives=self.population.negatives)

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that a run of this scenario can report, by name, in the order of the screen.

        A metric of an objective has the label of the objective, so that all surfaces call it by one name.
        """
        metrics = metrics_of(self.outline)
        for section in self.sections.values():
            metrics |= {metric.name: metric for metric in section.metrics()}
        metrics = with_groups(metrics, {name: grouping(attribute) for name, attribute in self.attributes.items()})
        labels = {objective.metric: objective.label for objective in reversed(self.objectives)}
        return {name: replace(metric, label=labels.get(name, metric.label)) for name, metric in metrics.items()}

    def asking(self, names: Iterable[str]) -> Self:
        """Return a scenario whose runs report these metrics and the objectives for them alone, which takes less time."""
        wanted = set(names)
        objectives = [objective for objective in self.objectives if objective.metric in wanted]
        narrowed = self.model_copy(update={"objectives": objectives})
        vars(narrowed)["metrics"] = {name: metric for name, metric in self.metrics.items() if name in wanted}
        narrowed._vary(sorted(wanted))
        return narrowed

    def defaults(self) -> dict[str, Any]:
        return {name: choice.read(choice.default) for name, choice in self.choices.items()}

    def outside_brief(self, picks: Mapping[str, Pick]) -> str:
        """Say which circumstances of a design are not those of the brief, the defaults; empty if none is."""
        changed = [
            f"{choice.label} is {against_default(choice, picks[name])}"
            for name, choice in self.choices.items()
            if choice.situation and name in picks and choice.read(picks[name]) != choice.read(choice.default)
        ]
        return phrase("picks.outside_brief", changes=changed) if changed else ""


HOLDERS.append(Scenario)


@cache
def _sections(names: frozenset[str]) -> type[Strict]:
    """Return a model with some sections of a case."""
    fields: Any = {name: (Scenario.model_fields[name].annotation, Scenario.model_fields[name]) for name in names}
    model: type[Strict] = create_model("Sections", __base__=Strict, **fields)
    HOLDERS.append(model)
    return model


def _with_models(data: Any, before: Any, models: Any) -> Any:
    if data is before:
        return models
    if isinstance(data, dict) and isinstance(before, dict) and isinstance(models, dict):
        keys = before.keys() & models.keys()
        return {key: _with_models(part, before[key], models[key]) if key in keys else part for key, part in data.items()}
    return data


#: The fields of a choice and of a question that only practice reads.
_OF_CHOICE, _OF_QUESTION = ("phase",), ("phase", "decides", "answer", "rests_on")


def without_texts(data: dict[str, Any]) -> dict[str, Any]:
    """Return a case's data without texts, ranges, and fields that only people or tests read: the part that its hash covers.

    Questions stay, without their answers: a session names a question by its place. The range of a figure moves no run.
    """
    kept = {name: part for name, part in data.items() if name not in (*PRACTICE_FIELDS, *TEXT_FIELDS)}
    choices, questions = kept.get("choices"), kept.get("questions")
    if isinstance(choices, dict):
        kept["choices"] = {name: _without(_OF_CHOICE, choice) for name, choice in choices.items()}
    if isinstance(questions, list):
        kept["questions"] = [_without(_OF_QUESTION, question) for question in questions]
    return {name: _without_ranges(part) for name, part in kept.items()}


def _without_ranges(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_ranges(item) for item in part]
    if not isinstance(part, dict):
        return part
    is_figure = "value" in part and not part.keys().isdisjoint(EVIDENCE_KINDS)
    return {name: _without_ranges(item) for name, item in part.items() if not (is_figure and name == "between")}


def _without(names: tuple[str, ...], part: Any) -> Any:
    return {name: value for name, value in part.items() if name not in names} if isinstance(part, dict) else part
