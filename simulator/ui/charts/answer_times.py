"""How long answers take."""

from __future__ import annotations

from math import log10

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.measures import CURVE
from simulator.analysis.run.summary import Summary
from simulator.ui.charts.look import BLUE, OBJECTIVE, Chart, figure, whiskers
from simulator.units import duration

#: From so many decades on, only 1 and 3 of each are written, not 1, 2 and 5: there is no room on a phone.
_WIDE = 2.0


def answer_times(summary: Summary) -> Chart:
    """The share of served requests answered within a time, with the percentiles and their intervals."""
    curve = pd.DataFrame({"answered_share": CURVE, "time_s": summary.latency_curve})
    many = summary.plan.scenario.unit.many
    line = go.Scatter(
        x=curve["time_s"],
        y=100 * curve["answered_share"],
        mode="lines",
        line={"color": BLUE, "width": 3},
        hovertemplate="%{y:.1f}% answered within %{x:.3g} s<extra></extra>",
    )
    drawn = figure(line, _percentiles(summary), showlegend=False)
    bounds = _objectives(drawn, summary)
    drawn.update_xaxes(
        title="time to the answer (s), logarithmic", type="log", tickvals=_ticks([*summary.latency_curve, *bounds]), tickangle=0
    )
    drawn.update_yaxes(title=f"served {many} answered (%)", range=[0, 110], tickvals=[0, 25, 50, 75, 100])
    table = curve.rename(columns={"answered_share": "share answered", "time_s": "within (s)"})
    return Chart(drawn if _told(summary) else None, _takeaway(summary), table)


def _ticks(times_s: list[float]) -> list[float]:
    """1 and 3, or 1, 2 and 5, in each decade."""
    shown = [time for time in times_s if time > 0]
    wide = bool(shown) and log10(max(shown) / min(shown)) > _WIDE
    return [digit * 10.0**power for power in range(-4, 6) for digit in ((1, 3) if wide else (1, 2, 5))]


def _told(summary: Summary) -> dict[str, float]:
    """The percentiles of served requests that the run supports, and their shares."""
    metrics = (summary.metric(name) for name in summary.metrics)
    found = (metric for metric in metrics if metric.sample == "served" and metric.group is None)
    return {metric.name: metric.quantile for metric in found if metric.quantile is not None}


def _percentiles(summary: Summary) -> go.Scatter:
    known = _told(summary)
    metrics = [summary.metrics[name] for name in known]
    values = [metric.value for metric in metrics]
    return go.Scatter(
        x=values,
        y=[100 * share for share in known.values()],
        mode="markers+text",
        marker={"color": BLUE, "size": 10},
        text=[f"{100 * share:.0f}%: {duration(value)}" for share, value in zip(known.values(), values, strict=True)],
        textposition=["bottom right", "top left", "bottom right"][: len(known)],
        error_x=whiskers([metric.low for metric in metrics], values, [metric.high for metric in metrics]),
        hoverinfo="skip",
        cliponaxis=False,
    )


def _objectives(drawn: go.Figure, summary: Summary) -> list[float]:
    """Draws the bounds on percentiles; their times."""
    bounds = []
    for verdict in summary.verdicts:
        metric = verdict.metric
        if metric.sample in ("served", "latency") and metric.quantile is not None and metric.group is None:
            refusals = ", refusals included" if metric.sample == "latency" else ""
            text = f"target: {100 * metric.quantile:.0f}% within {duration(verdict.bound)}{refusals}"
            bounds.append(verdict.bound)
            drawn.add_vline(x=verdict.bound, line=OBJECTIVE)
            where = {
                "x": log10(verdict.bound),
                "y": 0,
                "xanchor": "left",
                "yanchor": "bottom",
            }  # a log axis takes exponents here
            drawn.add_annotation(text=f" {text}", showarrow=False, **where)
    return bounds


def _takeaway(summary: Summary) -> str:
    known = [(share, summary.metrics[name].value) for name, share in _told(summary).items()]
    if not known:
        return f"Too few {summary.plan.scenario.unit.many} were served to say how long answers took."
    told = ", ".join(f"{100 * share:.0f}% within {duration(value)}" for share, value in known)
    return f"Of the {summary.plan.scenario.unit.many} served, {told}."
