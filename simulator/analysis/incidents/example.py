"""A fixed incident whose first ring is plain to see, to show what an incident is; nobody plays it."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.analysis.incidents.actions import WaitAction
from simulator.analysis.incidents.play import Play
from simulator.analysis.incidents.secret import draw
from simulator.analysis.incidents.watching import Ring, Series
from simulator.scenario import Scenario

#: So many incidents are tried.
_TRIED = 20


@dataclass(frozen=True, eq=False)
class Example:
    """What rang, the monitor's series on that slice, and when the reference and the run end (s)."""

    ring: Ring
    series: Series
    reference_s: float
    end_s: float


def example(scenario: Scenario, seed: int) -> Example | None:
    """The first of some incidents, from this seed on, in which the case's first monitor rings first; None: there is none."""
    for one in range(seed, seed + _TRIED):
        play = Play(scenario, draw(scenario, one))
        ring = play.act(WaitAction(kind="wait")).ring
        if ring is None or ring.watch != play.spec.watches[0]:
            continue
        series = next(each for each in play.series() if each.watch is ring.watch and each.slice == ring.slice)
        return Example(ring, series, play.start_s, play.end_s)
    return None
