"""How many requests wait for people, through one day and night."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import staffed, waiting
from simulator.serving.calendar import DAY_S, HOUR_S
from simulator.serving.trace import Trace
from simulator.ui.charts.look import GREY, INSTANT, ORANGE, Chart, clock, figure, stage_colours, time_of_day, translucent
from simulator.units import duration

_TAG_COLOURS = (ORANGE, GREY)


def queue_over_time(trace: Trace, stage: str, at_s: float | None = None) -> Chart:
    """The length of the queue, all of it and by tag, with the shifts shaded; without a queue, the sentence alone.

    at_s: the instant that a person looks at, in seconds of the run
    """
    found, label = waiting(trace, stage, min(300.0, trace.plan.horizon_s / 200)), trace.plan.scenario.stages[stage].label
    times = clock(trace, found["time_s"])
    table = found.rename(columns={"all": "all waiting"}).drop(columns="time_s")
    table.insert(0, "time of day", times.dt.strftime("%H:%M"))
    if not found["all"].any():
        return Chart(None, f"{label}: no {trace.plan.scenario.unit.one} waited.", table)
    colours = (stage_colours(trace.plan.scenario)[stage], *_TAG_COLOURS)
    labels = {"all": "all waiting"}
    lines = [
        go.Scatter(
            name=labels.get(column, column.replace("_", " ")),
            x=times,
            y=found[column],
            mode="lines",
            line={"color": colour, "width": 2.5, "shape": "hv"},
            hovertemplate="%{y:,} at %{x|%H:%M}",
        )
        for column, colour in zip(found.columns[1:3], colours, strict=False)
    ]
    drawn = figure(*lines)
    _shade(drawn, trace, stage)
    drawn.update_xaxes(title=f"time of day; shaded: {label} on shift", tickformat="%H:%M", showgrid=False)
    if trace.plan.horizon_s >= DAY_S / 2:
        drawn.update_xaxes(dtick=6 * HOUR_S * 1000)
    drawn.update_yaxes(title=f"{trace.plan.scenario.unit.many} in the queue", rangemode="tozero", tickformat=",d")
    if at_s is not None:
        drawn.add_vline(x=time_of_day(trace, at_s), line=INSTANT)
    return Chart(drawn, _takeaway(trace, stage, found), table)


def _shade(drawn: go.Figure, trace: Trace, stage: str) -> None:
    colour = translucent(stage_colours(trace.plan.scenario)[stage], 0.10)
    for start, end, people in staffed(trace.plan, stage):
        edges = clock(trace, pd.Series([start, end]))
        drawn.add_vrect(x0=edges[0], x1=edges[1], fillcolor=colour, line_width=0, layer="below")
        drawn.add_annotation(x=edges.mean(), y=1, yref="paper", yanchor="top", text=f"{people} on shift", showarrow=False)


def _takeaway(trace: Trace, stage: str, found: pd.DataFrame) -> str:
    peak = found.iloc[found["all"].argmax()]
    when, scenario = time_of_day(trace, peak["time_s"]).strftime("%H:%M"), trace.plan.scenario
    after = found[found["time_s"] > peak["time_s"]]
    cleared = after[after["all"] <= 0.01 * peak["all"]]
    told = f"{scenario.stages[stage].label}: the queue is longest at {when}, with {peak['all']:,.0f} {scenario.unit.many}; "
    if cleared.empty:
        return told + "it does not empty before the run ends."
    return told + f"it is almost empty again {duration(cleared['time_s'].iloc[0] - peak['time_s'])} later."
