"""Lists of the parts of a case that an author looks up: metrics, stages, places that an option may write, figures and others.

Each list holds rows of plain data, with the same keys in every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.case.choices import Choice, Options
from simulator.case.document import dotted
from simulator.case.exhibits import EXHIBITS, offered
from simulator.case.fields import sourced_of
from simulator.case.name_kinds import places_of
from simulator.case.schema import Scenario

Row = dict[str, Any]
Rows = Iterator[Row]


def metric_rows(scenario: Scenario) -> Rows:
    """Yield every metric that a run reports, with its objective where the case has one."""
    bounds = {
        objective.metric: f"at {'least' if objective.upward else 'most'} {objective.bound:g}"
        for objective in scenario.objectives
    }
    for name, metric in scenario.metrics.items():
        better = metric.better or "depends"
        yield {"metric": name, "label": metric.label, "unit": metric.unit, "better": better, "objective": bounds.get(name, "")}


def stage_rows(scenario: Scenario) -> Rows:
    """Yield every stage, with the names of the stages and ends behind it."""
    for name, stage in scenario.stages.items():
        leads_to = list(dict.fromkeys(stage.targets().values()))
        yield {"stage": name, "kind": stage.kind, "label": stage.label, "leads to": leads_to}


def end_rows(scenario: Scenario) -> Rows:
    """Yield every end, with its share of positives that are found and its cost."""
    for name, end in scenario.ends.items():
        cost = {"detected": end.detected.value, "usd": end.usd.value}
        yield {"end": name, "label": end.label, "escalated": end.escalated, **cost}


def choice_rows(scenario: Scenario) -> Rows:
    """Yield every choice, with its options and the places that it writes."""
    for name, choice in scenario.choices.items():
        row = {"choice": name, "label": choice.label, "default": choice.read(choice.default)}
        yield row | {"options": _offered_by(choice), "writes": _written_by(choice)}


def _offered_by(choice: Choice) -> list[Any]:
    if isinstance(choice, Options) or choice.values is not None:
        return choice.picks()
    return [f"{choice.min:g} to {choice.max:g} in steps of {choice.step:g}"]


def _written_by(choice: Choice) -> list[str]:
    return list(dict.fromkeys(dotted(path) for pick in choice.extremes() for path in choice.changes(pick)))


def place_rows(scenario: Scenario) -> Rows:
    """Yield every place that an option may write: its value in the file, or its default, and the choices that write it."""
    writers: dict[str, list[str]] = {}
    for name, choice in scenario.choices.items():
        for place in _written_by(choice):
            writers.setdefault(place, []).append(name)
    for place, value in places_of(scenario).items():
        by = [name for at, names in writers.items() if place == at or place.startswith(f"{at}.") for name in names]
        yield {"place": place, "now": value, "written by": by}


def figure_rows(scenario: Scenario) -> Rows:
    """Yield every figure, with its kind of evidence, its source and the range that its author gives."""
    for path, figure in sourced_of(scenario):
        row: Row = {"figure": dotted(path), "value": figure.words, "evidence": figure.kind}
        between = getattr(figure, "between", None)
        yield row | {"between": "" if between is None else f"{between[0]:g} to {between[1]:g}", "source": figure.source}


def curveball_rows(scenario: Scenario) -> Rows:
    """Yield every curveball, with its time."""
    for name, ball in scenario.curveballs.items():
        at_s = ball.own_time(scenario.run.starts_at)
        called = ball.called_time(scenario.run.starts_at)
        strikes = "when an interviewer says so" if at_s is None else f"after {at_s:,.0f} s"
        strikes += "" if called in (None, at_s) else f"; suggested after {called:,.0f} s"
        yield {"curveball": name, "kind": ball.kind, "label": ball.label, "strikes": strikes}


def exhibit_rows(scenario: Scenario) -> Rows:
    """Yield every exhibit, and whether this case shows it, could show it, or lacks its subject."""
    shown, able = scenario.shown(), offered(scenario)
    for name, exhibit in EXHIBITS.items():
        here = "shown" if name in shown else "can be shown" if name in able else f"needs {exhibit.needs}"
        yield {"exhibit": name, "label": exhibit.label, "here": here}


#: The lists by the name of their section.
SECTIONS: dict[str, Callable[[Scenario], Rows]] = {
    "metrics": metric_rows,
    "stages": stage_rows,
    "ends": end_rows,
    "choices": choice_rows,
    "places": place_rows,
    "figures": figure_rows,
    "curveballs": curveball_rows,
    "exhibits": exhibit_rows,
}
