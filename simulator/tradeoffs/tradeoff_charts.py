"""Designs of a sweep: two metrics against each other with the front, and all metrics side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from math import isfinite
from textwrap import shorten, wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.outputs import Metric
from simulator.case.schema import Scenario
from simulator.charts import look
from simulator.sweeps.outcome_cache import DesignOutcome
from simulator.tradeoffs.breakeven import BreakevenPoint
from simulator.tradeoffs.capacity import UNMET, Capacity
from simulator.tradeoffs.front import Front, Goal
from simulator.tradeoffs.sensitivity import Ranking
from simulator.units import plain_number, significant

#: Beyond this number of designs, only the table shows intervals.
MANY = 300


def front_chart(
    front: Front,
    names: Sequence[str],
    own: DesignOutcome | None,
    scenario: Scenario,
    over: tuple[Goal, Goal],
    table: pd.DataFrame,
) -> look.Chart:
    """Draw every design as a point; those on the front with their 95% intervals.

    names: a word for each design; own: the design around which the sweep is; over: the goals of the two axes
    """
    best, on_front = set(front.by_value), set(front.places)
    beaten = [place for place in front.comparable if place not in on_front]
    maybe, few = [place for place in front.places if place not in best], len(front.comparable) <= MANY
    parts = {
        "beaten by another": (beaten, look.translucent(look.GREY, 0.5), 7, False),
        "may be on the front": (maybe, look.SKY, 8, False),
        "the front, by its values": (front.by_value, look.BLUE, 11, few),
    }
    traces = [
        _design_points(name, front.outcomes, places, names, over, colour, size, intervals)
        for name, (places, colour, size, intervals) in parts.items()
    ]
    if own is not None and all(own.value(goal.metric.name) is not None for goal in over):
        traces.append(_design_points("your design", [own], [0], ["your design"], over, look.ORANGE, 14, False, "diamond"))
    drawn = look.figure(*traces, height=460, x=_axis(over[0]), y=_axis(over[1]), clickmode="event+select")
    for goal, add_bound in zip(over, (drawn.add_vline, drawn.add_hline), strict=True):
        for objective in scenario.objectives:
            if objective.metric == goal.metric.name:
                add_bound(_factor(goal.metric) * objective.bound, line=look.OBJECTIVE)
    return look.chart(drawn, front.sentence, table, digits=4)


def _design_points(
    name: str, outcomes: Sequence[DesignOutcome], places: Sequence[int], names: Sequence[str], over: tuple[Goal, Goal],
    colour: str, size: int, intervals: bool, symbol: str = "circle",
) -> go.Scatter:  # fmt: skip
    ends = [
        [[_factor(goal.metric) * getattr(outcomes[place].metrics[goal.metric.name], end) for place in places]
         for end in ("low", "value", "high")] for goal in over
    ]  # fmt: skip
    marker = {"color": colour, "size": size, "symbol": symbol, "line": {"width": 1, "color": "rgba(0,0,0,0.4)"}}
    more: dict[str, Any] = {"customdata": [[place] for place in places], "text": [names[place] for place in places]}
    if intervals:
        more |= {
            f"error_{axis}": look.whiskers(*of) | {"thickness": 1, "width": 3} for axis, of in zip("xy", ends, strict=True)
        }
    hover = "%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>"
    return look.points(ends[0][1], ends[1][1], colour, name, hover, marker=marker, **more)


def _axis(goal: Goal) -> dict[str, str]:
    unit = "%" if goal.metric.unit == "share" else goal.metric.unit
    return {"title": f"{goal.metric.label} ({unit}), {'more' if goal.higher else 'less'} is better"}


def _factor(metric: Metric) -> float:
    return 100.0 if metric.unit == "share" else 1.0


def parallel_chart(front: Front, columns: Mapping[str, Sequence[float | str]], table: pd.DataFrame) -> look.Chart:
    """Draw a line a design through all its picks and metrics, each axis from its lowest value to its highest.

    columns: label to a value for each design that takes part; words stand in the order of their first appearance
    A box that is drawn over an axis selects the designs that pass there: each point carries its place among all designs.
    """
    heights = {label: _heights(values) for label, values in columns.items()}
    labels, on_front = list(columns), set(front.places)
    parts = {"beaten by another": (look.translucent(look.GREY, 0.35), 1, False), "not beaten by another": (look.BLUE, 2, True)}
    traces = []
    for name, (colour, width, best) in parts.items():
        rows = [row for row, place in enumerate(front.comparable) if (place in on_front) == best]
        lines = _lines(name, labels, heights, columns, rows, front.comparable)
        traces.append(lines.update(line={"color": colour, "width": width}, marker={"color": colour, "size": 5}))
    drawn = look.figure(*traces, height=440)
    for place in range(len(labels)):
        drawn.add_vline(x=place, line={"color": look.GREY, "width": 1})
    drawn.update_layout(dragmode="select")
    drawn.update_xaxes(tickvals=list(range(len(labels))), ticktext=[look.wrapped(label) for label in labels], showgrid=False,
                       range=[-0.3, len(labels) - 0.7])  # fmt: skip
    drawn.update_yaxes(tickvals=[0, 1], ticktext=["lowest", "highest"], showgrid=False, range=[-0.08, 1.08])
    for place, label in enumerate(labels):
        for height, words in _marks_of(columns[label]):
            # above the lines that end here: they would strike the words through
            pale = "rgba(128,128,128,0.15)"
            look.note(drawn, escape(words), place, height, xshift=4, yshift=4, font={"size": 11}, bgcolor=pale)
    count = f"{len(front.comparable):,} designs, a line each through its picks and metrics; blue: not beaten by another."
    return look.Chart(drawn, f"{count} Draw a box over an axis to keep the designs that pass there.", look.rounded(table))


def _lines(
    name: str, labels: Sequence[str], heights: Mapping[str, Sequence[float]], columns: Mapping[str, Sequence[float | str]],
    rows: Sequence[int], places: Sequence[int],
) -> go.Scatter:  # fmt: skip
    x: list[float | None] = []
    y: list[float | None] = []
    texts: list[str | None] = []
    of: list[list[int] | list[None]] = []
    for row in rows:
        x += [*range(len(labels)), None]
        y += [*(heights[label][row] for label in labels), None]
        texts += [*(f"{label}: {_shown(columns[label][row])}" for label in labels), None]
        of += [*([places[row]] for _ in labels), [None]]
    hover = "%{text}<extra></extra>"
    return go.Scatter(name=name, x=x, y=y, mode="lines+markers", text=texts, customdata=of, hovertemplate=hover)


def _heights(values: Sequence[float | str]) -> list[float]:
    words = list(dict.fromkeys(map(str, values)))
    numbers = [float(value) if isinstance(value, int | float) else float(words.index(str(value))) for value in values]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    return [(number - low) / (high - low) if high > low else 0.5 for number in numbers]


#: The most options that are named on an axis; of more, the first and the last are.
_NAMED = 6

#: The most letters of an option on an axis, and the least distance of two names.
_SHORT, _APART = 18, 0.06

#: Pixels from an axis to the next, so that no option's name reaches the next one.
AXIS_PX = 108


def _marks_of(values: Sequence[float | str]) -> list[tuple[float, str]]:
    """Return the height of each option on an axis with its name, shortened; of many options, and of close ones, the ends."""
    by_height = dict(sorted(zip(_heights(values), map(_shown, values), strict=True)))
    first, *inner, last = [*by_height, *list(by_height)[-1:]] if len(by_height) < 2 else list(by_height)
    wanted = [first]
    for height in inner if len(by_height) <= _NAMED else []:
        if height - wanted[-1] >= _APART and last - height >= _APART:
            wanted.append(height)
    return [(height, shorten(by_height[height], _SHORT, placeholder="…")) for height in dict.fromkeys([*wanted, last])]


def _shown(value: float | str) -> str:
    return plain_number(float(f"{value:.3g}")) if isinstance(value, int | float) else value


#: The most letters of a row's name on a line.
_LETTERS = 46


#: Lines of one colour, told apart.
_DASHES = ("dash", "dot", "dashdot", "longdash")


def load_chart(capacity: Capacity, goal: Goal) -> look.Chart:
    """Draw a metric against the traffic, and mark where each objective fails."""
    metric = goal.metric
    loads = [(load.times, load.outcome.metrics[metric.name]) for load in capacity.loads if metric.name in load.outcome.metrics]
    times, values = [at for at, _ in loads], [estimate.value for _, estimate in loads]
    bounds = look.whiskers([estimate.low for _, estimate in loads], values, [estimate.high for _, estimate in loads])
    curve = look.line(times, values, look.BLUE, metric.label, width=3, dotted=True, error_y=bounds, hoverinfo=None)
    ends = sorted((limit.upper.at, limit.claim.label) for limit in capacity.limits if limit.upper)
    drawn = look.figure(
        curve, height=340 + 32 * len(ends), showlegend=True
    )  # on a phone each end has a line or two of the legend
    drawn.add_vline(x=1, line={"color": look.GREY, "width": 1}, name="the case", showlegend=True)
    for (at, label), dash in zip(ends, cycle(_DASHES)):
        # named in the legend: words beside a line would lie on the curve
        name = "<br>".join(map(escape, wrap(f"no longer met: {label}", _LETTERS)))
        drawn.add_vline(x=at, line={"color": look.RED, "dash": dash}, name=name, showlegend=True)
    drawn.update_xaxes(title="traffic, in times of the case's own")
    drawn.update_yaxes(title=f"{metric.label} ({metric.unit})", rangemode="tozero")
    shortfalls = [load.shortfalls(capacity.objectives) for load in capacity.loads]
    table = pd.DataFrame({
        "traffic, times": [load.times for load in capacity.loads],
        f"{capacity.request.scenario.unit.many} a day": [load.times * capacity.rate * 86_400 for load in capacity.loads],
        metric.label: [load.outcome.value(metric.name) for load in capacity.loads],
        **dict(zip(UNMET, zip(*shortfalls, strict=True), strict=True)),
    })  # fmt: skip
    return look.Chart(drawn, capacity.sentences[0], look.rounded(table))


#: The height of a row with its name, of up to three lines on a phone, and the part of a row that the first name needs above it.
_ROW_PX, _ABOVE = 72, 0.5


def flip_chart(flips: Sequence[BreakevenPoint]) -> look.Chart:
    """Draw a row for each break-even: the range of the figure, its value, and the turn with its 95% interval."""
    rows = [f"{flip.doubt.label}: {flip.claim.label}" for flip in flips]
    if len(set(rows)) < len(rows):  # two stages of one label: their places tell the rows apart
        rows = [f"{flip.doubt.place}: {flip.claim.label}" for flip in flips]
    low, high = ([_part(flip, getattr(flip.crossing, end)) for flip in flips] for end in ("low", "high"))
    traces = [
        _band("range in doubt", rows, [0.0] * len(rows), [1.0] * len(rows), look.translucent(look.GREY, 0.35), 0.25),
        _band("runs are not sure", rows, low, high, look.SKY, 0.34),
        _marks("turns here", rows, [_part(f, f.crossing.at) for f in flips], look.BLUE, "line-ns-open",
               [f"turns at {significant(f.crossing.at)}" for f in flips]),
        _marks("as the case has it", rows, [_part(f, f.doubt.figure.value) for f in flips], look.ORANGE, "diamond",
               [f"the case has {plain_number(f.doubt.figure.value)}" for f in flips]),
    ]  # fmt: skip
    drawn = look.figure(*traces, height=150 + round(_ROW_PX * (len(rows) + _ABOVE)), barmode="overlay")
    drawn.update_xaxes(title="range of each figure", range=[-0.02, 1.02],
                       tickvals=[0, 1], ticktext=["low", "high"])  # fmt: skip
    drawn.update_yaxes(range=[len(rows) - 0.5, -0.5 - _ABOVE], showticklabels=False)
    for row in rows:  # above its bar: in the margin the place of a figure would leave no room for the bar on a phone
        name = "<br>".join(map(escape, wrap(row, _LETTERS)))
        look.note(drawn, name, 0, row, yshift=13, align="left")
    table = pd.DataFrame([_flip_row(flip) for flip in flips])
    return look.Chart(drawn, flips[0].sentence, table)


def _band(name: str, rows: Sequence[str], low: Sequence[float], high: Sequence[float], colour: str, width: float) -> go.Bar:
    length = [end - begin for begin, end in zip(low, high, strict=True)]
    return look.bars(rows, length, None, name, base=low, width=width, marker={"color": colour})


def _marks(name: str, rows: Sequence[str], x: Sequence[float], colour: str, symbol: str, texts: Sequence[str]) -> go.Scatter:
    return look.points(x, rows, colour, name, "%{text}<extra></extra>", size=14, symbol=symbol, edge=3, text=texts)


def _part(flip: BreakevenPoint, number: float) -> float:
    low, high = flip.doubt.low, flip.doubt.high
    return min(max((number - low) / (high - low), 0.0), 1.0) if isfinite(number) else float(number > 0)


def _flip_row(flip: BreakevenPoint) -> dict[str, object]:
    where = flip.crossing
    return {
        "answer": flip.claim.words,
        "as the case has it": flip.now.words,
        "figure": flip.doubt.label,
        "place": flip.doubt.place,
        "the case has": flip.doubt.figure.value,
        "range": f"{plain_number(flip.doubt.low)} to {plain_number(flip.doubt.high)}",
        "turns at": float(f"{where.at:.4g}"),
        "95% low": significant(where.low, 4) if isfinite(where.low) else "not within the range",
        "95% high": significant(where.high, 4) if isfinite(where.high) else "not within the range",
        "below it": where.below.words,
        "above it": where.above.words,
        "below it, confirmed": where.confirmed[0] and where.confirmed[0].words,
        "above it, confirmed": where.confirmed[1] and where.confirmed[1].words,
    }


def influence_chart(metric: Metric, ranking: Ranking) -> look.Chart:
    """Draw the influence of each axis on a metric, the largest first, with 95% intervals."""
    influences = ranking.ranked
    sobol = influences[0].total is not None
    names = [influence.axis.label for influence in influences]
    factor = 1.0 if sobol else _factor(metric)
    size = [factor * influence.size.value for influence in influences]
    above = [factor * (influence.size.high - influence.size.value) for influence in influences]
    below = [factor * (influence.size.value - influence.size.low) for influence in influences]
    whole = "with interactions" if sobol else "mean effect of a step, up or down"
    error = {"type": "data", "array": above, "arrayminus": below, "color": look.GREY, "thickness": 2}
    bars = [go.Bar(name=whole, y=names, x=size, orientation="h", marker={"color": look.BLUE}, error_x=error)]
    if sobol:
        alone = [influence.first.value if influence.first else 0.0 for influence in influences]
        bars.append(go.Bar(name="by itself", y=names, x=alone, orientation="h", marker={"color": look.SKY}))
    drawn = look.figure(*bars, height=130 + 34 * len(influences), barmode="group")
    unit = {"share": " (points)", "a request": ""}.get(metric.unit, f" ({metric.unit})")  # a label says of what a count is
    drawn.update_xaxes(title="part of the variance" if sobol else f"mean effect, up or down{unit}, with 95% interval")
    drawn.update_yaxes(autorange="reversed")
    records = ({"axis": influence.axis.label} | influence.to_json() for influence in influences)
    table = pd.DataFrame([{key: value for key, value in record.items() if key not in ("name", "label")} for record in records])
    return look.Chart(drawn, ranking.sentence(metric.label), look.rounded(table))
