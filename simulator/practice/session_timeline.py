"""The timeline of a session: the phases as bars over minutes, and above them each run, prediction, hint and curveball."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, ORANGE, Chart, points
from simulator.session.session_record import RecordRow, record
from simulator.session.session_state import SessionState
from simulator.units import counted

#: What stands above the phases, from the lowest row on, with its mark.
_MARKS = {"Prediction": "line-ns-open", "Run": "circle", "Hint": "triangle-up", "Curveball": "star"}


def session_timeline(scenario: Scenario, state: SessionState) -> Chart:
    """Return the timeline of a session; each mark of a run carries the run's place in the log."""
    rows = record(scenario, state)
    figure = go.Figure()
    _phases(figure, scenario, state)
    for what, mark in _MARKS.items():
        figure.add_trace(_marks(what, mark, [row for row in rows if row.what == what]))
    titles = [phase.title for phase in phases_of(scenario)]
    order = [*reversed(titles), *_MARKS]
    figure.update_yaxes(categoryorder="array", categoryarray=order, automargin=True)
    figure.update_xaxes(automargin=True)  # the report has no theme that makes room for words
    figure.update_layout(
        xaxis_title="Time since the begin (min)",
        height=60 + 30 * len(order),
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        showlegend=False,
    )
    cells = [{"minute": f"{row.minute:.1f}", "what": row.what, "details": row.details} for row in rows]
    return Chart(figure, _takeaway(scenario, state), pd.DataFrame(cells))


def _phases(figure: go.Figure, scenario: Scenario, state: SessionState) -> None:
    titles = {phase.id: phase.title for phase in phases_of(scenario)}
    end = state.ended_at if state.ended_at is not None else state.last_at
    begun = state.session.begun_at
    ends = [*(later.at for _, later in pairwise(state.visits)), end]
    for visit, until in zip(state.visits, ends, strict=True):
        title = titles.get(visit.event.phase, visit.event.phase)
        start, length = (visit.at - begun) / 60, max(until - visit.at, 0.0) / 60
        words = f"{title}: {length:.1f} min<extra></extra>"
        figure.add_bar(base=start, x=[length], y=[title], orientation="h", marker_color=BLUE, hovertemplate=words)


def _marks(what: str, symbol: str, rows: list[RecordRow]) -> go.Scatter:
    words, places = [row.details for row in rows], [row.place for row in rows]
    look: dict[str, Any] = {"size": 14, "symbol": symbol, "edge": 2, "text": words, "customdata": places}
    return points([row.minute for row in rows], [what] * len(rows), ORANGE, what, "%{text}<extra></extra>", **look)


def _takeaway(scenario: Scenario, state: SessionState) -> str:
    planned, used = phases_of(scenario, state.session.minutes), state.used_s
    over = [phase.title for phase in planned if used.get(phase.id, 0.0) > 60 * (phase.minutes + 1)]
    runs = sum(run.ended is not None for run in state.runs)
    minutes = sum(used.values()) / 60
    words = f"You worked {minutes:.0f} of {counted(state.session.minutes, 'minute')} and ran {counted(runs, 'design')}."
    return f"{words} {' and '.join(over[:2])} took longer than planned." if over else words
