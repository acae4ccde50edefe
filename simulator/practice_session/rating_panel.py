"""The person's own rating of each signal, beside the evidence; then the level that the log decides, where a rule does."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.practice_session.record_panel import minute_of
from simulator.practice_session.session_at_hand import take
from simulator.session.session_course import Course
from simulator.session.session_events import SelfRated
from simulator.session.session_signals import LEVELS, SIGNALS, Evidence, Signal
from simulator.session.signal_rules import Decided, decided_levels

#: The most moments that stand behind a sentence of evidence.
_MOMENTS = 3

NAMES = {"very_weak": "Very weak", "weak": "Weak", "strong": "Strong", "very_strong": "Very strong"}


def rating_panel(live: LiveSession, compared: bool) -> None:
    """Ask for a level of each signal. compared: whether the levels that the log decides are shown, too."""
    st.header("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. You decide the level.")
    decided = decided_levels(live.scenario, live.state) if compared else {}
    minutes = minute_of(live)
    for signal in SIGNALS:
        _signal(live, signal, minutes, decided.get(signal.name), compared)


def evidence_words(evidence: Evidence, minutes: dict[int, float]) -> str:
    """Return a sentence of evidence with the minutes of the first events that it rests on."""
    moments = [f"{minutes[place]:.1f}" for place in evidence.places if place in minutes][:_MOMENTS]
    return f"{evidence.sentence} (minute {', '.join(moments)})" if moments else evidence.sentence


def _signal(live: LiveSession, signal: Signal, minutes: dict[int, float], decided: Decided | None, compared: bool) -> None:
    key, kept = f"session:rate:{signal.name}", live.state.ratings.get(signal.name)
    with st.container(border=True):
        st.markdown(f"**{plain(signal.label)}**")
        found = [evidence_words(one, minutes) for one in signal.evidence(Course(live.scenario, live.state))]
        st.markdown("\n".join(f"- {plain(words)}" for words in found))
        st.radio(
            f"Your level: {signal.label}",
            LEVELS,
            index=next((place for place, level in enumerate(LEVELS) if level == kept), None),
            format_func=lambda level: f"{NAMES[level]}: {signal.anchor(level)}",
            key=key,
            on_change=_rate,
            args=(live, signal, key),
            label_visibility="collapsed",
        )
        if decided is not None:
            words = " ".join(evidence_words(evidence, minutes) for _, evidence in decided.fired)
            st.info(plain(f"The log says: {NAMES[decided.level].lower()}. {words}"))
        elif compared:
            st.caption("The log decides no level here: you decide.")


def _rate(live: LiveSession, signal: Signal, key: str) -> None:
    if level := st.session_state.get(key):
        take(live, SelfRated(signal=signal.name, level=level))
