"""Several runs in one chart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.charts.look import (
    BLUE,
    GREEN,
    GREY,
    MISSED,
    OBJECTIVE,
    ORANGE,
    PURPLE,
    Chart,
    figure,
    translucent,
    whiskers,
    wrapped,
)
from simulator.explain.outcome_breakdown import part_label
from simulator.metrics.measures import CURVE
from simulator.metrics.summary import Summary
from simulator.units import duration, roughly, spoken

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


def cost_split(summary: Summary) -> Chart:
    """A bar a part with its interval, largest first, and their sum beside the objective."""
    parts, who = _parts(summary), summary.plan.scenario.who.many
    colours = {part_label(summary.plan.scenario, "missed"): MISSED, "total": translucent(GREY, 0.45)}
    drawn = figure(
        go.Bar(
            orientation="h",
            x=parts["value"],
            y=parts["part"].map(wrapped),
            marker={"color": [colours.get(part, BLUE) for part in parts["part"]], "line": {"width": 0}},
            error_x=whiskers(list(parts["low"]), list(parts["value"]), list(parts["high"])),
            hovertemplate="%{x:,.4~r} USD<extra>%{y}</extra>",
        ),
        height=110 + 40 * len(parts),
        bargap=0.35,
    )
    for verdict in summary.verdicts:
        if verdict.objective.metric == "cost_per_1000_usd":
            drawn.add_vline(x=verdict.bound, line=OBJECTIVE, annotation_text="target", annotation_position="top")
    drawn.update_xaxes(title=f"USD for 1,000 {who}, 95% interval", rangemode="tozero")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    return Chart(drawn, _costs_takeaway(parts, who), _named(parts, who))


def _parts(summary: Summary) -> pd.DataFrame:
    rows = [
        [part_label(summary.plan.scenario, part), cost.value, cost.low, cost.high]
        for part, cost in summary.costs.items()
        if cost.value or cost.high
    ]
    total = summary.metrics["cost_per_1000_usd"]
    parts = pd.DataFrame(rows, columns=["part", "value", "low", "high"]).sort_values("value", ascending=False)
    together = pd.DataFrame([["total", total.value, total.low, total.high]], columns=parts.columns)
    return pd.concat([parts, together], ignore_index=True)


def _costs_takeaway(parts: pd.DataFrame, who: str) -> str:
    largest, total = parts.iloc[0], parts.iloc[-1]
    told = f"1,000 {who} cost {spoken(total['value'], 'USD')}"
    if not total["value"]:
        return f"{told}."
    if len(parts) == 2:
        return f"{told}, all of it {largest['part']}."
    share = roughly(largest["value"] / total["value"])
    return f"{told}; the largest part is {largest['part']}: {spoken(largest['value'], 'USD')} ({share})."


def _named(parts: pd.DataFrame, who: str) -> pd.DataFrame:
    return parts.set_axis(["part", f"USD for 1,000 {who}", "95% low (USD)", "95% high (USD)"], axis=1)
