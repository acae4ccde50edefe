"""Latencies of models on a machine by batch size and precision, and projected latencies against published ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.evidence.projection_accuracy import COMPETITOR, HeldOut
from simulator.phrases import phrase
from simulator.sources.latency_rows import BASE, FOOTINGS, compared, comparison_rows, spoken, surprise
from simulator.units import counted, significant

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")

#: The most models in one chart of curves.
MOST_CURVES = len(_SYMBOLS)

_TICKS = look.decades(-3)
#: Calls drawn for each batch size, spread evenly from the fastest to the slowest.
_POINTS = 40
_SPREAD = 0.06
#: Readable names of the columns of `latency_rows.cells`.
CELL_NAMES = {
    "median_ms": "median (ms)",
    "low_ms": "95% low (ms)",
    "high_ms": "95% high (ms)",
    "p5_ms": "p5 (ms)",
    "p95_ms": "p95 (ms)",
    "item_ms": "an item (ms)",
    "items_per_s": "items/s",
}
#: The columns that identify a curve.
_SERIES = ["model", "precision", "threads"]


def speed_of_precisions(ratios: pd.DataFrame) -> look.Chart:
    """Draw the speed of each precision as a multiple of fp32, a row a model; hollow: measured on a busy machine.

    ratios: rows of `latency_rows.speedups`
    """
    colours = look.precision_colours(list(ratios["precision"].unique()))
    hover = "%{x:.2f} times as fast: %{customdata[1]} ms, fp32 %{customdata[0]} ms<extra>%{y}</extra>"
    groups = []
    for name, rows in ratios.groupby("precision"):
        more: dict[str, Any] = {"error_x": look.whiskers(*look.bounds(rows, "times", 1.0)), "orientation": "h"}
        more["symbol"] = ["circle-open" if disturbed else "circle" for disturbed in rows["disturbed"]]
        more["customdata"] = rows[["base_median_ms", "median_ms"]].map(significant)
        label, colour = spoken(str(name)), colours[str(name)]
        groups.append(look.points(rows["times"], rows["model"], colour, label, hover, size=9, edge=2, **more))
    models = ratios.groupby("model")["times"].max().sort_values().index
    drawn = look.figure(*groups, height=150 + (14 + 6 * len(groups)) * len(models), scattermode="group", scattergap=0.3)
    drawn.add_vline(x=1, line={"color": look.GREY, "width": 2})
    look.shade(drawn, look.RED, 0.08, x0=0.01, x1=1)
    drawn.update_xaxes(look.logarithmic("times as fast as fp32", _RATIO_TICKS))
    if len(ratios):
        drawn.update_xaxes(range=list(np.log10([0.9 * min(ratios["times_low"].min(), 0.9), 1.1 * ratios["times_high"].max()])))
    drawn.update_yaxes(categoryorder="array", categoryarray=list(models))
    return look.chart(drawn, surprise(ratios), ratios, _RATIO_NAMES, digits=4)


_RATIO_NAMES = {
    "base_median_ms": "fp32 (ms)",
    "median_ms": "median (ms)",
    "times": "times as fast as fp32",
    "times_low": "low",
    "times_high": "high",
}
_RATIO_TICKS = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10]


def latency_curves(cells: pd.DataFrame, timed: pd.DataFrame, by_item: bool) -> look.Chart:
    """Draw latency by batch size: medians as a line, nine calls in ten as a band, single calls as points.

    found, timed: rows of `latency_rows.cells` and `calls`, of one device and up to `MOST_CURVES` models; each thread
    count has a line of its own. by_item: show one item of the batch in place of the whole batch
    """
    colours = look.precision_colours(list(cells["precision"].unique()))
    kinds = list(cells[["model", "threads"]].drop_duplicates().itertuples(index=False, name=None))
    several = cells["threads"].nunique() > 1
    traces: list[go.Scatter] = []
    for (model, precision, threads), rows in cells.groupby(_SERIES, sort=False):
        colour, place = colours[str(precision)], kinds.index((model, threads))
        calls = timed[(timed["model"] == model) & (timed["precision"] == precision) & (timed["threads"] == threads)]
        name = f"{model} {spoken(str(precision))}" + (f", {counted(int(str(threads)), 'thread')}" if several else "")
        share = 1 / rows["batch"] if by_item else 1.0
        traces += look.band(rows["batch"], rows["p5_ms"] * share, rows["p95_ms"] * share, colour, 0.18)
        traces += [_calls(calls, colour, place, by_item), _median_line(rows, rows["median_ms"] * share, name, colour, place)]
    x = look.logarithmic("batch size (items)", sorted(cells["batch"].unique()))
    y = look.logarithmic(f"time of {'one item of the batch' if by_item else 'the batch'} (ms)", _TICKS)
    drawn = look.figure(*traces, height=460, x=x, y=y, legend_traceorder="normal")
    return look.chart(drawn, _curve_takeaway(cells), cells, CELL_NAMES, digits=4)


def _calls(calls: pd.DataFrame, colour: str, place: int, by_item: bool) -> go.Scatter:
    """Draw single calls, spread a little to the sides so that they do not hide each other."""
    xs, ys = [], []
    for batch, rows in calls.groupby("batch"):
        ranks = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _POINTS)).round().astype(int))
        ys.append(np.sort(rows["latency_ms"])[ranks] / (float(str(batch)) if by_item else 1.0))
        xs.append(float(str(batch)) * np.exp(_SPREAD * np.sin(2.4 * np.arange(len(ranks)))))
    marker = {"color": colour, "size": 4, "opacity": 0.35, "symbol": _SYMBOLS[place % len(_SYMBOLS)]}
    x, y = (np.concatenate([[], *values]) for values in (xs, ys))
    return look.points(x, y, colour, marker=marker, showlegend=False)


def _median_line(rows: pd.DataFrame, medians: pd.Series[float], name: str, colour: str, place: int) -> go.Scatter:
    marker = {"size": 8, "symbol": _SYMBOLS[place % len(_SYMBOLS)]}
    hover_data = rows[["median_ms", "p5_ms", "p95_ms", "items_per_s"]].map(significant).assign(calls=rows["calls"])
    hover = "batch of %{x}: median %{customdata[0]} ms, nine in ten %{customdata[1]} to %{customdata[2]} ms, "
    hover += "%{customdata[3]} items/s, %{customdata[4]} calls"
    style: dict[str, Any] = {"dash": _DASHES[place % len(_DASHES)], "dotted": True, "marker": marker, "customdata": hover_data}
    return look.line(rows["batch"], medians, colour, name, hover, **style)


def _curve_takeaway(cells: pd.DataFrame) -> str:
    """Compare the largest batch with the smallest, for the models that gain most and least."""
    gains = []
    for (model, precision, _), rows in cells.groupby(_SERIES, sort=False):
        ordered = rows.sort_values("batch")
        first, last = ordered.iloc[0], ordered.iloc[-1]
        gains.append((last["items_per_s"] / first["items_per_s"], f"{model} {spoken(str(precision))}", first, last))
    if not gains:
        return "No measurement fits these filters."
    (little, least, *_), (gain, name, first, last) = (choose(gains, key=lambda gain: gain[0]) for choose in (min, max))
    return phrase(
        "batches.gain", many=str(last["batch"]), name=name, gain=gain, few=str(first["batch"]), long=last["median_ms"],
        short=first["median_ms"], several=len(gains) > 1, least=least, little=little,
    )  # fmt: skip


def growing_curve(medians: Mapping[int, Mapping[int, float]]) -> look.Chart:
    """Draw a measurement in progress: the median so far, in ms, of each batch size, one line a thread count."""
    rows = [(threads, size, value) for threads, sizes in medians.items() for size, value in sorted(sizes.items())]
    table = pd.DataFrame(rows, columns=["threads", "batch", "median so far (ms)"])
    style: dict[str, Any] = {"hover": "batch of %{x}: %{y:.3g} ms", "dotted": True, "marker": {"size": 8}}
    colours = (look.BLUE, look.ORANGE, look.GREEN, look.PURPLE, look.SKY, look.RED)
    lines = [
        look.line(part["batch"], part["median so far (ms)"], colour, counted(int(str(threads)), "thread"), **style)
        for (threads, part), colour in zip(table.groupby("threads"), colours, strict=False)
    ]
    x = look.logarithmic("batch size (items)", sorted(table["batch"].unique()))
    drawn = look.figure(*lines, x=x, y=look.logarithmic("median so far (ms)", _TICKS), showlegend=True)
    if table.empty:
        return look.Chart(drawn, "No call has been timed yet.", table)
    last = table.iloc[-1]
    latest = f"a batch of {last['batch']:.0f} takes {significant(last['median so far (ms)'])} ms"
    return look.Chart(drawn, f"So far, with {counted(int(last['threads']), 'thread')}, {latest} (median).", table)


def step_times(steps: pd.DataFrame, networks: pd.DataFrame) -> look.Chart:
    """Draw the median of one item and nine calls in ten, a row a step around the network.

    steps, networks: rows of `latency_rows.cells`, of one device and thread count
    """
    rows = steps[steps["batch"] == 1].sort_values("median_ms")
    names = rows["model"].map(spoken) + " " + rows["precision"].map(spoken)
    bounds = look.whiskers(rows["p5_ms"], rows["median_ms"], rows["p95_ms"])
    hover_data = rows[["median_ms", "p5_ms", "p95_ms"]].map(significant).assign(calls=rows["calls"])
    hover = "median %{customdata[0]} ms, nine in ten %{customdata[1]} to %{customdata[2]} ms, "
    hover += "%{customdata[3]} calls<extra>%{y}</extra>"
    medians = look.points(rows["median_ms"], names, look.BLUE, hover=hover, size=11, error_x=bounds, customdata=hover_data)
    drawn = look.figure(medians, height=130 + 30 * len(rows), x=look.logarithmic("time of one item (ms)", _TICKS))
    return look.chart(drawn, _step_takeaway(rows, networks), rows, CELL_NAMES, digits=4)


def _step_takeaway(rows: pd.DataFrame, networks: pd.DataFrame) -> str:
    if rows.empty:
        return "No measured step fits these filters."
    longest, single = rows.iloc[-1], networks[(networks["batch"] == 1) & (networks["precision"] == BASE)]
    quicker = int((single["median_ms"] < longest["median_ms"]).sum())
    return phrase(
        "steps.longest", step=spoken(longest["model"]), precision=spoken(longest["precision"]), takes=longest["median_ms"],
        quicker=quicker, networks=len(single), base=BASE,
    )  # fmt: skip


_COLOURS = dict(zip(FOOTINGS.values(), (look.BLUE, look.ORANGE, look.PURPLE), strict=True))
_PROJECTION_TICKS = look.decades(digits=(1,))


def projected_against_published(rows: pd.DataFrame) -> look.Chart:
    """Draw projected against published latencies with their bands; hollow points lie outside their band.

    rows: of `latency_rows.prediction_rows`
    """
    if rows.empty:
        return look.Chart(look.figure(), "No held-out prediction fits these filters.", rows)
    ends = [rows["published (ms)"].min(), rows["published (ms)"].max()]
    groups = [_projected_points(part, str(name)) for name, part in rows.groupby("published there", sort=False)]
    x, y = (
        look.logarithmic(f"{what} (ms)", _PROJECTION_TICKS) for what in ("published", "projected with the network held out")
    )
    drawn = look.figure(look.equality(ends, "equal"), *groups, height=520, x=x, y=y)
    off, inside = rows["error (%)"].abs(), rows["in the band"].mean()
    takeaway = phrase("projections.latencies", rows=len(rows), off=off.median(), inside=inside)
    return look.chart(drawn, takeaway, rows, digits=4)


def _projected_points(rows: pd.DataFrame, footing: str) -> go.Scatter:
    colour, projected = _COLOURS[footing], rows["projected (ms)"]
    bounds = look.whiskers(rows["low (ms)"], projected, rows["high (ms)"])
    style: dict[str, Any] = {"error_y": bounds | {"thickness": 1, "width": 0, "color": look.translucent(colour, 0.25)}}
    style |= {"symbol": ["circle" if inside else "circle-open" for inside in rows["in the band"]], "size": 7, "edge": 1.5}
    style["text"] = rows["model"] + " " + rows["precision"] + ", batch " + rows["batch"] + ", " + rows["device"]
    hover = "published %{x:.3g} ms, projected %{y:.3g} ms<extra>%{text}</extra>"
    return look.points(rows["published (ms)"], projected, colour, f"published there: {footing}", hover, **style)


def comparisons(found: HeldOut) -> look.Chart:
    """Draw our errors on figures that another model also predicted, with that model's median error as a band."""
    rows = comparison_rows(found)
    names = rows["device"] + ", " + rows["batch"].map(lambda size: size if size == "offline" else f"batch {size}")
    hover_data = rows[["published (ms)", "projected (ms)"]].map(significant)
    hover = "%{x:+.0f}%: published %{customdata[0]} ms, projected %{customdata[1]} ms<extra>%{y}</extra>"
    errors = look.points(rows["error (%)"], names, look.BLUE, hover=hover, size=11, customdata=hover_data)
    x, y = {"title": "projected minus published (%)"}, {"autorange": "reversed"}
    drawn = look.figure(errors, height=120 + 26 * len(rows), x=x, y=y)
    look.shade(drawn, look.GREY, 0.15, x0=-100 * COMPETITOR.median, x1=100 * COMPETITOR.median)
    drawn.add_vline(x=0, line={"color": look.GREY, "width": 2})
    return look.Chart(drawn, compared(found), look.rounded(rows))
