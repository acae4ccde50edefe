"""How many requests waited for the machines, and how many were in flight, over a whole run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import occupancy
from simulator.analysis.run.warmup import WarmUp
from simulator.serving.calendar import clock_s
from simulator.serving.trace import Trace
from simulator.ui.charts.look import GREY, OBJECTIVE, Chart, figure, stage_colours
from simulator.ui.charts.strikes import marked


def queues(trace: Trace, warm_up: WarmUp | None = None) -> Chart:
    """Above, the queue of each pool; below, all requests in flight. Even the shortest peaks show."""
    found = occupancy(trace)
    clock = _clock(trace, found["time_s"])
    scenario, colours = trace.plan.scenario, stage_colours(trace.plan.scenario)
    pools = scenario.machine_stages()
    lines = [_line(scenario.stages[name].label, clock, found[name], colours[name], "y") for name in pools]
    lines.append(_line("in flight", clock, found["in_flight"], GREY, "y2"))
    drawn = figure(*lines, height=420, yaxis={"domain": [0.56, 1]}, yaxis2={"domain": [0, 0.44]}, xaxis={"anchor": "y2"})
    if warm_up is not None:
        cut = _clock(trace, pd.Series([warm_up.cut_s]))[0]
        drawn.add_vline(x=cut, line=OBJECTIVE)
        drawn.add_annotation(x=cut, y=1, yref="paper", xanchor="left", yanchor="top", text=" warm-up ends", showarrow=False)
    drawn.update_xaxes(title="time of day", tickformat="%H:%M", showgrid=False)
    drawn.update_yaxes(rangemode="tozero", tickformat=",d")
    drawn.update_layout(yaxis_title="in the queue", yaxis2_title="in flight")
    chart = Chart(drawn, _takeaway(trace, found, pools, clock), found.assign(time_of_day=clock.dt.strftime("%H:%M:%S")))
    return marked(chart, trace.plan, lambda at: _clock(trace, pd.Series([at]))[0], times="time_s")


def _line(name: str, clock: pd.Series[pd.Timestamp], values: pd.Series[int], colour: str, axis: str) -> go.Scatter:
    look = {"line": {"color": colour, "width": 2, "shape": "hv"}, "hovertemplate": "%{y:,} at %{x|%H:%M}"}
    return go.Scatter(name=name, x=clock, y=values, mode="lines", yaxis=axis, **look)


def _clock(trace: Trace, seconds: pd.Series[float]) -> pd.Series[pd.Timestamp]:
    """Seconds of the run on a calendar, of which only the time of day is shown."""
    return pd.Timestamp("2001-01-01") + pd.to_timedelta(seconds + clock_s(trace.plan.scenario.run.starts_at), unit="s")


def _takeaway(trace: Trace, found: pd.DataFrame, pools: list[str], clock: pd.Series[pd.Timestamp]) -> str:
    told = []
    for name in pools:
        at, label = int(found[name].argmax()), trace.plan.scenario.stages[name].label
        most = found[name].iloc[at]
        told.append(f"{label} {most:,} at {clock.iloc[at]:%H:%M}" if most else f"{label} none")
    at = int(found["in_flight"].argmax())
    under_way = f"At most {found['in_flight'].iloc[at]:,} requests were in flight at once, at {clock.iloc[at]:%H:%M}."
    return f"Longest queues: {', '.join(told)}. {under_way}" if told else under_way
