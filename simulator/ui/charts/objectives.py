"""One objective: where its figure lies, how sure that is, and the bound."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.scorecard import Standing, Verdict
from simulator.ui.charts.look import FOUND, GREY, MISSED, OBJECTIVE, ORANGE, Chart, figure

#: Plotted numbers are those of the screen: per cent, and hours where seconds would be many.
_SCALE = {"share": (100.0, "%")}

#: Orange while the data are undecided, grey without a figure.
COLOURS: dict[Standing, str] = {"met": FOUND, "not met": MISSED, "not proven": ORANGE, "no figure": GREY}


def objective_chart(verdict: Verdict) -> Chart:
    """The interval as a bar, the value as a dot, the bound as the dashed line."""
    unit = verdict.metric.unit
    factor, suffix = _scale(unit, verdict.bound)
    drawn = figure(height=78, showlegend=False)
    if verdict.estimate is not None:
        low, value, high = (factor * x for x in (verdict.estimate.low, verdict.estimate.value, verdict.estimate.high))
        colour = COLOURS[verdict.standing]
        drawn.add_trace(go.Scatter(x=[low, high], y=[0, 0], mode="lines", line={"color": colour, "width": 5}, opacity=0.5))
        drawn.add_trace(go.Scatter(x=[value], y=[0], mode="markers", marker={"color": colour, "size": 12}))
    drawn.update_traces(hovertemplate=f"%{{x:.4g}}{suffix}<extra></extra>")
    drawn.add_vline(x=factor * verdict.bound, line=OBJECTIVE)
    drawn.update_xaxes(ticksuffix=suffix, nticks=3, showgrid=False, range=_range(verdict, factor))
    drawn.update_yaxes(visible=False, range=[-1, 1], fixedrange=True)
    drawn.update_layout(margin={"l": 24, "r": 24, "t": 0, "b": 24})
    return Chart(drawn, _takeaway(verdict), _table(verdict))


def _scale(unit: str, bound: float) -> tuple[float, str]:
    if unit == "s":
        return (1 / 3600, " h") if bound >= 7200 else (1 / 60, " min") if bound >= 120 else (1.0, " s")
    return _SCALE.get(unit, (1.0, ""))


def _range(verdict: Verdict, factor: float) -> list[float]:
    """Room for the interval and the bound, with a margin at both sides."""
    points = [verdict.bound]
    if verdict.estimate is not None:
        points += [verdict.estimate.low, verdict.estimate.high]
    room = 0.15 * (max(points) - min(points)) or 0.1 * abs(verdict.bound) or 1.0
    return [factor * (min(points) - room), factor * (max(points) + room)]


def _takeaway(verdict: Verdict) -> str:
    if verdict.estimate is None:
        return f"{verdict.objective.label}: the target is {verdict.asked}; there is no figure to quote."
    told = f"{verdict.reached}, 95% interval {verdict.interval}; target {verdict.asked}: {verdict.standing}"
    return f"{verdict.objective.label}: {told}."


def _table(verdict: Verdict) -> pd.DataFrame:
    estimate = verdict.estimate
    bounds = [None] * 3 if estimate is None else [estimate.value, estimate.low, estimate.high]
    row = [verdict.objective.label, verdict.bound, *bounds, verdict.metric.unit, verdict.standing]
    return pd.DataFrame([row], columns=["objective", "target", "reached", "95% low", "95% high", "unit", "verdict"])
