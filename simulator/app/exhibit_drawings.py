"""The registry of exhibits' drawings: each is in the module that its exhibit names, and looked up by the exhibit's name.

A drawing is a panel of a run, a panel that follows the slider over time, or a chart that the report shows too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import NamedTuple

from simulator.app.widgets import draw, replication_0
from simulator.case.exhibits import EXHIBITS
from simulator.charts.look import Chart
from simulator.engine.run_trace import Trace
from simulator.explain.result import Result

Panel = Callable[[Result], None]
#: Draws replication 0 of a run at an instant, in seconds.
TimedPanel = Callable[[Result, Trace, float], None]
#: Makes a chart of a run; the second argument simulates its replication 0.
RunChart = Callable[[Result, Callable[[], Trace]], Chart]


class Drawings(NamedTuple):
    """The drawings of exhibits, by name; heroes: of those that stand first in a case, one picture without controls."""

    panels: dict[str, Panel]
    timed: dict[str, TimedPanel]
    charts: dict[str, RunChart]
    heroes: dict[str, Panel]


_DRAWINGS = Drawings({}, {}, {}, {})


@cache
def drawings() -> Drawings:
    for module in dict.fromkeys(exhibit.drawn_in for exhibit in EXHIBITS.values() if exhibit.drawn_in):
        import_module(f"simulator.{module}")
    return _DRAWINGS


def hero_panel(exhibit: str) -> Callable[[Panel], Panel]:
    return lambda function: _DRAWINGS.heroes.setdefault(exhibit, function)


def panel(exhibit: str) -> Callable[[Panel], Panel]:
    return lambda function: _DRAWINGS.panels.setdefault(exhibit, function)


def timed_panel(exhibit: str) -> Callable[[TimedPanel], TimedPanel]:
    return lambda function: _DRAWINGS.timed.setdefault(exhibit, function)


def run_chart(exhibit: str, key: str) -> Callable[[RunChart], RunChart]:
    """Register a chart of a run as the drawing of an exhibit; key: of its widget."""

    def register(function: RunChart) -> RunChart:
        _DRAWINGS.panels[exhibit] = lambda result: draw(function(result, lambda: replication_0(result)), key=key)
        return _DRAWINGS.charts.setdefault(exhibit, function)

    return register
