"""Charts of a vehicle: the sight of its cameras beside its way to stand, the cost of its machines, and its small picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import nan

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.app.exhibit_drawings import run_chart
from simulator.charts import look
from simulator.engine.compiled_plan import Plan
from simulator.engine.run_trace import Trace
from simulator.intervals import Estimate
from simulator.metrics.summary import Summary
from simulator.panels.case_picture import kinds_behind, picture
from simulator.phrases import phrase
from simulator.units import listed, percent, roughly, significant
from simulator.vehicle.encounter_draws import KMH, speed_at
from simulator.vehicle.encounter_metrics import usd_by_part_of, watts_by_part
from simulator.vehicle.sight import Sighted, quickest_stop_m, sighted

#: The marks of options, five colours each.
_SHAPES = ("circle", "square", "diamond", "triangle-up")


def recall_by_distance(sights: Sequence[Sighted], stops_m: Mapping[float, float]) -> look.Chart:
    """Draw the recall of one frame by distance, a curve a detector with its 95% band; dashed: stopping distances.

    sights: at least one, all of the same kind of object; stops_m: the way that the design needs to stop, in m, by speed in km/h
    """
    drawn = look.figure(height=400)
    for place, sight in enumerate(sights):
        colour, bounds = look.SERIES[(place + 1) % len(look.SERIES)], (100 * sight.low, 100 * sight.recall, 100 * sight.high)
        drawn.add_traces(look.banded(sight.distance_m, bounds, colour, sight.label, "%{x:.0f} m: %{y:.0f}%"))
    farthest = max([*(float(sight.distance_m[-1]) for sight in sights), *stops_m.values()])
    stops = sorted(stops_m.items())
    for kmh, metres in stops:
        drawn.add_vline(x=metres, line=look.OBJECTIVE)
        look.note(drawn, f"{kmh:g} km/h", metres, 1, "right top", yref="paper", textangle=-90)
    drawn.update_xaxes(title="distance (m); dashed: needed to stop", range=[0, 1.03 * farthest])
    drawn.update_yaxes(title=f"{sights[0].object}s found in one frame (%)", range=[0, 120], tickvals=[0, 25, 50, 75, 100])
    needed = [f"{significant(metres, 2)} m from {kmh:g} km/h" for kmh, metres in stops]
    shares = [f"{sight.label} {listed([_found_words(sight, metres) for _, metres in stops])}" for sight in sights]
    takeaway = phrase("sight.recall", needed=needed, object=sights[0].object, shares=shares)
    return look.chart(drawn, takeaway, _sight_table(sights, stops_m), digits=3)


def _found_at(sight: Sighted, metres: float) -> tuple[float, float, float] | None:
    """Return the recall at a distance with its interval; None beyond what was measured."""
    if not sight.distance_m[0] <= metres <= sight.distance_m[-1]:
        return None
    value, low, high = (float(np.interp(metres, sight.distance_m, shares)) for shares in (sight.recall, sight.low, sight.high))
    return value, low, high


def _found_words(sight: Sighted, metres: float) -> str:
    recall = _found_at(sight, metres)
    return "not measured" if recall is None else percent(recall[0])


def _sight_table(sights: Sequence[Sighted], stops_m: Mapping[float, float]) -> pd.DataFrame:
    needed = {round(metres, 3): f"stops from {kmh:g} km/h" for kmh, metres in sorted(stops_m.items())}
    rows = []
    for sight in sights:
        for metres in sorted({*needed, *(round(float(distance), 3) for distance in sight.distance_m)}):
            recall = _found_at(sight, metres) or (np.nan,) * 3
            shares = dict(zip(("found (%)", "95% low (%)", "95% high (%)"), (100 * share for share in recall), strict=True))
            rows.append({"seen by": sight.label, "distance (m)": metres} | shares | {"needed": needed.get(metres, "")})
    return pd.DataFrame(rows)


def accuracy_by_latency(options: pd.DataFrame, where: str) -> look.Chart:
    """Return the options for a model by latency and recall; those that no other one beats in both are joined.

    options: as `analysis.encounters.front.front` gives them, at least one; where: of what the recall is, such as "objects 30 m
    away"
    """
    rows = options.sort_values("latency_ms", ignore_index=True)
    front, picked = rows[rows["on_front"]], rows[rows["picked"]]
    joined = look.line(front["latency_ms"], 100 * front["recall"], look.GREY, width=1.5, dash="dot", showlegend=False)
    circle = {"size": 20, "symbol": "circle-open", "color": look.GREY, "line": {"width": 2}}
    own = look.points(picked["latency_ms"], 100 * picked["recall"], None, "this design", marker=circle)
    options_drawn = (_option_point(row, place) for place, (_, row) in enumerate(rows.iterrows()))
    x = look.logarithmic("latency of one frame (ms)", look.decades(-2, 4), tickangle=0)
    drawn = look.figure(joined, *options_drawn, own, height=320 + 20 * len(rows), x=x)
    drawn.update_yaxes(title=f"{where} found in a frame (%)", range=[0, 105])
    table = rows.assign(**{name: rows[name].map({True: "yes", False: ""}) for name in ("on_front", "picked")})
    return look.chart(drawn, _front_takeaway(rows, where), table, _OPTIONS, only=True, shares=["recall"], digits=3)


#: The columns of the table of options.
_OPTIONS = {
    "label": "option",
    "latency_ms": "latency (ms)",
    "low_ms": "band from (ms)",
    "high_ms": "band to (ms)",
    "recall": "found in one frame (%)",
    "on_front": "beaten by none",
    "picked": "this design",
}


def _option_point(row: pd.Series, place: int) -> go.Scatter:
    x, y, colour = [row["latency_ms"]], [100 * row["recall"]], look.SERIES[place % len(look.SERIES)]
    shape = _SHAPES[place // len(look.SERIES) % len(_SHAPES)] + ("" if row["on_front"] else "-open")
    bounds = look.whiskers([row["low_ms"]], x, [row["high_ms"]]) if np.isfinite(row["low_ms"]) else None
    hover = "%{x:.3g} ms, %{y:.1f}%"
    return look.points(x, y, colour, row["label"], hover, size=11, symbol=shape, edge=2, error_x=bounds)


def _front_takeaway(rows: pd.DataFrame, where: str) -> str:
    front = rows[rows["on_front"]]
    fast, good = front.iloc[0], front.iloc[-1]
    times = {"fast_s": fast["latency_ms"] / 1000, "good_s": good["latency_ms"] / 1000}
    counts = {"others": len(front) > 1, "beaten": len(rows) - len(front), "options": len(rows)}
    return phrase("sight.front", fast=dict(fast), good=dict(good), where=where, **times, **counts)


@run_chart("vehicle", key="vehicle")
def vehicle_cost(summary: Summary, first: Callable[[], Trace]) -> look.Chart:
    """Return a bar a part, largest first, and their sum with its interval."""
    total, needless = summary.metrics["usd_per_vehicle"], summary.metrics.get("needless_brakes_per_h")
    watts = watts_by_part(first())
    usd = usd_by_part_of(summary, sum(watts.values()))
    parts = pd.DataFrame({"part": usd.keys(), "usd": usd.values(), "watts": [watts.get(part, nan) for part in usd]})
    parts = parts[(parts["usd"] > 0) | (parts["watts"] > 0)].sort_values("usd", ascending=False, ignore_index=True)
    row = {"part": "total", "usd": total.value, "watts": parts["watts"].sum(), "low": total.low, "high": total.high}
    rows = pd.concat([parts, pd.DataFrame([row])], ignore_index=True)
    colours = [look.BLUE] * len(parts) + [look.translucent(look.GREY, 0.45)]
    drawn = look.costs(rows.rename(columns={"usd": "value"}), colours, "USD over its life, total with 95% interval", height=90)
    columns = {"part": "part", "usd": "USD over its life", "watts": "mean power (W)"}
    return look.chart(drawn, _cost_takeaway(parts, summary, needless), rows, columns, only=True)


def _cost_takeaway(parts: pd.DataFrame, summary: Summary, needless: Estimate | None) -> str:
    largest, total = parts.iloc[0], summary.metrics["usd_per_vehicle"]
    reached, interval = summary.shown("usd_per_vehicle")
    share = roughly(largest["usd"] / total.value) if total.value else ""
    brakes = needless.high if needless is not None and total.high > 1.1 * total.value else None
    most = {"most": interval.rpartition(" to ")[2], "brakes": brakes, "unsure": brakes is not None}
    return phrase("sight.cost", cost=reached, part=largest["part"], share=share, **most)


@picture(lambda plan: plan.scenario.encounters is not None)
def braking(plan: Plan) -> look.Picture:
    """Draw the recall of a vehicle's first camera by distance, and its stopping distance; for a plan with encounters."""
    spec = plan.scenario.encounters
    what = next(iter(spec.kinds.values())).object
    eye, kmh, needs = sighted(plan, what)[0], float(speed_at(plan, np.zeros(1))[0] / KMH), quickest_stop_m(plan)
    hover = "%{x:.0f} m ahead: %{y:.0f}% found<extra></extra>"
    drawn = look.small(look.line(eye.distance_m, 100 * eye.recall, look.BLUE, hover=hover, width=3))
    look.shade(drawn, look.RED, 0.14, x0=0, x1=needs)
    look.note(drawn, "nearer: too late", needs, 0, xshift=4)
    drawn.update_xaxes(title="metres ahead", range=[0, float(eye.distance_m[-1])])
    drawn.update_yaxes(title="found in a frame", ticksuffix="%", range=[0, 104])
    shares = [float(np.interp(needs, eye.distance_m, each)) for each in (eye.recall, eye.low, eye.high)]
    value, low, high = map(roughly, shares)
    found_there = f"of the {what}s {needs:.0f} m ahead are found in a frame ({low} to {high})"
    meaning = f"{found_there}; from {kmh:.0f} km/h it takes at least that far to stop"
    table = pd.DataFrame({"metres ahead": eye.distance_m, "found in a frame (%)": 100 * eye.recall})
    found = (f"{eye.label}: share of objects found", f"{eye.label}: {what}s", "encounters.braking.")
    kinds = kinds_behind(plan, lambda source: source.startswith(found))
    return look.Picture(value, meaning, look.Chart(drawn, f"{value} {meaning}.", table), kinds)
