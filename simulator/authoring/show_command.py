"""`casesim show` and `casesim schema`: print what an author can name in a case, as tables that read well on a terminal.

Each list of parts holds rows of plain data, with the same keys in every row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from simulator.authoring.case_schema import case_schema
from simulator.case.choices import Choice, Options
from simulator.case.document import dotted
from simulator.case.exhibits import EXHIBITS, offered
from simulator.case.fields import sourced_of
from simulator.case.load import load
from simulator.case.name_kinds import places_of
from simulator.case.schema import Scenario
from simulator.cli.exits import answer, known
from simulator.cli.options import AsJson, Case

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


#: Columns whose cells are numbers.
_NUMBERS = frozenset({"usd", "detected", "items", "positives", "projected on"})

#: A name of at most this length stands in one line, however narrow the terminal.
_WHOLE = 40


def table_of_rows(title: str, rows: Sequence[dict[str, Any]]) -> Table:
    """Return a table with a column for each key; the first column keeps its names whole."""
    first, *_ = rows[0]
    longest = max(len(cell_of(row[first])) for row in rows)
    columns = [Column(name, overflow="fold", justify="right" if name in _NUMBERS else "left") for name in rows[0]]
    columns[0].no_wrap = longest <= _WHOLE
    table = Table(*columns, title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(escape(cell_of(value)) for value in row.values()))
    return table


def cell_of(value: Any) -> str:
    """Return a value as it is read in a table: a list by commas, nothing for None."""
    if isinstance(value, list):
        return ", ".join(map(cell_of, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_PRINTED = f"what to print: {', '.join(SECTIONS)}; default: all of them"
Sections = Annotated[list[str] | None, typer.Argument(help=_PRINTED, show_default=False)]


def show(case: Case, sections: Sections = None, as_json: AsJson = False) -> None:
    """Print the names in a case: metrics with units, stages, ends, choices, places to write, figures, curveballs, exhibits."""
    for name in sections or ():
        known("section", name, SECTIONS)
    scenario = load(case)
    rows = {name: list(SECTIONS[name](scenario)) for name in sections or SECTIONS}
    answer(as_json, {"case": scenario.id, **rows}, _show_parts(rows))


def _show_parts(sections: dict[str, list[Row]]) -> Iterator[Any]:
    for number, (name, rows) in enumerate(sections.items()):
        yield from [""] if number else []
        yield table_of_rows(name.capitalize(), rows) if rows else f"{name.capitalize()}: none"


def schema() -> None:
    """Print the JSON Schema (draft 7) of a case. An editor completes and explains keys by it, and marks wrong ones."""
    print(json.dumps(case_schema(), indent=2))
