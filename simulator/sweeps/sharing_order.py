"""The order of designs in which neighbours share the most: what left the stages of one begins the run of the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING

from simulator.case.choices import parts
from simulator.engine.outflow_keys import ordered

if TYPE_CHECKING:
    from simulator.case.document import Path
    from simulator.case.schema import Scenario
    from simulator.sweeps.design_space import DesignPoint

#: Sections of a case that only measuring reads.
_MEASURED = ("ends", "costs", "encounters", "vehicle")


def sharing_order(scenario: Scenario, points: Sequence[DesignPoint]) -> list[int]:
    """Return the places of the points in their best order: what changes the earliest stages varies slowest."""
    changed = _changed(scenario, points)
    order = sorted(changed, key=changed.__getitem__)
    base = scenario.defaults()

    def picked(place: int) -> list[str]:
        values = {**base, **points[place].picks, **points[place].figures}
        return [repr(values.get(name)) for name in order]

    return sorted(range(len(points)), key=picked)


def _changed(scenario: Scenario, points: Sequence[DesignPoint]) -> dict[str, float]:
    """Return the place of the first stage that each choice and each figure of the points changes."""
    places = ordered(scenario.network.graph, list(scenario.stages))
    choices = {
        name: _first(places, (path for pick in choice.picks() for path in choice.changes(pick)))
        for name, choice in scenario.choices.items()
    }
    return choices | {name: _first(places, [parts(name)]) for point in points for name in point.figures}


def _first(places: Mapping[str, int], paths: Iterable[Path]) -> float:
    return min((_reached(places, path) for path in paths), default=-1)


def _reached(places: Mapping[str, int], path: Path) -> float:
    """Return the place of the stage that a change there reaches: -1 before all stages, inf where only measuring reads it."""
    if path[0] == "stages":
        return places.get(str(path[1]), -1)
    return inf if path[0] in _MEASURED else -1
