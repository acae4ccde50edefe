"""Exhibits of a run that a case can name: the record of each for authors, and whether a case has something to show.

An audit is the gate of a case that sends a random share of the cleared requests to people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from simulator.case.case_contract import AnyCase

#: The question about a run that an exhibit answers; 'rests', on the evidence, comes last in every case.
Question = Literal["missed", "waits", "costs", "rests"]


@dataclass(frozen=True)
class Exhibit:
    """The record of an exhibit for authors.

    label: its title
    question: the one that it answers; a page has a panel for each
    drawn_in: the module of the package that registers its drawing, empty where it is imported otherwise
    needs: its needs in words. Empty if every case has something to show.
    shows: whether a case has something to show
    """

    label: str
    question: Question
    drawn_in: str = ""
    needs: str = ""
    shows: Callable[[AnyCase], bool] = lambda _: True


def _goes_by_score(scenario: AnyCase) -> bool:
    return any(routing.by_score for routing in scenario.routers().values())


def has_encounters(scenario: AnyCase) -> bool:
    return scenario.encounters is not None


#: Every exhibit by name, in the order in which a page shows them unless its case names its own.
EXHIBITS = {
    "encounter": Exhibit("One encounter", "missed", "vehicle.encounter_panel", "encounters", has_encounters),
    "sight": Exhibit("Sight and stopping distance", "missed", "vehicle.encounter_panel", "encounters", has_encounters),
    "front": Exhibit("Accuracy and latency", "missed", "vehicle.encounter_panel", "encounters", has_encounters),
    "outcomes": Exhibit("Outcomes", "missed", "practice.exhibit_panels"),
    "threshold": Exhibit("Threshold", "missed", "practice.exhibit_panels", "a gate by score", _goes_by_score),
    "audit": Exhibit(
        "Audit of the cleared",
        "missed",
        "experiments.experiment_panels",
        "a gate by chance that sends a tagged share to people",
        lambda case: audit_gate(case) is not None,
    ),
    "canary": Exhibit(
        "Canary and A/B test",
        "missed",
        "experiments.experiment_panels",
        "a population and a gate by score",
        lambda case: case.population is not None and _goes_by_score(case),
    ),
    "overload": Exhibit(
        "Overload",
        "waits",
        "panels.day_panel",
        "a retry",
        lambda case: any(stage.repeats.resends for stage in case.stages.values()),
    ),
    "batches": Exhibit("Machines", "waits", "panels.day_panel", "a pool", lambda case: bool(case.machine_stages())),
    "cameras": Exhibit(
        "Machines by sensor",
        "waits",
        "panels.day_panel",
        "sensors and a pool",
        lambda case: bool(case.sensors and case.machine_stages()),
    ),
    "ages": Exhibit("Age of information", "waits", "panels.day_panel", "an end with `age: true`", lambda case: bool(case.ages)),
    "shifts": Exhibit(
        "People",
        "waits",
        "panels.day_panel",
        "a stage of people",
        lambda case: any(stage.servers.keeps_hours for stage in case.stages.values()),
    ),
    "answer_times": Exhibit("Answer times", "waits", "practice.exhibit_panels"),
    "one_request": Exhibit("One at a time", "waits", "practice.exhibit_panels"),
    "cost": Exhibit("Cost", "costs", "practice.exhibit_panels"),
    "vehicle": Exhibit(
        "Cost of a vehicle", "costs", "vehicle.sight_charts", "a vehicle", lambda case: case.vehicle is not None
    ),
    "transfer": Exhibit("Threshold elsewhere", "rests", "sources.score_panel", "a gate by score", _goes_by_score),
    "lateness": Exhibit("What lateness takes", "rests", "sources.drive_panel", "encounters", has_encounters),
    "misses": Exhibit("How misses follow each other", "rests", "sources.drive_panel", "encounters", has_encounters),
    "sensors": Exhibit("What a second sensor adds", "rests", "sources.drive_panel", "encounters", has_encounters),
    "sent_home": Exhibit("Frames to send home", "rests", "sources.drive_panel", "encounters", has_encounters),
    "proof": Exhibit("Size of a proof", "rests", "sources.proof_panel", "encounters", has_encounters),
}


def offered(scenario: AnyCase) -> list[str]:
    return [name for name, exhibit in EXHIBITS.items() if exhibit.shows(scenario)]


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
    gates: dict[str, Any] = {name: stage for name, stage in scenario.stages.items() if stage.kind == "gate"}
    for name, gate in gates.items():
        if not gate.by_chance or len(gate.routes) != 2:
            continue
        first, rest = gate.routes
        reader, end = scenario.stages.get(first.to), scenario.ends.get(rest.to)
        if first.tag and reader is not None and reader.kind == "people" and end is not None and not end.escalated:
            share, positives = first.chance(positive=False), scenario.population.positives
            return AuditGate(name, share, first.tag, first.to, rest.to, positives)
    return None
