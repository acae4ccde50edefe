"""The attributes of requests as columns, and what gates make of them.

A number is a column of single precision; of a category a column holds which of its values it is, counted from 0 in the order of
the file, and -1 where it is none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator.scenario.stages import Gate
from simulator.scenario.stages.gate import QUALITY, RANDOM, SCORE
from simulator.serving.quantities import draw, share_below
from simulator.serving.streams import Streams

if TYPE_CHECKING:
    from simulator.serving.plan import Plan

Column = NDArray[Any]
Items = NDArray[np.int32]
Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]


class Kind(NamedTuple):
    """What runs for one kind of attribute.

    column: the values of all requests, shape (n,), given which labelled item stands for each of them, -1 without any
    cells: values that stand for all others, given where gates part numbers, with the chance of each, shapes (values,) twice;
    None for what depends on the labelled item, which theory follows item by item
    """

    column: Callable[[Plan, str, Streams, Items], Column]
    cells: Callable[[Plan, str, Floats], tuple[Floats, Column]] | None


def attribute_columns(plan: Plan, streams: Streams, item: Items) -> dict[str, Column]:
    """The column of each attribute, shape (n,). item: which labelled item stands for each request, -1 without any."""
    return {name: KINDS[spec.kind].column(plan, name, streams, item) for name, spec in plan.scenario.attributes.items()}


def _number(plan: Plan, name: str, streams: Streams, item: Items) -> Column:
    spec: Any = plan.scenario.attributes[name]
    return draw(spec.value, streams.named(f"attributes.{name}"), len(item))


def _number_cells(plan: Plan, name: str, cuts: Floats) -> tuple[Floats, Column]:
    """From one threshold to the next."""
    spec: Any = plan.scenario.attributes[name]
    below = np.concatenate([[0.0], share_below(spec.value, cuts), [1.0]])
    return np.diff(below), np.append(-np.inf, cuts)


def _shares(plan: Plan, name: str) -> Floats:
    spec: Any = plan.scenario.attributes[name]
    return np.array([share.value for share in spec.shares.values()])


def _category(plan: Plan, name: str, streams: Streams, item: Items) -> Column:
    edges = np.cumsum(_shares(plan, name)[:-1])
    return np.searchsorted(edges, streams.named(f"attributes.{name}").random(len(item)), side="right").astype(np.int8)


def _category_cells(plan: Plan, name: str, cuts: Floats) -> tuple[Floats, Column]:
    return (shares := _shares(plan, name)), np.arange(len(shares))


def _recorded(plan: Plan, name: str, streams: Streams, item: Items) -> Column:
    recorded = plan.recorded[name]
    return recorded[np.arange(len(item)) % len(recorded)]


def _recorded_cells(plan: Plan, name: str, cuts: Floats) -> tuple[Floats, Column]:
    played = plan.recorded[name][: max(round(plan.arrivals.expected), 1)]  # a run may end before the file does
    values, counts = np.unique(played, return_counts=True)
    return counts / counts.sum(), values


def _of_item(plan: Plan, name: str, streams: Streams, item: Items) -> Column:
    return np.append(item_values(plan, name), np.int8(-1))[item]


#: By kind of attribute.
KINDS = {
    "number": Kind(_number, _number_cells),
    "category": Kind(_category, _category_cells),
    "recorded": Kind(_recorded, _recorded_cells),
    "item": Kind(_of_item, None),
}


def item_values(plan: Plan, name: str) -> NDArray[np.int8]:
    """Which value of an attribute each labelled item has, positives first, shape (items,); -1 for none that is named."""
    spec, table = plan.scenario.attributes[name], next(iter(plan.tables.values()))
    places = {value: place for place, value in enumerate(spec.categories)}
    said = table.told.get(getattr(spec, "column", ""), [""] * (len(table.positives) + len(table.negatives)))
    return np.array([places.get(value, -1) for value in said], np.int8)


def named(plan: Plan, name: str, column: Column) -> Any:
    """A column as a person reads it: numbers as they are, a category by its values, missing where it is none of them."""
    values = plan.scenario.attributes[name].categories
    return pd.Categorical.from_codes(column, dtype=pd.CategoricalDtype(values)) if values else column


def group_of(plan: Plan, name: str, column: Column) -> NDArray[np.intp]:
    """Which group each request belongs to, counted from 0 in the order of its attribute's groups; -1 for none."""
    spec = plan.scenario.attributes[name]
    if spec.categories:
        return column.astype(np.intp)
    return np.searchsorted(np.array(spec.bounds, column.dtype), column, side="right")


def goes_by_itself(gate: Gate) -> bool:
    """Whether a gate goes by chance or an attribute: what a request brings along, whatever stages it has passed."""
    return gate.by not in (SCORE, QUALITY)


def is_of_items(plan: Plan, name: str) -> bool:
    """Whether an attribute is what the score table says of its items."""
    return name in plan.scenario.attributes and plan.scenario.attributes[name].of_items


def goes_by_items(plan: Plan, gate: Gate) -> bool:
    """Whether a gate goes by an attribute of the labelled items."""
    return is_of_items(plan, gate.by)


def gate_values(plan: Plan, gate: Gate, column: Column) -> Float32:
    """What a gate by an attribute compares with its thresholds (`gate_thresholds`), one a request or item.

    Of a category: how many routes it takes to come to the one that names the value, counted from the last, which is 0.
    """
    values = plan.scenario.attributes[gate.by].categories
    if not values:
        return column.astype(np.float32, copy=False)
    rank = np.zeros(len(values) + 1, np.float32)  # the last element is of those that have no value
    for index, route in enumerate(gate.routes):
        rank[[values.index(value) for value in route.values or []]] = len(gate.routes) - 1 - index
    return rank[column]


def gate_thresholds(plan: Plan, gate: Gate) -> list[float]:
    """The thresholds of a gate by chance or by an attribute, one for each route but the last.

    By chance a uniform draw u takes the first route whose share it reaches from above: u >= 1 - shares up to there.
    """
    routes = [route for route in gate.routes if not route.is_rest]
    if gate.by == RANDOM:
        return (1 - np.cumsum([route.share for route in routes])).clip(0).tolist() if routes else []
    if plan.scenario.attributes[gate.by].categories:
        return [float(rank) for rank in range(len(routes), 0, -1)]
    return [float(route.at_least) for route in routes if route.at_least is not None]
