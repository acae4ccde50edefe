"""The exhibits a case may show: charts and panels of a run, by name. `simulator/ui/exhibits.py` draws them."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.scenario.stages.base import AnyStage


@dataclass(frozen=True)
class Exhibit:
    """What an author needs to know about an exhibit.

    label: the title of its tab
    needs: the stage it needs, in words; kinds of stages offer such exhibits (`AnyStage.exhibits`). Empty if every case has
    something to show.
    """

    label: str
    needs: str = ""


#: Every exhibit by name, in the order in which a page shows them unless its case names its own.
EXHIBITS = {
    "outcomes": Exhibit("Outcomes"),
    "overload": Exhibit("Overload", "a retry"),
    "answer_times": Exhibit("Answer times"),
    "batches": Exhibit("Machines", "a pool"),
    "one_request": Exhibit("One request"),
    "shifts": Exhibit("Reviewers", "a stage of people"),
    "threshold": Exhibit("Threshold", "a gate by score"),
    "transfer": Exhibit("Threshold elsewhere", "a gate by score"),
    "cost": Exhibit("Cost"),
}


def offered(stages: Iterable[AnyStage]) -> list[str]:
    """The exhibits with something to show of these stages, in the order of the registry."""
    of_stages = {name for stage in stages for name in stage.exhibits}
    return [name for name, exhibit in EXHIBITS.items() if not exhibit.needs or name in of_stages]
