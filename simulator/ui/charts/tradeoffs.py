"""Capacity, break-evens and influences, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from math import isfinite
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.sweeps.capacity import Capacity
from simulator.analysis.sweeps.doubts import Flip
from simulator.analysis.sweeps.influence import Ranking
from simulator.analysis.sweeps.pareto import Goal
from simulator.scenario.metrics import Metric
from simulator.ui.charts.look import BLUE, GREY, ORANGE, RED, SKY, Chart, figure, rounded, translucent, whiskers
from simulator.units import plain_number, significant

#: So many letters of a row's name stand on a line.
_LETTERS = 46


def load_chart(found: Capacity, goal: Goal) -> Chart:
    """What a metric comes to against the traffic, and where each objective fails."""
    metric = replace(goal.metric, label=goal.label)
    loads = [(load.times, load.outcome.metrics[metric.name]) for load in found.loads if metric.name in load.outcome.metrics]
    times, values = [at for at, _ in loads], [one.value for _, one in loads]
    bars = whiskers([one.low for _, one in loads], values, [one.high for _, one in loads])
    look = {"color": BLUE, "width": 3}
    line = go.Scatter(name=metric.label, x=times, y=values, mode="lines+markers", error_y=bars, line=look)
    drawn = figure(line, showlegend=False)
    drawn.add_vline(x=1, line={"color": GREY, "width": 1}, annotation={"text": "the case", "textangle": -90})
    for limit in found.limits:
        if limit.upper:
            drawn.add_vline(x=limit.upper.at, line={"color": RED, "dash": "dash"})
    drawn.update_xaxes(title="traffic, in times of the case's own; red: beyond it an objective fails")
    drawn.update_yaxes(title=f"{metric.label} ({metric.unit})", rangemode="tozero")
    failing = [
        "; ".join(limit.answer.words for limit in found.limits if not limit.answer.gap([load.outcome]).holds)
        for load in found.loads
    ]
    table = pd.DataFrame({
        "traffic, times": [load.times for load in found.loads],
        f"{found.asked.scenario.unit.many} a day": [load.times * found.rate * 86_400 for load in found.loads],
        metric.label: [load.outcome.value(metric.name) for load in found.loads],
        "objectives that fail": failing,
    })  # fmt: skip
    return Chart(drawn, found.sentences[0], rounded(table))


def flip_chart(flips: Sequence[Flip]) -> Chart:
    """A row a break-even: the range of the figure, where it stands, and where the answer turns, with its 95% interval."""
    rows = [f"{flip.doubt.place}: {flip.answer.label}" for flip in flips]
    low, high = ([_part(flip, getattr(flip.crossing, end)) for flip in flips] for end in ("low", "high"))
    traces = [
        _band("range in doubt", rows, [0.0] * len(rows), [1.0] * len(rows), translucent(GREY, 0.35), 0.25),
        _band("runs cannot tell", rows, low, high, SKY, 0.34),
        _marks("turns here", rows, [_part(f, f.crossing.at) for f in flips], BLUE, "line-ns-open",
               [f"turns at {significant(f.crossing.at)}" for f in flips]),
        _marks("as the case has it", rows, [_part(f, f.doubt.figure.value) for f in flips], ORANGE, "diamond",
               [f"the case has {plain_number(f.doubt.figure.value)}" for f in flips]),
    ]  # fmt: skip
    drawn = figure(*traces, height=150 + 72 * len(rows), barmode="overlay")
    drawn.update_xaxes(title="the range of each figure, from its low end to its high end", range=[-0.02, 1.02],
                       tickvals=[0, 1], ticktext=["low", "high"])  # fmt: skip
    drawn.update_yaxes(autorange="reversed", showticklabels=False)
    for row in rows:  # above its bar: in the margin the place of a figure would leave no room for the bar on a phone
        name = "<br>".join(map(escape, wrap(row, _LETTERS)))
        look = {"xanchor": "left", "yanchor": "bottom", "yshift": 13, "align": "left", "showarrow": False}
        drawn.add_annotation(x=0, y=row, text=name, **look)
    table = pd.DataFrame([_flip_row(flip) for flip in flips])
    return Chart(drawn, flips[0].sentence, table)


def _band(name: str, rows: Sequence[str], low: Sequence[float], high: Sequence[float], colour: str, width: float) -> go.Bar:
    length = [end - begin for begin, end in zip(low, high, strict=True)]
    marker = {"color": colour}
    return go.Bar(name=name, y=rows, base=low, x=length, orientation="h", width=width, marker=marker, hoverinfo="skip")


def _marks(name: str, rows: Sequence[str], x: Sequence[float], colour: str, symbol: str, told: Sequence[str]) -> go.Scatter:
    marker = {"color": colour, "size": 14, "symbol": symbol, "line": {"width": 3, "color": colour}}
    return go.Scatter(name=name, x=x, y=rows, mode="markers", marker=marker, text=told, hovertemplate="%{text}<extra></extra>")


def _part(flip: Flip, number: float) -> float:
    """Where a number stands in the range of the figure, from 0 to 1; the ends of the range where it is infinite."""
    low, high = flip.doubt.low, flip.doubt.high
    return min(max((number - low) / (high - low), 0.0), 1.0) if isfinite(number) else float(number > 0)


def _flip_row(flip: Flip) -> dict[str, object]:
    where = flip.crossing
    return {
        "answer": flip.answer.words,
        "as the case has it": "holds" if flip.holds else "fails",
        "figure": flip.doubt.place,
        "the case has": flip.doubt.figure.value,
        "range": f"{plain_number(flip.doubt.low)} to {plain_number(flip.doubt.high)}",
        "turns at": float(f"{where.at:.4g}"),
        "95% low": significant(where.low, 4) if isfinite(where.low) else "not within the range",
        "95% high": significant(where.high, 4) if isfinite(where.high) else "not within the range",
        "below it": flip.answer.told(where.below),
        "above it": flip.answer.told(where.above),
        "below, other requests": where.confirmed[0] and flip.answer.told(where.confirmed[0]),
        "above, other requests": where.confirmed[1] and flip.answer.told(where.confirmed[1]),
    }


def influence_chart(label: str, metric: Metric, ranking: Ranking) -> Chart:
    """How far each axis moves a metric, the most first, with the 95% interval of each bar."""
    found = ranking.ranked
    sobol = found[0].total is not None
    names = [one.axis.label for one in found]
    factor = 1.0 if sobol else 100.0 if metric.unit == "share" else 1.0
    half = [factor * one.half for one in found]
    size = [factor * one.size for one in found]
    whole = "with all that it takes part in" if sobol else "mean effect of a step"
    error = {"type": "data", "array": half, "color": GREY, "thickness": 2}
    bars = [go.Bar(name=whole, y=names, x=size, orientation="h", marker={"color": BLUE}, error_x=error)]
    if sobol:
        alone = [one.first or 0.0 for one in found]
        bars.append(go.Bar(name="by itself", y=names, x=alone, orientation="h", marker={"color": SKY}))
    drawn = figure(*bars, height=130 + 34 * len(found), barmode="group")
    unit = "points" if metric.unit == "share" else metric.unit
    drawn.update_xaxes(title="part of the variance" if sobol else f"mean effect ({unit}), with 95% interval")
    drawn.update_yaxes(autorange="reversed")
    told = f"{label}: {ranking.words}."
    table = pd.DataFrame([{"axis": one.axis.label, **{name: value for name, value in one.to_json().items()
                                                      if name not in ("name", "label")}} for one in found])  # fmt: skip
    return Chart(drawn, told, rounded(table))
