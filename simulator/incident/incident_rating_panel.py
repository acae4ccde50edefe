"""The signals of an incident on the reveal: the evidence, the person's own level, then the level that the log decides."""

from __future__ import annotations

import streamlit as st

from simulator.app.rating_card import RatingCards
from simulator.app.widgets import plain
from simulator.errors import InputError
from simulator.incident.incident_course import IncidentCourse
from simulator.incident.incident_rules import INCIDENT_RULES
from simulator.incident.incident_signals import INCIDENT_SIGNALS
from simulator.incident.sessions import Game, games
from simulator.session.session_signals import Evidence, Level
from simulator.session.signal_rules import fired_of, levels_of

#: The most lines of the notebook that stand behind a sentence.
_LINES = 5
#: Key of the session for a rating that could not be kept.
_FAULT = "incident:rate_fault"


@st.fragment
def rate_incident(game: Game, course: IncidentCourse) -> None:
    """Ask for a level of each signal; the level of the log appears after the person's own."""
    st.subheader("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. Decide your level, and the level that the log decides appears below it.")
    kept = game.ratings or {}
    shown = game.ratings is None or st.toggle("Show the levels of the log without rating yourself", key="incident:compare")
    key = f"incident:{game.id}"
    RatingCards(
        course,
        words=_words,
        rate=lambda signal, level: _rate(game, signal, level),
        ratings=dict(kept),
        decided=levels_of(INCIDENT_SIGNALS, fired_of(INCIDENT_RULES, course)),
        compared=lambda signal: bool(shown or signal in kept or st.session_state.get(f"{key}:rate:{signal}")),
        key=key,
    ).draw(INCIDENT_SIGNALS)
    if fault := st.session_state.pop(_FAULT, None):
        st.error(plain(fault))


def _words(evidence: Evidence) -> str:
    lines = ", ".join(str(place + 1) for place in evidence.places[:_LINES])
    return f"{evidence.sentence} (notebook {lines})" if lines else evidence.sentence


def _rate(game: Game, signal: str, level: Level) -> None:
    if game.ratings is None:
        return
    try:
        games().rate(game.id, game.scenario, signal, level)
    except InputError as error:
        st.session_state[_FAULT] = str(error)
