"""What all charts share: colours that mean the same thing everywhere, axes, the line of an objective, the table beside it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.schema import Scenario
from simulator.engine.calendar import clock_s
from simulator.engine.trace import Trace
from simulator.metrics.summary import Standing

# Okabe and Ito's palette, as in .streamlit/config.toml: legible on white and on black, whatever a person's colour vision.
BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8F98"

MISSED, FOUND, HERE = RED, GREEN, BLUE
SERIES = (SKY, BLUE, PURPLE, ORANGE, GREEN)

#: The colour of the words in a figure, by theme: at least 4.5 to 1 against each background, also through a translucent colour.
INK = {"light": "#3D464E", "dark": "#C3CBD2"}

#: Orange while the data are undecided, grey without a figure.
TONES: dict[Standing, str] = {"met": FOUND, "not met": MISSED, "not proven": ORANGE, "no figure": GREY}

#: An objective is always drawn like this.
OBJECTIVE = {"color": GREY, "dash": "dash", "width": 2}


#: The instant that a person looks at is always drawn like this.
INSTANT = {"color": GREY, "width": 4}


@dataclass(frozen=True)
class Chart:
    """A figure, the sentence that says what it shows, and the same data as a table.

    figure: None where the sentence and the table say it all, so that no empty axes are drawn
    """

    figure: go.Figure | None
    takeaway: str
    table: pd.DataFrame


def too_few(counts: dict[str, str]) -> go.Scatter:
    """How much data there is, by row label, for rows with too little data for a bar."""
    return go.Scatter(
        x=[1] * len(counts),
        y=list(counts),
        mode="text",
        text=[f"too few to say: {told}" for told in counts.values()],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
    )


def figure(*traces: Any, height: int = 340, **layout: Any) -> go.Figure:
    """A figure in the look of the app: no background of its own, so that both themes shine through."""
    drawn = go.Figure(list(traces))
    drawn.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"namelength": -1},
        dragmode=False,
        **layout,
    )
    drawn.update_xaxes(automargin=True, zeroline=False)
    drawn.update_yaxes(automargin=True, zeroline=False)
    return drawn


def clock(trace: Trace, seconds: pd.Series[float]) -> pd.Series[pd.Timestamp]:
    """Seconds of the run on a calendar, of which only the time of day is shown."""
    return pd.Timestamp("2001-01-01") + pd.to_timedelta(seconds + clock_s(trace.plan.scenario.run.starts_at), unit="s")


def time_of_day(trace: Trace, at_s: float) -> pd.Timestamp:
    """One instant of the run on the same calendar."""
    return clock(trace, pd.Series([at_s]))[0]


def over_time(drawn: go.Figure, trace: Trace, shaded: str = "") -> None:
    """The axis of every chart over the time of a run: the same length and the same marks, so that instants stand in line."""
    ends = [time_of_day(trace, 0.0), time_of_day(trace, trace.plan.horizon_s)]
    title = f"time of day; shaded: {shaded}" if shaded else "time of day"
    drawn.update_xaxes(title=title, tickformat="%H:%M", tickangle=0, range=ends, showgrid=False)


def wrapped(label: str) -> str:
    """A label on lines short enough for the margin of a chart on a phone."""
    return "<br>".join(wrap(label, 16))


def inked(drawn: go.Figure, theme: str | None) -> go.Figure:
    """The figure with its words in the ink of a theme, `light` or `dark`; light where it is not known."""
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


def word_on(colour: str) -> str:
    """Black or white, whichever stands out more on a colour."""
    return max(("#000000", "#FFFFFF"), key=lambda word: contrast(word, colour))


def contrast(one: str, other: str) -> float:
    """The contrast of two hexadecimal colours, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted(map(_luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def whiskers(low: list[float], value: list[float], high: list[float]) -> dict[str, Any]:
    """Error bars of a 95% interval, for values side by side."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [above - middle for above, middle in zip(high, value, strict=True)],
        "arrayminus": [middle - below for below, middle in zip(low, value, strict=True)],
        "thickness": 2,
        "width": 5,
        "color": GREY,
    }


def stage_colours(scenario: Scenario) -> dict[str, str]:
    """A colour for each stage with servers, the same in every chart."""
    served = [name for name, stage in scenario.stages.items() if stage.server]
    return {name: SERIES[index % len(SERIES)] for index, name in enumerate(served)}


@dataclass(frozen=True)
class SensorLook:
    """How a sensor looks in every chart: pale or dotted where another one before it has the same colour."""

    label: str
    colour: str
    again: bool = False


def sensor_looks(scenario: Scenario) -> dict[str, SensorLook]:
    """The look of each sensor, in the order of the file."""
    named = zip(scenario.sensors, scenario.sensor_labels, strict=True)
    return {
        name: SensorLook(label, SERIES[place % len(SERIES)], place >= len(SERIES)) for place, (name, label) in enumerate(named)
    }


def rounded(table: pd.DataFrame, digits: int = 4) -> pd.DataFrame:
    """The table with its measured numbers rounded to this many significant digits."""
    broken = table.select_dtypes("float").columns
    return table.assign(**{name: table[name].map(lambda value: float(f"{value:.{digits}g}")) for name in broken})


def translucent(colour: str, alpha: float) -> str:
    """A hexadecimal colour with an opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def dots(name: str, rows: pd.DataFrame, colour: str, hollow: bool = False, **more: Any) -> go.Scatter:
    """A point a row with its horizontal 95% interval; rows has the columns label, value, low, high."""
    return go.Scatter(
        name=name,
        x=rows["value"],
        y=rows["label"],
        orientation="h",
        mode="markers",
        marker={
            "color": colour,
            "size": 10,
            "symbol": "circle-open" if hollow else "circle",
            "line": {"width": 2, "color": colour},
        },
        error_x=whiskers(list(rows["low"]), list(rows["value"]), list(rows["high"])),
        **more,
    )
