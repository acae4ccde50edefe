"""The picture of an incident on the first page: a figure that leaves its usual range, of an incident that nobody plays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.incidents.example import Example
from simulator.analysis.incidents.secret import DAY_S
from simulator.scenario.incident import Incident
from simulator.scenario.incident.schema import WATCHED
from simulator.ui.charts.home import Picture, small
from simulator.ui.charts.look import BLUE, GREY, RED, Chart, rounded, translucent
from simulator.units import significant


def pager(spec: Incident, shown: Example | None) -> Picture:
    """What rang and the days before it; shown: None where nothing rings."""
    many = f"{len(spec.causes)}"
    if shown is None:
        return Picture(many, "things may be behind it", Chart(None, f"{many} things may be behind it.", pd.DataFrame()))
    series, (low, high) = shown.series, shown.ring.usual
    known = (series.known_s <= shown.ring.at_s) & np.isfinite(series.value)
    day, value = series.ends_s[known] / DAY_S + 1, series.value[known]
    what = WATCHED[shown.ring.watch.statistic].split(", ")[0]
    hover = f"day %{{x:.0f}}: %{{y:.3g}} {what}<extra></extra>"
    drawn = small(
        go.Scatter(x=day, y=value, mode="lines", line={"color": BLUE, "width": 3}, hovertemplate=hover),
        go.Scatter(x=day[-1:], y=value[-1:], mode="markers", marker={"color": RED, "size": 11}, hovertemplate=hover),
    )
    drawn.add_hrect(y0=low, y1=high, fillcolor=translucent(GREY, 0.22), line_width=0, layer="below")
    drawn.update_xaxes(title="day; grey: the usual range", range=[1, shown.end_s / DAY_S + 1])
    ends = [min(low, value.min()), max(high, value.max())]
    room = 0.1 * (ends[1] - ends[0])
    drawn.update_yaxes(title=what, range=[ends[0] - room, ends[1] + room])
    told = significant(shown.ring.value)
    meaning = f"{what}, usually {significant(low)} to {significant(high)}; {many} things may be behind it"
    table = pd.DataFrame({"window to day": day, what: value, "usual from": low, "usual to": high})
    return Picture(told, meaning, Chart(drawn, f"{told} {meaning}.", rounded(table)))
