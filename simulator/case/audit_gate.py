"""The gate of a case that sends a random share of the cleared requests to people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from simulator.case.case_contract import AnyCase


class AuditRoute(Protocol):
    """A route of a gate by chance."""

    to: str
    tag: str | None

    def chance(self, positive: bool) -> float:
        """Return the share of the positives, or of the negatives, that takes it."""


class ChanceGate(Protocol):
    """A gate as its audit sees it."""

    @property
    def by_chance(self) -> bool: ...

    @property
    def routes(self) -> Sequence[AuditRoute]: ...


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


def audit_gate(scenario: AnyCase) -> AuditGate | None:
    """Return the first gate by chance whose one tagged route leads to people, and its rest to an end that clears."""
    if scenario.population is None:
        return None
    for name, stage in scenario.stages.items():
        gate = cast(ChanceGate, stage)
        if stage.kind != "gate" or not gate.by_chance or len(gate.routes) != 2:
            continue
        first, rest = gate.routes
        reader, end = scenario.stages.get(first.to), scenario.ends.get(rest.to)
        if first.tag and reader is not None and reader.kind == "people" and end is not None and not end.escalated:
            share, positives = first.chance(positive=False), scenario.population.positives
            return AuditGate(name, share, first.tag, first.to, rest.to, positives)
    return None
