"""What the network is given of a drawn frame, channel by channel: by the training code, and by the code that serves."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.ui.charts.look import BLUE, GREEN, RED, Chart, figure, rounded

_COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}


def channels(table: pd.DataFrame) -> Chart:
    """Histograms of both: as trained in dotted lines, as served in solid ones.

    table: `value from`, and `red, trained (%)` and so on for each channel and both
    """
    drawn = figure(height=200)
    for name, colour in _COLOURS.items():
        for who, dash in (("trained", "dot"), ("served", "solid")):
            column = table[f"{name}, {who} (%)"]
            line = {"color": colour, "dash": dash, "width": 2}
            drawn.add_trace(go.Scatter(x=table["value from"], y=column, name=f"{name}, {who}", line=line))
    drawn.update_xaxes(title="value of a pixel, 0 to 255", fixedrange=True)
    drawn.update_yaxes(title="pixels (%)", fixedrange=True)
    gaps = {name: abs(table[f"{name}, served (%)"] - table[f"{name}, trained (%)"]).sum() / 2 for name in _COLOURS}
    widest = max(gaps, key=lambda name: gaps[name])
    said = f"As it is served, {gaps[widest]:.0f}% of the pixels of a drawn frame have another value of {widest}."
    return Chart(drawn, said, rounded(table))
