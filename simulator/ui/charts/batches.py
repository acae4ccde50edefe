"""Which batch ran on which replica, at the busiest time of one day."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import MINUTE_S, batches, busiest_minute
from simulator.serving.servers import servers
from simulator.serving.trace import Trace
from simulator.ui.charts.look import Chart, figure, stage_colours
from simulator.ui.charts.strikes import marked
from simulator.units import duration

#: What is shown first; drag to see the rest of the minute.
VIEW_S = 12.0


def batch_timeline(trace: Trace) -> Chart:
    """A bar a batch: a row for each replica, from the start of service to its end."""
    start = busiest_minute(trace)
    found = batches(trace, start, start + MINUTE_S)
    colours = stage_colours(trace.plan.scenario)
    bars = [_bars(rows, trace, str(name), colours[str(name)], start) for name, rows in found.groupby("stage", observed=True)]
    lanes = found.drop_duplicates(["stage", "replica"])
    drawn = figure(*bars, height=110 + 26 * len(lanes), barmode="overlay", bargap=0.25)
    drawn.update_layout(dragmode="pan")
    drawn.update_xaxes(title="seconds from the start of the busiest minute", range=[0, VIEW_S])
    drawn.update_xaxes(minallowed=0, maxallowed=MINUTE_S)
    drawn.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    chart = Chart(drawn, _takeaway(trace, found, start), found)
    return marked(chart, trace.plan, lambda at: at - start, (start, start + MINUTE_S), times="started_s")


def _bars(rows: pd.DataFrame, trace: Trace, stage: str, colour: str, start: float) -> go.Bar:
    label = trace.plan.scenario.stages[stage].label
    return go.Bar(
        name=label,
        orientation="h",
        base=rows["started_s"] - start,
        x=rows["seconds"],
        y=label + " " + rows["replica"].astype(str),
        text=rows["size"].where(rows["size"] > 1, "").astype(str),
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        marker={"color": colour, "line": {"width": 0}},
        customdata=rows[["size", "seconds"]],
        hovertemplate="batch of %{customdata[0]}, %{customdata[1]:.3g} s<extra>%{y}</extra>",
    )


def _takeaway(trace: Trace, found: pd.DataFrame, start: float) -> str:
    told = [_told(trace, str(name), start, rows) for name, rows in found.groupby("stage", observed=True)]
    return f"In the busiest minute of this run: {'; '.join(told)}." if told else "No batch ran in the busiest minute."


def _told(trace: Trace, name: str, start: float, rows: pd.DataFrame) -> str:
    end, offered = start + MINUTE_S, servers(trace, name).total(start + MINUTE_S, start)
    worked = ((rows["started_s"] + rows["seconds"]).clip(upper=end) - rows["started_s"].clip(lower=start)).sum()
    busy, label = 100 * worked / offered if offered else 0.0, trace.plan.scenario.stages[name].label
    size, each = rows["size"].mean(), duration(rows["seconds"].mean())
    return f"{label} was busy {busy:.0f}% of the time, with {size:.1f} photos a batch, {each} per batch"
