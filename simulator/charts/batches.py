"""Which batch ran on which replica, at the busiest time of one day."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.timeline import MINUTE_S, batches, busiest_minute
from simulator.charts.look import Chart, figure, stage_colours
from simulator.scenario.stages import Pool
from simulator.serving.trace import Trace
from simulator.units import duration

#: What is seen at first; the rest of the minute is a drag away.
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
    return Chart(drawn, _takeaway(trace, found), found)


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


def _takeaway(trace: Trace, found: pd.DataFrame) -> str:
    pools = {name: stage for name, stage in trace.plan.scenario.stages.items() if isinstance(stage, Pool)}
    told = [_told(pools[str(name)], rows) for name, rows in found.groupby("stage", observed=True)]
    return f"In the busiest minute of this run: {'; '.join(told)}." if told else "No batch ran in the busiest minute."


def _told(pool: Pool, rows: pd.DataFrame) -> str:
    busy = 100 * rows["seconds"].sum() / (pool.replicas * MINUTE_S)
    size, each = rows["size"].mean(), duration(rows["seconds"].mean())
    return f"{pool.label} worked {min(busy, 100):.0f}% of the time, on {size:.1f} photos a batch, {each} each"
