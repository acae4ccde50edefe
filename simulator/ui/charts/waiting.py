"""How many requests wait for people, through one day and night."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import staffed, waiting
from simulator.serving.trace import Trace
from simulator.ui.charts.look import (
    GREY,
    INSTANT,
    ORANGE,
    Chart,
    clock,
    figure,
    over_time,
    stage_colours,
    time_of_day,
    translucent,
)
from simulator.ui.charts.strikes import marked
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
    shown = sorted((tag for tag in found.columns[2:] if found[tag].any()), key=lambda tag: -found[tag].max())[
        : len(_TAG_COLOURS)
    ]
    colours = (stage_colours(trace.plan.scenario)[stage], *_TAG_COLOURS)
    lines = [
        go.Scatter(
            name="all waiting" if tag == "all" else tag.replace("_", " "),
            x=times,
            y=found[tag],
            mode="lines",
            line={"color": colour, "width": 2.5, "shape": "hv"},
            hovertemplate="%{y:,} at %{x|%H:%M}",
        )
        for tag, colour in zip(["all", *shown], colours, strict=False)
    ]
    drawn = figure(*lines)
    _shade(drawn, trace, stage)
    over_time(drawn, trace, f"{label} on shift")
    drawn.update_yaxes(title=f"{trace.plan.scenario.unit.many} in the queue", rangemode="tozero", tickformat=",d")
    if at_s is not None:
        drawn.add_vline(x=time_of_day(trace, at_s), line=INSTANT)
    chart = Chart(drawn, _takeaway(trace, stage, found), table)
    return marked(chart, trace.plan, partial(time_of_day, trace), found["time_s"])


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
    empty = cleared["time_s"].iloc[0]
    after_last = ", after the last of them has come" if empty > trace.plan.arrivals_end_s else ""
    return told + f"it is almost empty again {duration(empty - peak['time_s'])} later{after_last}."
