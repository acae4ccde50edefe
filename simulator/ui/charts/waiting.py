"""How many requests wait for the reviewers, through one day and night."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import staffed, waiting
from simulator.serving.calendar import clock_s
from simulator.serving.trace import Trace
from simulator.ui.charts.look import GREY, ORANGE, Chart, figure, stage_colours, translucent
from simulator.ui.charts.strikes import marked
from simulator.units import duration

_TAG_COLOURS = (ORANGE, GREY)


def queue_over_time(trace: Trace, stage: str) -> Chart:
    """The length of the queue, all of it and by tag, with the shifts shaded."""
    found = waiting(trace, stage)
    clock = _clock(trace, found["time_s"])
    colours = (stage_colours(trace.plan.scenario)[stage], *_TAG_COLOURS)
    labels = {"time_s": "", "all": "all waiting"}
    lines = [
        go.Scatter(
            name=labels.get(column, column),
            x=clock,
            y=found[column],
            mode="lines",
            line={"color": colour, "width": 2.5, "shape": "hv"},
            hovertemplate="%{y:,} at %{x|%H:%M}",
        )
        for column, colour in zip(found.columns[1:3], colours, strict=False)
    ]
    drawn = figure(*lines)
    _shade(drawn, trace, stage)
    drawn.update_xaxes(
        title="time of day; shaded: reviewers on shift", tickformat="%H:%M", dtick=6 * 3600 * 1000, showgrid=False
    )
    drawn.update_yaxes(title="photos in the queue", rangemode="tozero", tickformat=",d")
    chart = Chart(drawn, _takeaway(trace, stage, found), found.assign(time_of_day=clock.dt.strftime("%H:%M")))
    return marked(chart, trace.plan, lambda at: _clock(trace, pd.Series([at]))[0], times="time_s")


def _clock(trace: Trace, seconds: pd.Series[float]) -> pd.Series[pd.Timestamp]:
    """Seconds of the run on a calendar, of which only the time of day is shown."""
    return pd.Timestamp("2001-01-01") + pd.to_timedelta(seconds + clock_s(trace.plan.scenario.run.starts_at), unit="s")


def _shade(drawn: go.Figure, trace: Trace, stage: str) -> None:
    colour = translucent(stage_colours(trace.plan.scenario)[stage], 0.10)
    for start, end, people in staffed(trace.plan, stage):
        edges = _clock(trace, pd.Series([start, end]))
        drawn.add_vrect(x0=edges[0], x1=edges[1], fillcolor=colour, line_width=0, layer="below")
        drawn.add_annotation(x=edges.mean(), y=1, yref="paper", yanchor="top", text=f"{people} on shift", showarrow=False)


def _takeaway(trace: Trace, stage: str, found: pd.DataFrame) -> str:
    peak = found.iloc[found["all"].argmax()]
    when = _clock(trace, pd.Series([peak["time_s"]]))[0].strftime("%H:%M")
    after = found[found["time_s"] > peak["time_s"]]
    cleared = after[after["all"] <= 0.01 * peak["all"]]
    told = f"In this run the queue is longest at {when}, with {peak['all']:,.0f} photos; "
    if cleared.empty:
        return told + "it does not empty before the run ends."
    empty = cleared["time_s"].iloc[0]
    after_last = ", after the last of them has come" if empty > trace.plan.arrivals_end_s else ""
    return told + f"it is almost empty again {duration(empty - peak['time_s'])} later{after_last}."
