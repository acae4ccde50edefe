"""Attributes of requests: columns that gates may use and that metrics may be reported by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.case.document import Path
from simulator.case.fields import Evidence, Figure, Line, LocalFile, Quantity, ShareFigure, Source, Strict, draw, share_below
from simulator.case.kinds import OWN, OneOf, registry
from simulator.evidence.recordings import RecordingError, read_numbers, read_values
from simulator.records.streams import once_a_plan

if TYPE_CHECKING:
    from simulator.case.curveballs import Conditions
    from simulator.case.schema import Scenario
    from simulator.engine.plan import Gatherer, Plan
    from simulator.engine.requests import Requests
    from simulator.records.streams import Streams

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

    def named(self, column: Column) -> Any:
        """Return a readable column: numbers as they are, categories by value; missing where a request has none of them."""
        values = self.categories
        return pd.Categorical.from_codes(column, dtype=pd.CategoricalDtype(values)) if values else column

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


Column = NDArray[Any]
Floats = NDArray[np.float64]


class AttributeValues:
    """One kind of attribute: the evidence that it needs, the values of the requests, and how likely they are."""

    @classmethod
    def gather(cls, gather: Gatherer, name: str, spec: Any) -> None:
        """Look up what it refers to, and note what is missing as faults; the tables of the pools are known by now."""

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """The values of all requests, shape (n,); when each arrives and which labelled item stands for it are known by now."""
        raise NotImplementedError

    @classmethod
    def cells(cls, plan: Plan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """The chances of values that stand for all others, and these values, shapes (values,) twice.

        bounds: where stages part numbers, ascending, shape (k,). Not asked of what depends on the labelled item, which theory
        follows item by item.
        """
        raise NotImplementedError


class NumberValues(AttributeValues):
    """Numbers that are drawn."""

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """Independent draws, from a stream of their own."""
        spec = cast(NumberAttribute, plan.scenario.attributes[name])
        return requests.each(
            lambda n: streams.once(f"attributes.{name}", (repr(spec.value), n), lambda rng: draw(spec.value, rng, n))
        )

    @classmethod
    def cells(cls, plan: Plan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """From one bound to the next."""
        spec = cast(NumberAttribute, plan.scenario.attributes[name])
        below = np.concatenate([[0.0], share_below(spec.value, bounds), [1.0]])
        return np.diff(below), np.append(-np.inf, bounds)


class TimetableValues(AttributeValues):
    """Numbers that follow the time of arrival."""

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """That of the spell in which each request arrives; one at whose very end it arrives is over."""
        return value_at(plan, name, requests.arrived).astype(np.float32)

    @classmethod
    def cells(cls, plan: Plan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """Its values, each as likely as the share of the time that it takes up while requests arrive."""
        ends, values = _spells(plan, name)
        whole, rest = divmod(plan.arrivals_end_s, ends[-1])
        taken = np.diff(whole * ends + np.minimum(ends, rest), prepend=0.0)
        return taken / taken.sum(), values


def value_at(plan: Plan, name: str, times: Floats) -> Floats:
    """The value of a timetable at each time (s), shape as `times`; at the very end of a spell it is over."""
    ends, values = _spells(plan, name)
    place = np.searchsorted(ends, times % ends[-1], side="right")
    return np.asarray(values[np.minimum(place, len(values) - 1)])


def _spells(plan: Plan, name: str) -> tuple[Floats, Floats]:
    """When each spell ends, in seconds from the start of the first, and its value."""
    spells = cast(TimetableAttribute, plan.scenario.attributes[name]).spells
    return np.cumsum([spell.for_s for spell in spells]), np.array([spell.value for spell in spells])


class CategoryValues(AttributeValues):
    """Values that are drawn by their shares."""

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """Independent draws, from a stream of their own."""
        edges, drawn = np.cumsum(cls._shares(plan, name)[:-1]), requests.each(partial(streams.uniform, f"attributes.{name}"))
        return np.searchsorted(edges, drawn, side="right").astype(np.int8)

    @classmethod
    def cells(cls, plan: Plan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """Its values."""
        return (shares := cls._shares(plan, name)), np.arange(len(shares))

    @classmethod
    def _shares(cls, plan: Plan, name: str) -> Floats:
        spec = cast(CategoryAttribute, plan.scenario.attributes[name])
        return np.array([share.value for share in spec.shares.values()])


class RecordedValues(AttributeValues):
    """The rows of a file."""

    @classmethod
    def gather(cls, gather: Gatherer, name: str, spec: RecordedAttribute) -> None:
        """Read its own file, or that of the arrivals, a row a recorded time."""
        values = spec.categories
        try:
            file = gather.beside(spec.file or gather.scenario.arrivals.replayed_file or "")
            found = read_values(file, spec.column, values) if values else read_numbers(file, spec.column).astype(np.float32)
        except RecordingError as error:
            gather.faults.append(gather.scenario.document.fault(("attributes", name, "column"), str(error)))
            return
        gather.recorded[name] = found
        gather.note_beside(file)
        if spec.source is not None:
            gather.sources.append(Source(spec.label, spec.evidence, f"{len(found):,} rows", spec.source))

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """Row by row, and from the first row again after the last."""
        recorded = plan.recorded[name]
        return np.asarray(recorded[requests.each(np.arange) % len(recorded)])

    @classmethod
    def cells(cls, plan: Plan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """What stands in the file; a run may end before the file does."""
        played = plan.recorded[name][: max(round(plan.arrivals.expected), 1)]
        values, counts = np.unique(played, return_counts=True)
        return counts / counts.sum(), values


class ItemValues(AttributeValues):
    """What the score table says of the labelled items."""

    @classmethod
    def gather(cls, gather: Gatherer, name: str, spec: ItemAttribute) -> None:
        """Look whether the table says of its items what is asked for; no stage can go by what it leaves out."""
        table = next(iter(gather.tables.values()), None)
        if table is None:  # why is told with the pool
            return
        said = table.item_texts.get(spec.column, np.array([""], object))
        missing = [value for value in spec.values if value not in said]
        if not any(said):
            message = f"the score table '{table.name}' gives no {spec.column} for its items"
            gather.warnings.append(f"{spec.label}: {message}, so no metric is reported by it.")
            for stage in (stage for stage, asking in gather.scenario.stages.items() if asking.asks == name):
                gather.fault((stage, "by"), message)
        elif missing:
            known = ", ".join(sorted({str(value) for value in said if value}))
            message = f"'{missing[0]}' does not occur in the column {spec.column} of '{table.name}'; it has: {known}"
            gather.faults.append(gather.scenario.document.fault(("attributes", name, "values", missing[0]), message))

    @classmethod
    def column(cls, plan: Plan, name: str, streams: Streams, requests: Requests) -> Column:
        """What is said of the item that stands for each request."""
        return np.append(item_values(plan, name), np.int8(-1))[requests.item]


#: By kind of attribute.
ATTRIBUTES: dict[str, type[AttributeValues]] = {
    "number": NumberValues,
    "timetable": TimetableValues,
    "category": CategoryValues,
    "recorded": RecordedValues,
    "item": ItemValues,
}


def attribute_columns(plan: Plan, streams: Streams, requests: Requests, conditions: Conditions) -> dict[str, Column]:
    """The column of each attribute, shape (n,), changed by what has struck when each request arrives."""
    kinds = {name: ATTRIBUTES[spec.kind] for name, spec in plan.scenario.attributes.items()}
    columns = {name: kind.column(plan, name, streams, requests) for name, kind in kinds.items()}
    for name, column in columns.items():
        times, plus = conditions.attribute(name)
        if not (times.steady and plus.steady):
            changed = column * times.at_all(requests.arrived) + plus.at_all(requests.arrived)
            columns[name] = changed.astype(column.dtype)
    return columns


@once_a_plan
def item_values(plan: Plan, name: str) -> NDArray[np.int8]:
    """Which value of an attribute each labelled item has, positives first, shape (items,); -1 for none that is named."""
    spec, table = plan.scenario.attributes[name], next(iter(plan.tables.values()))
    places = {value: place for place, value in enumerate(spec.categories)}
    said = table.item_texts.get(getattr(spec, "column", ""), [""] * (len(table.positives) + len(table.negatives)))
    return np.array([places.get(value, -1) for value in said], np.int8)


def group_of(plan: Plan, name: str, column: Column) -> NDArray[np.intp]:
    """Which group each request belongs to, counted from 0 in the order of its attribute's groups; -1 for none."""
    spec = plan.scenario.attributes[name]
    if spec.categories:
        return column.astype(np.intp)
    return np.searchsorted(np.array(spec.bounds, column.dtype), column, side="right")
