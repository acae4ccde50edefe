"""Several runs in one chart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.analysis.run.measures import CURVE
from simulator.analysis.run.summary import Summary
from simulator.ui.charts.look import BLUE, GREEN, ORANGE, PURPLE, Chart, figure
from simulator.units import duration

#: 1, 2 and 5 in each decade.
_TICKS = [digit * 10.0**power for power in range(-4, 6) for digit in (1, 2, 5)]

#: A colour and a dash for each run, the first of which is the baseline.
_LINES = ((BLUE, "solid"), (ORANGE, "dash"), (PURPLE, "dot"), (GREEN, "dashdot"))

#: The share of served requests by which the takeaway compares runs.
_TOLD = 0.95


def answer_times_compared(runs: Sequence[Summary], names: Sequence[str]) -> Chart:
    """The share of served requests answered within a time, a line a run. At most four runs, of the same case."""
    curves = {name: run.latency_curve for name, run in zip(names, runs, strict=True)}
    lines = [
        go.Scatter(
            name=name,
            x=curve,
            y=100 * CURVE,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 3},
            hovertemplate=f"{name}: %{{y:.1f}}% answered within %{{x:.3g}} s<extra></extra>",
        )
        for (name, curve), (colour, dash) in zip(curves.items(), _LINES, strict=False)
    ]
    drawn = figure(*lines)
    drawn.update_xaxes(title="time to the answer (s), logarithmic", type="log", tickvals=_TICKS)
    drawn.update_yaxes(title="served requests answered (%)", range=[0, 110], tickvals=[0, 25, 50, 75, 100])
    table = pd.DataFrame({"answered_share": CURVE} | {f"time_s, {name}": curve for name, curve in curves.items()})
    return Chart(drawn, _takeaway(curves), table)


def _takeaway(curves: dict[str, NDArray[np.float64]]) -> str:
    served = {name: float(np.interp(_TOLD, CURVE, curve)) for name, curve in curves.items() if np.isfinite(curve).all()}
    if not served:
        return "Too few requests were served in these runs to say how long answers took."
    told = ", ".join(f"within {duration(time)} in {name}" for name, time in served.items())
    none = [f"{name} served too few to say." for name in curves if name not in served]
    return " ".join([f"{_TOLD:.0%} of the requests served are answered {told}.", *none])
