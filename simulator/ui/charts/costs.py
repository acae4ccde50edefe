"""What 1,000 requests cost, part by part."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.costs import part_label
from simulator.analysis.run.summary import Summary
from simulator.ui.charts.look import BLUE, GREY, MISSED, OBJECTIVE, Chart, figure, translucent, whiskers, wrapped
from simulator.units import roughly, spoken


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
    return Chart(drawn, _takeaway(parts, who), _named(parts, who))


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


def _takeaway(parts: pd.DataFrame, who: str) -> str:
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
