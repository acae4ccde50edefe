"""Attributes of requests: numbers or categories that gates route by, and that metrics are reported by.

A run holds a column for each attribute. A number is a column of single precision; for a category, a column holds the index of
its value, counted from 0 in the order of the file, and -1 for none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from simulator.arrays import Column, Floats
from simulator.case.case_contract import AnyAttribute, AnyCase, CaseGatherer, CasePlan, CaseRequests
from simulator.case.document import Path
from simulator.case.fields import Evidence, Figure, Line, LocalFile, Name, Quantity, ShareFigure, Source, bounded
from simulator.case.kinds import OneOf, registry
from simulator.case.outputs import grouping
from simulator.case.references import Ref
from simulator.case.scenario_parts import OWN
from simulator.evidence.row_files import RecordingError, read_numbers, read_values
from simulator.evidence.score_tables import ScoreTable
from simulator.phrases import phrase
from simulator.records.streams import Streams, cache_per_plan

#: Names already used by gates, or by columns of the requests in a trace.
RESERVED = frozenset(
    {*OWN, "arrived_s", "sent_s", "answered_s", "finished_s", "outcome", "end", "positive", "detected",
     "patient", "tries", "tag"}
)  # fmt: skip

#: One value of a category, as written in a table or a recording.
Value = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.+-]*$", max_length=60)]

#: The columns of a score table that describe an item beyond its label.
ItemColumn = Literal["diagnosis", "fitzpatrick", "predicted"]

Edges = Annotated[
    list[float],
    Field(max_length=16, description="boundaries between the groups of a number, ascending; 10 belongs to `from_10`"),
]


class _Numeric(AnyAttribute):
    """An attribute that may be a number, with a unit, and groups between edges."""

    unit: Line | None = None
    """the unit of the number"""
    edges: Edges = []

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        for index, (low, high) in enumerate(pairwise(self.edges), start=1):
            if high <= low:
                yield ("edges", index), phrase("attributes.edges", edge=high, before=low)

    def group_of(self, column: Column) -> NDArray[np.intp]:
        if self.categories:
            return super().group_of(column)
        return np.searchsorted(np.array(self.edges, column.dtype), column, side="right")


class NumberAttribute(_Numeric):
    """A number that is drawn for each request, from a random stream of its own."""

    kind: Literal["number"]
    value: Quantity
    """the distribution of the number"""

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        return requests.each(
            lambda n: streams.once(f"attributes.{name}", (repr(self.value), n), lambda rng: self.value.draw(rng, n))
        )

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        below = np.concatenate([[0.0], self.value.share_below(bounds), [1.0]])
        return np.diff(below), np.append(-np.inf, bounds)


def _beside(gather: CaseGatherer, name: str, file: str, read: Callable[[FilePath], Column]) -> Column | None:
    """Note the values of an attribute in a file beside the case, and return them; None where it cannot be used, a fault."""
    try:
        path = gather.beside(file)
        gather.recorded[name] = read(path)
    except RecordingError as error:
        gather.missing(("attributes", name, "column"), str(error))
        return None
    gather.note_beside(path)
    return gather.recorded[name]


class PopularityAttribute(_Numeric):
    """The thing that a request asks for, by its place in the order of popularity: 1 is the most popular.

    Places follow Zipf's law, where place k is asked for in proportion to k^-exponent, or the weights in a column of a file.
    """

    names_things: ClassVar[bool] = True

    kind: Literal["popularity"]
    items: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    """number of different things"""
    exponent: Annotated[Figure, bounded(0, 5)] | None = None
    """of Zipf's law; 0: all things are equally popular"""
    file: LocalFile | None = None
    """a .csv or .parquet file beside the case"""
    column: Annotated[str | None, Field(min_length=1, max_length=120)] = None
    """a weight a row, a thing each"""
    evidence: Evidence = "measured"
    """the kind of evidence of the file"""
    source: Line | None = None
    """who counted what, and when; needed with `file`"""

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        of_zipf, of_file = [self.items, self.exponent], [self.file, self.column, self.source]
        if (None in of_zipf) == (None in of_file) or any(
            part is not None for part in (of_zipf if None in of_zipf else of_file)
        ):
            raise ValueError("give `items` and `exponent` for Zipf's law, or `file`, `column` and `source` for counted weights")
        return self

    def gather(self, gather: CaseGatherer, name: str) -> None:
        """Read the weights, the largest first."""
        if self.file is None or self.column is None or self.source is None:
            return
        weights = _beside(gather, name, self.file, self._weights)
        if weights is not None:
            gather.sources.append(Source(self.label, self.evidence, f"{len(weights):,} weights", self.source))

    def _weights(self, file: FilePath) -> Column:
        weights = read_numbers(file, self.column or "")
        if weights.min() < 0 or weights.sum() == 0:
            raise RecordingError(f"column '{self.column}' of {self.file} should hold weights of at least 0, and not only 0")
        return np.sort(weights)[::-1]

    def chances(self, plan: CasePlan, name: str) -> Floats:
        """Return the chance of each thing, the most popular first, shape (items,)."""
        if self.items is None or self.exponent is None:
            weights = plan.recorded[name]
        else:
            weights = np.arange(1, self.items + 1) ** -self.exponent.value
        return np.asarray(weights / weights.sum())

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        ends, chances = np.cumsum(self.chances(plan, name)), requests.each(partial(streams.uniform, f"attributes.{name}"))
        return (1 + np.searchsorted(ends[:-1], chances, side="right")).astype(np.float32)

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        chances = self.chances(plan, name)
        return chances, np.arange(1, len(chances) + 1)


class CategoryAttribute(AnyAttribute):
    """One of several values, drawn for each request from a random stream of its own."""

    names_things: ClassVar[bool] = True

    kind: Literal["category"]
    shares: Annotated[dict[Value, ShareFigure], Field(min_length=1, max_length=64)]
    """by value, its share; all shares add up to 1"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        total = sum(share.value for share in self.shares.values())
        if abs(total - 1) > 1e-6:
            yield ("shares",), phrase("attributes.shares", total=total)

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        edges, chances = np.cumsum(self._chances[:-1]), requests.each(partial(streams.uniform, f"attributes.{name}"))
        return np.searchsorted(edges, chances, side="right").astype(np.int8)

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        return self._chances, np.arange(len(self.shares))

    @property
    def _chances(self) -> Floats:
        return np.array([share.value for share in self.shares.values()])


class ItemAttribute(AnyAttribute):
    """A column of the score table: its value for the labelled item that stands for the request."""

    of_items: ClassVar[bool] = True

    kind: Literal["item"]
    column: ItemColumn
    """the column of the score table"""
    of: Annotated[Name, Ref("scorer")] | None = None
    """the pool whose table has the column; needed for `predicted` of several"""
    values: Annotated[dict[Value, Line], Field(min_length=1, max_length=64)]
    """by value, its words on the page"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        scorers = scenario.scorers()
        if not scorers:
            yield ("kind",), phrase("attributes.no_pool")
        elif self.of_model and self.of is None and len(scorers) > 1:
            yield ("column",), phrase("attributes.pools", pools=scorers)

    @property
    def of_model(self) -> bool:
        return self.column == "predicted"

    def table(self, tables: Mapping[str, ScoreTable]) -> ScoreTable | None:
        """Return the table that has the column; None where it could not be read."""
        return next(iter(tables.values()), None) if self.of is None else tables.get(self.of)

    def gather(self, gather: CaseGatherer, name: str) -> None:
        """Check that the score table has the values; no stage can route by a column that the table lacks."""
        table = self.table(gather.tables)
        if table is None:  # the pool has a fault of its own
            return
        written = table.item_texts.get(self.column, np.array([""], object))
        missing = [value for value in self.values if value not in written]
        if not any(written):
            message = phrase("attributes.no_column", table=table.name, column=self.column)
            gather.warnings.append(phrase("attributes.not_split", label=self.label, column=self.column))
            for stage in (stage for stage, router in gather.scenario.routers().items() if router.asks == name):
                gather.fault((stage, "by"), message)
        elif missing and (len(missing) == len(self.values) or not self.of_model):  # a model may never answer some of them
            there = sorted({str(value) for value in written if value})
            message = phrase("attributes.value", value=missing[0], column=self.column, table=table.name, there=there)
            gather.missing(("attributes", name, "values", missing[0]), message)

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        return np.append(item_values(plan, name), np.int8(-1))[requests.item]

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        table, population = self.table(plan.tables), plan.scenario.population
        assert table is not None
        assert population is not None
        share, counts = population.prevalence.value, (len(table.positives), len(table.negatives))
        return np.repeat([share / counts[0], (1 - share) / counts[1]], counts), item_values(plan, name)


class RecordedAttribute(_Numeric):
    """A column of a CSV or Parquet file, one row per request; after the last row it starts again at the first.

    Without `file` it is the file whose times the arrivals replay, so that a request keeps the row of its time. With `values`
    the column holds one of them, without it a number.
    """

    names_things: ClassVar[bool] = True

    kind: Literal["recorded"]
    column: Annotated[str, Field(min_length=1, max_length=120)]
    """the name of the column"""
    file: LocalFile | None = None
    """a .csv or .parquet file beside the case"""
    evidence: Evidence = "measured"
    """the kind of evidence of the file"""
    source: Line | None = None
    """who recorded what, and when; needed with `file`"""
    values: Annotated[dict[Value, Line], Field(max_length=64)] = {}
    """by value, its words on the page; none: a number"""

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        if (self.file is None) != (self.source is None):
            raise ValueError("`file` and `source` come together; without them the column is read from the file of the arrivals")
        if self.values and (self.edges or self.unit):
            raise ValueError("`edges` and `unit` are for a column of numbers; `values` names those of a category")
        return self

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if self.file is None and not scenario.arrivals.content.file:
            yield ("file",), phrase("attributes.no_file", arrivals=scenario.arrivals.kind)

    def gather(self, gather: CaseGatherer, name: str) -> None:
        """Read its own file, or that of the arrivals."""
        rows = _beside(gather, name, self.file or gather.scenario.arrivals.content.file, self._rows)
        if rows is not None and self.source is not None:
            gather.sources.append(Source(self.label, self.evidence, f"{len(rows):,} rows", self.source))

    def _rows(self, file: FilePath) -> Column:
        if self.values:
            return read_values(file, self.column, self.categories)
        return read_numbers(file, self.column).astype(np.float32)

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        recorded = plan.recorded[name]
        return np.asarray(recorded[requests.each(np.arange) % len(recorded)])

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        # A run may end before the file does.
        played = plan.recorded[name][: max(round(plan.arrivals.expected), 1)]
        values, counts = np.unique(played, return_counts=True)
        return counts / counts.sum(), values


class Spell(Figure):
    """A stretch of time over which a number stays constant."""

    written: ClassVar[str] = "{for_s: 60, value: 5, assumed: why}"

    for_s: Annotated[float, Field(gt=0, le=1e7)]
    """how long it lasts"""


class TimetableAttribute(_Numeric):
    """A number that follows the time of arrival, as the speed of a vehicle does on its way."""

    kind: Literal["timetable"]
    spells: Annotated[list[Spell], Field(min_length=1, max_length=256)]
    """one after the other, over and over"""

    def check(self, scenario: AnyCase) -> Iterator[tuple[Path, str]]:
        yield from super().check(scenario)
        if scenario.arrivals.waits_for_answers:
            yield ("kind",), phrase("attributes.no_times", arrivals=scenario.arrivals.kind)

    def at(self, times: Floats) -> Floats:
        """Return the value at each time (s), shape as `times`; at the very end of a spell the next one holds."""
        ends, values = self._ends_and_values
        place = np.searchsorted(ends, times % ends[-1], side="right")
        return np.asarray(values[np.minimum(place, len(values) - 1)])

    def draw(self, plan: CasePlan, name: str, streams: Streams, requests: CaseRequests) -> Column:
        return self.at(requests.arrived).astype(np.float32)

    def cells(self, plan: CasePlan, name: str, bounds: Floats) -> tuple[Floats, Column]:
        """Return each value behind its share of the time in which requests arrive."""
        ends, values = self._ends_and_values
        whole, rest = divmod(plan.arrivals_end_s, ends[-1])
        taken = np.diff(whole * ends + np.minimum(ends, rest), prepend=0.0)
        return taken / taken.sum(), values

    @property
    def _ends_and_values(self) -> tuple[Floats, Floats]:
        """The end of each spell, in seconds from the start of the first, and its value."""
        return np.cumsum([spell.for_s for spell in self.spells]), np.array([spell.value for spell in self.spells])


#: Every kind of attribute that a scenario may declare, by that name.
ATTRIBUTE_KINDS: dict[str, type[AnyAttribute]] = registry(
    NumberAttribute, TimetableAttribute, CategoryAttribute, PopularityAttribute, ItemAttribute, RecordedAttribute
)

Attribute = Annotated[AnyAttribute, OneOf(ATTRIBUTE_KINDS)]


def in_groups(
    attributes: Mapping[str, AnyAttribute], columns: Mapping[str, Column], groups: Mapping[str, Sequence[str]], count: int
) -> NDArray[np.bool_]:
    """Return which requests belong, for each attribute named, to one of its groups listed, shape (count,)."""
    belong = np.ones(count, bool)
    for name, wanted in groups.items():
        belong &= np.isin(attributes[name].group_of(columns[name]), group_places(attributes[name], wanted))
    return belong


def group_places(attribute: AnyAttribute, groups: Sequence[str]) -> list[int]:
    names = [*grouping(attribute).groups]
    return [names.index(group) for group in groups]


def group_share(plan: CasePlan, name: str, groups: Sequence[str], positive: bool) -> float:
    """Return the share of positives, or of negatives, that belong to one of an attribute's groups."""
    attribute = plan.scenario.attributes[name]
    places = group_places(attribute, groups)
    if attribute.of_items:
        values, count = item_values(plan, name), len(next(iter(plan.tables.values())).positives)
        return float(np.isin(values[:count] if positive else values[count:], places).mean())
    chances, values = attribute.cells(plan, name, np.array(getattr(attribute, "edges", []), float))
    return float(chances[np.isin(attribute.group_of(np.asarray(values)), places)].sum())


@cache_per_plan
def item_values(plan: CasePlan, name: str) -> NDArray[np.int8]:
    """Return each labelled item's value of an attribute, positives first, shape (items,); -1 for a value without a name."""
    attribute = plan.scenario.attributes[name]
    assert isinstance(attribute, ItemAttribute)
    table = attribute.table(plan.tables)
    assert table is not None
    places = {value: place for place, value in enumerate(attribute.categories)}
    written = table.item_texts.get(attribute.column, [""] * (len(table.positives) + len(table.negatives)))
    return np.array([places.get(value, -1) for value in written], np.int8)
