"""A scenario: everything an author writes in one YAML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import AfterValidator, ConfigDict, Field, PrivateAttr, model_validator

from simulator.case.any_arrivals import ARRIVAL_KINDS, AnyArrivals
from simulator.case.any_stage import OOD, QUALITY, STAGE_KINDS, AnyStage, End
from simulator.case.attributes import Attribute
from simulator.case.case_tests import CaseTests, TextClaim
from simulator.case.choices import Choice, Controller, Pick
from simulator.case.column_samples import ColumnSamples
from simulator.case.curveballs import Curveball
from simulator.case.document import Document
from simulator.case.feature_sections import PLACES, Provided, Section
from simulator.case.fields import (
    ClockTime,
    CostFigure,
    Figure,
    Line,
    Name,
    Prose,
    ShareFigure,
    Slug,
    Strict,
    add_quantity,
    bounded,
    exactly_one,
)
from simulator.case.interview import Interview
from simulator.case.kinds import OneOf
from simulator.case.network import Network
from simulator.case.outputs import CaseNouns, CaseOutline, Metric, grouping, metrics_of, offered, with_groups
from simulator.case.own_hardware import OwnHardware
from simulator.case.own_metrics import OwnMetric, RequestPrice
from simulator.case.phases import Anchors, PracticePhase, Reference, without_texts
from simulator.case.prose_figures import with_filled_texts
from simulator.limits import OPTIONS
from simulator.units import counted

if TYPE_CHECKING:
    from simulator.case.any_stage import Routing
    from simulator.case.outputs import Metric
    from simulator.incident.section import Incident
    from simulator.stages.gate import Gate
    from simulator.vehicle.encounter_section import Encounters, Vehicle
else:
    Encounters = Vehicle = Incident = Section


add_quantity(ColumnSamples)


class Question(Strict):
    """A clarifying question of a good candidate, and the interviewer's answer.

    ask: the question
    answer: the answer of the interviewer
    """

    ask: Line
    answer: Prose
    phase: Annotated[Name | None, Field(description="the phase of a session that the answer serves")] = None
    decides: Annotated[bool, Field(description="true where the answer would change the design")] = False
    rests_on: Annotated[
        list[Annotated[str, Field(max_length=200)]],
        Field(max_length=16, description="objectives, figures, choices or stages of the case that the answer is about"),
    ] = []


class Lesson(Strict):
    """One point of the debrief: what to take away, why, and its source.

    title: the lesson in a line
    text: the reason
    source: a publication that says so
    """

    title: Line
    text: Prose
    source: Line | None = None


class RunLength(Strict):
    """Length and number of the replications.

    replications: how many runs of the same length
    """

    starts_at: ClockTime = "00:00"
    days: Annotated[float, Field(gt=0, le=28, description="requests arrive over this many days")] = 1
    stands_for_days: Annotated[
        float | None,
        Field(gt=0, le=28, description="longer time that these days stand for: its hours pass faster, at their rates"),
    ] = None
    drain_days: Annotated[float, Field(ge=0, le=28, description="time after the last arrival to finish waiting requests")] = 1
    replications: Annotated[int, Field(ge=2, le=1000)] = 30
    warm_up: Annotated[
        Literal["none", "mser5"],
        Field(description="the warm-up left out at the front: none, or by MSER if a steady state is wanted"),
    ] = "none"

    @model_validator(mode="after")
    def _stands_for_more(self) -> Self:
        if self.stands_for_days is not None and self.stands_for_days <= self.days:
            raise ValueError(f"stands_for_days should be more than days ({self.days:g}); got {self.stands_for_days:g}")
        return self

    @property
    def pace(self) -> float:
        """How many times as fast as in reality the time of day passes."""
        return 1.0 if self.stands_for_days is None else self.stands_for_days / self.days


class AnyPhotoCheck(Strict):
    """A check of the photos: the AUC of a binormal curve, or a check that was measured.

    auc: the AUC of the check, above 0.5
    """

    check_name: ClassVar[str]

    auc: ShareFigure | None = None
    measured: Annotated[Name | None, Field(description="a measured check, by name, in place of `auc`")] = None

    _one_curve = exactly_one("auc", "measured")

    @property
    def share(self) -> float:
        """The share of photos with the fault."""
        raise NotImplementedError


class Quality(AnyPhotoCheck):
    """Photos that show too little: their share, and the quality check that recognises them.

    unusable: the share of photos that show too little
    """

    check_name: ClassVar[str] = "quality check"

    unusable: ShareFigure

    @property
    def share(self) -> float:
        return self.unusable.value


class ForeignPhotos(AnyPhotoCheck):
    """Photos that show something that the model was not made for: their share, and the check that recognises them.

    foreign: the share of photos that show something else
    """

    check_name: ClassVar[str] = "check of foreign photos"

    foreign: ShareFigure

    @property
    def share(self) -> float:
        return self.foreign.value


class Noun(Strict):
    """The word for something that is counted: for one of it and for many.

    one: the word for one; many: the word for several
    """

    one: Line
    many: Line

    def counted(self, count: float) -> str:
        return counted(count, self.one, self.many)


class Population(Strict):
    """The people or things behind the requests, represented by the labelled items.

    positive: a description that follows “a person who ...”, such as “has a skin cancer”
    negative: a description of the others
    prevalence: the share of positives
    quality: photos that show too little; none: all photos are usable
    ood: photos that show something else than the labelled ones; none: there are no such photos
    """

    positive: Line
    negative: Line
    positives: Annotated[Line, Field(description="the word for what is positive")] = "positives"
    negatives: Annotated[Line, Field(description="the word for what is negative")] = "negatives"
    detected: Annotated[Line, Field(description="the word for a positive that is detected")] = "detected"
    missed: Annotated[Line, Field(description="the word for a positive that is not detected")] = "missed"
    flagged: Annotated[Line, Field(description="the word for a request whose score reaches a gate's threshold")] = "flagged"
    escalated: Annotated[Line, Field(description="the word for a request that ends where `escalated` is true")] = "escalated"
    unit: Annotated[Noun | None, Field(description="the word for who or what may be positive; none: that for a request")] = None
    prevalence: ShareFigure
    quality: Quality | None = None
    ood: ForeignPhotos | None = None

    @property
    def photo_checks(self) -> dict[str, AnyPhotoCheck]:
        """The checks by the fault that each looks for."""
        return {name: check for name, check in ((QUALITY, self.quality), (OOD, self.ood)) if check is not None}


class RequestClass(Strict):
    """A kind of request: its share, its urgency, and how long an answer is worth anything.

    label: its name on the page
    share: its share of the requests; all shares add up to 1
    """

    label: Line
    share: ShareFigure
    priority: Annotated[int, Field(ge=1, le=100, description="1 is served first if the order is `priority`")] = 1
    deadline_s: Annotated[
        float | None, Field(gt=0, le=1e7, description="seconds after arrival; a later answer is worthless")
    ] = None


class Accelerator(Strict):
    """A device that several pools share: its batches slow each other down, or it is a processor with a number of cores.

    label: its name on the page

    With slowdown s, k batches at once each take 1 + (k - 1) (s - 1) times as long. On c cores, k threads at once run at full
    speed up to k = c, and take k / c times as long beyond.
    """

    label: Line
    slowdown: Annotated[
        Annotated[Figure, bounded(1, 10)] | None,
        Field(description="how many times as long two batches at once take: 2 means taking turns"),
    ] = None
    cores: Annotated[int | None, Field(ge=1, le=1024, description="threads that run at once at full speed")] = None

    _one_rule = exactly_one(
        "slowdown", "cores", message="give slowdown, for a device whose batches slow each other down, or cores, for a processor"
    )

    def stretch(self, batches: float, threads: float) -> float:
        """Return the factor on the time of a batch while `batches` are at work, on `threads` in all."""
        if self.cores is not None:
            return max(threads / self.cores, 1.0)
        assert self.slowdown is not None
        return 1 + max(batches - 1, 0) * (self.slowdown.value - 1)


class Costs(Strict):
    """Costs that belong to no single stage.

    missed_positive_usd: the cost of a positive that is not found in time
    """

    missed_positive_usd: CostFigure | None = None
    prices: Annotated[list[RequestPrice], Field(max_length=32, description="costs and rewards of some requests")] = []


class Objective(Strict):
    """A bound on one metric.

    metric: the name of a metric; `casesim show CASE metrics` lists them
    label: its name on the page
    at_least: the lower bound, in the unit of the metric; a share is from 0 to 1
    at_most: the upper bound, in the unit of the metric; a time is in seconds
    """

    metric: Annotated[str, Field(max_length=120)]
    label: Line
    at_least: float | None = None
    at_most: float | None = None

    _one_bound = exactly_one("at_least", "at_most")

    @property
    def upward(self) -> bool:
        """True if more is better."""
        return self.at_least is not None

    @property
    def bound(self) -> float:
        bound = self.at_most if self.at_least is None else self.at_least
        assert bound is not None
        return bound


def _few_options(choices: dict[str, Choice]) -> dict[str, Choice]:
    count = sum(len(choice.extremes()) for choice in choices.values())
    if count > OPTIONS.most:
        raise ValueError(f"there are {count:,} options in all; at most {OPTIONS} are taken, as {OPTIONS.why}")
    return choices


class Scenario(Strict):
    """A case: its story, its choices, what runs, and its objectives.

    id: its name in lower-case words joined by -; the file is called ID.yaml
    version: a whole number; raise it when the case changes
    title: the title
    summary: one line for the list of cases
    brief: the task for the candidate, in Markdown
    questions: clarifying questions of a good candidate, with answers
    debrief: the lessons of the case
    run: length and number of the replications
    arrivals: when requests arrive
    population: the people or things behind the requests; without it no metric counts positives
    classes: kinds of requests, by name
    attributes: properties of requests, by name
    accelerators: devices that pools share, by name
    stages: the stages on the path of a request, by name
    ends: the ends of the path, by name
    costs: costs that belong to no single stage
    curveballs: events that strike during a run, by name
    controllers: rules that change picks during a run, by name
    objectives: bounds on metrics that a good design meets
    choices: the choices of the candidate, by name
    phases: the parts of a session of practice
    predict: up to two metrics that the candidate predicts before a run
    defence: questions for the end of a session
    reference: good designs that the author ran, by name
    own_metrics: metrics that the case defines itself, by name
    """

    # The kinds of stages and the sections of features lie above this module: they are looked up when a case is first read.
    model_config = ConfigDict(defer_build=True)

    id: Slug
    version: Annotated[int, Field(ge=1)]
    title: Line
    summary: Line
    minutes: Annotated[int, Field(ge=5, le=240, description="how long the case takes in an interview")] = 45
    brief: Prose
    questions: Annotated[list[Question], Field(max_length=40)] = []
    debrief: Annotated[list[Lesson], Field(max_length=40)] = []
    run: RunLength = RunLength()
    unit: Annotated[Noun, Field(description="the word for a request")] = Noun(one="request", many="requests")
    arrivals: Annotated[AnyArrivals, OneOf(ARRIVAL_KINDS, "simulator.arrivals")]
    population: Population | None = None
    classes: Annotated[dict[Name, RequestClass], Field(max_length=16)] = {}
    attributes: Annotated[dict[Name, Attribute], Field(max_length=16)] = {}
    accelerators: Annotated[dict[Name, Accelerator], Field(max_length=16)] = {}
    hardware: Annotated[dict[Name, OwnHardware], Field(max_length=16, description="machines that no catalogue lists")] = {}
    start: Annotated[str, Field(description="the stage that every request enters first")]
    stages: Annotated[
        dict[Name, Annotated[AnyStage, OneOf(STAGE_KINDS, "simulator.stages")]], Field(min_length=1, max_length=64)
    ]
    ends: Annotated[dict[Name, End], Field(min_length=1, max_length=32)]
    costs: Costs | None = None
    encounters: Annotated[
        Encounters | None, Provided("encounters"), Field(description="encounters of a vehicle on its way")
    ] = None
    vehicle: Annotated[Vehicle | None, Provided("vehicle"), Field(description="a vehicle, its parts and its costs")] = None
    incident: Annotated[Incident | None, Provided("incident"), Field(description="a stream of frames, and a fault in it")] = (
        None
    )
    curveballs: Annotated[dict[Name, Curveball], Field(max_length=32)] = {}
    controllers: Annotated[dict[Name, Controller], Field(max_length=16)] = {}
    own_metrics: Annotated[dict[Name, OwnMetric], Field(max_length=32)] = {}
    objectives: Annotated[list[Objective], Field(max_length=16)] = []
    choices: Annotated[dict[Name, Choice], Field(max_length=32), AfterValidator(_few_options)] = {}
    exhibits: Annotated[
        list[Name],
        Field(max_length=32, description="what the page shows of a run, in this order; empty: everything the stages offer"),
    ] = []
    phases: Annotated[list[PracticePhase], Field(max_length=12)] = []
    predict: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=2)] = []
    defence: Annotated[list[Line], Field(max_length=3)] = []
    hero: Annotated[Name | None, Field(description="the exhibit that stands first")] = None
    reference: Annotated[dict[Name, Reference], Field(max_length=4)] = {}
    anchors: Annotated[dict[Name, Anchors], Field(max_length=8, description="four levels of a signal")] = {}
    interview: Annotated[Interview, Field(description="notes and probes for the interviewer alone")] = Interview()
    claims: Annotated[list[TextClaim], Field(max_length=400, description="sentences of the text, with their evidence")] = []
    tests: Annotated[CaseTests, Field(description="the results of some designs that `casesim test` expects")] = CaseTests()

    _document: Document = PrivateAttr()

    @property
    def document(self) -> Document:
        return self._document

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
        if known is not None:
            data = _with_models(data, known.document.data, {name: getattr(known, name) for name in cls.model_fields})
        scenario = cls.model_validate(data)
        scenario._document = document
        return scenario if known is not None else with_filled_texts(scenario)

    def label_of(self, target: str) -> str:
        return (self.stages.get(target) or self.ends[target]).label

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
        known = getattr(self.arrivals, "sensors", {})
        return [known[name].label for name in self.sensors]

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

    def score_gates(self) -> dict[str, Gate]:
        return {name: cast("Gate", routing) for name, routing in self.routers().items() if routing.by_score}

    def item_gates(self) -> dict[str, Gate]:
        of_items = [name for name, attribute in self.attributes.items() if attribute.of_items]
        routers = self.routers().items()
        return {name: cast("Gate", routing) for name, routing in routers if routing.by_score or routing.asks in of_items}

    def scorer_of(self, gate: Gate) -> str:
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
            metrics |= {metric.name: metric for metric in section.metrics_of(section)}
        metrics = with_groups(metrics, {name: grouping(attribute) for name, attribute in self.attributes.items()})
        labels = {objective.metric: objective.label for objective in reversed(self.objectives)}
        return {name: replace(metric, label=labels.get(name, metric.label)) for name, metric in metrics.items()}

    def asking(self, names: Iterable[str]) -> Self:
        """Return a scenario whose runs report these metrics and the objectives for them alone, which takes less time."""
        wanted = set(names)
        objectives = [objective for objective in self.objectives if objective.metric in wanted]
        narrowed = self.model_copy(update={"objectives": objectives})
        vars(narrowed)["metrics"] = {name: metric for name, metric in self.metrics.items() if name in wanted}
        return narrowed

    def defaults(self) -> dict[str, Any]:
        return {name: choice.read(choice.default) for name, choice in self.choices.items()}

    def outside_brief(self, picks: Mapping[str, Pick]) -> str:
        """Say which circumstances of a design are not those of the brief, the defaults; empty if none is."""
        changed = [
            f"{choice.label} is {choice.against_default(picks[name])}"
            for name, choice in self.choices.items()
            if choice.situation and name in picks and choice.read(picks[name]) != choice.read(choice.default)
        ]
        return f"Outside the brief: {'; '.join(changed)}. No verdict counts." if changed else ""


def _with_models(data: Any, before: Any, models: Any) -> Any:
    if data is before:
        return models
    if isinstance(data, dict) and isinstance(before, dict) and isinstance(models, dict):
        known = before.keys() & models.keys()
        return {key: _with_models(part, before[key], models[key]) if key in known else part for key, part in data.items()}
    return data
