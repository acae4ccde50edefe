"""Designs of a sweep: two metrics against each other with the front, and all metrics side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.pareto import Front, Goal
from simulator.scenario import Scenario
from simulator.ui.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, SKY, Chart, figure, rounded, translucent, whiskers, wrapped

#: From so many designs on intervals are left to the table.
MANY = 300


def front_chart(
    front: Front, names: Sequence[str], own: Outcome | None, scenario: Scenario, over: tuple[Goal, Goal], table: pd.DataFrame
) -> Chart:
    """Every design as a point; those on the front with their 95% intervals.

    names: a word for each design; own: the design around which the sweep is; over: the goals of the two axes
    """
    best, kept = set(front.by_value), set(front.places)
    parts = {
        "beaten by another": ([place for place in front.told if place not in kept], translucent(GREY, 0.5), 7, False),
        "not told apart from the front": ([place for place in front.places if place not in best], SKY, 8, False),
        "the front, by its values": (front.by_value, BLUE, 11, len(front.told) <= MANY),
    }
    traces = [
        _points(name, front.outcomes, places, names, over, colour, size, intervals)
        for name, (places, colour, size, intervals) in parts.items()
    ]
    if own is not None and all(own.value(goal.metric.name) is not None for goal in over):
        traces.append(_points("your design", [own], [0], ["your design"], over, ORANGE, 14, False, "diamond"))
    drawn = figure(*traces, height=460)
    _axis(drawn.update_xaxes, over[0])
    _axis(drawn.update_yaxes, over[1])
    for goal, line in zip(over, (drawn.add_vline, drawn.add_hline), strict=True):
        for objective in scenario.objectives:
            if objective.metric == goal.metric.name:
                bound = objective.at_least if objective.at_least is not None else objective.at_most
                line(_scaled(goal, [bound or 0.0])[0], line=OBJECTIVE)
    drawn.update_layout(clickmode="event+select")
    return Chart(drawn, front.sentence, rounded(table))


def _points(
    name: str, outcomes: Sequence[Outcome], places: Sequence[int], names: Sequence[str], over: tuple[Goal, Goal], colour: str,
    size: int, intervals: bool, symbol: str = "circle",
) -> go.Scatter:  # fmt: skip
    found = [[outcomes[place].metrics[goal.metric.name] for place in places] for goal in over]
    values = [_scaled(goal, [one.value for one in column]) for goal, column in zip(over, found, strict=True)]
    bars = {}
    if intervals:
        for axis, goal, column, middle in zip("xy", over, found, values, strict=True):
            low, high = (_scaled(goal, [getattr(one, side) for one in column]) for side in ("low", "high"))
            bars[f"error_{axis}"] = whiskers(low, middle, high) | {"thickness": 1, "width": 3}
    return go.Scatter(
        name=name,
        x=values[0],
        y=values[1],
        mode="markers",
        marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 1, "color": "rgba(0,0,0,0.4)"}},
        customdata=[[place] for place in places],
        text=[names[place] for place in places],
        hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        **bars,
    )


def _axis(update: object, goal: Goal) -> None:
    unit = {"share": "%"}.get(goal.metric.unit, goal.metric.unit)
    way = "more is better" if goal.higher else "less is better"
    update(title=f"{goal.label} ({unit}), {way}")  # type: ignore[operator]


def _scaled(goal: Goal, values: Sequence[float]) -> list[float]:
    factor = 100.0 if goal.metric.unit == "share" else 1.0
    return [factor * value for value in values]


def parallel_chart(front: Front, columns: Mapping[str, Sequence[float | str]], table: pd.DataFrame) -> Chart:
    """A line a design through all its picks and metrics, each axis from its lowest value to its highest.

    columns: label to a value for each design that takes part; words stand in the order in which they come
    A box that is drawn over an axis selects the designs that pass there: each point carries its place among all designs.
    """
    heights = {label: _heights(values) for label, values in columns.items()}
    labels, kept = list(columns), set(front.places)
    parts = {"beaten by another": (translucent(GREY, 0.35), 1, False), "not beaten by another": (BLUE, 2, True)}
    traces = []
    for name, (colour, width, best) in parts.items():
        rows = [row for row, place in enumerate(front.told) if (place in kept) == best]
        lines = _lines(name, labels, heights, columns, rows, front.told)
        traces.append(lines.update(line={"color": colour, "width": width}, marker={"color": colour, "size": 5}))
    drawn = figure(*traces, height=440)
    for place in range(len(labels)):
        drawn.add_vline(x=place, line={"color": GREY, "width": 1})
    drawn.update_layout(dragmode="select")
    drawn.update_xaxes(tickvals=list(range(len(labels))), ticktext=[wrapped(label) for label in labels], showgrid=False,
                       range=[-0.3, len(labels) - 0.7])  # fmt: skip
    drawn.update_yaxes(tickvals=[0, 1], ticktext=["lowest", "highest"], showgrid=False, range=[-0.05, 1.05])
    count = f"{len(front.told):,} designs, a line each through its picks and what it comes to; blue: not beaten by another."
    return Chart(drawn, f"{count} Draw a box over an axis to keep those that pass there.", rounded(table))


def _lines(
    name: str, labels: Sequence[str], heights: Mapping[str, Sequence[float]], columns: Mapping[str, Sequence[float | str]],
    rows: Sequence[int], places: Sequence[int],
) -> go.Scatter:  # fmt: skip
    """All lines of some designs as one, with a gap between two."""
    x: list[float | None] = []
    y: list[float | None] = []
    told: list[str | None] = []
    of: list[list[int] | list[None]] = []
    for row in rows:
        x += [*range(len(labels)), None]
        y += [*(heights[label][row] for label in labels), None]
        told += [*(f"{label}: {_shown(columns[label][row])}" for label in labels), None]
        of += [*([places[row]] for _ in labels), [None]]
    hover = "%{text}<extra></extra>"
    return go.Scatter(name=name, x=x, y=y, mode="lines+markers", text=told, customdata=of, hovertemplate=hover)


def _heights(values: Sequence[float | str]) -> list[float]:
    """Where values stand on an axis, from 0 at the lowest to 1 at the highest."""
    words = list(dict.fromkeys(map(str, values)))
    numbers = [float(value) if isinstance(value, int | float) else float(words.index(str(value))) for value in values]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    return [(number - low) / (high - low) if high > low else 0.5 for number in numbers]


def _shown(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else value
