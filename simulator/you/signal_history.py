"""Signals over time: the level of each signal in each rated session, as a table that is read from left to right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from simulator.app.visitors import clock
from simulator.app.widgets import draw
from simulator.case.schema import Scenario
from simulator.charts.look import BLUE, RED, Chart, figure, translucent
from simulator.session.session_signals import LEVELS, SIGNALS
from simulator.session.session_state import SessionState
from simulator.session.signal_rules import decided_levels
from simulator.you.own_record import OwnSession

#: Functions that give levels, signal by signal, each with its name on the screen.
SOURCES: dict[str, Callable[[Scenario, SessionState], Mapping[str, str]]] = {
    "your rating": lambda scenario, state: state.ratings,
    "by the log": lambda scenario, state: (
        {} if state.ended_at is None else {name: level.level for name, level in decided_levels(scenario, state).items()}
    ),
}


#: The sign and the colour of each level, from the lowest on.
_SIGNS = ("−−", "−", "+", "++")
_COLOURS = (translucent(RED, 0.45), translucent(RED, 0.2), translucent(BLUE, 0.2), translucent(BLUE, 0.45))

#: The most sessions in the picture.
MOST = 8


def level_table(sessions: Sequence[OwnSession], source: str) -> pd.DataFrame:
    """Return the level of each signal (a row) in each session with any level (a column), the oldest first; "" for none."""
    names, columns = {signal.name for signal in SIGNALS}, dict[str, list[str]]()
    for session in sessions:
        levels = SOURCES[source](session.scenario, session.state)
        if names & set(levels):
            head = f"{len(columns) + 1}. {clock(session.state.session.begun_at)}, {session.scenario.title}"
            columns[head] = [levels.get(signal.name, "") for signal in SIGNALS]
    return pd.DataFrame(columns, index=[signal.label for signal in SIGNALS])


def signal_chart(table: pd.DataFrame, source: str) -> Chart:
    """Draw the levels of the latest sessions as cells with a sign."""
    shown = table.iloc[:, -MOST:]
    ranks = shown.map(lambda level: LEVELS.index(level) if level in LEVELS else None)
    texts = shown.map(lambda level: _SIGNS[LEVELS.index(level)] if level in LEVELS else "")
    numbers = [str(len(table.columns) - len(shown.columns) + place + 1) for place in range(len(shown.columns))]
    steps = [(place / 4 + edge / 4, _COLOURS[place]) for place in range(4) for edge in (0, 1)]
    cells = go.Heatmap(
        x=numbers,
        y=list(shown.index),
        z=ranks.to_numpy(float),
        colorscale=steps,
        zmin=-0.5,
        zmax=3.5,
        showscale=False,
        xgap=3,
        ygap=3,
        hoverinfo="skip",
    )
    places = [(number, label) for label in shown.index for number in numbers]
    signs = go.Scatter(
        x=[number for number, _ in places],
        y=[label for _, label in places],
        text=texts.to_numpy(str).ravel(),
        mode="text",
        textfont={"size": 16},
        hovertemplate="%{y}, session %{x}: %{text}<extra></extra>",
        showlegend=False,
    )
    drawn = figure(cells, signs, height=90 + 30 * len(shown))
    drawn.update_xaxes(title="rated session, the latest at the right", type="category", fixedrange=True, showgrid=False)
    drawn.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False)
    spoken = table.map(lambda level: level.replace("_", " ")).rename_axis("signal").reset_index()
    return Chart(drawn, _levels_takeaway(table, source), spoken)


#: The most signals that a sentence names.
_NAMED = 3


def _levels_takeaway(table: pd.DataFrame, source: str) -> str:
    latest = table.iloc[:, -1]
    rated = {label: LEVELS.index(level) for label, level in latest.items() if level in LEVELS}
    lowest = min(rated.values())
    weakest = [str(label) for label, rank in rated.items() if rank == lowest]
    level = LEVELS[lowest].replace("_", " ")
    if len(weakest) == len(rated) > 1:
        return f"All {len(rated)} rated signals of the latest session are equal ({level}, {source}).{_moved_sentence(table)}"
    more = f" and {len(weakest) - _NAMED} more" if len(weakest) > _NAMED else ""
    return f"Lowest in the latest session ({level}, {source}): {', '.join(weakest[:_NAMED])}{more}.{_moved_sentence(table)}"


def _moved_sentence(table: pd.DataFrame) -> str:
    """Return the number of signals that stand higher or lower than in the first session; empty for one session."""
    if len(table.columns) < 2:
        return ""
    pairs = [(first, last) for first, last in zip(table.iloc[:, 0], table.iloc[:, -1], strict=True) if first and last]
    moves = [LEVELS.index(last) - LEVELS.index(first) for first, last in pairs]
    higher, lower = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    return f" Since the first session {higher} went up and {lower} went down."


def signals(sessions: Sequence[OwnSession]) -> None:
    """Show the signals of every source of levels; sessions: the oldest first."""
    st.header("Signals", anchor=False)
    for source in SOURCES:
        table = level_table(sessions, source)
        if (table.empty or not len(table.columns)) and source == next(iter(SOURCES)):
            st.markdown("No session is rated yet. The debrief asks for your own level at each signal.")
        elif len(table.columns):
            draw(signal_chart(table, source), key=f"you:signals:{source}")
            st.caption("−− very weak, − weak, + strong, ++ very strong")
