"""Metrics that a case defines itself: the requests that a condition selects, as a share of others or per 1,000 of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from simulator.case.document import Path
from simulator.case.fields import CostFigure, Figure, Line, Name, Strict, exactly_one
from simulator.case.outputs import grouping, metrics_of
from simulator.errors import suggest

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

Outcome = Literal["done", "timed_out", "shed", "failed", "unfinished"]
Names = Annotated[list[Name], Field(max_length=32)]


class RequestCount(Strict):
    """Requests that fulfil every condition that is given, and one entry of each list; all requests where none is given.

    outcomes: they had one of these outcomes
    positive: whether they are positive
    """

    written: ClassVar[str] = "{ends: [done], positive: true}"

    ends: Annotated[Names, Field(description="they ended at one of these")] = []
    stages: Annotated[Names, Field(description="they came to one of these stages; not gates and forks")] = []
    tags: Annotated[Names, Field(description="their last tag is one of these")] = []
    classes: Annotated[Names, Field(description="they are of one of these classes")] = []
    outcomes: Annotated[list[Outcome], Field(max_length=5)] = []
    groups: Annotated[
        dict[Name, Annotated[list[Annotated[str, Field(max_length=60)]], Field(min_length=1, max_length=64)]],
        Field(max_length=16, description="by attribute: the groups that they belong to"),
    ] = {}
    positive: bool | None = None
    escalated: Annotated[bool | None, Field(description="whether they ended where `escalated` is true")] = None
    detected: Annotated[
        Literal[True] | None, Field(description="count positives by the share of them that is found where they end")
    ] = None
    missed: Annotated[
        Literal[True] | None, Field(description="count positives by the share of them that is not found where they end")
    ] = None

    @property
    def counts_parts(self) -> bool:
        """Whether a request may count for less than one."""
        return self.detected is True or self.missed is True


class OwnMetric(Strict):
    """A metric of a case's own: a share of requests, or a number of them for 1,000 others.

    label: its name on the page
    better: which direction is better; none: that depends
    """

    written: ClassVar[str] = "{label: Pictures taken down, share: {ends: [removed]}, of: {positive: true}}"

    label: Line
    share: Annotated[RequestCount | None, Field(description="the requests counted, among those of `of`")] = None
    per_1000: Annotated[RequestCount | None, Field(description="the requests counted, for 1,000 of those of `of`")] = None
    of: Annotated[RequestCount, Field(description="the requests that they are divided by; none: all")] = RequestCount()
    better: Literal["higher", "lower"] | None = None

    _one_number = exactly_one("share", "per_1000", message="give share, for a share of requests, or per_1000, for a ratio")

    @model_validator(mode="after")
    def _divides_by_whole_requests(self) -> Self:
        if self.of.counts_parts:
            raise ValueError("`of` counts whole requests; write `detected` and `missed` in the numerator alone")
        return self

    @property
    def counted(self) -> RequestCount:
        counted = self.per_1000 if self.share is None else self.share
        assert counted is not None
        return counted


class RequestPrice(Strict):
    """Costs or earnings of each request that fulfils some conditions.

    label: its name among the parts of the cost
    usd: the cost of one request
    """

    written: ClassVar[str] = "{label: A missed melanoma, usd: {value: 90000, assumed: why}, of: {missed: true}}"

    label: Line
    usd: CostFigure | None = None
    reward_usd: Annotated[CostFigure | None, Field(description="taken off the cost")] = None
    of: Annotated[RequestCount, Field(description="the requests that it is paid for")]

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


def outlined(data: Any) -> dict[str, OwnMetric]:
    """Return the metrics of a section as far as their names are concerned, whatever faults it has."""
    entries = data.items() if isinstance(data, dict) else ()
    given = {str(name): one for name, one in entries if isinstance(one, dict)}
    return {name: OwnMetric.model_construct(label=name, share=one.get("share"), better=None) for name, one in given.items()}


def check_own_metrics(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Yield faults of a case's own metrics: names that are taken, and conditions on parts that the case does not have."""
    taken = {*metrics_of(replace(scenario.outline, own={}))}
    for section in scenario.sections.values():
        taken |= {metric.name for metric in section.metrics_of(section)}
    for name, metric in scenario.own_metrics.items():
        at: Path = ("own_metrics", name)
        if name in taken:
            yield at, f"every run reports a metric '{name}' already; choose another name"
        for field in ("share", "per_1000", "of"):
            if (count := getattr(metric, field)) is not None:
                yield from (((*at, field, *path), message) for path, message in condition_faults(count, scenario))


def check_prices(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Yield faults of prices by condition: parts that the case does not have, and a label that is used twice."""
    prices = scenario.costs.prices if scenario.costs else []
    for index, price in enumerate(prices):
        at: Path = ("costs", "prices", index)
        if price.label in [other.label for other in prices[:index]]:
            yield (*at, "label"), f"there are two prices '{price.label}'; rename one"
        yield from (((*at, "of", *path), message) for path, message in condition_faults(price.of, scenario))


def condition_faults(count: RequestCount, scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """Yield faults of conditions: parts that the case does not have."""
    logged = [name for name, stage in scenario.stages.items() if stage.routing is None and stage.branching != "fork"]
    known = {
        "ends": ("an end", [*scenario.ends]),
        "stages": ("a stage whose visits are logged", logged),
        "tags": ("a tag of a gate", scenario.tags()),
        "classes": ("a class of requests", [*scenario.classes]),
    }
    for field, (what, there) in known.items():
        for index, name in enumerate(getattr(count, field)):
            if name not in there:
                yield (field, index), f"'{name}' is not {what}; {_hint(name, there)}"
    for name, groups in count.groups.items():
        if name not in scenario.attributes:
            there = [*scenario.attributes]
            yield ("groups", name), f"'{name}' is not an attribute of the requests; {_hint(name, there)}"
            continue
        there = [*grouping(scenario.attributes[name]).groups]
        for index, group in enumerate(groups):
            if group not in there:
                yield ("groups", name, index), f"'{group}' is not a group of '{name}'; {_hint(group, there)}"
    for field in ("positive", "detected", "missed"):
        if getattr(count, field) is not None and scenario.population is None:
            yield (field,), "it needs a section `population`, which says who is positive"


def _hint(name: str, there: list[str]) -> str:
    return suggest(name, there) if there else "there is none in this case"
