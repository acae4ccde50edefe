"""The exhibits a case may show: charts of a run, by name, each with its question. `simulator/ui/exhibits.py` draws them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from simulator.scenario.stages.base import AnyStage

#: What a person asks of a run. What it rests on is asked last, in every case.
Question = Literal["missed", "waits", "costs", "rests"]


@dataclass(frozen=True)
class Exhibit:
    """What an author needs to know about an exhibit.

    label: its title
    question: the one that it answers; a page has a panel for each
    needs: the stage it needs, in words; kinds of stages offer such exhibits (`AnyStage.exhibits`). Empty if every case has
    something to show.
    """

    label: str
    question: Question
    needs: str = ""


#: Every exhibit by name, in the order in which a page shows them unless its case names its own.
EXHIBITS = {
    "outcomes": Exhibit("Outcomes", "missed"),
    "threshold": Exhibit("Threshold", "missed", "a gate by score"),
    "overload": Exhibit("Overload", "waits", "a retry"),
    "batches": Exhibit("Machines", "waits", "a pool"),
    "shifts": Exhibit("People", "waits", "a stage of people"),
    "answer_times": Exhibit("Answer times", "waits"),
    "one_request": Exhibit("One at a time", "waits"),
    "cost": Exhibit("Cost", "costs"),
    "transfer": Exhibit("Threshold elsewhere", "rests", "a gate by score"),
}


def offered(stages: Iterable[AnyStage]) -> list[str]:
    """The exhibits with something to show of these stages, in the order of the registry."""
    of_stages = {name for stage in stages for name in stage.exhibits}
    return [name for name, exhibit in EXHIBITS.items() if not exhibit.needs or name in of_stages]
