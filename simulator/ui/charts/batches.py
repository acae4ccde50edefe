"""Which batch ran on which replica, in one minute of a run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.timeline import MINUTE_S, batches, busiest_minute
from simulator.serving.servers import servers
from simulator.serving.trace import Trace
from simulator.ui.charts.look import INSTANT, Chart, figure, stage_colours, time_of_day, word_on
from simulator.ui.charts.strikes import marked
from simulator.units import duration

#: What is shown first; drag to see the rest of the minute.
VIEW_S = 12.0


def batch_timeline(trace: Trace, at_s: float | None = None) -> Chart:
    """A bar a batch: a row for each replica, from the start of service to its end.

    at_s: the middle of the minute that is shown, in seconds of the run; without it, that of the busiest one
    """
    busiest = busiest_minute(trace) + MINUTE_S / 2
    middle = busiest if at_s is None else at_s
    start = middle - MINUTE_S / 2
    found = batches(trace, start, start + MINUTE_S)
    when = f"{'the busiest minute,' if middle == busiest else 'the minute'} around {_told_time(trace, middle)}"
    takeaway = _takeaway(trace, found, start, when)
    if found.empty:
        return Chart(None, takeaway, _named(found, trace))
    colours = stage_colours(trace.plan.scenario)
    bars = [_bars(rows, trace, str(name), colours[str(name)], middle) for name, rows in found.groupby("stage", observed=True)]
    lanes = found.drop_duplicates(["stage", "replica"])
    drawn = figure(*bars, height=110 + 26 * len(lanes), barmode="overlay", bargap=0.25)
    drawn.update_layout(dragmode="pan")
    drawn.add_vline(x=0, line=INSTANT)
    drawn.update_xaxes(title=f"seconds from {_told_time(trace, middle)}", range=[-VIEW_S / 2, VIEW_S / 2])
    drawn.update_xaxes(minallowed=-MINUTE_S / 2, maxallowed=MINUTE_S / 2)
    drawn.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    chart, window = Chart(drawn, takeaway, _named(found, trace)), (start, start + MINUTE_S)
    return marked(chart, trace.plan, lambda at: at - middle, found["started_s"], window)


def _told_time(trace: Trace, at_s: float) -> str:
    return time_of_day(trace, at_s).strftime("%H:%M:%S")


def _named(found: pd.DataFrame, trace: Trace) -> pd.DataFrame:
    labels = {name: stage.label for name, stage in trace.plan.scenario.stages.items()}
    named = {"started_s": "started at (s)", "seconds": "took (s)", "size": f"{trace.plan.scenario.unit.many} in the batch"}
    return found.assign(stage=found["stage"].astype(str).map(labels)).rename(columns=named)


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
        insidetextfont={"color": word_on(colour)},
        marker={"color": colour, "line": {"width": 0}},
        customdata=rows[["size", "seconds"]],
        hovertemplate="batch of %{customdata[0]}, %{customdata[1]:.3g} s<extra>%{y}</extra>",
    )


def _takeaway(trace: Trace, found: pd.DataFrame, start: float, when: str) -> str:
    told = [_told(trace, str(name), start, rows) for name, rows in found.groupby("stage", observed=True)]
    return f"In {when}: {'; '.join(told)}." if told else f"In {when}, no batch ran."


def _told(trace: Trace, name: str, start: float, rows: pd.DataFrame) -> str:
    end, offered = start + MINUTE_S, servers(trace, name).total(start + MINUTE_S, start)
    worked = ((rows["started_s"] + rows["seconds"]).clip(upper=end) - rows["started_s"].clip(lower=start)).sum()
    busy, label = 100 * worked / offered if offered else 0.0, trace.plan.scenario.stages[name].label
    size, each = f"{rows['size'].mean():.1f} {trace.plan.scenario.unit.many}", duration(rows["seconds"].mean())
    return f"{label} was busy {busy:.0f}% of the time, with {size} a batch, {each} per batch"
