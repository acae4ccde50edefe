"""How many waited for the machines, and how many requests were under way, over a whole run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from simulator.analysis.timeline import occupancy
from simulator.analysis.warmup import warm_up_of
from simulator.charts.look import GREY, OBJECTIVE, Chart, figure, stage_colours
from simulator.scenario.stages import Pool
from simulator.serving.calendar import clock_s
from simulator.serving.trace import Trace


def queues(trace: Trace) -> Chart:
    """Above, the queue of each pool; below, all requests in flight. Peaks show however short they are."""
    found = occupancy(trace)
    clock = _clock(trace, found["time_s"])
    scenario, colours = trace.plan.scenario, stage_colours(trace.plan.scenario)
    pools = [name for name, stage in scenario.stages.items() if isinstance(stage, Pool)]
    drawn = go.Figure(make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.12), figure(height=420).layout)
    for name in pools:
        drawn.add_trace(_line(scenario.stages[name].label, clock, found[name], colours[name]), row=1, col=1)
    drawn.add_trace(_line("In flight", clock, found["in_flight"], GREY), row=2, col=1)
    start = warm_up_of(trace)
    if start is not None:
        cut = _clock(trace, pd.Series([start.cut_s]))[0]
        drawn.add_vline(x=cut, line=OBJECTIVE, annotation_text="warm-up ends", annotation_position="top right", row=1, col=1)
    drawn.update_xaxes(tickformat="%H:%M", showgrid=False, automargin=True)
    drawn.update_xaxes(title="time of day", row=2, col=1)
    drawn.update_yaxes(rangemode="tozero", tickformat=",d", automargin=True, zeroline=False)
    drawn.update_yaxes(title="in the queue", row=1, col=1)
    drawn.update_yaxes(title="in flight", row=2, col=1)
    return Chart(drawn, _takeaway(trace, found, pools, clock), found.assign(time_of_day=clock.dt.strftime("%H:%M:%S")))


def _line(name: str, clock: pd.Series[pd.Timestamp], values: pd.Series[int], colour: str) -> go.Scatter:
    line = {"color": colour, "width": 2, "shape": "hv"}
    return go.Scatter(name=name, x=clock, y=values, mode="lines", line=line, hovertemplate="%{y:,} at %{x|%H:%M}")


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
    under_way = f"At most {found['in_flight'].iloc[at]:,} requests were under way at once, at {clock.iloc[at]:%H:%M}."
    return f"The longest queue: {', '.join(told)}. {under_way}" if told else under_way
