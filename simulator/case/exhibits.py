"""The exhibits a case may show: charts of a run, by name, each with its question. `simulator/app/exhibit_drawings.py` has their drawings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulator.case.schema import Scenario

#: What a person asks of a run. What it rests on is asked last, in every case.
Question = Literal["missed", "waits", "costs", "rests"]


@dataclass(frozen=True)
class Exhibit:
    """What an author needs to know about an exhibit.

    label: its title
    question: the one that it answers; a page has a panel for each
    needs: what it needs, in words. Empty if every case has something to show.
    shows: whether a case as a whole has something to show; None where a stage must offer the exhibit (`AnyStage.exhibits`)
    """

    label: str
    question: Question
    needs: str = ""
    shows: Callable[[Scenario], bool] | None = None

    def is_offered(self, name: str, scenario: Scenario) -> bool:
        """Whether the exhibit, which is registered under `name`, has something to show of a case."""
        if not self.needs:
            return True
        if self.shows is not None:
            return self.shows(scenario)
        return any(name in stage.exhibits for stage in scenario.stages.values())


def has_encounters(scenario: Scenario) -> bool:
    """Whether a case asks if a vehicle stops in time."""
    return scenario.encounters is not None


def has_vehicle(scenario: Scenario) -> bool:
    """Whether a case says what a vehicle carries."""
    return scenario.vehicle is not None


def _has_sensors(scenario: Scenario) -> bool:
    return bool(scenario.sensors and scenario.machine_stages())


def _has_ages(scenario: Scenario) -> bool:
    return bool(scenario.ages)


#: Every exhibit by name, in the order in which a page shows them unless its case names its own.
EXHIBITS = {
    "encounter": Exhibit("One encounter", "missed", "encounters", has_encounters),
    "sight": Exhibit("Sight and stopping distance", "missed", "encounters", has_encounters),
    "front": Exhibit("Accuracy and latency", "missed", "encounters", has_encounters),
    "outcomes": Exhibit("Outcomes", "missed"),
    "threshold": Exhibit("Threshold", "missed", "a gate by score"),
    "overload": Exhibit("Overload", "waits", "a retry"),
    "batches": Exhibit("Machines", "waits", "a pool"),
    "cameras": Exhibit("Machines by sensor", "waits", "sensors and a pool", _has_sensors),
    "ages": Exhibit("Age of information", "waits", "an end with `age: true`", _has_ages),
    "shifts": Exhibit("People", "waits", "a stage of people"),
    "answer_times": Exhibit("Answer times", "waits"),
    "one_request": Exhibit("One at a time", "waits"),
    "cost": Exhibit("Cost", "costs"),
    "vehicle": Exhibit("What a vehicle costs", "costs", "a vehicle", has_vehicle),
    "transfer": Exhibit("Threshold elsewhere", "rests", "a gate by score"),
    "lateness": Exhibit("What lateness takes", "rests", "encounters", has_encounters),
    "misses": Exhibit("How misses follow each other", "rests", "encounters", has_encounters),
    "sensors": Exhibit("What a second sensor adds", "rests", "encounters", has_encounters),
}


def offered(scenario: Scenario) -> list[str]:
    """The exhibits with something to show of a case, in the order of the registry."""
    return [name for name, exhibit in EXHIBITS.items() if exhibit.is_offered(name, scenario)]
