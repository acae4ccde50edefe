"""The parts of a scenario that no other file describes: questions, the length of a run, people, machines, costs, objectives.

A metric of the case's own, and a price by condition, go by the requests that a condition selects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simulator.case.fields import (
    ClockTime,
    CostFigure,
    Figure,
    FileName,
    Line,
    Name,
    Prose,
    ShareFigure,
    Strict,
    bounded,
    exactly_one,
    refused,
)
from simulator.case.references import Ref
from simulator.evidence import catalogue
from simulator.units import counted

#: What a gate may use besides an attribute of the requests.
SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME = "score", "quality", "ood", "random", "sensor", "frame"

#: All of these.
OWN = (SCORE, QUALITY, OOD, RANDOM, SENSOR, FRAME)

#: Those that go by a check of the photo: that it shows enough, and that it shows what the model was made for.
BY_CHECK = (QUALITY, OOD)


class Question(Strict):
    """A clarifying question of a good candidate, and the interviewer's answer."""

    ask: Line
    """the question"""
    answer: Prose
    """the answer of the interviewer"""
    phase: Annotated[Name, Ref("phase")] | None = None
    """the phase of a session that the answer serves"""
    decides: bool = False
    """true where the answer would change the design"""
    rests_on: Annotated[list[Annotated[str, Ref("thing"), Field(max_length=200)]], Field(max_length=16)] = []
    """objectives, figures, choices or stages of the case that the answer is about"""


class Lesson(Strict):
    """One point of the debrief: what to take away, why, and its source."""

    title: Line
    """the lesson in a line"""
    text: Prose
    """the reason"""
    source: Line | None = None
    """a publication that says so"""
    choices: Annotated[list[Annotated[Name, Ref("choice")]], Field(max_length=20)] = []
    """the choices of the design that it is about; a debrief shows the lessons about the person's design first"""


#: The lessons about a design that a debrief shows at once.
SHOWN_LESSONS = 4


def lessons_about(lessons: Sequence[Lesson], choices: Sequence[str]) -> list[Lesson]:
    """Return the few lessons about a design. choices: those that matter in it, the most important first"""
    places = {name: place for place, name in enumerate(dict.fromkeys(choices))}
    ranks = [min((places[name] for name in lesson.choices if name in places), default=len(places)) for lesson in lessons]
    order = sorted((rank, index) for index, rank in enumerate(ranks) if rank < len(places))
    return [lessons[index] for _, index in order[:SHOWN_LESSONS]]


class RunLength(Strict):
    """Length and number of the replications."""

    starts_at: ClockTime = "00:00"
    days: Annotated[float, Field(gt=0, le=28)] = 1
    """requests arrive over this many days"""
    stands_for_days: Annotated[float | None, Field(gt=0, le=28)] = None
    """longer time that these days stand for: its hours pass faster, at their rates"""
    drain_days: Annotated[float, Field(ge=0, le=28)] = 1
    """time after the last arrival to finish waiting requests"""
    replications: Annotated[int, Field(ge=2, le=1000)] = 30
    """how many runs of the same length"""
    warm_up: Literal["none", "mser5"] = "none"
    """the warm-up left out at the front: none, or by MSER if a steady state is wanted"""

    _stands_for_more = refused(
        lambda run: run.stands_for_days is not None and run.stands_for_days <= run.days,
        "stands_for_days should be more than days ({0.days:g}); got {0.stands_for_days:g}",
    )

    @property
    def pace(self) -> float:
        """Return the speed of the time of day against real time; 2 passes two days in one."""
        return 1.0 if self.stands_for_days is None else self.stands_for_days / self.days


class AnyPhotoCheck(Strict):
    """A check of the photos: the AUC of a binormal curve, or a check that was measured."""

    check_name: ClassVar[str]
    #: The field with the share of photos that have the fault.
    share_field: ClassVar[str]

    auc: ShareFigure | None = None
    """the AUC of the check, above 0.5"""
    measured: Name | None = None
    """a measured check, by name, in place of `auc`"""

    _one_curve = exactly_one("auc", "measured")

    @property
    def share(self) -> float:
        """The share of photos with the fault."""
        figure: Figure = getattr(self, self.share_field)
        return figure.value


class Quality(AnyPhotoCheck):
    """Photos that show too little: their share, and the quality check that recognises them."""

    check_name: ClassVar[str] = "quality check"
    share_field: ClassVar[str] = "unusable"

    unusable: ShareFigure
    """the share of photos that show too little"""


class ForeignPhotos(AnyPhotoCheck):
    """Photos that show something that the model was not made for: their share, and the check that recognises them."""

    check_name: ClassVar[str] = "check of foreign photos"
    share_field: ClassVar[str] = "foreign"

    foreign: ShareFigure
    """the share of photos that show something else"""


class Noun(Strict):
    """The word for something that is counted: for one of it and for many."""

    one: Line
    """the word for one"""
    many: Line
    """the word for several"""

    def counted(self, count: float) -> str:
        return counted(count, self.one, self.many)


class Population(Strict):
    """The people or things behind the requests, represented by the labelled items."""

    positive: Line
    """a description that follows “a person who ...”, such as “has a skin cancer”"""
    negative: Line
    """a description of the others"""
    positives: Line = "positives"
    """the word for what is positive"""
    negatives: Line = "negatives"
    """the word for what is negative"""
    detected: Line = "detected"
    """the word for a positive that is detected"""
    missed: Line = "missed"
    """the word for a positive that is not detected"""
    flagged: Line = "flagged"
    """the word for a request whose score reaches a gate's threshold"""
    escalated: Line = "escalated"
    """the word for a request that ends where `escalated` is true"""
    unit: Noun | None = None
    """the word for who or what may be positive; none: that for a request"""
    prevalence: ShareFigure
    """the share of positives"""
    quality: Quality | None = None
    """photos that show too little; none: all photos are usable"""
    ood: ForeignPhotos | None = None
    """photos that show something else than the labelled ones; none: there are no such photos"""

    @property
    def photo_checks(self) -> dict[str, AnyPhotoCheck]:
        """The checks by the fault that each looks for."""
        return {name: check for name, check in ((QUALITY, self.quality), (OOD, self.ood)) if check is not None}


class RequestClass(Strict):
    """A kind of request: its share, its urgency, and how long an answer is worth anything."""

    label: Line
    """its name on the page"""
    share: ShareFigure
    """its share of the requests; all shares add up to 1"""
    priority: Annotated[int, Field(ge=1, le=100)] = 1
    """1 is served first if the order is `priority`"""
    deadline_s: Annotated[float | None, Field(gt=0, le=1e7)] = None
    """seconds after arrival; a later answer is worthless"""


class Accelerator(Strict):
    """A device that several pools share: its batches slow each other down, or it is a processor with a number of cores.

    With slowdown s, k batches at once each take 1 + (k - 1) (s - 1) times as long. On c cores, k threads at once run at full
    speed up to k = c, and take k / c times as long beyond.
    """

    label: Line
    """its name on the page"""
    slowdown: Annotated[Figure, bounded(1, 10)] | None = None
    """how many times as long two batches at once take: 2 means taking turns"""
    cores: Annotated[int | None, Field(ge=1, le=1024)] = None
    """threads that run at once at full speed"""

    _one_rule = exactly_one(
        "slowdown", "cores", message="give slowdown, for a device whose batches slow each other down, or cores, for a processor"
    )

    def stretch(self, batches: float, threads: float) -> float:
        """Return the factor on the time of a batch while `batches` are at work, on `threads` in all."""
        if self.cores is not None:
            return max(threads / self.cores, 1.0)
        assert self.slowdown is not None
        return 1 + max(batches - 1, 0) * (self.slowdown.value - 1)


Outcome = Literal["done", "timed_out", "shed", "failed", "unfinished"]

#: The groups that a request may belong to, by attribute.
Groups = dict[
    Annotated[Name, Ref("attribute")],
    Annotated[list[Annotated[str, Ref("group"), Field(max_length=60)]], Field(min_length=1, max_length=64)],
]


class RequestCount(Strict):
    """Requests that fulfil every condition that is given, and one entry of each list; all requests where none is given."""

    written: ClassVar[str] = "{ends: [done], positive: true}"

    ends: Annotated[list[Annotated[Name, Ref("end")]], Field(max_length=32)] = []
    """they ended at one of these"""
    stages: Annotated[list[Annotated[Name, Ref("logged_stage")]], Field(max_length=32)] = []
    """they came to one of these stages; not gates and forks"""
    tags: Annotated[list[Annotated[Name, Ref("tag")]], Field(max_length=32)] = []
    """their last tag is one of these"""
    classes: Annotated[list[Annotated[Name, Ref("class")]], Field(max_length=32)] = []
    """they are of one of these classes"""
    outcomes: Annotated[list[Outcome], Field(max_length=5)] = []
    """they had one of these outcomes"""
    groups: Annotated[Groups, Field(max_length=16)] = {}
    """by attribute: the groups that they belong to"""
    positive: bool | None = None
    """whether they are positive"""
    escalated: bool | None = None
    """whether they ended where `escalated` is true"""
    detected: Literal[True] | None = None
    """count positives by the share of them that is found where they end"""
    missed: Literal[True] | None = None
    """count positives by the share of them that is not found where they end"""

    @property
    def counts_parts(self) -> bool:
        """Whether a request may count for less than one."""
        return self.detected is True or self.missed is True


class OwnMetric(Strict):
    """A metric of a case's own: a share of requests, or a number of them for 1,000 others."""

    written: ClassVar[str] = "{label: Pictures taken down, share: {ends: [removed]}, of: {positive: true}}"

    label: Line
    """its name on the page"""
    share: RequestCount | None = None
    """the requests counted, among those of `of`"""
    per_1000: RequestCount | None = None
    """the requests counted, for 1,000 of those of `of`"""
    of: RequestCount = RequestCount()
    """the requests that they are divided by; none: all"""
    better: Literal["higher", "lower"] | None = None
    """which direction is better; none: that depends"""

    _one_number = exactly_one("share", "per_1000", message="give share, for a share of requests, or per_1000, for a ratio")

    _divides_by_whole_requests = refused(
        lambda metric: metric.of.counts_parts,
        "`of` counts whole requests; write `detected` and `missed` in the numerator alone",
    )

    @property
    def counted(self) -> RequestCount:
        counted = self.per_1000 if self.share is None else self.share
        assert counted is not None
        return counted


class RequestPrice(Strict):
    """Costs or earnings of each request that fulfils some conditions."""

    written: ClassVar[str] = "{label: A missed melanoma, usd: {value: 90000, assumed: why}, of: {missed: true}}"

    label: Line
    """its name among the parts of the cost"""
    usd: CostFigure | None = None
    """the cost of one request"""
    reward_usd: CostFigure | None = None
    """taken off the cost"""
    of: RequestCount
    """the requests that it is paid for"""

    _one_price = exactly_one("usd", "reward_usd", message="give usd, for a cost, or reward_usd, for a reward")

    @property
    def figure(self) -> Figure:
        figure = self.reward_usd if self.usd is None else self.usd
        assert figure is not None
        return figure

    @property
    def signed_usd(self) -> float:
        """The cost of one request; below 0 for a reward."""
        return self.figure.value if self.usd is not None else -self.figure.value


class Costs(Strict):
    """Costs that belong to no single stage."""

    missed_positive_usd: CostFigure | None = None
    """the cost of a positive that is not found in time"""
    prices: Annotated[list[RequestPrice], Field(max_length=32)] = []
    """costs and rewards of some requests"""


class Objective(Strict):
    """A bound on one metric."""

    metric: Annotated[str, Ref("metric"), Field(max_length=120)]
    """the name of a metric; `casesim show CASE metrics` lists them"""
    label: Line
    """its name on the page"""
    at_least: float | None = None
    """the lower bound, in the unit of the metric; a share is from 0 to 1"""
    at_most: float | None = None
    """the upper bound, in the unit of the metric; a time is in seconds"""
    weight: Annotated[float, Field(gt=0, le=1000)] = 1
    """how much a miss of it counts, beside the others, where designs are ranked"""

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


class OwnHardware(Strict):
    """A machine of the author's own, which no catalogue lists."""

    written: ClassVar[str] = "keys: label, like, times and usd_per_hour"

    label: Line
    """its name on screen"""
    note: Line | None = None
    """what people should know of it"""
    like: Annotated[FileName, Ref("measured_device")]
    """the device that its latencies are taken from, measured or projected"""
    times: Annotated[Figure, bounded(0.01, 10_000)]
    """how many times as long as on that device a batch takes; 1 on the same kind of machine"""
    usd_per_hour: CostFigure
    """price of the whole machine; 0 where the people bring it"""
    vcpus: Annotated[int | None, Field(ge=1, le=4096)] = None
    """its processors, which share out the price; none: those of the device"""

    @property
    def machine(self) -> catalogue.Hardware:
        """The machine as a pool rents it; a device that was only measured is a processor of one's own."""
        like = catalogue.hardware().get(self.like)
        if like is None:
            like = catalogue.Hardware(label=self.label, processor=self.label, vcpus=self.vcpus or 1)
        price = {"usd_per_hour": self.usd_per_hour.value, "price_source": self.usd_per_hour.source}
        return like.model_copy(update=price | {"label": self.label, "vcpus": self.vcpus or like.vcpus})
