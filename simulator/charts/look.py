"""Parts of every chart: the figure with its takeaway and table, colours with one meaning everywhere, marks with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.schema import Scenario
from simulator.intervals import Interval
from simulator.metrics.summary import Standing
from simulator.phrases import phrase
from simulator.units import spoken_within

# Okabe and Ito's palette, as in .streamlit/config.toml: legible on white and on black, also with impaired colour vision.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8F98"

MISSED, FOUND, HERE = RED, GREEN, BLUE
SERIES = (SKY, BLUE, PURPLE, ORANGE, GREEN)

#: The colour of text in a figure, by theme: a contrast of at least 4.5 with the background, also through a translucent colour.
INK = {"light": "#3D464E", "dark": "#C3CBD2"}

#: Orange while the data are undecided, grey without a figure.
TONES: dict[Standing, str] = {"met": FOUND, "not met": MISSED, "not proven": ORANGE, "no figure": GREY, "void": GREY}

#: The line of an objective, and of the instant that the slider selects, in every chart.
OBJECTIVE = {"color": GREY, "dash": "dash", "width": 2}
INSTANT = {"color": GREY, "width": 4}

#: The most letters in a line of an axis's title on a phone: below a plot, below one beside the names of its rows, up its side.
ACROSS, BESIDE_NAMES, UP = 44, 28, 38

#: The height of a small picture, so that cards side by side line up (px).
HEIGHT = 170

_PRECISIONS = {"fp32": GREY, "int8_static": BLUE, "int8_dynamic": ORANGE, "fp16": GREEN}
_OTHER_PRECISIONS = (SKY, PURPLE, RED)


@dataclass(frozen=True)
class Chart:
    """A figure, its takeaway in one or a few sentences, and its data as a table.

    figure: None where the takeaway and the table are enough, so that no empty axes are drawn
    """

    figure: go.Figure | None
    takeaway: str
    table: pd.DataFrame


@dataclass(frozen=True)
class Picture:
    """A small picture of a case: one value to remember, its meaning, its chart, and the kinds of evidence behind it."""

    value: str
    meaning: str
    chart: Chart
    kinds: Sequence[str]


def chart(
    drawn: go.Figure | None,
    takeaway: str | Iterable[str],
    table: pd.DataFrame,
    names: Mapping[str, str] | None = None,
    *,
    only: bool = False,
    shares: Iterable[str] = (),
    digits: int | None = None,
) -> Chart:
    """Join a figure with its takeaway and its table twin.

    takeaway: sentences; empty ones are left out
    names: readable names of columns; only: leaves out the columns without one; shares: columns that become percentages
    digits: significant digits of numbers
    """
    words = takeaway if isinstance(takeaway, str) else phrase("charts.takeaway", sentences=[*filter(None, takeaway)])
    named = table[[name for name in names or () if name in table]] if only else table
    twin = named.assign(**{name: 100 * named[name] for name in shares}).rename(columns=names or {})
    return Chart(drawn, words, twin if digits is None else rounded(twin, digits))


def share_of(row: Any, of: str) -> str:
    """Write a share of a row with its interval; see `bounds`."""
    low, value, high = bounds(row, of, 1.0)
    return with_interval(Interval(value, low, high))


def with_interval(of: Interval, name: str = "") -> str:
    """Write a share with its interval as the card of an objective does: `94.5% (91.9 to 96.5)`."""
    share, bounds = spoken_within(of.value, of.low, of.high, "share")
    return f"{share} ({f'{name} ' if name else ''}{bounds})"


def figure(
    *traces: Any, height: int = 340, x: Mapping[str, Any] | None = None, y: Mapping[str, Any] | None = None, **layout: Any
) -> go.Figure:
    """Draw traces in the look of the app, without a background, so that both themes shine through; x, y: the axes"""
    drawn = go.Figure(list(traces))
    drawn.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "maxheight": 0.7},
        hoverlabel={"namelength": -1},
        dragmode=False,
        **layout,
    )
    drawn.update_xaxes(automargin=True, zeroline=False, **(x or {}))
    drawn.update_yaxes(automargin=True, zeroline=False, **(y or {}))
    return drawn


def logarithmic(title: str, ticks: Iterable[float], **more: Any) -> dict[str, Any]:
    """Return a logarithmic axis for `figure`."""
    return {"title": f"{title}, logarithmic", "type": "log", "tickvals": ticks} | more


def down(order: Iterable[str]) -> dict[str, Any]:
    """Return an axis for `figure` with its rows in this order, the first one at the top."""
    return {"categoryorder": "array", "categoryarray": [*order], "autorange": "reversed"}


def shade(drawn: go.Figure, colour: str, alpha: float, **edges: Any) -> None:
    """Shade a part of the picture behind its data; edges: x0 and x1, or y0 and y1"""
    add = drawn.add_vrect if "x0" in edges else drawn.add_hrect
    add(**edges, fillcolor=translucent(colour, alpha), line_width=0, layer="below")


def note(drawn: go.Figure, text: str, x: Any, y: Any, corner: str = "left bottom", **more: Any) -> None:
    """Write a text with one of its corners at a place."""
    xanchor, yanchor = corner.split()
    drawn.add_annotation(text=text, x=x, y=y, xanchor=xanchor, yanchor=yanchor, showarrow=False, **more)


def small(*traces: go.Scatter) -> go.Figure:
    drawn = figure(*traces, height=HEIGHT, showlegend=False)
    drawn.update_layout(margin={"l": 4, "r": 4, "t": 22, "b": 4}, font={"size": 12})
    drawn.update_xaxes(fixedrange=True, nticks=4)
    drawn.update_yaxes(fixedrange=True, nticks=4)
    return drawn


def decades(first: int = -4, last: int = 5, digits: Sequence[int] = (1, 2, 5)) -> list[float]:
    return [digit * 10.0**power for power in range(first, last + 1) for digit in digits]


def wrapped(label: str, letters: int = 16) -> str:
    return "<br>".join(wrap(label, letters))


def inked(drawn: go.Figure, theme: str | None) -> go.Figure:
    """Colour the text of a figure for a theme, `light` or `dark`; light where the theme is not known. Break long titles."""
    in_rows = any(getattr(trace, "orientation", None) == "h" for trace in drawn.data)
    drawn.for_each_xaxis(lambda axis: _broken(axis, BESIDE_NAMES if in_rows else ACROSS))
    drawn.for_each_yaxis(lambda axis: _broken(axis, UP))
    ink = INK["dark" if theme == "dark" else "light"]
    axis = {"tickfont": {"color": ink}, "title": {"font": {"color": ink}}}
    drawn.update_layout(font={"color": ink}, legend={"font": {"color": ink}})
    drawn.update_xaxes(axis)
    drawn.update_yaxes(axis)
    drawn.update_annotations(font={"color": ink})
    drawn.update_traces({"textfont": {"color": ink}}, {"type": "scatter"})
    drawn.update_traces({"textfont": {"color": ink}}, {"type": "sankey"})
    drawn.update_traces({"outsidetextfont": {"color": ink}}, {"type": "bar"})
    return drawn


def _broken(axis: Any, letters: int) -> None:
    if axis.title.text:
        axis.title.text = wrapped(axis.title.text.replace("<br>", " "), letters)


def word_on(colour: str) -> str:
    return max(("#000000", "#FFFFFF"), key=lambda word: contrast(word, colour))


def contrast(colour: str, other: str) -> float:
    darker, lighter = sorted(map(_luminance, (colour, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def translucent(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def rounded(table: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    floats = table.select_dtypes("float").columns
    return table.assign(**{name: table[name].map(lambda value: float(f"{value:.{digits}g}")) for name in floats})


def stage_colours(scenario: Scenario) -> dict[str, str]:
    served = [name for name, stage in scenario.stages.items() if stage.servers]
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(served)}


def precision_colours(precisions: list[str]) -> dict[str, str]:
    others = [name for name in sorted(precisions) if name not in _PRECISIONS]
    return _PRECISIONS | {name: _OTHER_PRECISIONS[index % len(_OTHER_PRECISIONS)] for index, name in enumerate(others)}


@dataclass(frozen=True)
class SensorLook:
    """The label and colour of a sensor; again: drawn pale or dotted, since an earlier sensor has the same colour."""

    label: str
    colour: str
    again: bool = False


def sensor_looks(scenario: Scenario) -> dict[str, SensorLook]:
    """Return the look of each sensor, in the order of the file."""
    named = zip(scenario.sensors, scenario.sensor_labels, strict=True)
    return {
        name: SensorLook(label, SERIES[place % len(SERIES)], place >= len(SERIES)) for place, (name, label) in enumerate(named)
    }


def line(
    x: Any,
    y: Any,
    colour: str | None,
    name: str | None = None,
    hover: str | None = None,
    *,
    width: float = 2.5,
    dash: str | None = None,
    step: bool = False,
    dotted: bool = False,
    **more: Any,
) -> go.Scatter:
    """Draw a line; hover: the text beside a point, without which no point answers.

    step: it jumps at each point; dotted: a dot marks each point
    """
    look = {"color": colour, "width": width, "dash": dash, "shape": "hv" if step else None}
    mode = "lines+markers" if dotted else "lines"
    return go.Scatter(name=name, x=x, y=y, mode=mode, line=look, **_hovered(hover) | more)


def costs(rows: pd.DataFrame, colours: Any, title: str, height: int = 110) -> go.Figure:
    """Draw a bar a part of a cost in USD, the first one at the top.

    rows: columns part, value, low, high; height: of the picture without its bars (px)
    """
    ends = whiskers(rows["low"], rows["value"], rows["high"])
    split = bars(rows["part"].map(wrapped), rows["value"], colours, hover="%{x:,.4~r} USD<extra>%{y}</extra>", error_x=ends)
    across, down = {"title": title, "rangemode": "tozero"}, {"autorange": "reversed", "showgrid": False}
    return figure(split, height=height + 40 * len(rows), bargap=0.35, x=across, y=down)


def points(
    x: Any,
    y: Any,
    colour: Any,
    name: str | None = None,
    hover: str | None = None,
    *,
    size: float = 10,
    symbol: Any = None,
    edge: float | None = None,
    **more: Any,
) -> go.Scatter:
    """Draw points; hover: the text beside one, without which none answers; edge: the width of a rim in their colour."""
    marker = {"color": colour, "size": size, "symbol": symbol, "line": edge and {"width": edge, "color": colour}}
    return go.Scatter(name=name, x=x, y=y, **{"mode": "markers", "marker": marker} | _hovered(hover) | more)


def bars(rows: Any, x: Any, colour: Any, name: str | None = None, hover: str | None = None, **more: Any) -> go.Bar:
    """Draw a horizontal bar a row; hover: the text beside one, without which none answers."""
    marker = {"color": colour, "line": {"width": 0}}
    return go.Bar(name=name, y=rows, x=x, orientation="h", **{"marker": marker} | _hovered(hover) | more)


def _hovered(text: str | None) -> dict[str, str]:
    return {"hovertemplate": text} if text else {"hoverinfo": "skip"}


def whiskers(low: Iterable[float], value: Iterable[float], high: Iterable[float]) -> dict[str, Any]:
    """Return error bars from `low` to `high` around each value."""
    bounds = list(zip(low, value, high, strict=True))
    return {
        "type": "data",
        "symmetric": False,
        "array": [above - middle for _, middle, above in bounds],
        "arrayminus": [middle - below for below, middle, _ in bounds],
        "thickness": 2,
        "width": 5,
        "color": GREY,
    }


def band(
    x: Iterable[Any], low: Iterable[float], high: Iterable[float], colour: str, alpha: float = 0.2, **more: Any
) -> list[go.Scatter]:
    edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False} | more
    filled = go.Scatter(x=x, y=high, fill="tonexty", fillcolor=translucent(colour, alpha), **edge)
    return [go.Scatter(x=x, y=low, **edge), filled]


def banded(
    x: Any, bounds: tuple[Any, Any, Any], colour: str, name: str | None = None, hover: str | None = None, **more: Any
) -> list[go.Scatter]:
    """Draw a line with its band; bounds: the low end, the middle and the high end at each x"""
    low, middle, high = bounds
    return [*band(x, low, high, colour, legendgroup=name), line(x, middle, colour, name, hover, legendgroup=name, **more)]


def equality(ends: Sequence[float], name: str) -> go.Scatter:
    """Draw the dashed line on which both axes have one value."""
    return go.Scatter(x=ends, y=ends, mode="lines", line=OBJECTIVE, hoverinfo="skip", name=name)


def bounds(rows: Any, of: str, scale: float = 100.0) -> tuple[Any, Any, Any]:
    """Return the low end, the value and the high end of a figure in a frame or in one row: columns `of_low`, `of`, `of_high`.

    The value stands for ends that the frame does not have. scale: 100 turns shares into per cent
    """
    low, value, high = (scale * rows[name if name in rows else of] for name in (f"{of}_low", of, f"{of}_high"))
    return low, value, high


def spans(rows: pd.DataFrame, of: str, labels: Any) -> pd.DataFrame:
    """Return rows for `dots` of a share with its bounds, labelled."""
    return pd.DataFrame({"label": labels} | dict(zip(("low", "value", "high"), bounds(rows, of), strict=True)))


def dots(name: str, rows: pd.DataFrame, colour: str, hover: str = "", hollow: bool = False) -> go.Scatter:
    """Draw a point a row with its horizontal interval; rows: columns label, value, low, high."""
    symbol, bounds = "circle-open" if hollow else "circle", whiskers(rows["low"], rows["value"], rows["high"])
    look: dict[str, Any] = {"symbol": symbol, "edge": 2, "error_x": bounds, "orientation": "h", "hoverinfo": None}
    return points(rows["value"], rows["label"], colour, name, hover, **look)


def targets(x: Any, y: Any, size: float) -> go.Scatter:
    """Draw a grey dash at each target."""
    marker = {"symbol": "line-ew", "size": size, "line": {"color": GREY, "width": 2}}
    return points(x, y, None, "target", marker=marker)


def too_few(counts: Mapping[str, str]) -> go.Scatter:
    """Write the counts of rows, by label, that have too little data for a bar."""
    return go.Scatter(
        x=[1] * len(counts),
        y=list(counts),
        mode="text",
        text=[f"too few to say: {count}" for count in counts.values()],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
    )
