"""Charts over the time of a run: the axis of the time of day, and marks of curveballs (a line, then a band)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.charts.look import INSTANT, ORANGE, Chart, note, translucent
from simulator.engine.compiled_plan import Plan, Strike, strikes_of
from simulator.engine.run_trace import Trace
from simulator.metrics.stage_metrics import strike_sentence
from simulator.records.timetables import DAY_S, clock_s

#: The vertical distance between labels of curveballs, as a share of the height.
_ROW = 0.09

#: The first and last second of the run that a chart shows.
Window = tuple[float, float]


def clock(trace: Trace, seconds: pd.Series[float]) -> pd.Series[pd.Timestamp]:
    """Convert seconds of the run to times on a calendar that begins on its first day."""
    run = trace.plan.scenario.run
    return pd.Timestamp("2001-01-01") + pd.to_timedelta(seconds * run.pace + clock_s(run.starts_at), unit="s")


def time_of_day(trace: Trace, at_s: float) -> pd.Timestamp:
    return clock(trace, pd.Series([at_s]))[0]


def names_days(trace: Trace) -> bool:
    """Return whether a time of this run names its day: it does where the run is longer than half a day."""
    return trace.plan.horizon_s > DAY_S / 2


def instants(trace: Trace, seconds: pd.Series[float], form: str = "%H:%M") -> pd.Series[str]:
    """Name instants of the run: `08:00`, or `08:00 on day 2` in a run that names its days."""
    times = clock(trace, seconds)
    of_day = times.dt.strftime(form)
    return of_day + " on day " + times.dt.day_of_year.astype(str) if names_days(trace) else of_day


def instant(trace: Trace, at_s: float, form: str = "%H:%M") -> str:
    return instants(trace, pd.Series([at_s]), form)[0]


def hovered(trace: Trace, form: str = "%H:%M") -> str:
    """Return the part of a hover template that names the instant of a point as `instant` does."""
    return f"%{{x|{form}{' on day %-j' if names_days(trace) else ''}}}"


def over_time(drawn: go.Figure, trace: Trace, shaded: str = "", at_s: float | None = None) -> None:
    """Give a figure the axis of the run's time, with the day below the time of day where it changes.

    at_s: the instant of the slider, which a line marks
    """
    if at_s is not None:
        drawn.add_vline(x=time_of_day(trace, at_s), line=INSTANT)
    ends = [time_of_day(trace, 0.0), time_of_day(trace, trace.plan.horizon_s)]
    title, days = (f"time of day; shaded: {shaded}" if shaded else "time of day"), "\nday %-j" if names_days(trace) else ""
    drawn.update_xaxes(title=title, tickformat=f"%H:%M{days}", tickangle=0, range=ends, showgrid=False)


def marked(
    chart: Chart,
    plan: Plan,
    at: Callable[[float], Any],
    times: pd.Series[float] | None = None,
    window: Window | None = None,
) -> Chart:
    """Add the curveballs within a window to the figure, to the takeaway, and as a column of the table.

    at: converts seconds of the run to a place on the horizontal axis
    times: the time of each row of the table, in seconds of the run; None where rows have no time
    window: None for the whole run
    """
    window = window or (0.0, plan.horizon_s)
    strikes = [strike for strike in strikes_of(plan) if strike.start_s < window[1] and strike.end_s > window[0]]
    if not strikes:
        return chart
    if chart.figure is not None:
        for row, strike in enumerate(strikes):
            _mark_strike(chart.figure, strike, row, at, window)
    sentence = " ".join([chart.takeaway, *(strike_sentence(plan, strike) for strike in strikes)])
    if times is None:
        return Chart(chart.figure, sentence, chart.table)
    active = ([strike.label for strike in strikes if strike.start_s <= time < strike.end_s] for time in times)
    return Chart(chart.figure, sentence, chart.table.assign(curveball=[", ".join(labels) for labels in active]))


def _mark_strike(drawn: go.Figure, strike: Strike, row: int, at: Callable[[float], Any], window: Window) -> None:
    start, end = at(max(strike.start_s, window[0])), at(min(strike.end_s, window[1]))
    height = {"y0": 0, "y1": 1, "yref": "paper"}
    drawn.add_shape(type="rect", x0=start, x1=end, **height, fillcolor=translucent(ORANGE, 0.2), line_width=0, layer="below")
    drawn.add_shape(type="line", x0=start, x1=start, **height, line={"color": ORANGE, "width": 2, "dash": "dashdot"})
    late = strike.start_s > (window[0] + window[1]) / 2  # the label goes to the side with more room
    corner = "right middle" if late else "left middle"
    note(drawn, f" {strike.label} ", start, 1 - _ROW * (row + 1), corner, yref="paper")
