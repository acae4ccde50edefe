"""The parts of a scenario that no other file describes: questions, the length of a run, the people, costs, objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.case.fields import (
    ClockTime,
    CostFigure,
    Figure,
    Line,
    Name,
    Prose,
    ShareFigure,
    Strict,
    bounded,
    exactly_one,
)
from simulator.case.gate_words import OOD, QUALITY
from simulator.case.own_metrics import RequestPrice
from simulator.case.references import Ref
from simulator.units import counted


class Question(Strict):
    """A clarifying question of a good candidate, and the interviewer's answer.

    ask: the question
    answer: the answer of the interviewer
    """

    ask: Line
    answer: Prose
    phase: Annotated[
        Annotated[Name, Ref("phase")] | None, Field(description="the phase of a session that the answer serves")
    ] = None
    decides: Annotated[bool, Field(description="true where the answer would change the design")] = False
    rests_on: Annotated[
        list[Annotated[str, Ref("thing"), Field(max_length=200)]],
        Field(max_length=16, description="objectives, figures, choices or stages of the case that the answer is about"),
    ] = []


class Lesson(Strict):
    """One point of the debrief: what to take away, why, and its source.

    title: the lesson in a line
    text: the reason
    source: a publication that says so
    choices: the choices of the design that it is about; a debrief shows the lessons about the person's design first
    """

    title: Line
    text: Prose
    source: Line | None = None
    choices: Annotated[list[Annotated[Name, Ref("choice")]], Field(max_length=20)] = []


#: The lessons about a design that a debrief shows at once.
SHOWN_LESSONS = 4


def lessons_about(lessons: Sequence[Lesson], choices: Sequence[str]) -> list[Lesson]:
    """Return the few lessons about a design. choices: those that matter in it, the most important first"""
    places = {name: place for place, name in enumerate(dict.fromkeys(choices))}
    ranks = [min((places[name] for name in lesson.choices if name in places), default=len(places)) for lesson in lessons]
    order = sorted((rank, index) for index, rank in enumerate(ranks) if rank < len(places))
    return [lessons[index] for _, index in order[:SHOWN_LESSONS]]


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
        """Return the speed of the time of day against real time; 2 passes two days in one."""
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

    metric: Annotated[str, Ref("metric"), Field(max_length=120)]
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
