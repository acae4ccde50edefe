"""Predictions of the simulation for a real server, against the measured runs of that server."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.evidence.fidelity_reports import FORECAST, FidelityPoint, FidelityReport, forecasts_held
from simulator.phrases import phrase
from simulator.units import significant

#: The figures to compare: their columns are `<name> real`, `<name> predicted` and `<name> error`, with these units.
FIGURES = {"p50": ("ms", "%"), "p99": ("ms", "%"), "in time": ("%", "points")}
#: Points at one load are set side by side, so that models do not hide each other.
_APART = 0.008


def simulated_against_real(report: FidelityReport, server: str, what: str) -> look.Chart:
    """Draw each prediction, made before the run, against the mean of two real runs; the line marks equality.

    what: a key of `FIGURES`. Points whose two real runs disagree are not judged, and drawn hollow.
    """
    rows, (unit, _) = point_rows(report, server), FIGURES[what]
    real, predicted = f"{what} real ({unit})", f"{what} predicted ({unit})"
    low, high = rows[[real, predicted]].min().min(), rows[[real, predicted]].max().max()
    drawn = look.figure(look.equality([low, high], "equal"), *_by_model(rows, real, predicted, unit), height=430)
    for update, title in ((drawn.update_xaxes, f"{_NAMES[what]}, real ({unit})"), (drawn.update_yaxes, f"simulated ({unit})")):
        update(look.logarithmic(title, _TICKS) if unit == "ms" else {"title": title})
    return look.chart(drawn, _errors_takeaway(rows, what), rows, digits=4)


_NAMES = {"p50": "p50", "p99": "p99", "in time": "answered in time"}
_TICKS = look.decades(-2)


#: Between two loads, in steps from one point to the next.
_SPACE = 3.0


def forecasts_against_runs(report: FidelityReport, server: str, what: str) -> look.Chart:
    """Draw the 95% forecast intervals made before the runs, and two real runs beside each, by load.

    what: a key of `FIGURES`. Shares are drawn as they are, times as multiples of the forecast's middle. Every point of the
    report needs an interval.
    """
    rows, (unit, _) = point_rows(report, server).sort_values("load", kind="stable"), FIGURES[what]
    rows["place"] = np.arange(len(rows)) + _SPACE * rows["load"].rank(method="dense")
    rows["whole"] = rows[f"{what} predicted ({unit})"] if unit == "ms" else 1.0
    runs = _real_runs(rows, what)
    inside, outside = runs[runs["inside"]], runs[~runs["inside"]]
    hover = f"%{{customdata:.3g}} {unit}<extra>%{{text}}</extra>"
    dots = [
        look.points(part["x"], part["y"], colour, name, hover, size=7, text=part["label"], customdata=part["real"])
        for name, part, colour in (("real run inside", inside, look.HERE), ("real run outside", outside, look.MISSED))
    ]
    drawn = look.figure(_interval_bars(rows, what), *dots, height=380)
    middles = rows.groupby("load")["place"].mean()
    loads = [f"{load:g}" for load in middles.index]
    drawn.update_xaxes(title="load, as a part of the measured capacity", tickvals=middles, ticktext=loads)
    multiples = look.logarithmic(f"{_NAMES[what]}, as a multiple of the forecast", _TICKS)
    drawn.update_yaxes(multiples if unit == "ms" else {"title": f"{_NAMES[what]} ({unit})"})
    *shares, overall = (share for share in forecasts_held(report, server) if share.figure == what)
    loads = [f"load {share.load:g} {share.held} of {share.runs}" for share in shares]
    takeaway = phrase("fidelity.forecasts", overall=overall, what=_OFF[what], loads=loads)
    return look.chart(drawn, takeaway, rows.drop(columns=["place", "whole"]), digits=4)


def _real_runs(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return a row a real run: its place, its value, whether it lies inside, and the label of its point."""
    unit, _ = FIGURES[what]
    label = rows["model"] + " " + rows["precision"] + ", " + rows["batching"] + ", load " + rows["load"].map(significant)
    bounds = rows[f"{what} low ({unit})"], rows[f"{what} high ({unit})"]
    runs = [rows[f"{what} run {number} ({unit})"] for number in (1, 2)]
    parts = [
        pd.DataFrame(
            {"x": rows["place"], "y": run / rows["whole"], "real": run, "inside": run.between(*bounds), "label": label}
        )
        for run in runs
    ]
    return pd.concat(parts)


def _interval_bars(rows: pd.DataFrame, what: str) -> go.Scatter:
    unit, _ = FIGURES[what]
    ends = [rows[f"{what} {end} ({unit})"] / rows["whole"] for end in ("low", "high")]
    nothing = np.full(len(rows), np.nan)
    x, y = (np.stack([*pair, nothing], axis=1).ravel() for pair in ([rows["place"]] * 2, ends))
    return look.line(x, y, look.translucent(look.GREY, 0.6), "forecast interval", width=5)


def error_by_load(report: FidelityReport, server: str, what: str) -> look.Chart:
    """Draw the error of each prediction by load; the band is the median difference of two identical real runs."""
    rows, (_, unit) = point_rows(report, server), FIGURES[what]
    error = f"{what} error ({unit})"
    drawn = look.figure(*_noise(rows, what), *_by_model(rows, "load", error, unit), height=380)
    drawn.add_hline(y=0, line={"color": look.GREY, "width": 2})
    drawn.update_xaxes(title="load, as a part of the measured capacity", tickvals=sorted(rows["load"].unique()))
    drawn.update_layout(legend_traceorder="normal")
    drawn.update_yaxes(title=f"{_NAMES[what]}: simulated minus real ({unit})")
    typical = rows[error].abs().groupby(rows["load"]).median()
    least, most = typical.index[0], typical.index[-1]
    off = {"least_off": _with(typical[least], unit), "most_off": _with(typical[most], unit)}
    takeaway = phrase("fidelity.by_load", least=least, most=most, **off)
    return look.chart(drawn, takeaway, rows, digits=4)


def _by_model(rows: pd.DataFrame, x: str, y: str, unit: str) -> list[go.Scatter]:
    traces = []
    for index, (model, part) in enumerate(rows.groupby("model")):
        colour = look.SERIES[index % len(look.SERIES)]
        symbols = np.where(part["judged"], "circle", "circle-open")
        label = part["precision"] + ", " + part["batching"] + ", load " + part["load"].map(significant)
        across = "" if x == "load" else f"real %{{x:.3g}} {unit}, simulated "
        hover = f"{across}%{{y:.3g}} {unit}<extra>{model} %{{text}}</extra>"
        places = part[x] + (_APART * index if x == "load" else 0)
        traces.append(look.points(places, part[y], colour, str(model), hover, size=9, symbol=symbols, edge=1.5, text=label))
    return traces


def _noise(rows: pd.DataFrame, what: str) -> list[go.Scatter]:
    column = f"{what} repeat differs (%)"
    if column not in rows:
        return []
    typical = rows[column].abs().groupby(rows["load"]).median()
    low, high = look.band(typical.index, -typical, typical, look.GREY, 0.25)
    return [low, high.update(name="difference of two real runs", showlegend=True)]


def _errors_takeaway(rows: pd.DataFrame, what: str) -> str:
    unit = FIGURES[what][1]
    judged = rows[rows["judged"]]
    if judged.empty:
        return phrase("simulated.none", points=len(rows))
    off = judged[f"{what} error ({unit})"].abs()
    usual, most = (_with(error, unit) for error in (off.median(), off.max()))
    return phrase("simulated.errors", points=len(judged), what=_OFF[what], usual=usual, most=most)


_OFF = {"p50": "p50", "p99": "p99", "in time": "share answered in time"}


def _with(value: float, unit: str) -> str:
    return f"{significant(value, 2)}{'%' if unit == '%' else f' {unit}'}"


def point_rows(report: FidelityReport, server: str) -> pd.DataFrame:
    return pd.DataFrame([dict(_row(point)) for point in report.of(server)])


def _row(point: FidelityPoint) -> Iterator[tuple[str, object]]:
    yield from {"model": point.model, "precision": point.precision, "batching": point.policy, "load": point.load}.items()
    yield "rate (1/s)", point.rate_per_s
    yield "requests", point.requests
    yield "judged", point.repeats
    for name in ("p50", "p95", "p99"):
        yield f"{name} real (ms)", 1000 * point.real_of(f"{name}_s")
        yield f"{name} predicted (ms)", 1000 * getattr(point.predicted, f"{name}_s")
        yield f"{name} error (%)", 100 * point.error(f"{name}_s")
        yield f"{name} repeat differs (%)", 100 * point.noise(f"{name}_s")
        replay = point.replay_error(f"{name}_s")
        yield f"{name} replay error (%)", None if replay is None else 100 * replay
    yield "in time real (%)", 100 * point.real_of("goodput")
    yield "in time predicted (%)", 100 * point.predicted.goodput
    yield "in time error (points)", point.goodput_error_points
    yield "throughput error (%)", 100 * point.error("throughput_per_s")
    yield from _interval_cells(point)


def _interval_cells(point: FidelityPoint) -> Iterator[tuple[str, object]]:
    for name, (column, scale, unit) in FORECAST.items():
        bounds = point.bounds(column)
        if bounds is None:
            return
        yield f"{name} low ({unit})", scale * bounds[0]
        yield f"{name} high ({unit})", scale * bounds[1]
        for number, run in enumerate(point.real, 1):
            yield f"{name} run {number} ({unit})", scale * getattr(run, column)
