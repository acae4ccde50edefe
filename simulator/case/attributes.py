"""Attributes of requests: columns that gates may use and that metrics may be reported by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from simulator.case.faults import Path
from simulator.case.fields import Evidence, Figure, Line, LocalFile, ShareFigure, Strict
from simulator.case.kinds import OneOf, registry
from simulator.case.metric_records import Metric, MetricGroup
from simulator.case.quantities import Quantity
from simulator.case.stage_model import OWN

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: Names already used by gates, or by columns of the requests in a trace.
RESERVED = frozenset(
    {*OWN, "arrived_s", "sent_s", "answered_s", "finished_s", "outcome", "end", "positive", "detected",
     "patient", "tries", "tag"}
)  # fmt: skip

#: One value of a category, as written in a table or a recording.
Value = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.+-]*$", max_length=60)]

#: The columns of a score table that describe an item beyond its label.
ItemColumn = Literal["diagnosis", "fitzpatrick"]

Edges = Annotated[
    list[float],
    Field(max_length=16, description="boundaries between the groups of a number, ascending; 10 belongs to `from_10`"),
]


class AnyAttribute(Strict):
    """What all kinds share, and what a kind declares.

    A kind that divides requests into groups has a field `shares` or `values` with one value per group, or `edges` of a number.
    """

    #: Whether it comes from the score table's row of the labelled item.
    of_items: ClassVar[bool] = False

    kind: str
    label: Line
    metrics: Annotated[list[str], Field(max_length=64, description="reported for each group of requests as well")] = []

    @property
    def categories(self) -> list[str]:
        """The values it may have, in the order of the file; none if it is a number."""
        return []

    @property
    def is_number(self) -> bool:
        """Whether it is a number, not one of some values."""
        return not self.categories

    @property
    def bounds(self) -> list[float]:
        """The boundaries between the groups of a number."""
        return []

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Its faults that no field alone can tell: (place within it, what is wrong)."""
        for index, (low, high) in enumerate(pairwise(self.bounds), start=1):
            if high <= low:
                yield ("edges", index), f"{high:g} is not above {low:g} before it; edges ascend"


class NumberAttribute(AnyAttribute):
    """A number that is drawn for each request."""

    kind: Literal["number"]
    value: Quantity
    unit: Line | None = None
    edges: Edges = []

    @property
    def bounds(self) -> list[float]:
        """Where its groups meet."""
        return self.edges


class CategoryAttribute(AnyAttribute):
    """One of some values, drawn for each request."""

    kind: Literal["category"]
    shares: Annotated[dict[Value, ShareFigure], Field(min_length=1, max_length=64)]

    @property
    def categories(self) -> list[str]:
        """The values that it may have."""
        return [*self.shares]

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """Shares that are not those of one whole."""
        total = sum(share.value for share in self.shares.values())
        if abs(total - 1) > 1e-6:
            yield ("shares",), f"the shares add up to {total:g}; they should add up to 1"


class ItemAttribute(AnyAttribute):
    """What the score table says of the labelled item that stands for the request."""

    of_items: ClassVar[bool] = True

    kind: Literal["item"]
    column: ItemColumn
    values: Annotated[dict[Value, Line], Field(min_length=1, max_length=64)]

    @property
    def categories(self) -> list[str]:
        """The values that make a group."""
        return [*self.values]

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """No table that could say it."""
        if not scenario.scorers():
            yield ("kind",), "an attribute of the labelled items needs a pool with `scores`"


class RecordedAttribute(AnyAttribute):
    """A column of a CSV or Parquet file, a row a request, and from the first row again after the last.

    Without `file` it is the file whose times the arrivals replay, so that a request keeps the row of its time. With `values`
    the column holds one of them, without it a number.
    """

    kind: Literal["recorded"]
    column: Annotated[str, Field(min_length=1, max_length=120)]
    file: LocalFile | None = None
    evidence: Evidence = "measured"
    source: Annotated[Line | None, Field(description="who recorded what, and when; needed with `file`")] = None
    values: Annotated[dict[Value, Line], Field(max_length=64)] = {}
    unit: Line | None = None
    edges: Edges = []

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if (self.file is None) != (self.source is None):
            raise ValueError("`file` and `source` come together; without them the column is read from the file of the arrivals")
        if self.values and (self.edges or self.unit):
            raise ValueError("`edges` and `unit` are for a column of numbers; `values` names those of a category")
        return self

    @property
    def categories(self) -> list[str]:
        """The values that it may have; none where it is a number."""
        return [*self.values]

    @property
    def bounds(self) -> list[float]:
        """The boundaries between the groups of a number."""
        return self.edges

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """No file to read it from, or edges that do not ascend."""
        yield from super().check(scenario)
        if self.file is None and scenario.arrivals.replayed_file is None:
            kind = scenario.arrivals.kind
            yield ("file",), f"arrivals of the kind {kind} replay no file; say which with `file` and `source`"


class Spell(Figure):
    """A stretch of time over which a number is the same."""

    written: ClassVar[str] = "{for_s: 60, value: 5, assumed: why}"

    for_s: Annotated[float, Field(gt=0, le=1e7, description="how long it lasts")]


class TimetableAttribute(AnyAttribute):
    """A number that follows the time at which a request arrives, as the speed of a vehicle does on its way."""

    kind: Literal["timetable"]
    spells: Annotated[list[Spell], Field(min_length=1, max_length=256, description="one after the other, over and over")]
    unit: Line | None = None
    edges: Edges = []

    @property
    def bounds(self) -> list[float]:
        """Where its groups meet."""
        return self.edges

    def check(self, scenario: Scenario) -> Iterator[tuple[Path, str]]:
        """No time at which it is known when requests come."""
        yield from super().check(scenario)
        if scenario.arrivals.waits_for_answers:
            kind = scenario.arrivals.kind
            yield ("kind",), f"arrivals of the kind {kind} wait for answers; this follows requests at known times"


#: Every kind of attribute that a scenario may declare, by that name.
ATTRIBUTE_KINDS: dict[str, type[AnyAttribute]] = registry(
    NumberAttribute, TimetableAttribute, CategoryAttribute, ItemAttribute, RecordedAttribute
)

Attribute = Annotated[AnyAttribute, OneOf(ATTRIBUTE_KINDS)]


class Grouping(NamedTuple):
    """How an attribute parts the requests: its label, its groups with what a person calls them, the metrics told of each."""

    label: str
    groups: dict[str, str]
    metrics: list[str]


def grouping(attribute: AnyAttribute) -> Grouping:
    """How an attribute parts the requests."""
    given = attribute.model_dump(include={"label", "shares", "values", "edges", "unit", "metrics"})
    return grouping_of(given)


def grouping_of(data: Mapping[str, Any]) -> Grouping:
    """The same of an attribute as it stands in the file, whatever else is wrong with it."""
    named = {str(name): str(name) for name in _part(data, "shares", dict)}
    named |= {str(name): str(words) for name, words in _part(data, "values", dict).items()}
    edges = [edge for edge in _part(data, "edges", list) if isinstance(edge, int | float)]
    metrics = [name for name in _part(data, "metrics", list) if isinstance(name, str)]
    return Grouping(str(data.get("label")), named | bands(edges, str(data.get("unit") or "")), metrics)


def _part(data: Mapping[str, Any], key: str, kind: type) -> Any:
    return found if isinstance(found := data.get(key), kind) else kind()


def bands(edges: Sequence[float], unit: str = "") -> dict[str, str]:
    """The groups that edges part a number into, with what a person calls them; none without an edge."""
    if not edges:
        return {}
    of = f" {unit}" if unit else ""
    inner = {f"{low:g}_to_{high:g}": f"{low:g} to {high:g}{of}" for low, high in pairwise(edges)}
    return {f"under_{edges[0]:g}": f"under {edges[0]:g}{of}", **inner, f"from_{edges[-1]:g}": f"{edges[-1]:g}{of} and more"}


def with_groups(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> dict[str, Metric]:
    """The metrics, and behind them those that are told of each group of an attribute."""
    return {**metrics, **{metric.name: metric for metric in _grouped(metrics, groupings)}}


def _grouped(metrics: Mapping[str, Metric], groupings: Mapping[str, Grouping]) -> Iterator[Metric]:
    for attribute, found in groupings.items():
        for name in found.metrics:
            if name in metrics and metrics[name].has_groups:
                for value, words in found.groups.items():
                    group, one = MetricGroup(attribute, value), metrics[name]
                    label = f"{one.label} ({found.label}: {words})"
                    yield replace(one, name=f"{name}.{group.key}", label=label, group=group)


def told_by_group(metrics: Iterable[Metric]) -> list[str]:
    """The metrics that may be told of a group of requests."""
    return [metric.name for metric in metrics if metric.has_groups]
