"""The attributes of requests as columns: one class per kind of attribute.

A number is a column of single precision; for a category, a column holds the index of its value, counted from 0 in the order of
the file, and -1 if it is none of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.case.attributes import CategoryAttribute, ItemAttribute, NumberAttribute, RecordedAttribute, TimetableAttribute
from simulator.engine.plan_cache import once_a_plan
from simulator.engine.provenance import Source
from simulator.engine.quantity_draws import draw, share_below
from simulator.engine.streams import Streams
from simulator.evidence.recordings import RecordingError, read_numbers, read_values

if TYPE_CHECKING:
    from simulator.engine.conditions import Conditions
    from simulator.engine.plan import Gatherer, Plan
    from simulator.engine.requests import Requests

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
        said = table.told.get(spec.column, np.array([""], object))
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
    said = table.told.get(getattr(spec, "column", ""), [""] * (len(table.positives) + len(table.negatives)))
    return np.array([places.get(value, -1) for value in said], np.int8)


def named(plan: Plan, name: str, column: Column) -> Any:
    """A readable column: numbers as they are, a category by its values, missing where it is none of them."""
    values = plan.scenario.attributes[name].categories
    return pd.Categorical.from_codes(column, dtype=pd.CategoricalDtype(values)) if values else column


def group_of(plan: Plan, name: str, column: Column) -> NDArray[np.intp]:
    """Which group each request belongs to, counted from 0 in the order of its attribute's groups; -1 for none."""
    spec = plan.scenario.attributes[name]
    if spec.categories:
        return column.astype(np.intp)
    return np.searchsorted(np.array(spec.bounds, column.dtype), column, side="right")
