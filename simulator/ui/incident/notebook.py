"""The notebook: every action with its time, what it cost and what came of it, the latest first."""

from __future__ import annotations

import streamlit as st

from simulator.analysis.incidents.play import Note
from simulator.ui.charts.look import rounded
from simulator.ui.incident.games import Game
from simulator.ui.incident.pictures import pictures
from simulator.ui.incident.words import came_of, hours, moment, title_of, usd
from simulator.ui.widgets import plain


def notebook(game: Game) -> None:
    """All of it."""
    st.subheader("Notebook", anchor=False)
    if not game.notes:
        st.markdown("It fills itself with what you do and what you find.")
    for place, note in reversed(list(enumerate(game.notes))):
        _entry(game, note, place)


def _entry(game: Game, note: Note, place: int) -> None:
    waited = note.action.kind == "wait"
    cost = [moment(game.scenario, note.until_s if waited else note.at_s)]
    took = hours(note.until_s - note.at_s)
    cost += [f"after {took}" if waited else took] if note.until_s > note.at_s else []
    cost += [usd(note.usd)] if note.usd else []
    with st.container(border=True, gap="xxsmall"):
        head = f"**{place + 1}. {plain(title_of(note, game.play.spec))}** :small[{plain(', '.join(cost))}]"
        st.markdown(f"{head}  \n{plain(came_of(note, game.play.spec))}")
        if note.finding is not None and len(note.finding.table):
            with st.expander(f"Figures of {place + 1}", expanded=note is game.notes[-1], type="compact"):
                st.dataframe(rounded(note.finding.table), hide_index=True, key=f"found:{place}")
                pictures(game, note)
