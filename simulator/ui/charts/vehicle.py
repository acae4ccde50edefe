"""What the machines of a vehicle cost over its life, part by part, and what each draws."""

from __future__ import annotations

from math import nan

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.encounters.vehicle import usd_by_part, watts_by_part
from simulator.analysis.run.summary import Summary
from simulator.analysis.statistics import Estimate
from simulator.serving.trace import Trace
from simulator.ui.charts.look import BLUE, GREY, Chart, figure, translucent, whiskers, wrapped
from simulator.units import roughly, spoken


def vehicle_cost(summary: Summary, trace: Trace) -> Chart:
    """A bar a part, largest first, and their sum with its interval."""
    vehicle, total = summary.plan.scenario.vehicle, summary.metrics["usd_per_vehicle"]
    assert vehicle is not None
    watts, needless = watts_by_part(trace), summary.metrics.get("needless_brakes_per_h")
    usd = usd_by_part(vehicle, sum(watts.values()), needless.value if needless else 0.0)
    parts = pd.DataFrame({"part": usd.keys(), "usd": usd.values(), "watts": [watts.get(part, nan) for part in usd]})
    parts = parts[(parts["usd"] > 0) | (parts["watts"] > 0)].sort_values("usd", ascending=False, ignore_index=True)
    return Chart(_drawn(parts, total.value, total.low, total.high), _takeaway(parts, total, needless), _named(parts, total))


def _drawn(parts: pd.DataFrame, value: float, low: float, high: float) -> go.Figure:
    bars = go.Bar(
        orientation="h",
        x=[*parts["usd"], value],
        y=[*parts["part"].map(wrapped), "total"],
        marker={"color": [BLUE] * len(parts) + [translucent(GREY, 0.45)], "line": {"width": 0}},
        error_x=whiskers([nan] * len(parts) + [low], [*parts["usd"], value], [nan] * len(parts) + [high]),
        hovertemplate="%{x:,.4~r} USD<extra>%{y}</extra>",
    )
    drawn = figure(bars, height=130 + 40 * len(parts), bargap=0.35)
    drawn.update_xaxes(title="USD over the life of a vehicle, 95% interval of the total", rangemode="tozero")
    drawn.update_yaxes(autorange="reversed", showgrid=False)
    return drawn


def _takeaway(parts: pd.DataFrame, total: Estimate, needless: Estimate | None) -> str:
    largest, sum_of = parts.iloc[0], total.value
    told = f"A vehicle costs {spoken(sum_of, 'USD')} over its life; the largest part is {largest['part']}"
    told += f" ({roughly(largest['usd'] / sum_of)})." if sum_of else "."
    if needless is not None and total.high > 1.1 * sum_of:
        told += f" It may be {spoken(total.high, 'USD')}: up to {needless.high:.3g} brakes without need an hour are possible."
    return told


def _named(parts: pd.DataFrame, total: Estimate) -> pd.DataFrame:
    named = parts.rename(columns={"usd": "USD over its life", "watts": "mean power (W)"})
    row = {"part": "total", "USD over its life": total.value, "mean power (W)": parts["watts"].sum()}
    return pd.concat([named, pd.DataFrame([row])], ignore_index=True)
