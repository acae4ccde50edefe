"""Answer times, and the age of information."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.arrays import Floats
from simulator.charts import look
from simulator.charts.run_time import marked, time_of_day
from simulator.engine.run_trace import Trace
from simulator.intervals import Interval
from simulator.metrics.ages import KnownAges, ages, shares_within
from simulator.metrics.measures import CURVE
from simulator.metrics.summary import Summary
from simulator.phrases import phrase
from simulator.units import duration, spoken_within

#: From this many decades on, only 1 and 3 of each are written, not 1, 2 and 5: a phone has no room for more.
_WIDE = 2.0


def answer_times(summary: Summary) -> look.Chart:
    """Draw the share of served requests answered within a time, with percentiles and their intervals."""
    curve = pd.DataFrame({"answered_share": CURVE, "time_s": summary.latency_curve})
    many = summary.plan.scenario.unit.many
    hover = "%{y:.1f}% answered within %{x:.3g} s<extra></extra>"
    shares = look.line(curve["time_s"], 100 * curve["answered_share"], look.BLUE, hover=hover, width=3)
    drawn = look.figure(shares, _percentile_points(summary), showlegend=False)
    bounds = _draw_bounds(drawn, summary)
    times = [time for time in [*summary.latency_curve, *bounds] if time > 0]
    wide = bool(times) and log10(max(times) / min(times)) > _WIDE
    ticks = look.decades(digits=(1, 3) if wide else (1, 2, 5))
    drawn.update_xaxes(look.logarithmic("time to the answer (s)", ticks, tickangle=0))
    drawn.update_yaxes(title=f"served {many} answered (%)", range=[0, 110], tickvals=[0, 25, 50, 75, 100])
    names = {"answered_share": "share answered", "time_s": "within (s)"}
    return look.chart(drawn if _percentile_shares(summary) else None, _answers_takeaway(summary), curve, names)


def _percentile_shares(summary: Summary) -> dict[str, float]:
    metrics = (summary.metric(name) for name in summary.metrics)
    served = (metric for metric in metrics if metric.sample == "served" and metric.group is None)
    return {metric.name: metric.quantile for metric in served if metric.quantile is not None}


def _percentile_points(summary: Summary) -> go.Scatter:
    shares = _percentile_shares(summary)
    metrics = [summary.metrics[name] for name in shares]
    values = [metric.value for metric in metrics]
    # An interval down to 0 has no end on a logarithmic axis: it is drawn to the shortest time of the curve.
    least = min((time for time in summary.latency_curve if time > 0), default=0.0)
    lows = [min(max(metric.low, least), metric.value) for metric in metrics]
    return look.points(
        values,
        [100 * share for share in shares.values()],
        look.BLUE,
        mode="markers+text",
        text=[f"{100 * share:.0f}%: {_as_quoted(metric)}" for share, metric in zip(shares.values(), metrics, strict=True)],
        textposition=["bottom right", "top left", "bottom right"][: len(shares)],
        error_x=look.whiskers(lows, values, [metric.high for metric in metrics]),
        cliponaxis=False,
    )


def _draw_bounds(drawn: go.Figure, summary: Summary) -> list[float]:
    """Draw the bounds on percentiles; return their times."""
    bounds = []
    for verdict in summary.verdicts:
        metric = verdict.metric
        if metric.sample in ("served", "latency") and metric.quantile is not None and metric.group is None:
            refusals = ", refusals included" if metric.sample == "latency" else ""
            text = f"target: {100 * metric.quantile:.0f}% within {duration(verdict.bound)}{refusals}"
            bounds.append(verdict.bound)
            drawn.add_vline(x=verdict.bound, line=look.OBJECTIVE)
            look.note(drawn, f" {text}", log10(verdict.bound), 0)  # a log axis takes exponents
    return bounds


def _answers_takeaway(summary: Summary) -> str:
    shares = _percentile_shares(summary).items()
    parts = [f"{100 * share:.0f}% within {_as_quoted(summary.metrics[name])}" for name, share in shares]
    return phrase("answers.times" if parts else "answers.too_few", many=summary.plan.scenario.unit.many, parts=parts)


def _as_quoted(time: Interval) -> str:
    """Write a time with the digits that its interval carries, as cards and tables do."""
    return spoken_within(time.value, time.low, time.high, "s")[0]


#: The length of the window around an instant, in seconds.
WINDOW_S = 2.0

Column = pd.Series | Floats

#: Limits of an age in s, and the share of the time in which it is within each; shapes (k,).
Shares = tuple[Floats, Floats]

#: The shares of time whose ages are in the table.
TABLE_SHARES = (0.5, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class _Bound:
    """An objective on an age at an end, in seconds; sensor: None if it is about all of them."""

    bound_s: float
    sensor: str | None


def age_over_time(trace: Trace, end: str, at_s: float) -> look.Chart:
    """Draw the age over time, one curve a sensor: it grows by a second a second and falls when newer data arrive.

    end: one that reports ages; at_s: the middle of the window, in seconds of the run
    """
    start, stop = max(at_s - WINDOW_S / 2, 0.0), min(at_s + WINDOW_S / 2, trace.plan.arrivals_end_s)
    label, by_sensor = trace.plan.scenario.ends[end].label, _ages_at(trace, end)
    if not by_sensor or start >= stop:
        return look.Chart(None, f"{label}: nothing is known then.", pd.DataFrame())
    teeth = {name: _teeth(known_ages, start, stop) for name, known_ages in by_sensor.items()}
    looks, hover = _sensor_lines(trace, end), "%{y:.0f} ms old at %{x:+.3f} s"
    lines = [_sensor_line(looks[name], tooth["time_s"] - at_s, 1000 * tooth["age_s"], hover) for name, tooth in teeth.items()]
    drawn = look.figure(*lines, height=340)
    drawn.add_vline(x=0, line=look.INSTANT)
    for asked in _age_bounds(trace, end):
        drawn.add_hline(y=1000 * asked.bound_s, line=look.OBJECTIVE)
        look.note(drawn, " target", 0, 1000 * asked.bound_s, xref="paper")
    clock = time_of_day(trace, at_s).strftime("%H:%M:%S.%f")[:-4]
    drawn.update_xaxes(title=f"time from {clock} (s)", range=[-WINDOW_S / 2, WINDOW_S / 2], tickangle=0)
    drawn.update_yaxes(title="age of what is known (ms)", rangemode="tozero")
    rows = [tooth.assign(of=looks[name].label, age_s=1000 * tooth["age_s"]) for name, tooth in teeth.items()]
    table, named = pd.concat(rows, ignore_index=True), {"of": "of", "time_s": "time (s)", "age_s": "age (ms)"}
    takeaway = [_ages_takeaway(label, clock, teeth, looks, at_s), _silent(trace, end, by_sensor, looks)]
    joined = look.chart(drawn, takeaway, table, named, only=True, digits=4)
    return marked(joined, trace.plan, lambda at: at - at_s, table["time_s"], (start, stop))


def age_shares(trace: Trace, end: str) -> look.Chart:
    """Draw the share of the time with an age within a limit, one curve a sensor; dashed: objectives."""
    looks, by_sensor, label = _sensor_lines(trace, end), _ages_at(trace, end), trace.plan.scenario.ends[end].label
    if not by_sensor:
        return look.Chart(None, f"{label}: nothing arrived.", pd.DataFrame())
    within = {name: shares_within(known_ages, trace.plan.arrivals_end_s) for name, known_ages in by_sensor.items()}
    hover = "within %{x:.0f} ms for %{y:.1f}% of the time"
    lines = [_sensor_line(looks[name], 1000 * limits, 100 * shares, hover) for name, (limits, shares) in within.items()]
    drawn, bounds = look.figure(*lines, height=340), _age_bounds(trace, end)
    longest = max(float(np.interp(0.999, shares, limits)) for limits, shares in within.values())
    most = 1.05 * max([longest, *(asked.bound_s for asked in bounds)])
    for asked in bounds:
        drawn.add_vline(x=1000 * asked.bound_s, line=look.OBJECTIVE)
        side = "right" if asked.bound_s > most / 2 else "left"
        look.note(drawn, " target ", 1000 * asked.bound_s, 0, f"{side} bottom")
    drawn.update_xaxes(title="age of what is known (ms)", range=[0, 1000 * most])
    drawn.update_yaxes(title="share of the time (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    takeaway = [_shares_takeaway(label, looks, within, bounds), _silent(trace, end, by_sensor, looks)]
    return look.chart(drawn, takeaway, _shares_table(within, looks), digits=4)


def _ages_at(trace: Trace, end: str) -> dict[str, KnownAges]:
    """Return the ages at an end by sensor, or under the end's own name where it has no sensors; none of what never arrived."""
    by_place, sensors = dict(ages(trace)), trace.plan.scenario.ages[end]
    by = {sensor: by_place[f"{end}.{sensor}"] for sensor in sensors} if sensors else {end: by_place[end]}
    return {name: known_ages for name, known_ages in by.items() if len(known_ages.at)}


def _silent(trace: Trace, end: str, by_sensor: dict[str, KnownAges], looks: dict[str, look.SensorLook]) -> str:
    missing = [looks[sensor].label for sensor in trace.plan.scenario.ages[end] if sensor not in by_sensor]
    return f"Nothing of {' or '.join(missing)} reaches it." if missing else ""


def _sensor_lines(trace: Trace, end: str) -> dict[str, look.SensorLook]:
    return look.sensor_looks(trace.plan.scenario) or {end: look.SensorLook("newest information", look.BLUE)}


def _sensor_line(sensor: look.SensorLook, x: Column, y: Column, hover: str) -> go.Scatter:
    return look.line(x, y, sensor.colour, sensor.label, hover, width=2, dash="dot" if sensor.again else "solid")


def _teeth(known_ages: KnownAges, start: float, stop: float) -> pd.DataFrame:
    """Return the corners of the curve within [start, stop] s: time_s, age_s; two rows where the age falls."""
    inside = (known_ages.at > start) & (known_ages.at < stop)
    at, newest = known_ages.at[inside], known_ages.sent[inside]
    first = np.searchsorted(known_ages.at, start, "right") - 1
    before = known_ages.sent[first] if first >= 0 else 0.0
    sent = np.append(before, newest)
    times = np.concatenate([[start], np.repeat(at, 2), [stop]])
    return pd.DataFrame({"time_s": times, "age_s": times - np.repeat(sent, 2)})


def _age_bounds(trace: Trace, end: str) -> list[_Bound]:
    bounds = []
    for objective in trace.plan.scenario.objectives:
        bound = objective.at_most if objective.at_most is not None else objective.at_least
        metric, *about = objective.metric.split(".")
        if metric.startswith("age_") and about[:1] == [end] and bound is not None:
            bounds.append(_Bound(bound, about[1] if len(about) > 1 else None))
    return bounds


def _shares_table(within: dict[str, Shares], looks: dict[str, look.SensorLook]) -> pd.DataFrame:
    rows = []
    for name, (limits, shares) in within.items():
        ages_ms = zip(TABLE_SHARES, 1000 * np.interp(TABLE_SHARES, shares, limits), strict=True)
        rows.append({"of": looks[name].label} | {f"{share:.0%} of the time within (ms)": age for share, age in ages_ms})
    return pd.DataFrame(rows)


def _ages_takeaway(
    label: str, clock: str, teeth: dict[str, pd.DataFrame], looks: dict[str, look.SensorLook], at_s: float
) -> str:
    now = {name: float(np.interp(at_s, tooth["time_s"], tooth["age_s"])) for name, tooth in teeth.items()}
    oldest, newest = max(now, key=now.__getitem__), min(now, key=now.__getitem__)
    peak = max(float(tooth["age_s"].max()) for tooth in teeth.values())
    return phrase(
        "ages.now", label=label, clock=clock, oldest=_newest(looks, oldest), age=now[oldest], several=len(now) > 1,
        newest=_newest(looks, newest), least=now[newest], window=WINDOW_S, peak=peak,
    )  # fmt: skip


def _shares_takeaway(label: str, looks: dict[str, look.SensorLook], within: dict[str, Shares], bounds: list[_Bound]) -> str:
    at = {name: float(np.interp(0.99, shares, limits)) for name, (limits, shares) in within.items()}
    worst, best = max(at, key=at.__getitem__), min(at, key=at.__getitem__)
    return phrase(
        "ages.most_of_the_time", label=label, worst=_newest(looks, worst), age=at[worst], several=len(at) > 1,
        best=_newest(looks, best), least=at[best],
        targets=[_target(bound, looks, within) for bound in bounds if bound.sensor is None or bound.sensor in within],
    )  # fmt: skip


def _target(bound: _Bound, looks: dict[str, look.SensorLook], within: dict[str, Shares]) -> str:
    of = [bound.sensor] if bound.sensor else list(within)
    met = {name: float(np.interp(bound.bound_s, within[name][0], within[name][1], left=0.0)) for name in of}
    least = min(met, key=met.__getitem__)
    share = 1.0 if np.isclose(met[least], 1, rtol=1e-9) else met[least]
    return phrase("ages.target", bound=bound.bound_s, newest=_newest(looks, least), share=share)


def _newest(looks: dict[str, look.SensorLook], name: str) -> str:
    return f"the newest frame of {looks[name].label}" if len(looks) > 1 else "what is known"


#: A colour and a dash for each run; the first run is the baseline.
_RUN_LINES = ((look.BLUE, "solid"), (look.ORANGE, "dash"), (look.PURPLE, "dot"), (look.GREEN, "dashdot"))


#: The takeaway compares runs by the time within which this share is answered.
_COMPARED_SHARE = 0.95


def answer_times_compared(runs: Sequence[Summary], names: Sequence[str]) -> look.Chart:
    curves = {name: run.latency_curve for name, run in zip(names, runs, strict=True)}
    hover = "%{y:.1f}% answered within %{x:.3g} s<extra></extra>"
    lines = [
        look.line(curve, 100 * CURVE, colour, name, f"{name}: {hover}", width=3, dash=dash)
        for (name, curve), (colour, dash) in zip(curves.items(), _RUN_LINES, strict=False)
    ]
    drawn = look.figure(*lines, x=look.logarithmic("time to the answer (s)", look.decades()))
    drawn.update_yaxes(title="answered, of those served (%)", range=[0, 110], tickvals=[0, 25, 50, 75, 100])
    table = pd.DataFrame({"answered_share": CURVE} | {f"time_s, {name}": curve for name, curve in curves.items()})
    return look.Chart(drawn, _compared_takeaway(dict(zip(names, runs, strict=True))), table)


def _compared_takeaway(runs: dict[str, Summary]) -> str:
    served = {name: _time_of(run, _COMPARED_SHARE) for name, run in runs.items() if np.isfinite(run.latency_curve).all()}
    times = [f"within {time} in {name}" for name, time in served.items()]
    silent = [phrase("answers.silent", name=name) for name in runs if name not in served]
    return phrase("answers.compared" if served else "answers.all_silent", share=_COMPARED_SHARE, times=times, silent=silent)


def _time_of(run: Summary, share: float) -> str:
    """Return the time within which this share of the served is answered, as the run quotes it, else from the curve."""
    quoted = next((run.metrics[name] for name, quantile in _percentile_shares(run).items() if quantile == share), None)
    return duration(float(np.interp(share, CURVE, run.latency_curve))) if quoted is None else _as_quoted(quoted)
