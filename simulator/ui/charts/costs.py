"""What 1,000 requests cost, part by part."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.summary import Summary
from simulator.ui.charts.look import BLUE, GREY, MISSED, OBJECTIVE, Chart, figure, translucent, whiskers

_LABELS = {"missed": "missed cases"}
_COLOURS = {"missed cases": MISSED, "total": translucent(GREY, 0.45)}


def cost_split(summary: Summary) -> Chart:
    """A bar a part with its interval, largest first, and their sum beside the objective."""
    parts = _parts(summary)
    drawn = figure(
        go.Bar(
            orientation="h",
            x=parts["value"],
            y=parts["part"],
            marker={"color": [_COLOURS.get(part, BLUE) for part in parts["part"]], "line": {"width": 0}},
            error_x=whiskers(list(parts["low"]), list(parts["value"]), list(parts["high"])),
            hovertemplate="%{x:,.0f} USD<extra>%{y}</extra>",
        ),
        height=110 + 40 * len(parts),
        bargap=0.35,
    )
    for verdict in summary.verdicts:
        if verdict.objective.metric == "cost_per_1000_usd":
            drawn.add_vline(x=verdict.bound, line=OBJECTIVE, annotation_text="target", annotation_position="top right")
    drawn.update_xaxes(title="USD for 1,000 requests, with 95% interval", rangemode="tozero")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    return Chart(drawn, _takeaway(parts), _named(parts))


def _parts(summary: Summary) -> pd.DataFrame:
    rows = [
        ["missed cases" if part == "missed" else part, cost.value, cost.low, cost.high] for part, cost in summary.costs.items()
    ]
    total = summary.metrics["cost_per_1000_usd"]
    parts = pd.DataFrame(rows, columns=["part", "value", "low", "high"]).sort_values("value", ascending=False)
    together = pd.DataFrame([["total", total.value, total.low, total.high]], columns=parts.columns)
    return pd.concat([parts, together], ignore_index=True)


def _takeaway(parts: pd.DataFrame) -> str:
    largest, total = parts.iloc[0], parts.iloc[-1]
    told = f"1,000 requests cost {total['value']:,.0f} USD; the largest part is {largest['part']}: {largest['value']:,.0f} USD"
    return told + (f" ({100 * largest['value'] / total['value']:.0f}%)." if total["value"] else ".")


def _named(parts: pd.DataFrame) -> pd.DataFrame:
    return parts.set_axis(["part", "USD for 1,000 requests", "95% low (USD)", "95% high (USD)"], axis=1)
