"""The person's own rating of each signal, beside the evidence; then the level that the log decides, where a rule does."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.rating_card import RatingCards
from simulator.practice.record_panel import minute_of
from simulator.practice.session_at_hand import take
from simulator.session.session_course import Course
from simulator.session.session_events import SelfRated
from simulator.session.session_signals import Evidence, signals_of
from simulator.session.signal_rules import decided_levels

#: The most moments that stand behind a sentence of evidence.
_MOMENTS = 3


def rating_panel(live: LiveSession, compared: bool) -> None:
    """Ask for a level of each signal. compared: whether the levels that the log decides are shown, too."""
    st.header("Rate yourself", anchor=False)
    st.markdown("The log holds the evidence. You decide the level.")
    minutes = minute_of(live)
    RatingCards(
        Course(live.scenario, live.state),
        words=lambda evidence: evidence_words(evidence, minutes),
        rate=lambda signal, level: take(live, SelfRated(signal=signal, level=level)),
        ratings=dict(live.state.ratings),
        decided=decided_levels(live.scenario, live.state) if compared else {},
        compared=lambda _: compared,
        key="session",
    ).draw(signals_of(live.scenario))


def evidence_words(evidence: Evidence, minutes: dict[int, float]) -> str:
    """Return a sentence of evidence with the minutes of the first events that it rests on."""
    moments = [f"{minutes[place]:.1f}" for place in evidence.places if place in minutes][:_MOMENTS]
    return f"{evidence.sentence} (minute {', '.join(moments)})" if moments else evidence.sentence
