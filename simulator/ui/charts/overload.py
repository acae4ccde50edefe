"""The load on a service and what became of it, over one run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import plotly.graph_objects as go

from simulator.analysis.run.overload import Trouble, capacity_per_s, goodput, rush_of, trouble
from simulator.scenario.schema import Noun
from simulator.serving.trace import Trace
from simulator.ui.charts.look import (
    GREEN,
    GREY,
    INSTANT,
    ORANGE,
    SKY,
    Chart,
    clock,
    figure,
    over_time,
    time_of_day,
    translucent,
)
from simulator.ui.charts.strikes import marked
from simulator.units import percent

_LINES = {"fresh": ("fresh", SKY), "retries": ("retries", ORANGE), "useful": ("served in time", GREEN)}


def goodput_over_time(trace: Trace, at_s: float | None = None) -> Chart:
    """Fresh requests, retries and useful answers a second, and what the pool behind the retries could serve.

    at_s: the instant that a person looks at, in seconds of the run
    """
    found, unit, at = goodput(trace), trace.plan.scenario.unit, partial(time_of_day, trace)
    times = clock(trace, found["time_s"])
    lines = [
        go.Scatter(
            name=label,
            x=times,
            y=found[column],
            mode="lines",
            line={"color": colour, "width": 2.5, "shape": "hv"},
            hovertemplate="%{y:.1f} a second from %{x|%H:%M:%S} on",
        )
        for column, (label, colour) in _LINES.items()
    ]
    drawn = figure(*lines, height=380)
    if (capacity := capacity_per_s(trace.plan)) is not None:
        drawn.add_hline(
            y=capacity,
            line={"color": GREY, "dash": "dot", "width": 2},
            annotation_text="capacity",
            annotation_position="top right",
        )
    if rush := rush_of(found):
        drawn.add_vrect(x0=at(rush[0]), x1=at(rush[1]), fillcolor=translucent(GREY, 0.15), line_width=0, layer="below")
    if at_s is not None:
        drawn.add_vline(x=at(at_s), line=INSTANT)
    over_time(drawn, trace, "the surge" if rush else "")
    drawn.update_yaxes(title=f"{unit.many} a second", rangemode="tozero")
    named = {"time_s": "from (s after the start)", "served_share": f"share of the {unit.many} served"}
    table = found.rename(columns=named | {column: f"{label} (1/s)" for column, (label, _) in _LINES.items()})
    told = _takeaway(trouble(found), unit, lambda seconds: at(seconds).strftime("%H:%M:%S"))
    return marked(Chart(drawn, told, table), trace.plan, at, found["time_s"])


def _takeaway(found: Trouble | None, unit: Noun, when: Callable[[float], str]) -> str:
    if found is None:
        return f"At every point of this run, at least nine {unit.many} in ten were served."
    told = f"From {when(found.started)} on, fewer than nine {unit.many} in ten are served"
    rush = "" if found.rush_ended is None else f"the surge ended at {when(found.rush_ended)}, yet "
    if not found.over:
        again = f"each {unit.one} is sent {found.tries:.1f} times"
        sent = again if found.tries >= 1.1 else f"hardly any {unit.one} is sent again"
        return (
            f"{told}, and the service does not recover within the run: {rush}{percent(found.last_share)} of the last "
            f"{unit.many} are served, and {sent}."
        )
    after = "" if found.rush_ended is None else f", {max(found.ended - found.rush_ended, 0):.0f} s after the surge"
    return f"{told}; the service recovers at {when(found.ended)}{after}."
