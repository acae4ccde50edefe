"""Charts of the monitors of an incident, cut at the time shown, and the small picture of an alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from simulator.charts import look
from simulator.engine.compiled_plan import Plan
from simulator.incident.monitoring import Ring, WindowSeries
from simulator.incident.play import Play
from simulator.incident.player_actions import WaitAction
from simulator.incident.secret import DAY_S, draw
from simulator.incident.watches import WATCHED, Watch
from simulator.panels.case_picture import picture
from simulator.units import significant

#: Height of every small picture, so that they line up (px).
HEIGHT = 112


@dataclass(frozen=True)
class MonitorMarks:
    """Times (s) in every picture: the end of the run, the time shown, and the starts of fixes."""

    end_s: float
    now_s: float
    fixes_s: tuple[float, ...] = ()


def monitor(watch: Watch, parts: list[WindowSeries], marks: MonitorMarks, moment: Callable[[float], str]) -> look.Chart:
    """Draw the slices of one monitor over the days so far, with the usual range and its alarms; moment: a time in words."""
    parts = [part for part in parts if len(part.day)]
    loud = [part for part in parts if part.ringing(marks.now_s)]
    chosen = _chosen(parts, marks)
    drawn = look.figure(height=HEIGHT, showlegend=False)
    if chosen is not None:
        _band(drawn, *_usual(chosen))
        low, high = _heights(parts, _usual(chosen))
        digits = 0 if high - low > 0.1 else 1
        drawn.update_yaxes(range=[low, high], tickformat=f".{digits}%" if watch.is_share else None)
    for part in sorted(parts, key=lambda part: part in loud):
        drawn.add_traces(_monitor_line(part, part in loud, len(parts) > 1))
    _frame(drawn, marks)
    return look.Chart(drawn, _takeaway(watch, chosen, bool(loud), moment), _table(parts, moment))


def reading(parts: list[WindowSeries], marks: MonitorMarks) -> str:
    """Return the last value and the usual range: `0.55, usually 0.38 to 0.548 part of white`."""
    part = _chosen([part for part in parts if len(part.day)], marks)
    return "nothing is known yet" if part is None else _reading(part)


def _chosen(parts: list[WindowSeries], marks: MonitorMarks) -> WindowSeries | None:
    return next((part for part in parts if part.ringing(marks.now_s)), parts[0] if parts else None)


def _reading(part: WindowSeries) -> str:
    watch = part.watch
    where = f"{part.slice}: " if watch.by != "all" else ""
    low, high = _usual(part)
    usual = f", usually {watch.number(low)} to {watch.number(high)}" if np.isfinite(low) and np.isfinite(high) else ""
    return f"{where}{watch.number(part.value[-1])}{usual}{f' {watch.unit}' if watch.unit else ''}"


def _usual(part: WindowSeries) -> tuple[float, float]:
    low, high = part.usual
    return (max(low, 0.0), min(high, 1.0)) if part.watch.is_share and np.isfinite(low) else (low, high)


def _band(drawn: go.Figure, low: float, high: float) -> None:
    if np.isfinite(low) and np.isfinite(high):
        look.shade(drawn, look.GREY, 0.22, y0=low, y1=high)


def _heights(parts: list[WindowSeries], usual: tuple[float, float]) -> list[float]:
    every = np.concatenate([*(part.value for part in parts), [edge for edge in usual if np.isfinite(edge)]])
    low, high = float(every.min()), float(every.max())
    room = 0.1 * (high - low) or 0.1 * abs(high) or 0.01
    return [low - room, high + room]


def _monitor_line(part: WindowSeries, loud: bool, among_others: bool) -> list[go.Scatter]:
    colour = look.RED if loud else look.translucent(look.BLUE, 0.45) if among_others else look.BLUE
    name = part.slice
    hover = f"{name}: %{{y:.3g}}, window to day %{{x:.2f}}<extra></extra>"
    rings = part.rings
    alarms = look.points(part.day[rings], part.value[rings], look.RED, name, hover, size=7)
    return [look.line(part.day, part.value, colour, name, hover, width=2), alarms]


def _frame(drawn: go.Figure, marks: MonitorMarks) -> None:
    """Draw the axes over the whole run, with the future empty."""
    last = marks.end_s / DAY_S + 1
    drawn.add_vline(x=marks.now_s / DAY_S + 1, line=look.INSTANT | {"width": 2})
    for at_s in marks.fixes_s:
        drawn.add_vline(x=at_s / DAY_S + 1, line={"color": look.GREY, "dash": "dot", "width": 2})
    weeks = list(range(1, int(last) + 1, 7))
    drawn.update_layout(margin={"l": 4, "r": 6, "t": 6, "b": 4}, font={"size": 12})
    drawn.update_xaxes(
        range=[1, last], fixedrange=True, tickvals=weeks, ticktext=[f"day {week}" for week in weeks], showgrid=False
    )
    drawn.update_yaxes(fixedrange=True, nticks=3)


def _takeaway(watch: Watch, part: WindowSeries | None, loud: bool, moment: Callable[[float], str]) -> str:
    if part is None:
        return f"{watch.title}: nothing is known yet."
    last = moment((part.day[-1] - 1) * DAY_S)
    rung = " It rings." if loud else " It rang before." if part.rings.any() else ""
    return f"{watch.title}: {_reading(part)}, in the window to {last}.{rung}"


def _table(parts: list[WindowSeries], moment: Callable[[float], str]) -> pd.DataFrame:
    """Return a row a window, the latest first."""
    rows = [
        (part.slice, moment((day - 1) * DAY_S), value, *part.usual, "rings" if rung else "")
        for part in parts
        for day, value, rung in zip(part.day, part.value, part.rings, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["slice", "window to", "value", "usual from", "usual to", "rings"])
    return look.rounded(table.iloc[::-1].reset_index(drop=True))


#: The most incidents that are tried.
_TRIED = 20


def example(plan: Plan, seed: int) -> tuple[Ring, WindowSeries, float] | None:
    """Return the first incident, from this seed on, where the case's first monitor rings first; None without one.

    Its alarm, the monitor's series on its slice, and the end of the run (s).
    """
    for number in range(seed, seed + _TRIED):
        play = Play(plan.scenario, draw(plan.scenario, number))
        ring = play.act(WaitAction(kind="wait")).ring
        if ring is None or ring.watch != play.spec.watches[0]:
            continue
        series = next(each for each in play.series() if each.watch is ring.watch and each.slice == ring.slice)
        return ring, series, play.end_s
    return None


#: The kinds of evidence behind an incident: frames are measured, and the stream that brings them is assumed.
KINDS = ("measured", "assumed")


@picture(lambda plan: plan.scenario.incident is not None, example)
def pager(plan: Plan, shown: tuple[Ring, WindowSeries, float] | None) -> look.Picture:
    """Draw an alarm and the days before it; shown: None without an alarm."""
    spec = plan.scenario.incident
    assert spec is not None
    causes = f"{len(spec.causes)}"
    if shown is None:
        return look.Picture(causes, "possible causes", look.Chart(None, f"{causes} possible causes.", pd.DataFrame()), KINDS)
    ring, series, end_s = shown
    (low, high), known = ring.usual, series.until(ring.at_s)
    day, value = known.day, known.value
    what = WATCHED[ring.watch.statistic].split(", ")[0]
    hover = f"day %{{x:.0f}}: %{{y:.3g}} {what}<extra></extra>"
    alarm = look.points(day[-1:], value[-1:], look.RED, hover=hover, size=11)
    drawn = look.small(look.line(day, value, look.BLUE, hover=hover, width=3), alarm)
    _band(drawn, low, high)
    drawn.update_xaxes(title="day; grey: the usual range", range=[1, end_s / DAY_S + 1])
    drawn.update_yaxes(title=what, range=_heights([known], ring.usual))
    rung = significant(ring.value)
    meaning = f"{what}, usually {significant(low)} to {significant(high)}; {causes} possible causes"
    table = pd.DataFrame({"window to day": day, what: value, "usual from": low, "usual to": high})
    return look.Picture(rung, meaning, look.Chart(drawn, f"{rung} {meaning}.", look.rounded(table)), KINDS)
