"""What an author promises of a case: claims of its text, and tests of its designs.

`casesim test` runs them. They are no part of a case's hash, so that a copy without them gives equal run hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.case.choices import Pick
from simulator.case.document import Path, dotted
from simulator.case.fields import GUIDE, Line, Name, Share, Strict
from simulator.case.phases import asked_metrics
from simulator.errors import suggest

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: A design by name: the default, or a reference of the case.
DEFAULT = "default"

DesignName = Annotated[
    str | dict[Name, Pick],
    Field(description="`default`, the name of a reference design, or picks that differ from the default"),
]
Strikes = Annotated[
    dict[Name, float | None], Field(max_length=8, description="curveballs that strike, each at a time in seconds or null")
]
MetricName = Annotated[str, Field(max_length=120)]

#: The kinds of evidence of a claim, by the field that only one of them has.
EVIDENCE_OF_CLAIMS = ("metric", "figure", "objective", "profile", "scores", "row", "source")


class TimedModel(Strict):
    """A latency of one model on one device: the median of its calls, or the projection for a device that was not measured.

    model: a model that was measured or can be projected
    precision: its precision
    device: the machine
    batch: requests in a call
    threads: threads of the session
    calls: all calls, or those without an idle gap before them, as a server under load meets them
    """

    written: ClassVar[str] = "{model: resnet50, precision: fp32, device: epyc-zen4-2c, batch: 1}"

    model: Annotated[str, Field(max_length=120)]
    precision: Annotated[str, Field(max_length=60)]
    device: Annotated[str, Field(max_length=120)]
    batch: Annotated[int, Field(ge=1, le=4096)] = 1
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    calls: Literal["all", "busy"] = "all"


#: A text of a column, or several of them.
ColumnTexts = str | Annotated[list[str], Field(min_length=1, max_length=32)]


class TableReading(Strict):
    """A number of a score table: items of a kind, the area under its curve, or the share that a threshold takes.

    read: `positives`, `negatives`, `items` or `patients` count; `auc`; at a threshold `sensitivity`, `specificity` and
    `referred`, the share of negatives that reach it, and the counts `found` and `missed`; `score`, to correlate two tables
    where: only items with this text, or one of these, in a column of the table, such as {diagnosis: MEL}
    table: the name of a score table, with its precision
    at_sensitivity: the share of the positives that the threshold takes
    """

    written: ClassVar[str] = "{table: pad-ufes-20.efficientnet_lite0.fp32, read: auc}"

    table: Annotated[str, Field(max_length=200)]
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
    where: Annotated[dict[Name, ColumnTexts], Field(max_length=4)] = {}
    at_sensitivity: Share | None = None
    of: Annotated[
        dict[Name, ColumnTexts], Field(max_length=4, description="the positives that set the threshold; none: all")
    ] = {}


class TableCell(Strict):
    """A number of a table that comes with CaseSim: the cell of one row, or a point on the line through several rows.

    A YAML file is a table too: a row for each entry of its list, or for each key, which is the column `id`.

    where: the row, by column
    column: the column of the number; of a YAML file with the way into the entry, such as `field.sensitivity.0`
    """

    written: ClassVar[str] = "{file: drives/recall.csv, where: {band: 30 to 50 m}, column: recall}"

    file: Annotated[
        str,
        Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-][a-z0-9_.-]*)+\.(csv|yaml)$", max_length=120, description="a file of assets/"),
    ]
    where: Annotated[dict[str, str | int | float], Field(min_length=1, max_length=8)]
    at: Annotated[
        dict[str, float],
        Field(max_length=1, description="a column and its value; the cell lies on the straight line between two rows"),
    ] = {}
    column: Annotated[str, Field(max_length=120)]


class TextClaim(Strict):
    """A sentence of the case's text, and the evidence that bears it out.

    Exactly one of metric, figure, objective, profile, scores, row and source says where the evidence comes from.

    profile: a measured latency
    scores: a number of a score table
    against_profile: the latency that it is compared with
    against_scores: the table that it is compared with
    against_row: the number of a table that it is compared with
    at_least, at_most: a bound that the evidence meets
    row: a number of a table that comes with CaseSim
    """

    written: ClassVar[str] = "{says: a sentence of the text, metric: sensitivity, design: default, at_least: 0.9}"

    says: Annotated[Line, Field(description="words of the brief, an answer, the debrief or a reference, as they stand there")]
    metric: Annotated[MetricName | None, Field(description="a metric of a run")] = None
    design: DesignName = DEFAULT
    against: Annotated[DesignName | None, Field(description="another design on the same requests")] = None
    strikes: Strikes = {}
    compare: Annotated[
        Literal["difference", "ratio", "correlation"], Field(description="how the first thing is set against the other one")
    ] = "difference"
    figure: Annotated[
        str | None,
        Field(max_length=200, description="the place of a figure, another number or a time of day of this case"),
    ] = None
    objective: Annotated[MetricName | None, Field(description="the metric of an objective, whose bound the text quotes")] = None
    profile: TimedModel | None = None
    scores: TableReading | None = None
    row: TableCell | None = None
    against_strikes: Strikes = {}
    against_profile: TimedModel | None = None
    against_scores: TableReading | None = None
    against_row: TableCell | None = None
    source: Annotated[Line | None, Field(description="a publication that says so; no run can show it")] = None
    shows: Annotated[float | None, Field(description="the number that the text quotes, to the digits written here")] = None
    low: Annotated[float | None, Field(description="the lower end of the interval that the text quotes")] = None
    high: Annotated[float | None, Field(description="the upper end of the interval that the text quotes")] = None
    at_least: float | None = None
    at_most: float | None = None
    direction: Annotated[
        Literal["higher", "lower", "alike"] | None,
        Field(description="of `design` as against the other one; alike: the interval holds no difference"),
    ] = None

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
        readings = [one.read for one in (self.scores, self.against_scores) if one is not None]
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
        return any(one is not None for one in others)


class DesignTest(Strict):
    """A design, and the objectives that it meets, or misses, for certain.

    objectives: metrics of objectives
    """

    written: ClassVar[str] = "{design: {replicas: 1}, objectives: [latency_p95_s]}"

    design: DesignName
    objectives: Annotated[list[MetricName], Field(min_length=1, max_length=16)]


class CurveballTest(Strict):
    """A curveball that turns the verdict on an objective.

    curveball: its name
    at_s: seconds from the start of the run; none: its own time
    objective: the metric of the objective
    to: the verdict under the curveball
    """

    written: ClassVar[str] = "{curveball: news, objective: latency_p95_s, to: not met}"

    curveball: Name
    at_s: Annotated[float | None, Field(ge=0, le=1e8)] = None
    design: DesignName = DEFAULT
    objective: MetricName
    to: Literal["met", "not met", "not proven"]


class CaseTests(Strict):
    """The tests of a case's designs; `casesim test` runs them beside those that every case has.

    meets: good designs
    fails: bad designs
    turns: curveballs that turn a verdict
    """

    written: ClassVar[str] = "keys: meets, fails, turns, unmet, traps, setting and seconds"

    meets: Annotated[list[DesignTest], Field(max_length=32, description="good designs")] = []
    fails: Annotated[list[DesignTest], Field(max_length=32, description="bad designs")] = []
    turns: Annotated[list[CurveballTest], Field(max_length=32)] = []
    unmet: Annotated[
        dict[MetricName, Line],
        Field(
            max_length=16, description="on purpose: objectives that no design is proven to meet, or none with the others; why"
        ),
    ] = {}
    traps: Annotated[
        dict[Name, dict[str, Line]],
        Field(max_length=32, description="by choice: options that another one beats everywhere, on purpose, and why"),
    ] = {}
    setting: Annotated[
        Line | None,
        Field(description="for a case with an incident: the reason why its designs are a setting that need not be hard to win"),
    ] = None
    seconds: Annotated[float, Field(gt=0, le=3600, description="the most processor seconds that a replication takes")] = 10


Found = Iterator[tuple[Path, str]]


def check_tests(scenario: Scenario) -> Found:
    """Yield faults of claims and tests: names of designs, metrics, objectives, curveballs and figures that do not exist."""
    numbers = numbers_of(scenario) if any(claim.figure is not None for claim in scenario.claims) else {}
    for index, claim in enumerate(scenario.claims):
        yield from (((("claims", index, *path)), message) for path, message in _claim(claim, scenario, numbers))
    known = things_of(scenario) if any(question.rests_on for question in scenario.questions) else []
    for index, question in enumerate(scenario.questions):
        for place, name in enumerate(question.rests_on):
            if name not in known:
                yield ("questions", index, "rests_on", place), f"'{name}' is nothing of this case; {suggest(name, known)}"
    yield from _tests(scenario.tests, scenario)


def things_of(scenario: Scenario) -> list[str]:
    """Return the names that an answer may rest on: metrics of objectives, figures, choices, stages, ends and curveballs."""
    from simulator.case.designs import figures_of

    asked = asked_metrics(scenario)
    named: Iterable[Iterable[str]] = (
        asked, scenario.choices, scenario.stages, scenario.ends, scenario.curveballs, figures_of(scenario), scenario.attributes
    )  # fmt: skip
    return list(dict.fromkeys(name for names in named for name in names))


def numbers_of(scenario: Scenario) -> dict[str, float]:
    """Return every number that stands in a case, by place: a figure's value, and a time of day in hours."""
    from simulator.case.designs import figures_of

    data = {section: part for section, part in scenario.document.data.items() if section not in ("claims", "tests")}
    found = {dotted(path): number for path, value in leaves(data) if (number := _number(value)) is not None}
    return found | {place: figure.value for place, figure in figures_of(scenario).items()}


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every text, number and other plain value of nested data with its path."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if entries is None:
        yield path, data
        return
    for key, value in entries:
        yield from leaves(value, (*path, key))


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (clock := re.fullmatch(r"(\d\d):(\d\d)", value)):
        return int(clock[1]) + int(clock[2]) / 60
    return None


def _claim(claim: TextClaim, scenario: Scenario, numbers: Mapping[str, float]) -> Found:
    if claim.metric is not None and claim.metric not in scenario.metrics:
        yield ("metric",), f"'{claim.metric}' is not a metric here; {suggest(claim.metric, scenario.metrics, GUIDE)}"
    if claim.figure is not None and claim.figure not in numbers:
        yield ("figure",), f"there is no number at '{claim.figure}'; {suggest(claim.figure, numbers)}"
    if claim.objective is not None:
        asked = asked_metrics(scenario)
        yield from _known(("objective",), claim.objective, asked, "metric of an objective")
    yield from _design(("design",), claim.design, scenario)
    if claim.against is not None:
        yield from _design(("against",), claim.against, scenario)
    yield from _struck(("strikes",), claim.strikes, scenario)
    yield from _struck(("against_strikes",), claim.against_strikes, scenario)


def _tests(tests: CaseTests, scenario: Scenario) -> Found:
    asked = asked_metrics(scenario)
    for section, entries in (("meets", tests.meets), ("fails", tests.fails)):
        for index, one in enumerate(entries):
            at: Path = ("tests", section, index)
            yield from _design((*at, "design"), one.design, scenario)
            for place, metric in enumerate(one.objectives):
                yield from _known((*at, "objectives", place), metric, asked, "metric of an objective")
    for index, turn in enumerate(tests.turns):
        at = ("tests", "turns", index)
        yield from _design((*at, "design"), turn.design, scenario)
        yield from _known((*at, "objective"), turn.objective, asked, "metric of an objective")
        yield from _struck(at, {turn.curveball: turn.at_s}, scenario, "curveball")
    if tests.setting is not None and scenario.incident is None:
        yield ("tests", "setting"), "only in a case with an `incident` may the designs be a setting; delete this line"
    for metric in tests.unmet:
        yield from _known(("tests", "unmet", metric), metric, asked, "metric of an objective")
    for name, options in tests.traps.items():
        yield from _known(("tests", "traps", name), name, scenario.choices, "choice")
        for option in options if name in scenario.choices else ():
            yield from _pick(("tests", "traps", name, option), name, option, scenario)


def _known(at: Path, name: str, known: Iterable[str], what: str) -> Found:
    names = list(known)
    if name not in names:
        yield at, f"'{name}' is no {what}; {suggest(name, names)}"


def _struck(at: Path, strikes: dict[str, Any], scenario: Scenario, field: str = "") -> Found:
    for name, at_s in strikes.items():
        place = (*at, field or name)
        if name not in scenario.curveballs:
            yield place, f"'{name}' is not a curveball; {suggest(name, scenario.curveballs)}"
        elif at_s is not None and (message := scenario.curveballs[name].too_late(scenario, at_s)):
            yield place, message


def _design(at: Path, design: str | dict[str, Pick], scenario: Scenario) -> Found:
    if isinstance(design, str):
        yield from _known(at, design, [DEFAULT, *scenario.reference], "design")
        return
    for name, pick in design.items():
        if name not in scenario.choices:
            yield (*at, name), f"there is no choice '{name}'; {suggest(name, scenario.choices)}"
        else:
            yield from _pick((*at, name), name, pick, scenario)


def _pick(at: Path, name: str, pick: Pick, scenario: Scenario) -> Found:
    try:
        scenario.choices[name].read(pick)
    except ValueError as error:
        yield at, str(error)


def picks_of(scenario: Scenario, design: str | dict[str, Pick]) -> dict[str, Pick]:
    """Return the picks of a design of a test: those of a reference, or none for the default.

    Raises KeyError for a name that the case does not have.
    """
    if not isinstance(design, str):
        return dict(design)
    return {} if design == DEFAULT else dict(scenario.reference[design].set)
