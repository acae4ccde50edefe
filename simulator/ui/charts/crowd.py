"""A crowd at a threshold: a dot for each positive, and the others as a bar."""

from __future__ import annotations

from math import ceil

import pandas as pd
import plotly.graph_objects as go

from simulator.analysis.run.operating import Referred
from simulator.scenario.schema import Scenario
from simulator.ui.charts.look import FOUND, GREY, MISSED, ORANGE, SKY, Chart, figure, translucent, word_on, wrapped
from simulator.ui.charts.threshold import readers
from simulator.units import significant

#: Dots in a row, few enough for a phone.
COLUMNS = 40


def crowd(found: Referred, scenario: Scenario, capacity: float | None = None) -> Chart:
    """Above, a dot for each positive; below, the share of the others, and of all, that is passed on to people.

    capacity: the share of all that people can keep up with, None without people
    """
    who = scenario.population
    assert who is not None
    rows = ceil(found.positives / COLUMNS)
    labels = [f"{found.negatives:,.0f} {who.negatives}", f"all {scenario.who.counted(found.crowd)}"]
    bars = _bars(found, labels, who.escalated)
    drawn = figure(*_dots(found, who.escalated, who.missed), *bars, height=180 + 10 * rows, barmode="stack")
    drawn.update_layout(
        xaxis={"range": [-0.5, COLUMNS - 0.5], "visible": False},
        yaxis={
            "domain": [0.56, 1],
            "range": [rows - 0.5, -0.5],
            "showgrid": False,
            "tickvals": [(rows - 1) / 2],
            "ticktext": [wrapped(f"{found.positives:,.0f} {who.positives}")],
        },
        xaxis2={
            "anchor": "y2",
            "range": [0, 102],
            "tickvals": [0, 50, 100],
            "ticktext": ["0", "50%", "100%"],
            "showgrid": False,
        },
        yaxis2={"domain": [0, 0.46], "anchor": "x2", "autorange": "reversed", "showgrid": False},
        uniformtext={"minsize": 11, "mode": "hide"},
    )
    if capacity is not None and capacity < 1:
        limit = {"type": "line", "xref": "x2", "yref": "y2", "x0": 100 * capacity, "x1": 100 * capacity, "y0": 0.6, "y1": 1.4}
        drawn.add_shape(**limit, line={"color": MISSED, "width": 4})
    return Chart(drawn, _takeaway(found, scenario, capacity), _table(found, scenario))


def _dots(found: Referred, escalated: str, missed: str) -> list[go.Scatter]:
    """The positives that are passed on, and those that are missed; a part of one that is missed is drawn as one."""
    places = [divmod(place, COLUMNS) for place in range(max(round(found.positives), 1))]
    lost = max(round(found.missed), int(found.missed > 0))
    parts = ((escalated, places[: len(places) - lost], FOUND), (missed, places[len(places) - lost :], MISSED))
    return [
        go.Scatter(
            name=name,
            x=[column for _, column in mine],
            y=[row for row, _ in mine],
            mode="markers",
            marker={"color": colour, "size": 7, "symbol": "circle" if colour == FOUND else "x"},
            hoverinfo="skip",
        )
        for name, mine, colour in parts
        if mine
    ]


def _bars(found: Referred, labels: list[str], escalated: str) -> list[go.Bar]:
    """Of the negatives and of all: those that are passed on, and the others."""
    counts = [found.alarms, found.share * found.crowd]
    of = [found.negatives, float(found.crowd)]
    passed = [100 * count / total for count, total in zip(counts, of, strict=True)]
    look = {"orientation": "h", "xaxis": "x2", "yaxis": "y2", "width": 0.62, "showlegend": False, "textangle": 0}
    look |= {"y": [wrapped(label) for label in labels], "textposition": "inside", "insidetextanchor": "start"}
    words = [f"{counts[0]:,.0f} {escalated} needlessly", f"{counts[1]:,.0f} {escalated}"]
    return [
        go.Bar(
            x=passed,
            text=words,
            marker={"color": [ORANGE, SKY], "line": {"width": 0}},
            insidetextfont={"color": word_on(ORANGE)},
            hovertemplate="%{x:.1f}%<extra>%{y}</extra>",
            **look,
        ),
        go.Bar(
            x=[100 - share for share in passed],
            marker={"color": translucent(GREY, 0.3), "line": {"width": 0}},
            hoverinfo="skip",
            **look,
        ),
    ]


def _of(found: Referred) -> str:
    """The positives that are passed on, of all of them, with a digit more where that alone shows that not all are."""
    digits = 1 if 0 < found.missed < 10 else 0
    return f"{found.found:,.{digits}f} of {found.positives:,.0f}"


def _lost(found: Referred) -> str:
    return "none" if not found.missed else f"{found.missed:,.0f}" if found.missed >= 10 else significant(found.missed, 2)


def _takeaway(found: Referred, scenario: Scenario, capacity: float | None) -> str:
    who = scenario.population
    assert who is not None
    of_positives = f"{_of(found)} {who.positives} are {who.escalated} and {_lost(found)} {who.missed}"
    told = (
        f"Of {scenario.who.counted(found.crowd)}, {of_positives}; "
        f"{found.alarms:,.0f} of {found.negatives:,.0f} {who.negatives} are {who.escalated} needlessly."
    )
    if capacity is not None and found.share > capacity:
        told += f" That is more than {readers(scenario)} can keep up with."
    return told


def _table(found: Referred, scenario: Scenario) -> pd.DataFrame:
    who = scenario.population
    assert who is not None
    rows = [
        (f"{who.negatives}, {who.escalated} needlessly", found.alarms, found.negatives),
        (f"{who.negatives}, not {who.escalated}", found.cleared, found.negatives),
        (f"{who.positives}, {who.escalated}", found.found, found.positives),
        (f"{who.positives}, {who.missed}", found.missed, found.positives),
    ]
    table = pd.DataFrame(
        [(name, round(count, 1), 100 * count / of) for name, count, of in rows],
        columns=["what", f"of {found.crowd:,} {scenario.who.many}", "of its class (%)"],
    )
    return table.sort_values(table.columns[1], ascending=False, ignore_index=True)
