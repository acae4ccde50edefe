"""What is watched during an incident: a small picture a monitor, cut at the time that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, GREY, INSTANT, RED, Chart, Picture, figure, rounded, small, translucent
from simulator.incident.monitoring import Ring, WindowSeries
from simulator.incident.play import Play
from simulator.incident.player_actions import WaitAction
from simulator.incident.secret import DAY_S, draw
from simulator.incident.section import WATCHED, Incident
from simulator.units import significant

#: Of every small picture, so that they line up (px).
HEIGHT = 112


@dataclass(frozen=True)
class MonitorMarks:
    """Times (s) that every picture shows: the end of the reference, of the run, the time looked at, and when fixes came."""

    reference_s: float
    end_s: float
    now_s: float
    fixes_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class Words:
    """How a monitor speaks: what it shows, a value and a time in words, its unit, and whether values are shares."""

    title: str
    value: Callable[[float], str]
    moment: Callable[[float], str]
    unit: str = ""
    share: bool = False


@dataclass(frozen=True, eq=False)
class MonitorView:
    """What of a series is known by a time: when each window ended (in days, 1 the first midnight), and its values."""

    series: WindowSeries
    day: NDArray[np.float64]
    value: NDArray[np.float64]
    rings: NDArray[np.bool_]

    @classmethod
    def by(cls, series: WindowSeries, now_s: float) -> MonitorView:
        """Windows that are known by then; those without a value are left out."""
        there = (series.known_s <= now_s) & np.isfinite(series.value)
        return cls(series, series.ends_s[there] / DAY_S + 1, series.value[there], series.rings[there])

    def ringing(self, now_s: float) -> bool:
        """Whether it has rung within a day or its last window."""
        recent = self.series.known_s[self.series.known_s <= now_s]
        since = now_s - max(DAY_S, self.series.watch.window_h * 3600)
        return bool((self.series.rings[: len(recent)] & (recent > since)).any())


def monitor(parts: list[MonitorView], words: Words, marks: MonitorMarks) -> Chart:
    """The slices of one monitor over the days so far, with the usual range and where it rang."""
    parts = [part for part in parts if len(part.day)]
    loud = [part for part in parts if part.ringing(marks.now_s)]
    chosen = _chosen(parts, marks)
    drawn = figure(height=HEIGHT, showlegend=False)
    if chosen is not None:
        _band(drawn, *_usual(chosen, words))
        low, high = _heights(parts, _usual(chosen, words))
        digits = 0 if high - low > 0.1 else 1
        drawn.update_yaxes(range=[low, high], tickformat=f".{digits}%" if words.share else None)
    for part in sorted(parts, key=lambda one: one in loud):
        drawn.add_traces(_line(part, part in loud, len(parts) > 1))
    _frame(drawn, marks)
    return Chart(drawn, _takeaway(chosen, bool(loud), words), _table(parts, words.moment))


def reading(parts: list[MonitorView], words: Words, marks: MonitorMarks) -> str:
    """The last value and the usual range, as the head says it: `0.55, usually 0.38 to 0.548 part of white`."""
    part = _chosen([part for part in parts if len(part.day)], marks)
    if part is None:
        return "nothing is known yet"
    return _said(part, words)


def _chosen(parts: list[MonitorView], marks: MonitorMarks) -> MonitorView | None:
    """The slice that is spoken of: the first that rings, else the first."""
    return next((part for part in parts if part.ringing(marks.now_s)), parts[0] if parts else None)


def _said(part: MonitorView, words: Words) -> str:
    where = f"{part.series.slice}: " if part.series.watch.by != "all" else ""
    low, high = _usual(part, words)
    usual = f", usually {words.value(low)} to {words.value(high)}" if np.isfinite(low) and np.isfinite(high) else ""
    return f"{where}{words.value(part.value[-1])}{usual}{f' {words.unit}' if words.unit else ''}"


def _usual(part: MonitorView, words: Words) -> tuple[float, float]:
    """The usual range; of shares no farther than they can go."""
    low, high = part.series.usual
    return (max(low, 0.0), min(high, 1.0)) if words.share and np.isfinite(low) else (low, high)


def _band(drawn: go.Figure, low: float, high: float) -> None:
    if np.isfinite(low) and np.isfinite(high):
        drawn.add_hrect(y0=low, y1=high, fillcolor=translucent(GREY, 0.22), line_width=0, layer="below")


def _heights(parts: list[MonitorView], usual: tuple[float, float]) -> list[float]:
    """From where to where the values and the usual range reach, with some air."""
    every = np.concatenate([*(part.value for part in parts), [edge for edge in usual if np.isfinite(edge)]])
    low, high = float(every.min()), float(every.max())
    room = 0.1 * (high - low) or 0.1 * abs(high) or 0.01
    return [low - room, high + room]


def _line(part: MonitorView, loud: bool, among_others: bool) -> list[go.Scatter]:
    colour = RED if loud else translucent(BLUE, 0.45) if among_others else BLUE
    name = part.series.slice
    hover = f"{name}: %{{y:.3g}}, window to day %{{x:.2f}}<extra></extra>"
    line = go.Scatter(
        x=part.day, y=part.value, mode="lines", line={"color": colour, "width": 2}, name=name, hovertemplate=hover
    )
    rung = part.rings
    marker = {"color": RED, "size": 7}
    points = go.Scatter(x=part.day[rung], y=part.value[rung], mode="markers", marker=marker, name=name, hovertemplate=hover)
    return [line, points]


def _frame(drawn: go.Figure, marks: MonitorMarks) -> None:
    """The same axes for all: the whole run, of which what is to come stays empty."""
    last = marks.end_s / DAY_S + 1
    drawn.add_vline(x=marks.now_s / DAY_S + 1, line=INSTANT | {"width": 2})
    for at_s in marks.fixes_s:
        drawn.add_vline(x=at_s / DAY_S + 1, line={"color": GREY, "dash": "dot", "width": 2})
    weeks = list(range(1, int(last) + 1, 7))
    drawn.update_layout(margin={"l": 4, "r": 6, "t": 6, "b": 4}, font={"size": 12})
    drawn.update_xaxes(
        range=[1, last], fixedrange=True, tickvals=weeks, ticktext=[f"day {week}" for week in weeks], showgrid=False
    )
    drawn.update_yaxes(fixedrange=True, nticks=3)


def _takeaway(part: MonitorView | None, loud: bool, words: Words) -> str:
    if part is None:
        return f"{words.title}: nothing is known yet."
    last = words.moment((part.day[-1] - 1) * DAY_S)
    rung = " It rings." if loud else " It rang before." if part.rings.any() else ""
    return f"{words.title}: {_said(part, words)}, in the window to {last}.{rung}"


def _table(parts: list[MonitorView], moment: Callable[[float], str]) -> pd.DataFrame:
    """The latest window first."""
    rows = [
        (part.series.slice, moment((day - 1) * DAY_S), value, *part.series.usual, "rings" if rung else "")
        for part in parts
        for day, value, rung in zip(part.day, part.value, part.rings, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["slice", "window to", "value", "usual from", "usual to", "rings"])
    return rounded(table.iloc[::-1].reset_index(drop=True))


def pager(spec: Incident, shown: Example | None) -> Picture:
    """What rang and the days before it; shown: None where nothing rings."""
    many = f"{len(spec.causes)}"
    if shown is None:
        return Picture(many, "things may be behind it", Chart(None, f"{many} things may be behind it.", pd.DataFrame()))
    series, (low, high) = shown.series, shown.ring.usual
    known = (series.known_s <= shown.ring.at_s) & np.isfinite(series.value)
    day, value = series.ends_s[known] / DAY_S + 1, series.value[known]
    what = WATCHED[shown.ring.watch.statistic].split(", ")[0]
    hover = f"day %{{x:.0f}}: %{{y:.3g}} {what}<extra></extra>"
    drawn = small(
        go.Scatter(x=day, y=value, mode="lines", line={"color": BLUE, "width": 3}, hovertemplate=hover),
        go.Scatter(x=day[-1:], y=value[-1:], mode="markers", marker={"color": RED, "size": 11}, hovertemplate=hover),
    )
    drawn.add_hrect(y0=low, y1=high, fillcolor=translucent(GREY, 0.22), line_width=0, layer="below")
    drawn.update_xaxes(title="day; grey: the usual range", range=[1, shown.end_s / DAY_S + 1])
    ends = [min(low, value.min()), max(high, value.max())]
    room = 0.1 * (ends[1] - ends[0])
    drawn.update_yaxes(title=what, range=[ends[0] - room, ends[1] + room])
    told = significant(shown.ring.value)
    meaning = f"{what}, usually {significant(low)} to {significant(high)}; {many} things may be behind it"
    table = pd.DataFrame({"window to day": day, what: value, "usual from": low, "usual to": high})
    return Picture(told, meaning, Chart(drawn, f"{told} {meaning}.", rounded(table)))


#: So many incidents are tried.
_TRIED = 20


@dataclass(frozen=True, eq=False)
class Example:
    """What rang, the monitor's series on that slice, and when the reference and the run end (s)."""

    ring: Ring
    series: WindowSeries
    reference_s: float
    end_s: float


def example(scenario: Scenario, seed: int) -> Example | None:
    """The first of some incidents, from this seed on, in which the case's first monitor rings first; None: there is none."""
    for one in range(seed, seed + _TRIED):
        play = Play(scenario, draw(scenario, one))
        ring = play.act(WaitAction(kind="wait")).ring
        if ring is None or ring.watch != play.spec.watches[0]:
            continue
        series = next(each for each in play.series() if each.watch is ring.watch and each.slice == ring.slice)
        return Example(ring, series, play.start_s, play.end_s)
    return None
