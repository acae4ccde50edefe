"""Designs of a sweep: two metrics against each other with the front, and all metrics side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.sweeps.outcomes import Outcome
from simulator.analysis.sweeps.pareto import Front, Goal
from simulator.scenario import Scenario
from simulator.ui.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, SKY, Chart, figure, rounded, translucent, whiskers

#: From so many designs on they are drawn by the graphics processor, without intervals.
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
    kind = go.Scattergl if len(places) > MANY else go.Scatter
    bars = {}
    if intervals:
        for axis, goal, column, middle in zip("xy", over, found, values, strict=True):
            low, high = (_scaled(goal, [getattr(one, side) for one in column]) for side in ("low", "high"))
            bars[f"error_{axis}"] = whiskers(low, middle, high) | {"thickness": 1, "width": 3}
    return kind(
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
    """A line a design through all its picks and metrics; a brush on an axis leaves those that pass it.

    columns: label to a value for each design that takes part; words are drawn as places on the axis
    """
    kept = set(front.places)
    dimensions = [_dimension(label, values) for label, values in columns.items()]
    on_front = np.array([place in kept for place in front.told], float)
    drawn = figure(
        go.Parcoords(
            line={"color": on_front, "colorscale": [[0, translucent(GREY, 0.4)], [1, BLUE]], "cmin": 0, "cmax": 1},
            dimensions=dimensions,
            labelangle=-20,
            labelside="bottom",
        ),
        height=420,
    )
    drawn.update_layout(margin={"l": 70, "r": 50, "t": 20, "b": 90})
    count = f"{len(front.told):,} designs, a line each through its picks and what it comes to; blue: not beaten by another."
    return Chart(drawn, f"{count} Drag along an axis to keep those that pass there.", rounded(table))


def _dimension(label: str, values: Sequence[float | str]) -> dict[str, object]:
    if all(isinstance(value, int | float) for value in values):
        return {"label": label, "values": list(values)}
    words = list(dict.fromkeys(map(str, values)))
    places = [words.index(str(value)) for value in values]
    return {"label": label, "values": places, "tickvals": list(range(len(words))), "ticktext": words}
