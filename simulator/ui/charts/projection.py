"""Projected against published latencies, for networks the projection had not seen."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.evidence.projection import FOOTINGS, OTHER_MEDIAN, compared, comparison_rows
from simulator.evidence.projection.heldout import HeldOut
from simulator.ui.charts.look import BLUE, GREY, OBJECTIVE, ORANGE, PURPLE, Chart, figure, rounded, translucent
from simulator.units import percent, significant

_COLOURS = dict(zip(FOOTINGS.values(), (BLUE, ORANGE, PURPLE), strict=True))
_TICKS = [10.0**power for power in range(-4, 6)]


def projected_against_published(rows: pd.DataFrame) -> Chart:
    """A point a published latency, with its band; on the line they are equal, and hollow points lie outside their band.

    rows: as `analysis.projection.prediction_rows` gives them.
    """
    if rows.empty:
        return Chart(figure(), "No held-out prediction fits these filters.", rows)
    ends = [rows["published (ms)"].min(), rows["published (ms)"].max()]
    equal = go.Scatter(x=ends, y=ends, mode="lines", line=OBJECTIVE, hoverinfo="skip", name="equal")
    groups = [_points(mine, str(name)) for name, mine in rows.groupby("published there", sort=False)]
    drawn = figure(equal, *groups, height=520)
    drawn.update_xaxes(title="published (ms), logarithmic", type="log", tickvals=_TICKS)
    drawn.update_yaxes(title="projected with the network held out (ms), logarithmic", type="log", tickvals=_TICKS)
    off, inside = rows["error (%)"].abs(), rows["in the band"].mean()
    told = (
        f"{len(rows)} published latencies, projected with their network held out: half are off by less than "
        f"{significant(off.median(), 2)}%, and {percent(inside)} lie within their band."
    )
    return Chart(drawn, told, rounded(rows))


def _points(mine: pd.DataFrame, footing: str) -> go.Scatter:
    colour = _COLOURS[footing]
    return go.Scatter(
        name=f"published there: {footing}",
        x=mine["published (ms)"],
        y=mine["projected (ms)"],
        mode="markers",
        marker={
            "color": colour,
            "size": 7,
            "symbol": ["circle" if inside else "circle-open" for inside in mine["in the band"]],
            "line": {"width": 1.5, "color": colour},
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": mine["high (ms)"] - mine["projected (ms)"],
            "arrayminus": mine["projected (ms)"] - mine["low (ms)"],
            "thickness": 1,
            "width": 0,
            "color": translucent(colour, 0.25),
        },
        text=mine["model"] + " " + mine["precision"] + ", batch " + mine["batch"] + ", " + mine["device"],
        hovertemplate="published %{x:.3g} ms, projected %{y:.3g} ms<extra>%{text}</extra>",
    )


def comparisons(found: HeldOut) -> Chart:
    """Our errors on the figures that another model also predicted, with that model's median error as a band."""
    rows = comparison_rows(found)
    points = go.Scatter(
        x=rows["error (%)"],
        y=rows["device"] + ", " + rows["batch"].map(lambda size: size if size == "offline" else f"batch {size}"),
        mode="markers",
        marker={"color": BLUE, "size": 11},
        customdata=rows[["published (ms)", "projected (ms)"]].map(significant),
        hovertemplate="%{x:+.0f}%: published %{customdata[0]} ms, projected %{customdata[1]} ms<extra>%{y}</extra>",
    )
    drawn = figure(points, height=120 + 26 * len(rows))
    drawn.add_vrect(
        x0=-100 * OTHER_MEDIAN, x1=100 * OTHER_MEDIAN, fillcolor=translucent(GREY, 0.15), line_width=0, layer="below"
    )
    drawn.add_vline(x=0, line={"color": GREY, "width": 2})
    drawn.update_xaxes(title="projected minus published (%)")
    drawn.update_yaxes(autorange="reversed")
    return Chart(drawn, compared(found), rounded(rows))
