"""Which replica worked on which sensor's frames, in one second of a run."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.cameras import A_SET, busy_share, frames_served
from simulator.serving.trace import Trace
from simulator.ui.charts.look import GREY, INSTANT, Chart, SensorLook, figure, sensor_looks, time_of_day, translucent, wrapped
from simulator.ui.charts.strikes import marked
from simulator.units import duration

#: How long a stretch of the run is shown, in seconds.
WINDOW_S = 1.0

#: The share of a lane's height that its bars fill.
_FILLED = 0.8


def machines_by_sensor(trace: Trace, at_s: float) -> Chart:
    """A lane for each replica and a bar for each frame on it; the frames of a batch share the height of the lane.

    at_s: the middle of the second that is shown, in seconds of the run
    """
    start, end = at_s - WINDOW_S / 2, at_s + WINDOW_S / 2
    served = frames_served(trace, start, end)
    takeaway = _takeaway(trace, served, start, end, at_s)
    if served.empty:
        return Chart(None, takeaway, _table(trace, served))
    lanes = served[["stage", "replica"]].drop_duplicates().reset_index(drop=True)
    placed = served.merge(lanes.reset_index(names="lane"), on=["stage", "replica"])
    bars = [_bars(trace, sensor, placed[placed["sensor"] == sensor], at_s) for sensor in _shown(trace, served)]
    named = _named(trace, lanes)
    drawn = figure(
        *bars, height=130 + len(lanes) * max(40, *(20 + 14 * label.count("<br>") for label in named)), barmode="overlay"
    )
    drawn.add_vline(x=0, line=INSTANT)
    drawn.update_xaxes(title=f"time from {_clock(trace, at_s)} (ms)", range=[-500 * WINDOW_S, 500 * WINDOW_S], tickangle=0)
    drawn.update_yaxes(tickvals=list(lanes.index), ticktext=named, range=[len(lanes) - 0.5, -0.5], showgrid=False)
    chart, window = Chart(drawn, takeaway, _table(trace, served)), (start, end)
    return marked(chart, trace.plan, lambda at: 1000 * (at - at_s), served["started_s"], window)


def _clock(trace: Trace, at_s: float) -> str:
    return time_of_day(trace, at_s).strftime("%H:%M:%S.%f")[:-4]


def _shown(trace: Trace, served: pd.DataFrame) -> list[str]:
    """The sensors with a bar, in the order of the file, then sets."""
    there = set(served["sensor"])
    return [name for name in [*trace.plan.scenario.sensors, A_SET] if name in there]


def _looks(trace: Trace) -> dict[str, SensorLook]:
    return sensor_looks(trace.plan.scenario) | {A_SET: SensorLook("a set of frames", GREY)}


def _named(trace: Trace, lanes: pd.DataFrame) -> list[str]:
    """The label of each lane: its stage, with a number where it has several replicas."""
    stages, names = trace.plan.scenario.stages, lanes["stage"].astype(str)
    labels = [stages[name].label for name in names]
    numbered = zip(labels, lanes["replica"], names.duplicated(keep=False), strict=True)
    return [wrapped(f"{label} {replica}" if many else label) for label, replica, many in numbered]


def _bars(trace: Trace, sensor: str, rows: pd.DataFrame, at_s: float) -> go.Bar:
    look = _looks(trace)[sensor]
    height = _FILLED / rows["size"]
    return go.Bar(
        name=look.label,
        orientation="h",
        base=1000 * (rows["started_s"] - at_s),
        x=1000 * rows["seconds"],
        y=rows["lane"] - _FILLED / 2 + (rows["place"] + 0.5) * height,
        width=height,
        marker={
            "color": translucent(look.colour, 0.35) if look.again else look.colour,
            "line": {"width": 1.5 if look.again else 0, "color": look.colour},
        },
        customdata=rows[["frame", "size"]],
        hovertemplate="frame %{customdata[0]}, in a batch of %{customdata[1]}: %{x:.3g} ms",
    )


def _table(trace: Trace, served: pd.DataFrame) -> pd.DataFrame:
    labels, looks = {name: stage.label for name, stage in trace.plan.scenario.stages.items()}, _looks(trace)
    told = served.assign(
        stage=served["stage"].astype(str).map(labels),
        sensor=[looks[str(sensor)].label for sensor in served["sensor"]],
        seconds=1000 * served["seconds"],
    ).drop(columns="place")
    return told.rename(columns={"started_s": "started at (s)", "seconds": "took (ms)", "size": "frames in the batch"})


def _takeaway(trace: Trace, served: pd.DataFrame, start: float, end: float, at_s: float) -> str:
    told = [
        _told(trace, str(name), rows, busy_share(trace, str(name), served, start, end))
        for name, rows in served.groupby("stage", observed=True)
    ]
    when = f"In the second around {_clock(trace, at_s)}"
    return f"{when}: {'; '.join(told)}." if told else f"{when} nothing was worked on."


def _told(trace: Trace, name: str, rows: pd.DataFrame, busy: float | None) -> str:
    label, batches = trace.plan.scenario.stages[name].label, rows[rows["place"] == 0]
    work = "worked" if busy is None else f"was busy {100 * busy:.0f}% of the time"
    size = "one frame at a time" if (batches["size"] == 1).all() else f"{batches['size'].mean():.1f} frames in a batch"
    return f"{label} {work}, {size}, {duration(batches['seconds'].mean())} each"
