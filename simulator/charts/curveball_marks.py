"""The marks of curveballs, the same in every chart over time: a line where one strikes, a band for as long as it lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.charts.look import ORANGE, Chart, translucent
from simulator.engine.plan import Plan
from simulator.metrics.stage_metrics import Strike, strikes_of, told

#: How far apart the labels of curveballs stand below each other, in shares of the height.
_ROW = 0.09

#: From when until when a chart shows the run, in seconds.
Window = tuple[float, float]


def marked(
    chart: Chart,
    plan: Plan,
    at: Callable[[float], Any],
    times: pd.Series[float] | None = None,
    window: Window | None = None,
) -> Chart:
    """The chart with what strikes within its window: in the picture, in its sentence, and in a column of its table.

    at: the place on the horizontal axis of a time in seconds of the run
    times: when each row of the table is or begins, in seconds of the run; None where rows have no time
    window: what the chart shows; None for the whole run
    """
    window = window or (0.0, plan.horizon_s)
    strikes = [one for one in strikes_of(plan) if one.start_s < window[1] and one.end_s > window[0]]
    if not strikes:
        return chart
    if chart.figure is not None:
        for row, strike in enumerate(strikes):
            _mark(chart.figure, strike, row, at, window)
    sentence = " ".join([chart.takeaway, *(told(plan, strike) for strike in strikes)])
    table = chart.table if times is None else chart.table.assign(curveball=_striking(times, strikes))
    return Chart(chart.figure, sentence, table)


def _mark(drawn: go.Figure, strike: Strike, row: int, at: Callable[[float], Any], window: Window) -> None:
    start, end = at(max(strike.start_s, window[0])), at(min(strike.end_s, window[1]))
    height = {"y0": 0, "y1": 1, "yref": "paper"}
    drawn.add_shape(type="rect", x0=start, x1=end, **height, fillcolor=translucent(ORANGE, 0.2), line_width=0, layer="below")
    drawn.add_shape(type="line", x0=start, x1=start, **height, line={"color": ORANGE, "width": 2, "dash": "dashdot"})
    late = strike.start_s > (window[0] + window[1]) / 2  # where there is more room before it than after it
    where = {"x": start, "y": 1 - _ROW * (row + 1), "yref": "paper", "yanchor": "middle"}
    drawn.add_annotation(**where, xanchor="right" if late else "left", text=f" {strike.label} ", showarrow=False)


def _striking(times: pd.Series[float], strikes: list[Strike]) -> list[str]:
    """The labels of what strikes at each time."""
    return [", ".join(one.label for one in strikes if one.start_s <= time < one.end_s) for time in times]
