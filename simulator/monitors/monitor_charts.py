"""Charts of a comparison: a claimed column over time with its band and onset, places by window, estimated performance."""

from __future__ import annotations

from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.arrays import Floats
from simulator.charts import look
from simulator.monitors.drift_course import ColumnCourse, CourseReader, PlaceMap, WindowClock
from simulator.monitors.drift_sentences import course_sentence, map_sentence, performance_sentence, width
from simulator.monitors.estimated_performance import METRICS, PerformanceCourse

#: Standard errors at the ends of the colours of a map.
_FURTHEST = 6
#: The height of a row of a map, and of its axes (px).
_ROW, _AXES = 34, 110


def course_chart(course: ColumnCourse, reader: CourseReader) -> look.Chart:
    """Draw a figure by window with the band of the reference, the windows outside it, and the onset."""
    x, outside = _instants(course.begins, reader), course.outside
    hover = f"%{{x}}<br>{course.figure.label} %{{y:.4g}}<extra></extra>"
    drawn = look.figure(
        *look.band(x, course.least, course.most, look.GREY),
        look.line(x, course.centre, look.GREY, "reference, same hours", width=2, dash="dash"),
        look.line(x, course.value, look.BLUE, "production", hover, width=2),
        look.points([*compress(x, outside)], course.value[outside], look.RED, "outside the band", hover, size=7),
    )
    _onset(drawn, course, reader)
    drawn.update_yaxes(title=course.figure.label)
    drawn.update_xaxes(title=_axis(course.clock, reader))
    drawn.data[1].update(name="band of the reference", showlegend=True, hoverinfo="skip")
    table = pd.DataFrame(
        {
            "window from": [reader.shown(begin) for begin in course.begins],
            course.figure.label: course.value,
            "usual": course.centre,
            "band from": course.least,
            "band to": course.most,
            "outside": np.where(outside, "yes", ""),
        }
    )
    return look.chart(drawn, course_sentence(course, reader), table, digits=4)


def _onset(drawn: go.Figure, course: ColumnCourse, reader: CourseReader) -> None:
    onset = course.onset
    if onset is None:
        return
    low, begin, high = _instants(np.array([onset.low, onset.begin, onset.high]), reader)
    if onset.low < onset.high:
        look.shade(drawn, look.ORANGE, 0.25, x0=low, x1=high)
    drawn.add_vline(x=begin, line={"color": look.ORANGE, "width": 3})
    look.note(drawn, "onset", begin, 1, "left top", yref="paper", xshift=4)


def place_chart(found: PlaceMap, reader: CourseReader) -> look.Chart:
    """Draw places by windows, coloured by the distance from their reference at the same hours; dots lie outside the band."""
    x, rows = _instants(found.begins, reader), len(found.places)
    names = [str(place) for place in found.places]
    heat = go.Heatmap(
        x=x,
        y=names,
        z=found.errors,
        zmin=-_FURTHEST,
        zmax=_FURTHEST,
        colorscale=[[0, look.BLUE], [0.5, look.translucent(look.GREY, 0.15)], [1, look.RED]],
        colorbar={"title": {"text": "SE", "side": "top"}, "thickness": 10, "tickvals": [-_FURTHEST, 0, _FURTHEST]},
        hovertemplate="%{y}, %{x}<br>%{z:.1f} standard errors from usual<extra></extra>",
        xgap=1,
        ygap=2,
    )
    at = np.argwhere(found.outside)
    marker, there = {"color": "#FFFFFF", "size": 6, "line": {"color": "#000000", "width": 1}}, bool(len(at))
    columns, names_at = [x[column] for _, column in at], [names[row] for row, _ in at]
    dots = look.points(columns, names_at, None, "outside the band", marker=marker, showlegend=there)
    drawn = look.figure(heat, dots, height=_AXES + _ROW * rows)
    drawn.update_xaxes(title=_axis(found.clock, reader), showgrid=False)
    drawn.update_yaxes(autorange="reversed", showgrid=False, type="category")
    table = pd.DataFrame(found.errors.T, columns=names)
    table.insert(0, "window from", [reader.shown(begin) for begin in found.begins])
    takeaway = [map_sentence(found), f"Colours: {found.figure.label}, in standard errors (SE) from the usual value."]
    return look.chart(drawn, takeaway, table, digits=3)


def performance_chart(course: PerformanceCourse, reader: CourseReader) -> look.Chart:
    """Draw an estimated metric by window with its interval, the band of the labelled reference, and labels where known."""
    x, percent = _instants(course.begins, reader), {name: 100 * getattr(course, name) for name in _SHARES}
    unit = f"{METRICS[course.metric]} (%)"
    hover = "%{x}<br>%{y:.1f}%<extra></extra>"
    drawn = look.figure(
        *look.band(x, percent["least"], percent["most"], look.GREY),
        look.line(x, percent["centre"], look.GREY, "reference", width=2, dash="dash"),
        *look.band(x, percent["low"], percent["high"], look.BLUE, 0.25),
        look.line(x, percent["value"], look.BLUE, "estimated", hover, width=2),
    )
    drawn.data[1].update(name="band of the reference", showlegend=True)
    drawn.data[4].update(name="95% interval", showlegend=True)
    if np.isfinite(course.realised).any():
        drawn.add_trace(look.points(x, percent["realised"], look.GREEN, "by labels", hover, size=7))
    drawn.update_yaxes(title=unit)
    drawn.update_xaxes(title=_axis(course.clock, reader))
    table = pd.DataFrame({"window from": [reader.shown(begin) for begin in course.begins]} | {
        _SHARES[name]: values for name, values in percent.items()
    }).dropna(axis=1, how="all")  # fmt: skip
    return look.chart(drawn, performance_sentence(course), table, digits=3)


_SHARES = {
    "value": "estimated (%)",
    "low": "interval from (%)",
    "high": "interval to (%)",
    "centre": "reference (%)",
    "least": "band from (%)",
    "most": "band to (%)",
    "realised": "by labels (%)",
}


def _instants(begins: Floats, reader: CourseReader) -> list[Any]:
    if reader.stamped:
        return [pd.Timestamp(round(at * 3600), unit="s") for at in begins]
    return [float(at) for at in begins]


def _axis(clock: WindowClock, reader: CourseReader) -> str:
    unit = "row" if not clock.timed else "time" if reader.stamped else "hour of the file"
    return f"{unit}; windows of {width(clock)}"
