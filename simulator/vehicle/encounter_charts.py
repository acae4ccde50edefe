"""One encounter of a vehicle, seen from above, with a timeline under it; one design above the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, nan
from typing import Any, cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import scipy

from simulator.charts.look import BLUE, FOUND, GREY, INSTANT, MISSED, ORANGE, PURPLE, SKY, Chart, figure, rounded, translucent
from simulator.units import duration, significant
from simulator.vehicle.followed import Followed

#: The phases of an encounter in their order: what each is called, and its colour.
PHASES = {
    "unseen": ("not seen", GREY),
    "seen": ("seen", SKY),
    "confirmed": ("confirmed", PURPLE),
    "braking": ("braking", ORANGE),
    "stopped": ("in time", FOUND),
    "hit": ("collision", MISSED),
}

#: A figure has at most this many frames.
MOST_FRAMES = 100
#: Steps that people count in, in seconds.
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: The time that playing an encounter takes, in times of its real duration.
_SLOWED = 2

#: Length and width of a car, in metres, and half the width of the way.
_CAR_M, _LANE_M = (4.5, 1.8), 1.75
_SYMBOLS = {"pedestrian": "circle", "cyclist": "diamond"}

#: The marks of frames, a sensor each.
_SENSORS = ("circle", "diamond", "square", "triangle-up")

#: Heights in pixels: of the words over a design, the view from above, an axis, the timeline, and the gap between designs.
_WORDS, _ROAD, _AXIS, _LANES, _APART = 46, 84, 30, 92, 16
#: Room for the legend on a phone, and for the buttons; and for what the legend says of each sensor.
_AROUND, _ENTRY = 120, 48
_HEIGHT = _WORDS + _ROAD + _AXIS + _LANES + _AXIS + _APART
#: Lanes of the timeline from below.
_STATE, _KNOWN, _CAPTURED = 0, 1, 2

#: A trace that moves, as Plotly takes it: made a hundred times a figure, where checking each would take a second.
Moving = dict[str, Any]


@dataclass(frozen=True)
class _Pane:
    """The place where one design is drawn: its name, its encounter, how it moved, and the numbers of its two pairs of axes."""

    name: str
    followed: Followed
    way: pd.DataFrame
    road: str
    time: str

    def on_road(self) -> dict[str, Any]:
        return {"xaxis": f"x{self.road}", "yaxis": f"y{self.road}", "hoverinfo": "skip"}

    def on_time(self) -> dict[str, Any]:
        return {"xaxis": f"x{self.time}", "yaxis": f"y{self.time}"}

    def at(self, column: str, at_s: float) -> float:
        return float(np.interp(at_s, self.way["t_s"], self.way[column]))

    def row(self, at_s: float) -> pd.Series:
        return self.way.iloc[max(int(np.searchsorted(self.way["t_s"], at_s + 1e-9, "right")) - 1, 0)]


def encounter(designs: Mapping[str, Followed], at_s: float | None = None) -> Chart:
    """Draw one encounter from above and its timeline with each design; it can be played at half speed.

    designs: one or two, by name; at_s: the instant that is shown, in seconds since the object came into view; None: the end
    """
    panes = [_pane(name, followed, place) for place, (name, followed) in enumerate(designs.items())]
    ends = max(followed.ended_s for followed in designs.values())
    sensors = list(dict.fromkeys(sensor for followed in designs.values() for sensor in followed.frames["sensor"]))
    drawn = figure(height=_AROUND + _ENTRY * len(sensors) + len(panes) * _HEIGHT)
    for pane in panes:
        drawn.add_traces([*_still_road(pane), *_still_time(pane, sensors)])
    still = len(drawn.data)
    drawn.add_traces([go.Scatter(trace) for pane in panes for trace in _moving(pane, ends if at_s is None else at_s)])
    moved = list(range(still, len(drawn.data)))
    instants = np.append(np.arange(0, ends, step_s(ends)), ends)
    drawn.frames = [{"name": f"{at:.3f}", "data": _frame(panes, at), "traces": moved} for at in instants]
    _once_in_the_legend(drawn)
    _lay_out(drawn, panes, ends)
    return Chart(drawn, _takeaway(designs), rounded(_table(panes)))


def still(moving: Chart) -> Chart:
    """Return an encounter that cannot be played, for a tenth of the bytes."""
    figure = go.Figure(moving.figure)
    figure.frames, figure.layout.updatemenus = (), ()
    return replace(moving, figure=figure)


def step_s(ends_s: float) -> float:
    """Return the step in which people move through an encounter that ends then, in seconds: a figure of few enough frames."""
    return next((step for step in _STEPS if ceil(ends_s / step) + 1 <= MOST_FRAMES), ends_s / (MOST_FRAMES - 2))


def _pane(name: str, followed: Followed, place: int) -> _Pane:
    way = followed.steps.copy()
    way["vehicle_m"] = scipy.integrate.cumulative_trapezoid(way["vehicle_kmh"] / 3.6, way["t_s"], initial=0)
    way["object_m"] = way["vehicle_m"] + way["gap_m"]
    return _Pane(name, followed, way, str(2 * place + 1) if place else "", str(2 * place + 2))


# The parts that stand still.


def _still_road(pane: _Pane) -> Iterator[go.Scatter]:
    for phase, start, end in _spans(pane):
        label, colour = PHASES[phase]
        ends = [pane.at("vehicle_m", start), pane.at("vehicle_m", end)]
        line = {"color": colour, "width": 6}
        yield go.Scatter(name=label, x=ends, y=[0, 0], mode="lines", line=line, **_listed(phase), **pane.on_road())
    x, y = _car(0.0)
    for _, at_s in _moments(pane.followed)[1:-1]:
        x, y = [*x, nan, *[pane.at("vehicle_m", at_s)] * 2], [*y, nan, -_LANE_M, _LANE_M]
    line = {"color": GREY, "width": 1.5}
    yield go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, **pane.on_road())
    if pane.followed.lateral_m:
        x, y = [float(pane.way["object_m"].iloc[0])] * 2, [pane.followed.lateral_m, 0]
        line = {"color": GREY, "dash": "dot", "width": 2}
        yield go.Scatter(x=x, y=y, mode="lines", line=line, showlegend=False, **pane.on_road())


def _spans(pane: _Pane) -> list[tuple[str, float, float]]:
    way = pane.way
    starts = way["phase"].ne(way["phase"].shift()).to_numpy().nonzero()[0]
    edges = [*way["t_s"].iloc[starts], pane.followed.ended_s]
    phases = [str(phase) for phase in way["phase"].iloc[starts]]
    spans = zip(phases, pairwise(edges), strict=True)
    return [(phase, start, end) for phase, (start, end) in spans if end > start]


def _listed(phase: str) -> dict[str, Any]:
    return {"legendgroup": phase, "legendrank": list(PHASES).index(phase) + 1}


def _car(front_m: float, length_m: float = _CAR_M[0]) -> tuple[list[float], list[float]]:
    back, side = front_m - length_m, _CAR_M[1] / 2
    return [back, front_m, front_m, back, back], [-side, -side, side, side, -side]


def _moments(followed: Followed) -> list[tuple[str, float]]:
    ending = "hits it" if not followed.stopped else "stops" if _stands(followed) else "slows to its speed"
    named = [("comes into view", 0.0), ("is confirmed", followed.confirmed_s), ("vehicle brakes", followed.braking_s)]
    return [(what, at) for what, at in [*named, (f"vehicle {ending}", followed.ended_s)] if at is not None]


def _still_time(pane: _Pane, sensors: list[str]) -> Iterator[go.Scatter]:
    frames = pane.followed.frames
    frames = frames[frames["captured_s"].between(0, pane.followed.ended_s)]
    for place, sensor in enumerate(sensors):
        for hit in (False, True):
            frames_of = frames[(frames["sensor"] == sensor) & (frames["hit"] == hit)]
            if len(frames_of):
                name = f"{sensor}: {'found' if hit else 'not found'}"
                yield _frames_of(pane, frames_of, name, _SENSORS[place % len(_SENSORS)], hit)
    for phase, start, end in _spans(pane):
        label, colour = PHASES[phase]
        yield go.Scatter(
            name=label,
            x=[start, end],
            y=[_STATE, _STATE],
            mode="lines",
            line={"color": colour, "width": 18},
            legendgroup=phase,
            showlegend=False,
            hovertemplate=f"{label} from {start:.2f} s to {end:.2f} s<extra></extra>",
            **pane.on_time(),
        )
    yield _ending(pane)


def _frames_of(pane: _Pane, looked: pd.DataFrame, name: str, symbol: str, hit: bool) -> go.Scatter:
    colour, frames = BLUE if hit else GREY, cast(Any, looked.itertuples())
    return go.Scatter(
        name=name,
        x=np.column_stack([looked["captured_s"], looked["answered_s"], np.full(len(looked), np.nan)]).ravel(),
        y=np.tile([_CAPTURED, _KNOWN, np.nan], len(looked)),
        mode="lines+markers",
        line={"color": colour, "width": 1.5 if hit else 1},
        marker={"color": colour, "size": 6, "symbol": symbol if hit else f"{symbol}-open"},
        text=np.repeat([_frame_words(row) for row in frames], 3),
        hovertemplate="%{text}<extra></extra>",
        legendgroup=name,
        legendrank=len(PHASES) + 1 + hit,
        **pane.on_time(),
    )


def _ending(pane: _Pane) -> go.Scatter:
    ending = "stopped" if pane.followed.stopped else "hit"
    label, colour = PHASES[ending]
    marker = {"symbol": "square" if pane.followed.stopped else "x", "size": 12, "color": colour}
    return go.Scatter(
        name=label,
        x=[pane.followed.ended_s],
        y=[_STATE],
        mode="markers",
        marker=marker,
        cliponaxis=False,
        hovertemplate=f"{label} at %{{x:.2f}} s<extra></extra>",
        **_listed(ending),
        **pane.on_time(),
    )


def _frame_words(row: Any) -> str:
    result = "found" if row.hit else "not found"
    chance = f"{row.sensor}: {result}, which {row.chance:.0%} of such frames are"
    return chance if np.isnan(row.answered_s) else f"{chance}; known {duration(row.answered_s - row.captured_s)} later"


# The parts that move.


def _frame(panes: list[_Pane], at_s: float) -> list[Moving]:
    moving = [trace for pane in panes for trace in _moving(pane, at_s)]
    return [{name: trace[name] for name in ("type", "x", "y", "fillcolor") if name in trace} for trace in moving]


def _moving(pane: _Pane, at_s: float) -> list[Moving]:
    instant = min(at_s, pane.followed.ended_s)
    x, y = _car(pane.at("vehicle_m", instant))
    colour = PHASES[str(pane.row(instant)["phase"])][1]
    look = {"mode": "lines", "fill": "toself", "fillcolor": colour, "line": {"color": GREY, "width": 1}}
    vehicle = {"x": x, "y": y, **look, **pane.on_road()}
    cursor = {"x": [at_s] * 2, "y": [_STATE - 0.5, _CAPTURED + 0.5], "mode": "lines", "line": INSTANT, **pane.on_time()}
    traces = [vehicle, _object(pane, instant), _believed(pane, instant), cursor]
    return [{"type": "scatter", "showlegend": False, "hoverinfo": "skip", **trace} for trace in traces]


def _believed(pane: _Pane, at_s: float) -> Moving:
    braking = pane.followed.braking_s
    last = at_s if braking is None else min(at_s, braking)
    place = pane.at("vehicle_m", last) + pane.row(last)["believed_gap_m"]
    diamond = {"symbol": "diamond-open", "size": 12, "color": BLUE, "line": {"width": 2}}
    words = {"mode": "markers+text", "text": ["believed"], "textposition": "bottom center"}
    return {"x": [place], "y": [0], "marker": diamond, **words, **pane.on_road()}


def _object(pane: _Pane, at_s: float) -> Moving:
    place, what = pane.at("object_m", at_s), pane.followed.object
    if what == "car":
        x, y = _car(place + _CAR_M[0])
        line = {"color": GREY, "width": 1}
        look = {"mode": "lines+text", "fill": "toself", "fillcolor": translucent(GREY, 0.35), "line": line}
        text = ["", "", "", what, ""]
    else:
        x, y, text = [place], [0.0], [what]
        look = {"mode": "markers+text", "marker": {"symbol": _SYMBOLS[what], "size": 12, "color": GREY}}
    return {"x": x, "y": y, "text": text, "textposition": "top center", **look, **pane.on_road()}


# The frame around it.


def _once_in_the_legend(drawn: go.Figure) -> None:
    seen: set[str] = set()
    for trace in drawn.data:
        if trace.showlegend is not False and trace.legendgroup:
            trace.showlegend = trace.legendgroup not in seen
            seen.add(trace.legendgroup)


def _lay_out(drawn: go.Figure, panes: list[_Pane], ends: float) -> None:
    farthest = 1.1 * max(_farthest(pane) for pane in panes)
    side = max(2.8, *(abs(pane.followed.lateral_m) + 1.5 for pane in panes))
    shown = {"showgrid": False, "zeroline": False}
    for place, pane in enumerate(panes):
        road = place * _HEIGHT + _WORDS
        lanes = road + _ROAD + _AXIS
        metres = {"range": [-_CAR_M[0] - 1, farthest], "ticksuffix": " m"}
        seconds = {"range": [-0.02 * ends, 1.04 * ends], "ticksuffix": " s"}
        named = {"tickvals": [_CAPTURED, _KNOWN, _STATE], "ticktext": ["captured", "answered", "vehicle"], "automargin": True}
        from_side = {"range": [-side, side], "visible": False}
        drawn.update_layout(
            {
                f"xaxis{pane.road}": {"anchor": f"y{pane.road}", **metres, **shown},
                f"yaxis{pane.road}": {"domain": _domain(panes, road, _ROAD), **from_side},
                f"xaxis{pane.time}": {"anchor": f"y{pane.time}", **seconds, **shown},
                f"yaxis{pane.time}": {"domain": _domain(panes, lanes, _LANES), **named, **shown},
            }
        )
        drawn.update_layout({f"yaxis{pane.time}": {"range": [_STATE - 0.5, _CAPTURED + 0.5]}})
        lane = {"x0": 0, "x1": 1, "y0": -_LANE_M, "y1": _LANE_M, "fillcolor": translucent(GREY, 0.15), "line_width": 0}
        drawn.add_shape(type="rect", xref=f"x{pane.road} domain", yref=f"y{pane.road}", layer="below", **lane)
        words = f"<b>{pane.name}: {_outcome(pane.followed)}</b><br>{_on_the_way(pane)}"
        corner = {"x": 0, "xanchor": "left", "y": _domain(panes, place * _HEIGHT, 0)[1], "yanchor": "top", "align": "left"}
        drawn.add_annotation(text=words, xref="paper", yref="paper", showarrow=False, **corner)
    drawn.update_layout(updatemenus=[_buttons(ends)])


def _farthest(pane: _Pane) -> float:
    """Return the length of the road drawn, in metres: the object has room, wherever it is and is believed to be."""
    believed = (pane.way["vehicle_m"] + pane.way["believed_gap_m"]).max()
    return float(np.nanmax([pane.way["object_m"].max() + _CAR_M[0], believed]))


def _domain(panes: list[_Pane], top_px: float, height_px: float) -> list[float]:
    whole = len(panes) * _HEIGHT
    return [1 - (top_px + height_px) / whole, 1 - top_px / whole]


def _buttons(ends: float) -> dict[str, Any]:
    frame = {"duration": 1000 * _SLOWED * step_s(ends), "redraw": False}
    play = {"frame": frame, "transition": {"duration": 0}, "mode": "immediate"}
    pause = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 8},
        "bgcolor": "rgba(128, 128, 128, 0.15)",
        "bordercolor": GREY,
        "buttons": [
            {"label": "Play at half speed", "method": "animate", "args": [None, play]},
            {"label": "Pause", "method": "animate", "args": [[None], pause]},
        ],
    }


# Words and numbers.


def _stands(followed: Followed) -> bool:
    return bool(followed.steps["vehicle_kmh"].iloc[-1] < 1)


def _outcome(followed: Followed) -> str:
    if not followed.stopped:
        return f"hits it at {significant(followed.impact_kmh, 2)} km/h"
    if followed.braking_s is None:
        return "does not hit it"
    return f"{'stops' if _stands(followed) else 'slows to its speed'} {_metres(followed.margin_m)} before it"


def _on_the_way(pane: _Pane) -> str:
    confirmed, braking = pane.followed.confirmed_s, pane.followed.braking_s
    if confirmed is None:
        return "never confirms it" if braking is None else f"brakes {_metres(pane.at('gap_m', braking))} before it"
    words = f"confirmed {_metres(pane.at('gap_m', confirmed))} before it"
    return f"{words}, never brakes" if braking is None else f"{words}, brakes {_metres(pane.at('gap_m', braking))} before it"


def _metres(value: float) -> str:
    return f"{value:.1f} m"


def _takeaway(designs: Mapping[str, Followed]) -> str:
    first = next(iter(designs.values()))
    met = f"{first.label}, {_metres(first.appears_gap_m)} ahead of a vehicle at {significant(first.speed_kmh, 2)} km/h"
    return f"{met}: {'; '.join(_clause(name, followed) for name, followed in designs.items())}."


def _clause(name: str, followed: Followed) -> str:
    confirmed, braking = followed.confirmed_s, followed.braking_s
    words = ["never confirms it" if confirmed is None else f"confirms it after {duration(confirmed)}"]
    if braking is not None:
        words.append(f"brakes after {duration(braking)}")
    elif confirmed is not None:
        words.append("does not brake")
    words.append(_outcome(followed))
    if not followed.stopped and followed.margin_m < 0:
        words[-1] += f", {_metres(-followed.margin_m)} short"
    return f"{name[0].lower()}{name[1:]} {', '.join(words[:-1])} and {words[-1]}"


def _table(panes: list[_Pane]) -> pd.DataFrame:
    rows = [row for pane in panes for row in sorted(_events(pane), key=lambda row: float(row["time (s)"]))]
    return pd.DataFrame(rows)


def _events(pane: _Pane) -> Iterator[dict[str, Any]]:
    def at(time: float, what: str, **more: Any) -> dict[str, Any]:
        where = {"distance (m)": pane.at("gap_m", time), "vehicle (km/h)": pane.at("vehicle_kmh", time)}
        return {"design": pane.name, "time (s)": time, "what happens": what, **where, **more}

    for what, time in _moments(pane.followed):
        yield at(time, what if what.startswith("vehicle") else f"{pane.followed.object} {what}")
    for row in cast(Any, pane.followed.frames.itertuples()):
        if 0 <= row.captured_s <= pane.followed.ended_s:
            seen = {
                "height (px)": row.height_px,
                "chance to be found (%)": 100 * row.chance,
                "answer known at (s)": row.answered_s,
            }
            yield at(row.captured_s, f"{row.sensor} captures a frame: {'found' if row.hit else 'not found'}", **seen)
