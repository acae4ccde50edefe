"""What an incident did: the harm of each day with and without what was done, and what each look was expected to tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from simulator.analysis.incidents.debrief import Step
from simulator.analysis.incidents.score import Excess
from simulator.analysis.incidents.secret import DAY_S
from simulator.ui.charts.look import BLUE, GREY, RED, Chart, figure, rounded, wrapped
from simulator.units import significant

_UNIT = "weighted objects"
#: Room above the lines for the words of the marks, part of their height.
_AIR = 0.35


def harm(went: Excess, untouched: Excess, end_s: float, marks: Sequence[tuple[str, float]]) -> Chart:
    """The excess harm of each day as it went and without any action; marks: what happened when (s)."""
    days = np.arange(1, int(np.ceil(end_s / DAY_S)) + 1)
    both = {"without any action": _by_day(untouched, len(days)), "as it went": _by_day(went, len(days))}
    drawn = figure(height=300)
    for (name, values), colour, dash in zip(both.items(), (RED, BLUE), ("dot", "solid"), strict=True):
        hover = f"day %{{x}}: %{{y:.3g}} {name}<extra></extra>"
        line = {"color": colour, "width": 3, "dash": dash}
        drawn.add_trace(go.Scatter(x=days, y=values, name=name, line=line, hovertemplate=hover))
    for place, (name, at_s) in enumerate(marks):
        x = at_s / DAY_S + 1
        drawn.add_vline(x=x, line={"color": GREY, "width": 1.5, "dash": "dash"})
        height = 1 - 0.08 * (place % 3)
        drawn.add_annotation(x=x, y=height, yref="paper", text=name, showarrow=False, xanchor="left", xshift=3)
    drawn.update_xaxes(title="day", range=[1, len(days) + 1], fixedrange=True)
    low, high = min(0.0, *map(np.min, both.values())), max(1.0, *map(np.max, both.values()))
    drawn.update_yaxes(title=f"{_UNIT}, a day", fixedrange=True, range=[low, high + _AIR * (high - low)])
    table = pd.DataFrame({"day": days} | {f"{name} ({_UNIT})": values for name, values in both.items()})
    return Chart(drawn, _saved(*(values.sum() for values in both.values())), rounded(table))


def _saved(untouched: float, went: float) -> str:
    more = "less" if went <= untouched else "more"
    return f"With what was done the harm was {significant(abs(untouched - went))} {_UNIT} {more} than without any action."


def _by_day(excess: Excess, days: int) -> NDArray[np.float64]:
    day = np.minimum((excess.at_s // DAY_S).astype(np.int64), days - 1)
    return np.asarray(np.bincount(day, excess.harm, days), float)


def looks(steps: Sequence[Step], moment: Callable[[float], str]) -> Chart:
    """Each look beside the one that was expected to tell most at that moment; moment: a time in words."""
    names = [wrapped(f"{number}. {step.label}") for number, step in enumerate(steps, start=1)]
    drawn = figure(height=110 + 50 * len(steps), barmode="group")
    sides = ("the best look then", [s.best_bits for s in steps], GREY), ("this look", [s.bits or 0 for s in steps], BLUE)
    for name, bits, colour in sides:
        bar = go.Bar(y=names, x=bits, orientation="h", name=name, marker={"color": colour}, hovertemplate="%{x:.2f} bits")
        drawn.add_trace(bar)
    drawn.update_xaxes(title="expected information about the cause, bits", fixedrange=True)
    drawn.update_yaxes(fixedrange=True, autorange="reversed")
    table = pd.DataFrame(
        [(s.label, moment(s.at_s), s.bits, s.best, s.best_bits, s.sign, 100 * s.told) for s in steps],
        columns=["look", "when", "bits", "the best look then", "its bits", "what it showed", "true cause likely (%)"],
    )
    last = f"{100 * steps[-1].told:.0f}%" if steps else "0%"
    return Chart(drawn, f"By the rules of probability, the findings made the true cause {last} likely.", rounded(table))
