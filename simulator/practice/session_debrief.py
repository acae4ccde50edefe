"""The debrief of a session: first the record, then the person's own rating, then the comparison and what to do next."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.app.widgets import lessons, plain
from simulator.practice.comparison_panel import best_known_panel, deciding_choices, last_plan, reference_panel, started
from simulator.practice.next_panel import goal_panel, next_panel
from simulator.practice.rating_panel import rating_panel
from simulator.practice.record_panel import record_panel
from simulator.practice.session_report import session_report
from simulator.session.next_steps import nothing_done
from simulator.session.session_record import assumption_words


def session_debrief(live: LiveSession) -> None:
    """Show the record of a session that has ended, and what can be learned from it."""
    st.title(f"Debrief: {plain(live.scenario.title)}", anchor=False)
    if live.case_has_changed:
        st.warning("The case was edited after this session began; its runs then had other hashes.")
    goal_panel(live)
    compared, empty = bool(live.state.ratings) or bool(st.session_state.get(_COMPARE)), nothing_done(live.state)
    if empty:
        st.markdown(_NOTHING)
        next_panel(live)
    else:
        record_panel(live)
        rating_panel(live, compared)
    if not live.state.ratings:
        st.toggle("Show the comparison without rating yourself", key=_COMPARE)
    if compared:
        _comparison(live)
    if compared and not empty:
        next_panel(live)
    take_away(live)


_COMPARE = "session:compare"

#: The debrief of a session that ended as it began.
_NOTHING = "You asked nothing, changed nothing, predicted nothing and ran no design. There is nothing to rate."


def _comparison(live: LiveSession) -> None:
    missed = [question for index, question in enumerate(live.scenario.questions) if not live.state.asked(index)]
    if missed:
        st.header("Questions that you left out", anchor=False)
        for question in missed:
            with st.expander(plain(f"{question.ask}{' It decides.' if question.decides else ''}")):
                st.markdown(plain(question.answer))
    kept = [assumption_words(live.scenario, assumption) for assumption in live.state.assumptions if not assumption.removed]
    if kept:
        st.header("Your assumptions", anchor=False)
        st.markdown("\n".join(f"- {plain(words)}" for words in kept))
    best_known_panel(live)
    reference_panel(live)
    st.header("Lessons of the case", anchor=False)
    lessons(live.scenario, deciding_choices(live))


def take_away(live: LiveSession) -> None:
    """Offer the report, once the last run is there, and the log."""
    st.header("Take it with you", anchor=False)
    name = f"casesim-{live.scenario.id}-{live.state.session.id[:6]}"
    with st.container(horizontal=True):
        st.download_button(
            "Report (HTML)",
            lambda: _report(live),
            file_name=f"{name}.html",
            mime="text/html",
            key="session:report",
            on_click="ignore",
        )
        st.download_button(
            "Log (JSON)",
            lambda: written_sessions([StoredSession(live.state.session, live.log.events_after(live.state.session.id))]),
            file_name=f"{name}.json",
            mime="application/json",
            key="session:log",
            on_click="ignore",
        )
    st.caption("The report needs no network. The page You takes the log in again, and its runs have the same hashes.")


def _report(live: LiveSession) -> str:
    plan = last_plan(live)
    job = None if plan is None else started(live, plan)
    return session_report(live, job.summary if job is not None else None)
