"""How old the newest information at an end is: over time around an instant, and how it is distributed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.analysis.run.ages import Known, ages, shares_within
from simulator.scenario.schema import Objective
from simulator.serving.trace import Trace
from simulator.ui.charts.look import (
    BLUE,
    INSTANT,
    OBJECTIVE,
    Chart,
    SensorLook,
    figure,
    rounded,
    sensor_looks,
    time_of_day,
)
from simulator.ui.charts.strikes import marked
from simulator.units import duration, percent

#: How long a stretch of the run is shown around an instant, in seconds.
WINDOW_S = 2.0

#: The shares of time for which the table says within which age they lie.
TOLD = (0.5, 0.9, 0.95, 0.99, 1.0)


def age_over_time(trace: Trace, end: str, at_s: float) -> Chart:
    """A saw tooth a sensor: the age grows by a second a second and falls when something newer reaches the end.

    end: one that reports ages; at_s: the middle of the stretch that is shown, in seconds of the run
    """
    start, stop = max(at_s - WINDOW_S / 2, 0.0), min(at_s + WINDOW_S / 2, trace.plan.arrivals_end_s)
    teeth = {name: _teeth(known, start, stop) for name, known in _of(trace, end).items()}
    looks, drawn = _looks(trace, end), figure(height=340)
    for name, tooth in teeth.items():
        drawn.add_scatter(
            x=tooth["time_s"] - at_s,
            y=1000 * tooth["age_s"],
            hovertemplate="%{y:.0f} ms old at %{x:+.3f} s",
            **_line(looks[name]),
        )
    drawn.add_vline(x=0, line=INSTANT)
    for name, bound in _bounds(trace, end).items():
        drawn.add_hline(y=1000 * bound, line=OBJECTIVE)
        left = {"x": 0, "xref": "paper", "xanchor": "left"}
        drawn.add_annotation(y=1000 * bound, text=f" target: {name}", yanchor="bottom", showarrow=False, **left)
    clock = time_of_day(trace, at_s).strftime("%H:%M:%S.%f")[:-4]
    drawn.update_xaxes(title=f"time from {clock} (s)", range=[-WINDOW_S / 2, WINDOW_S / 2], tickangle=0)
    drawn.update_yaxes(title="age of what is known (ms)", rangemode="tozero")
    label, found = trace.plan.scenario.ends[end].label, _table(teeth, looks)
    chart = Chart(drawn if len(found) else None, _takeaway(label, clock, teeth, looks, at_s), rounded(found))
    return marked(chart, trace.plan, lambda at: at - at_s, found["time (s)"], (start, stop))


def age_shares(trace: Trace, end: str) -> Chart:
    """The share of the time in which the age at an end is within a limit, a curve a sensor; dashed: objectives."""
    looks, known = _looks(trace, end), _of(trace, end)
    until = trace.plan.arrivals_end_s
    within = {name: shares_within(one, until) for name, one in known.items()}
    drawn, rows = figure(height=340), []
    for name, (limits, shares) in within.items():
        drawn.add_scatter(
            x=1000 * limits,
            y=100 * shares,
            hovertemplate="within %{x:.0f} ms for %{y:.1f}% of the time",
            **_line(looks[name]),
        )
        told = dict(zip(TOLD, 1000 * np.interp(TOLD, shares, limits), strict=True))
        rows.append({"of": looks[name].label} | {f"{share:.0%} of the time within (ms)": at for share, at in told.items()})
    bounds = _bounds(trace, end)
    longest = max(float(np.interp(0.999, shares, limits)) for limits, shares in within.values())
    most = 1.05 * max([longest, *bounds.values()])
    for name, bound in bounds.items():
        drawn.add_vline(x=1000 * bound, line=OBJECTIVE)
        side = "right" if bound > most / 2 else "left"
        drawn.add_annotation(x=1000 * bound, y=0, text=f" target: {name} ", xanchor=side, yanchor="bottom", showarrow=False)
    drawn.update_xaxes(title="age of what is known (ms)", range=[0, 1000 * most])
    drawn.update_yaxes(title="share of the time (%)", range=[0, 102], tickvals=[0, 25, 50, 75, 100])
    label = trace.plan.scenario.ends[end].label
    return Chart(drawn, _shares_takeaway(label, looks, within, list(bounds.values())), rounded(pd.DataFrame(rows)))


def _of(trace: Trace, end: str) -> dict[str, Known]:
    """What was known at an end by sensor; overall where the requests are not frames."""
    found = dict(ages(trace))
    sensors = trace.plan.scenario.ages[end]
    return {sensor: found[f"{end}.{sensor}"] for sensor in sensors} if sensors else {end: found[end]}


def _looks(trace: Trace, end: str) -> dict[str, SensorLook]:
    return sensor_looks(trace.plan.scenario) or {end: SensorLook("newest information", BLUE)}


def _line(look: SensorLook) -> dict[str, object]:
    line = {"color": look.colour, "width": 2, "dash": "dot" if look.again else "solid"}
    return {"name": look.label, "mode": "lines", "line": line}


def _teeth(known: Known, start: float, stop: float) -> pd.DataFrame:
    """The corners of the saw within [start, stop] s: time_s, age_s; two rows where the age falls."""
    inside = (known.at > start) & (known.at < stop)
    at, newest = known.at[inside], known.sent[inside]
    first = np.searchsorted(known.at, start, "right") - 1
    before = known.sent[first] if first >= 0 else 0.0
    sent = np.append(before, newest)
    times = np.concatenate([[start], np.repeat(at, 2), [stop]])
    return pd.DataFrame({"time_s": times, "age_s": times - np.repeat(sent, 2)})


def _bounds(trace: Trace, end: str) -> dict[str, float]:
    """The objectives on ages at an end: their labels and bounds in seconds."""
    bounds = {one.label: one.at_most if one.at_most is not None else one.at_least for one in _asked(trace, end)}
    return {label: bound for label, bound in bounds.items() if bound is not None}


def _asked(trace: Trace, end: str) -> list[Objective]:
    """The objectives on ages at an end."""
    return [
        objective
        for objective in trace.plan.scenario.objectives
        if objective.metric.startswith("age_") and end in objective.metric.split(".")[1:2]
    ]


def _table(teeth: dict[str, pd.DataFrame], looks: dict[str, SensorLook]) -> pd.DataFrame:
    rows = [tooth.assign(of=looks[name].label)[["of", "time_s", "age_s"]] for name, tooth in teeth.items()]
    found = pd.concat(rows, ignore_index=True).assign(age_s=lambda table: 1000 * table["age_s"])
    return found.rename(columns={"time_s": "time (s)", "age_s": "age (ms)"})


def _takeaway(label: str, clock: str, teeth: dict[str, pd.DataFrame], looks: dict[str, SensorLook], at_s: float) -> str:
    now = {name: float(np.interp(at_s, tooth["time_s"], tooth["age_s"])) for name, tooth in teeth.items()}
    oldest, newest = max(now, key=now.__getitem__), min(now, key=now.__getitem__)
    peak = max(float(tooth["age_s"].max()) for tooth in teeth.values())
    around = f"In the {WINDOW_S:g} s around it nothing gets older than {duration(peak)}"
    told = f"{label}: at {clock} {_newest(looks, oldest)} is {duration(now[oldest])} old"
    if len(now) > 1:
        told += f" and {_newest(looks, newest)} {duration(now[newest])}"
    return f"{told}. {around}."


def _shares_takeaway(
    label: str, looks: dict[str, SensorLook], within: dict[str, tuple[np.ndarray, np.ndarray]], bounds: list[float]
) -> str:
    at = {name: float(np.interp(0.99, shares, limits)) for name, (limits, shares) in within.items()}
    worst, best = max(at, key=at.__getitem__), min(at, key=at.__getitem__)
    told = f"{label}: for 99% of the time {_newest(looks, worst)} is at most {duration(at[worst])} old"
    if len(at) > 1:
        told += f", and {_newest(looks, best)} at most {duration(at[best])}"
    if not bounds:
        return f"{told}."
    bound = min(bounds)
    kept = {name: float(np.interp(bound, limits, shares, left=0.0)) for name, (limits, shares) in within.items()}
    least = min(kept, key=kept.__getitem__)
    share = 1.0 if np.isclose(kept[least], 1, rtol=1e-9) else kept[least]
    return f"{told}. The target of {duration(bound)} is kept by {_newest(looks, least)} for {percent(share)} of the time."


def _newest(looks: dict[str, SensorLook], name: str) -> str:
    """What is known of a sensor, in words."""
    return f"the newest frame of {looks[name].label}" if len(looks) > 1 else "what is known"
