"""Attributes, and gates that go by them: what one field alone cannot tell."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.scenario.faults import Path, suggest
from simulator.scenario.schema import Scenario
from simulator.scenario.stages import Gate, Route
from simulator.scenario.stages.gate import QUALITY, RANDOM, SCORE, THRESHOLDS

Found = Iterator[tuple[Path, str]]

#: Names that a gate, or a column of the requests in a trace, has already.
RESERVED = frozenset(
    {SCORE, QUALITY, RANDOM, "arrived_s", "sent_s", "answered_s", "finished_s", "outcome", "end", "positive", "detected",
     "patient", "tries", "tag"}
)  # fmt: skip

#: What the routes of a gate that goes by neither score nor quality may set.
_BY_RANDOM, _BY_NUMBER, _BY_VALUE = ("share",), ("at_least",), ("values",)
_BY_MARK = ("at_least", "at_sensitivity", "at_specificity")


def check_attributes(scenario: Scenario) -> Found:
    """Every fault of the attributes and of the gates that go by one, or by chance."""
    for name, attribute in scenario.attributes.items():
        if name in RESERVED:
            yield ("attributes", name), f"'{name}' has a meaning of its own; rename the attribute"
        for path, message in attribute.faults(scenario):
            yield ("attributes", name, *path), message
    for name, stage in scenario.stages.items():
        if isinstance(stage, Gate):
            for path, message in _gate(scenario, stage):
                yield ("stages", name, *path), message


def _gate(scenario: Scenario, gate: Gate) -> Found:
    attribute = scenario.attributes.get(gate.by)
    values = attribute.categories if attribute else []
    allowed = _allowed(gate.by, bool(values))
    for index, route in enumerate(gate.routes):
        for field in THRESHOLDS:
            if getattr(route, field) is not None and field not in allowed:
                yield (
                    ("routes", index, field),
                    f"a gate by {gate.by} does not go by this; {suggest(field, allowed)}",
                )
    yield from _values(gate.routes, values) if values else ()
    total = sum(route.share or 0.0 for route in gate.routes)
    if gate.by == RANDOM and total > 1 + 1e-9:
        yield (
            ("routes",),
            f"the shares add up to {total:g}; the last route takes what they leave of 1",
        )


def _allowed(by: str, has_values: bool) -> tuple[str, ...]:
    if by in (SCORE, QUALITY):
        return _BY_MARK
    if by == RANDOM:
        return _BY_RANDOM
    return _BY_VALUE if has_values else _BY_NUMBER


def _values(routes: list[Route], values: list[str]) -> Found:
    """Each value exists, and is named once."""
    seen: dict[str, int] = {}
    for index, route in enumerate(routes):
        for place, value in enumerate(route.values or []):
            if value not in values:
                yield (
                    ("routes", index, "values", place),
                    f"'{value}' is not a value of it; {suggest(value, values)}",
                )
            elif value in seen:
                yield ("routes", index, "values", place), f"'{value}' takes route {seen[value]} already; name it once"
            seen.setdefault(value, index)
