"""What an author promises of a case: claims of its text, and tests of its designs.

`casesim test` runs them. They are no part of a case's hash, so that a copy without them gives equal run hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, Field, model_validator

from simulator.case.any_stage import Faults
from simulator.case.choices import Pick, Picks
from simulator.case.document import Path, dotted
from simulator.case.fields import Line, Name, Share, Strict, figures_of
from simulator.case.phases import PracticedCase, asked_metrics
from simulator.case.references import Ref

#: A design by name: the default, or a reference of the case.
DEFAULT = "default"

DesignName = Annotated[
    Annotated[str, Ref("design")] | Picks,
    Field(description="`default`, the name of a reference design, or picks that differ from the default"),
]
Strikes = Annotated[
    dict[Annotated[Name, Ref("curveball")], float | None],
    Field(max_length=8, description="curveballs that strike, each at a time in seconds or null"),
]
MetricName = Annotated[str, Ref("metric"), Field(max_length=120)]
ObjectiveName = Annotated[str, Ref("objective"), Field(max_length=120)]

#: The kinds of evidence of a claim, by the field that only one of them has.
EVIDENCE_OF_CLAIMS = ("metric", "figure", "objective", "profile", "scores", "row", "source")


class TimedModel(Strict):
    """A latency of one model on one device: the median of its calls, or the projection for a device that was not measured."""

    written: ClassVar[str] = "{model: resnet50, precision: fp32, device: epyc-zen4-2c, batch: 1}"

    model: Annotated[str, Ref("model"), Field(max_length=120)]
    """a model that was measured or can be projected"""
    precision: Annotated[str, Field(max_length=60)]
    """its precision"""
    device: Annotated[str, Ref("device"), Field(max_length=120)]
    """the machine"""
    batch: Annotated[int, Field(ge=1, le=4096)] = 1
    """requests in a call"""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """threads of the session"""
    calls: Literal["all", "busy"] = "all"
    """all calls, or those without an idle gap before them, as a server under load meets them"""


#: A text of a column, or several of them.
ColumnTexts = str | Annotated[list[str], Field(min_length=1, max_length=32)]


class TableReading(Strict):
    """A number of a score table: items of a kind, the area under its curve, or the share that a threshold takes."""

    written: ClassVar[str] = "{table: pad-ufes-20.efficientnet_lite0.fp32, read: auc}"

    table: Annotated[str, Field(max_length=200)]
    """the name of a score table, with its precision"""
    read: Literal[
        "positives",
        "negatives",
        "items",
        "patients",
        "auc",
        "sensitivity",
        "specificity",
        "referred",
        "found",
        "missed",
        "score",
    ]
    """`positives`, `negatives`, `items` or `patients` count; `auc`; at a threshold `sensitivity`, `specificity` and `referred`,
    the share of negatives that reach it, and the counts `found` and `missed`; `score`, to correlate two tables"""
    where: Annotated[dict[Name, ColumnTexts], Field(max_length=4)] = {}
    """only items with this text, or one of these, in a column of the table, such as {diagnosis: MEL}"""
    at_sensitivity: Share | None = None
    """the share of the positives that the threshold takes"""
    of: Annotated[dict[Name, ColumnTexts], Field(max_length=4)] = {}
    """the positives that set the threshold; none: all"""


class TableCell(Strict):
    """A number of a table that comes with CaseSim: the cell of one row, or a point on the line through several rows.

    A YAML file is a table too: a row for each entry of its list, or for each key, which is the column `id`.
    """

    written: ClassVar[str] = "{file: drives/recall.csv, where: {band: 30 to 50 m}, column: recall}"

    file: Annotated[str, Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-][a-z0-9_.-]*)+\.(csv|yaml)$", max_length=120)]
    """a file of assets/"""
    where: Annotated[dict[str, str | int | float], Field(min_length=1, max_length=8)]
    """the row, by column"""
    at: Annotated[dict[str, float], Field(max_length=1)] = {}
    """a column and its value; the cell lies on the straight line between two rows"""
    column: Annotated[str, Field(max_length=120)]
    """the column of the number; of a YAML file with the way into the entry, such as `field.sensitivity.0`"""


class TextClaim(Strict):
    """A sentence of the case's text, and the evidence that bears it out.

    Exactly one of metric, figure, objective, profile, scores, row and source says where the evidence comes from.
    """

    written: ClassVar[str] = "{says: a sentence of the text, metric: sensitivity, design: default, at_least: 0.9}"

    says: Line
    """words of the brief, an answer, the debrief or a reference, as they stand there"""
    metric: MetricName | None = None
    """a metric of a run"""
    design: DesignName = DEFAULT
    against: DesignName | None = None
    """another design on the same requests"""
    strikes: Strikes = {}
    compare: Literal["difference", "ratio", "correlation"] = "difference"
    """how the first thing is set against the other one"""
    figure: Annotated[str, Ref("number"), Field(max_length=200)] | None = None
    """the place of a figure, another number or a time of day of this case"""
    objective: ObjectiveName | None = None
    """the metric of an objective, whose bound the text quotes"""
    profile: TimedModel | None = None
    """a measured latency"""
    scores: TableReading | None = None
    """a number of a score table"""
    row: TableCell | None = None
    """a number of a table that comes with CaseSim"""
    against_strikes: Strikes = {}
    against_profile: TimedModel | None = None
    """the latency that it is compared with"""
    against_scores: TableReading | None = None
    """the table that it is compared with"""
    against_row: TableCell | None = None
    """the number of a table that it is compared with"""
    source: Line | None = None
    """a publication that says so; no run can show it"""
    shows: float | None = None
    """the number that the text quotes, to the digits written here"""
    low: float | None = None
    """the lower end of the interval that the text quotes"""
    high: float | None = None
    """the upper end of the interval that the text quotes"""
    at_least: float | None = None
    """a bound that the evidence meets"""
    at_most: float | None = None
    """a bound that the evidence meets"""
    direction: Literal["higher", "lower", "alike"] | None = None
    """of `design` as against the other one; alike: the interval holds no difference"""

    @model_validator(mode="after")
    def _one_kind_of_evidence(self) -> Self:
        given = [name for name in EVIDENCE_OF_CLAIMS if getattr(self, name) is not None]
        if len(given) != 1:
            *first, last = EVIDENCE_OF_CLAIMS
            expected = f"{', '.join(first)} and {last}"
            raise ValueError(f"give exactly one of {expected}; given: {', '.join(given) or 'none'}")
        if self.source is None and not self.promises:
            raise ValueError("say what the evidence is to show: shows, at_least, at_most or direction")
        if self.source is not None and self.promises:
            raise ValueError("a source shows nothing that a run could check; delete `source`, or the bound")
        if self.direction is not None and not self.compares:
            raise ValueError("`direction` compares two things; name the other one in `against`")
        readings = [reading.read for reading in (self.scores, self.against_scores) if reading is not None]
        correlates = readings == ["score", "score"] and self.compare == "correlation"
        if not correlates and ("score" in readings or self.compare == "correlation"):
            raise ValueError("`compare: correlation` is for `scores` against `against_scores`, both with `read: score`")
        return self

    @property
    def promises(self) -> list[str]:
        """The fields that say what the evidence is to show."""
        return [
            name for name in ("shows", "low", "high", "at_least", "at_most", "direction") if getattr(self, name) is not None
        ]

    @property
    def compares(self) -> bool:
        others = (self.against, self.against_profile, self.against_scores, self.against_row)
        return any(other is not None for other in others)


class DesignTest(Strict):
    """A design, and the objectives that it meets, or misses, for certain."""

    written: ClassVar[str] = "{design: {replicas: 1}, objectives: [latency_p95_s]}"

    design: DesignName
    objectives: Annotated[list[ObjectiveName], Field(min_length=1, max_length=16)]
    """metrics of objectives"""


class CurveballTest(Strict):
    """A curveball that turns the verdict on an objective."""

    written: ClassVar[str] = "{curveball: news, objective: latency_p95_s, to: not met}"

    curveball: Annotated[Name, Ref("curveball")]
    """its name"""
    at_s: Annotated[float | None, Field(ge=0, le=1e8)] = None
    """seconds from the start of the run; none: its own time"""
    design: DesignName = DEFAULT
    objective: ObjectiveName
    """the metric of the objective"""
    to: Literal["met", "not met", "not proven"]
    """the verdict under the curveball"""


class CaseTests(Strict):
    """The tests of a case's designs; `casesim test` runs them beside those that every case has."""

    written: ClassVar[str] = "keys: meets, fails, turns, unmet, traps, setting and seconds"

    meets: Annotated[list[DesignTest], Field(max_length=32)] = []
    """good designs"""
    fails: Annotated[list[DesignTest], Field(max_length=32)] = []
    """bad designs"""
    turns: Annotated[list[CurveballTest], Field(max_length=32)] = []
    """curveballs that turn a verdict"""
    unmet: Annotated[dict[ObjectiveName, Line], Field(max_length=16)] = {}
    """on purpose: objectives that no design is proven to meet, or none with the others; why"""
    traps: Annotated[
        dict[Annotated[Name, Ref("choice", "'{}' is no choice")], dict[Annotated[str, Ref("option")], Line]],
        Field(max_length=32),
    ] = {}
    """by choice: options that another one beats everywhere, on purpose, and why"""
    setting: Line | None = None
    """for a case with an incident: the reason why its designs are a setting that need not be hard to win"""
    seconds: Annotated[float, Field(gt=0, le=3600)] = 10
    """the most processor seconds that a replication takes"""


class TestedCase(PracticedCase, Protocol):
    """A case as its claims and tests see it."""

    claims: list[TextClaim]
    tests: CaseTests


def check_tests(scenario: TestedCase) -> Faults:
    """Yield faults of claims and tests besides names that refer to nothing: curveballs that strike too late, and a setting."""
    for index, claim in enumerate(scenario.claims):
        for field in ("strikes", "against_strikes"):
            for name, at_s in getattr(claim, field).items():
                yield from _too_late(("claims", index, field, name), name, at_s, scenario)
    for index, turn in enumerate(scenario.tests.turns):
        yield from _too_late(("tests", "turns", index, "curveball"), turn.curveball, turn.at_s, scenario)
    if scenario.tests.setting is not None and scenario.incident is None:
        yield ("tests", "setting"), "only in a case with an `incident` may the designs be a setting; delete this line"


def _too_late(at: Path, name: str, at_s: float | None, scenario: TestedCase) -> Faults:
    ball = scenario.curveballs.get(name)
    if ball is not None and at_s is not None and (message := ball.too_late(scenario, at_s)):
        yield at, message


def things_of(scenario: TestedCase) -> list[str]:
    """Return the names that an answer may rest on: metrics of objectives, figures, choices, stages, ends and curveballs."""
    asked = asked_metrics(scenario)
    named: Iterable[Iterable[str]] = (
        asked, scenario.choices, scenario.stages, scenario.ends, scenario.curveballs, figures_of(scenario), scenario.attributes
    )  # fmt: skip
    return list(dict.fromkeys(name for names in named for name in names))


def numbers_of(scenario: TestedCase) -> dict[str, float]:
    """Return every number that stands in a case, by place: a figure's value, and a time of day in hours."""
    data = {section: part for section, part in scenario.document.data.items() if section not in ("claims", "tests")}
    numbers = {dotted(path): number for path, value in leaves(data) if (number := _number(value)) is not None}
    return numbers | {place: figure.value for place, figure in figures_of(scenario).items()}


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every text, number and other plain value of nested data, or of models, with its path."""
    if isinstance(data, BaseModel):
        data = {name: getattr(data, name) for name in type(data).model_fields}
    if not isinstance(data, dict | list | tuple):
        yield path, data
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield from leaves(value, (*path, key))


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (clock := re.fullmatch(r"(\d\d):(\d\d)", value)):
        return int(clock[1]) + int(clock[2]) / 60
    return None


def picks_of(scenario: TestedCase, design: str | dict[str, Pick]) -> dict[str, Pick]:
    """Return the picks of a design of a test: those of a reference, or none for the default.

    Raises KeyError for a name that the case does not have.
    """
    if not isinstance(design, str):
        return dict(design)
    return {} if design == DEFAULT else dict(scenario.reference[design].set)
