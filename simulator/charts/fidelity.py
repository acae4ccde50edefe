"""What the simulation predicted of a real server, against what that server did."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.analysis.fidelity import forecasts_held, point_rows
from simulator.charts.look import GREY, HERE, MISSED, OBJECTIVE, SERIES, Chart, figure, rounded, translucent
from simulator.evidence.fidelity import Report
from simulator.units import percent, significant

#: What may be compared: its columns are `<name> real`, `<name> predicted` and `<name> error`, with these units.
FIGURES = {"p50": ("ms", "%"), "p99": ("ms", "%"), "in time": ("%", "points")}
#: What is drawn at one load is set side by side, so that models do not hide each other.
_APART = 0.008


def simulated_against_real(report: Report, server: str, what: str) -> Chart:
    """A point a server and load: predicted before the run, against the mean of two real runs; on the line they are equal.

    what: a key of `FIGURES`. Points whose two real runs disagree are not judged, and drawn hollow.
    """
    rows, (unit, _) = point_rows(report, server), FIGURES[what]
    real, predicted = f"{what} real ({unit})", f"{what} predicted ({unit})"
    low, high = rows[[real, predicted]].min().min(), rows[[real, predicted]].max().max()
    equal = go.Scatter(x=[low, high], y=[low, high], mode="lines", line=OBJECTIVE, hoverinfo="skip", name="equal")
    drawn = figure(equal, *_by_model(rows, real, predicted, unit), height=430)
    kind = {"type": "log", "tickvals": _TICKS} if unit == "ms" else {}
    scale = ", logarithmic" if unit == "ms" else ""
    drawn.update_xaxes(title=f"{_NAMES[what]}, real ({unit}){scale}", **kind)
    drawn.update_yaxes(title=f"simulated ({unit}){scale}", **kind)
    return Chart(drawn, _takeaway(rows, what), rounded(rows))


_NAMES = {"p50": "p50", "p99": "p99", "in time": "answered in time"}
_TICKS = [digit * 10.0**power for power in range(-2, 6) for digit in (1, 2, 5)]


#: Between two points that are drawn side by side, and between two loads, in widths of a point.
_STEP, _SPACE = 1.0, 3.0


def forecasts_against_runs(report: Report, server: str, what: str) -> Chart:
    """A bar a point: the 95% forecast interval made before its runs, and the two real runs beside it, by load.

    what: a key of `FIGURES`. Shares are drawn as they are, times as parts of the forecast's middle. The report has intervals.
    """
    rows, (unit, _) = point_rows(report, server).sort_values("load", kind="stable"), FIGURES[what]
    whole = rows[f"{what} predicted ({unit})"] if unit == "ms" else pd.Series(1.0, rows.index)
    place = _STEP * np.arange(len(rows)) + _SPACE * rows["load"].rank(method="dense").to_numpy()
    low, high = rows[f"{what} low ({unit})"], rows[f"{what} high ({unit})"]
    runs = [rows[f"{what} run {number} ({unit})"] for number in (1, 2)]
    label = rows["model"] + " " + rows["precision"] + ", " + rows["batching"] + ", load " + rows["load"].map(significant)
    drawn = figure(
        _interval_bars(place, low / whole, high / whole),
        _runs("real run inside", HERE, place, runs, whole, label, unit, [run.between(low, high) for run in runs]),
        _runs("real run outside", MISSED, place, runs, whole, label, unit, [~run.between(low, high) for run in runs]),
        height=380,
    )
    middles = pd.Series(place).groupby(rows["load"].to_numpy()).mean()
    loads = [f"{load:g}" for load in middles.index]
    drawn.update_xaxes(title="load, as a part of the measured capacity", tickvals=middles, ticktext=loads)
    if unit == "ms":
        drawn.update_yaxes(title=f"{_NAMES[what]}, as a multiple of the forecast, logarithmic", type="log", tickvals=_TICKS)
    else:
        drawn.update_yaxes(title=f"{_NAMES[what]} ({unit})")
    return Chart(drawn, _held_by_load(report, server, what), rounded(rows))


def _interval_bars(place: NDArray[np.float64], low: pd.Series, high: pd.Series) -> go.Scatter:
    """A line a point, from one bound to the other."""
    nothing = np.full(len(place), np.nan)
    return go.Scatter(
        name="forecast interval",
        x=np.stack([place, place, nothing], axis=1).ravel(),
        y=np.stack([low, high, nothing], axis=1).ravel(),
        mode="lines",
        line={"color": translucent(GREY, 0.6), "width": 5},
        hoverinfo="skip",
    )


def _runs(
    name: str,
    colour: str,
    place: NDArray[np.float64],
    runs: list[pd.Series],
    whole: pd.Series,
    label: pd.Series,
    unit: str,
    chosen: list[pd.Series],
) -> go.Scatter:
    """Both runs of each point, those that are chosen."""
    kept = np.concatenate(chosen)
    real = np.concatenate(runs)
    return go.Scatter(
        name=name,
        x=np.concatenate([place, place])[kept],
        y=(real / np.concatenate([whole, whole]))[kept],
        mode="markers",
        marker={"color": colour, "size": 7},
        text=pd.concat([label, label])[kept],
        customdata=real[kept],
        hovertemplate=f"%{{customdata:.3g}} {unit}<extra>%{{text}}</extra>",
    )


def _held_by_load(report: Report, server: str, what: str) -> str:
    mine = [one for one in forecasts_held(report, server) if one.figure == what]
    overall = mine[-1]
    low, high = overall.share.low, overall.share.high
    by_load = ", ".join(f"load {one.load:g} {one.held} of {one.runs}" for one in mine[:-1])
    return (
        f"{overall.held} of {overall.runs} real runs lie within their 95% forecast interval for {_OFF[what]}: "
        f"{percent(overall.share.value)} [{100 * low:.0f}, {100 * high:.0f}]; {by_load}."
    )


def error_by_load(report: Report, server: str, what: str) -> Chart:
    """How far each prediction is off, by load; the band is what two identical real runs differ by at that load (median)."""
    rows, (_, unit) = point_rows(report, server), FIGURES[what]
    error = f"{what} error ({unit})"
    drawn = figure(*_noise(rows, what), *_by_model(rows, "load", error, unit), height=380)
    drawn.add_hline(y=0, line={"color": GREY, "width": 2})
    drawn.update_xaxes(title="load, as a part of the measured capacity", tickvals=sorted(rows["load"].unique()))
    drawn.update_layout(legend_traceorder="normal")
    drawn.update_yaxes(title=f"{_NAMES[what]}: simulated minus real ({unit})")
    return Chart(drawn, _by_load(rows, error, unit), rounded(rows))


def _by_model(rows: pd.DataFrame, x: str, y: str, unit: str) -> list[go.Scatter]:
    """A colour a model."""
    traces = []
    for index, (model, mine) in enumerate(rows.groupby("model")):
        colour = SERIES[index % len(SERIES)]
        symbols = np.where(mine["judged"], "circle", "circle-open")
        label = mine["precision"] + ", " + mine["batching"] + ", load " + mine["load"].map(significant)
        across = "" if x == "load" else f"real %{{x:.3g}} {unit}, simulated "
        traces.append(
            go.Scatter(
                name=str(model),
                x=mine[x] + (_APART * index if x == "load" else 0),
                y=mine[y],
                mode="markers",
                marker={"color": colour, "size": 9, "symbol": symbols, "line": {"width": 1.5, "color": colour}},
                text=label,
                hovertemplate=f"{across}%{{y:.3g}} {unit}<extra>{model} %{{text}}</extra>",
            )
        )
    return traces


def _noise(rows: pd.DataFrame, what: str) -> list[go.Scatter]:
    column = f"{what} repeat differs (%)"
    if column not in rows:
        return []
    typical = rows[column].abs().groupby(rows["load"]).median()
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    return [
        go.Scatter(x=typical.index, y=-typical, showlegend=False, **edge),
        go.Scatter(
            x=typical.index, y=typical, fill="tonexty", fillcolor=translucent(GREY, 0.25), name="two real runs apart", **edge
        ),
    ]


def _takeaway(rows: pd.DataFrame, what: str) -> str:
    unit = FIGURES[what][1]
    judged = rows[rows["judged"]]
    if judged.empty:
        return f"None of the {len(rows)} points can be judged: their identical real runs disagree."
    off = judged[f"{what} error ({unit})"].abs()
    return (
        f"Over {len(judged)} judged points the simulated {_OFF[what]} is off by {_with(off.median(), unit)} (median), "
        f"at most by {_with(off.max(), unit)}."
    )


_OFF = {"p50": "p50", "p99": "p99", "in time": "share answered in time"}


def _by_load(rows: pd.DataFrame, error: str, unit: str) -> str:
    typical = rows[error].abs().groupby(rows["load"]).median()
    least, most = typical.index[0], typical.index[-1]
    return (
        f"At load {least:g} predictions are off by {_with(typical[least], unit)} (median), at load {most:g} by "
        f"{_with(typical[most], unit)}; hollow points are not judged."
    )


def _with(value: float, unit: str) -> str:
    """A value with its unit, to two digits."""
    return f"{significant(value, 2)}{'%' if unit == '%' else f' {unit}'}"
