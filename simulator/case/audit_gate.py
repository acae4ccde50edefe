"""The gate of a case that sends a random share of the cleared requests to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from simulator.case.schema import Scenario
    from simulator.engine.stages.gate import Gate
    from simulator.engine.stages.people import People


@dataclass(frozen=True)
class AuditGate:
    """An audit: the share of the cleared that people read.

    name: of the gate; tag: of the audited requests; readers: the stage of people; end: of those that are not audited
    positives: the word of the case for them
    """

    name: str
    share: float
    tag: str
    readers: str
    end: str
    positives: str


def audit_gate(scenario: Scenario) -> AuditGate | None:
    """Return the first gate by chance whose one tagged route leads to people, and its rest to an end that clears."""
    if scenario.population is None:
        return None
    for name, stage in scenario.stages.items():
        if stage.kind != "gate" or not cast("Gate", stage).by_chance or len(cast("Gate", stage).routes) != 2:
            continue
        first, rest = cast("Gate", stage).routes
        reader, end = scenario.stages.get(first.to), scenario.ends.get(rest.to)
        if first.tag and reader is not None and reader.kind == "people" and end is not None and not end.escalated:
            share, positives = first.chance(positive=False), scenario.population.positives
            return AuditGate(name, share, first.tag, first.to, rest.to, positives)
    return None


def readers_of(scenario: Scenario, audit: AuditGate) -> People:
    return cast("People", scenario.stages[audit.readers])
