"""Batches on the replicas of machines, in one minute or one second of a run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.charts.run_time import instant, marked, time_of_day
from simulator.charts.timeline import A_SET, MINUTE_S, batches, busiest_minute, busy_share, frames_served
from simulator.engine.run_trace import Trace
from simulator.metrics.servers import servers
from simulator.phrases import phrase

#: The seconds that are visible at first; drag to see the rest of the minute.
VIEW_S = 12.0


def batch_timeline(trace: Trace, at_s: float | None = None) -> look.Chart:
    """Draw a bar a batch, from the start of service to its end, in a row for each replica.

    at_s: the middle of the minute, in seconds of the run; None for the busiest minute
    """
    busiest = busiest_minute(trace) + MINUTE_S / 2
    middle = busiest if at_s is None else at_s
    start = middle - MINUTE_S / 2
    run = batches(trace, start, start + MINUTE_S)
    when = f"{'the busiest minute,' if middle == busiest else 'the minute'} around {instant(trace, middle, '%H:%M:%S')}"
    stages = [_stage_words(trace, str(name), start, rows) for name, rows in run.groupby("stage", observed=True)]
    takeaway = f"In {when}: {'; '.join(stages)}." if stages else f"In {when}, no batch ran."
    labels = {name: stage.label for name, stage in trace.plan.scenario.stages.items()}
    named = {"started_s": "started at (s)", "seconds": "took (s)", "size": f"{trace.plan.scenario.unit.many} in the batch"}
    table = run.assign(stage=run["stage"].astype(str).map(labels)).rename(columns=named)
    if run.empty:
        return look.Chart(None, takeaway, table)
    colours = look.stage_colours(trace.plan.scenario)
    parts = [
        _batch_bars(rows, trace, str(name), colours[str(name)], middle) for name, rows in run.groupby("stage", observed=True)
    ]
    lanes = run.drop_duplicates(["stage", "replica"])
    drawn = look.figure(*parts, height=110 + 26 * len(lanes), barmode="overlay", bargap=0.25)
    drawn.update_layout(dragmode="pan")
    drawn.add_vline(x=0, line=look.INSTANT)
    drawn.update_xaxes(title=f"seconds from {instant(trace, middle, '%H:%M:%S')}", range=[-VIEW_S / 2, VIEW_S / 2])
    drawn.update_xaxes(minallowed=-MINUTE_S / 2, maxallowed=MINUTE_S / 2)
    drawn.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    joined, window = look.Chart(drawn, takeaway, table), (start, start + MINUTE_S)
    return marked(joined, trace.plan, lambda at: at - middle, run["started_s"], window)


def _batch_bars(rows: pd.DataFrame, trace: Trace, stage: str, colour: str, start: float) -> go.Bar:
    label, sizes = trace.plan.scenario.stages[stage].label, rows["size"].where(rows["size"] > 1, "").astype(str)
    hover = "batch of %{customdata[0]}, %{customdata[1]:.3g} s<extra>%{y}</extra>"
    inside = {
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "insidetextfont_color": look.word_on(colour),
    }
    more = {"base": rows["started_s"] - start, "text": sizes, "customdata": rows[["size", "seconds"]]}
    return look.bars(label + " " + rows["replica"].astype(str), rows["seconds"], colour, label, hover, **more, **inside)


def _stage_words(trace: Trace, name: str, start: float, rows: pd.DataFrame) -> str:
    end, offered = start + MINUTE_S, servers(trace, name).total(start + MINUTE_S, start)
    worked = ((rows["started_s"] + rows["seconds"]).clip(upper=end) - rows["started_s"].clip(lower=start)).sum()
    busy, label = 100 * worked / offered if offered else 0.0, trace.plan.scenario.stages[name].label
    size, each, many = rows["size"].mean(), rows["seconds"].mean(), trace.plan.scenario.unit.many
    return phrase("batches.of_stage", label=label, busy=busy, size=size, many=many, each=each)


#: The length of the window, in seconds.
WINDOW_S = 1.0

#: The share of a lane's height that its bars fill.
_FILLED = 0.8


def machines_by_sensor(trace: Trace, at_s: float) -> look.Chart:
    """Draw a lane for each replica and a bar for each frame; the frames of a batch share the height of the lane.

    at_s: the middle of the second, in seconds of the run
    """
    start, end = at_s - WINDOW_S / 2, at_s + WINDOW_S / 2
    served = frames_served(trace, start, end)
    takeaway, table = _sensors_takeaway(trace, served, start, end, at_s), _frames_table(trace, served)
    if served.empty:
        return look.Chart(None, takeaway, table)
    lanes = served[["stage", "replica"]].drop_duplicates().reset_index(drop=True)
    placed = served.merge(lanes.reset_index(names="lane"), on=["stage", "replica"])
    sensors = [name for name in [*trace.plan.scenario.sensors, A_SET] if name in set(served["sensor"])]
    parts = [_sensor_bars(trace, sensor, placed[placed["sensor"] == sensor], at_s) for sensor in sensors]
    labels = _lane_labels(trace, lanes)
    lane_px = max(40, *(20 + 14 * label.count("<br>") for label in labels))
    drawn = look.figure(*parts, height=130 + len(lanes) * lane_px, barmode="overlay")
    drawn.add_vline(x=0, line=look.INSTANT)
    drawn.update_xaxes(title=f"time from {_clock_ms(trace, at_s)} (ms)", range=[-500 * WINDOW_S, 500 * WINDOW_S], tickangle=0)
    drawn.update_yaxes(tickvals=list(lanes.index), ticktext=labels, range=[len(lanes) - 0.5, -0.5], showgrid=False)
    joined, window = look.Chart(drawn, takeaway, table), (start, end)
    return marked(joined, trace.plan, lambda at: 1000 * (at - at_s), served["started_s"], window)


def _clock_ms(trace: Trace, at_s: float) -> str:
    return time_of_day(trace, at_s).strftime("%H:%M:%S.%f")[:-4]


def _looks_with_sets(trace: Trace) -> dict[str, look.SensorLook]:
    return look.sensor_looks(trace.plan.scenario) | {A_SET: look.SensorLook("a set of frames", look.GREY)}


def _lane_labels(trace: Trace, lanes: pd.DataFrame) -> list[str]:
    stages, names = trace.plan.scenario.stages, lanes["stage"].astype(str)
    labels = [stages[name].label for name in names]
    numbered = zip(labels, lanes["replica"], names.duplicated(keep=False), strict=True)
    return [look.wrapped(f"{label} {replica}" if many else label) for label, replica, many in numbered]


def _sensor_bars(trace: Trace, sensor: str, rows: pd.DataFrame, at_s: float) -> go.Bar:
    style = _looks_with_sets(trace)[sensor]
    height = _FILLED / rows["size"]
    places, colour = rows["lane"] - _FILLED / 2 + (rows["place"] + 0.5) * height, style.colour
    rim = {"width": 1.5 if style.again else 0, "color": colour}
    marker = {"color": look.translucent(colour, 0.35) if style.again else colour, "line": rim}
    hover = "frame %{customdata[0]}, in a batch of %{customdata[1]}: %{x:.3g} ms"
    more = {"base": 1000 * (rows["started_s"] - at_s), "width": height, "customdata": rows[["frame", "size"]]}
    return look.bars(places, 1000 * rows["seconds"], colour, style.label, hover, marker=marker, **more)


def _frames_table(trace: Trace, served: pd.DataFrame) -> pd.DataFrame:
    labels, looks = {name: stage.label for name, stage in trace.plan.scenario.stages.items()}, _looks_with_sets(trace)
    rows = served.assign(
        stage=served["stage"].astype(str).map(labels),
        sensor=[looks[str(sensor)].label for sensor in served["sensor"]],
        seconds=1000 * served["seconds"],
    ).drop(columns="place")
    return rows.rename(columns={"started_s": "started at (s)", "seconds": "took (ms)", "size": "frames in the batch"})


def _sensors_takeaway(trace: Trace, served: pd.DataFrame, start: float, end: float, at_s: float) -> str:
    stages = [
        _sensor_words(trace, str(name), rows, busy_share(trace, str(name), served, start, end))
        for name, rows in served.groupby("stage", observed=True)
    ]
    when = f"In the second around {_clock_ms(trace, at_s)}"
    return f"{when}: {'; '.join(stages)}." if stages else f"{when} no machine worked."


def _sensor_words(trace: Trace, name: str, rows: pd.DataFrame, busy: float | None) -> str:
    label, batches = trace.plan.scenario.stages[name].label, rows[rows["place"] == 0]
    return phrase(
        "batches.of_sensors", label=label, worked=busy is None, busy=100 * (busy or 0.0), each=batches["seconds"].mean(),
        single=bool((batches["size"] == 1).all()), size=batches["size"].mean(),
    )  # fmt: skip
