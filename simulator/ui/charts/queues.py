"""How many requests waited for the machines, and how many were in flight, over a whole run."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import occupancy
from simulator.analysis.run.warmup import WarmUp
from simulator.serving.trace import Trace
from simulator.ui.charts.look import GREY, INSTANT, OBJECTIVE, Chart, clock, figure, over_time, stage_colours, time_of_day
from simulator.ui.charts.strikes import marked


def queues(trace: Trace, warm_up: WarmUp | None = None, at_s: float | None = None) -> Chart:
    """Above, the queue of each pool; below, all requests in flight. Even the shortest peaks show.

    Queues that stay empty are left to the sentence. at_s: the instant that a person looks at, in seconds of the run
    """
    found = occupancy(trace)
    times, scenario = clock(trace, found["time_s"]), trace.plan.scenario
    colours, pools = stage_colours(scenario), scenario.machine_stages()
    waited = [name for name in pools if found[name].any()]
    lines = [_line(scenario.stages[name].label, times, found[name], colours[name], "y2") for name in waited]
    lines.append(_line("in flight", times, found["in_flight"], GREY, "y"))
    drawn = figure(*lines, height=420 if waited else 240, xaxis={"anchor": "y"})
    if waited:
        drawn.update_layout(yaxis={"domain": [0, 0.44]}, yaxis2={"domain": [0.56, 1], "title": "in the queue"})
    if warm_up is not None:
        cut = time_of_day(trace, warm_up.cut_s)
        drawn.add_vline(x=cut, line=OBJECTIVE)
        drawn.add_annotation(x=cut, y=1, yref="paper", xanchor="left", yanchor="top", text=" warm-up ends", showarrow=False)
    if at_s is not None:
        drawn.add_vline(x=time_of_day(trace, at_s), line=INSTANT)
    over_time(drawn, trace)
    drawn.update_yaxes(rangemode="tozero", tickformat=",d")
    drawn.update_layout(yaxis_title="in flight")
    chart = Chart(drawn, _takeaway(trace, found, pools, times), _named(trace, found, times))
    return marked(chart, trace.plan, partial(time_of_day, trace), found["time_s"])


def _named(trace: Trace, found: pd.DataFrame, times: pd.Series[pd.Timestamp]) -> pd.DataFrame:
    labels = {name: f"{stage.label}: in the queue" for name, stage in trace.plan.scenario.stages.items()}
    timed = found.drop(columns="time_s").rename(columns=labels | {"in_flight": "in flight"})
    timed.insert(0, "time of day", times.dt.strftime("%H:%M:%S"))
    return timed


def _line(name: str, clock: pd.Series[pd.Timestamp], values: pd.Series[int], colour: str, axis: str) -> go.Scatter:
    look = {"line": {"color": colour, "width": 2, "shape": "hv"}, "hovertemplate": "%{y:,} at %{x|%H:%M}"}
    return go.Scatter(name=name, x=clock, y=values, mode="lines", yaxis=axis, **look)


def _takeaway(trace: Trace, found: pd.DataFrame, pools: list[str], times: pd.Series[pd.Timestamp]) -> str:
    stages, unit, told = trace.plan.scenario.stages, trace.plan.scenario.unit, []
    for name in sorted((name for name in pools if found[name].any()), key=lambda name: -found[name].max()):
        at = int(found[name].argmax())
        told.append(f"{stages[name].label} {found[name].iloc[at]:,} at {times.iloc[at]:%H:%M}")
    idle = [stages[name].label for name in pools if not found[name].any()]
    at = int(found["in_flight"].argmax())
    under_way = f"The most in flight at once: {unit.counted(found['in_flight'].iloc[at])}, at {times.iloc[at]:%H:%M}."
    waits = [f"Longest queues: {', '.join(told)}."] if told else []
    waits += [f"No {unit.one} waited at {' or '.join(idle)}."] if idle else []
    return " ".join([*waits, under_way])
