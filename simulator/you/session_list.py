"""The visitor's sessions in a list: each with its last verdicts, and a link that continues it or opens its debrief."""

from __future__ import annotations

import streamlit as st

from simulator.app.own_sessions import LINK_WIDTH, session_link
from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.session.session_state import SessionState
from simulator.units import counted
from simulator.you.own_record import OwnSession

#: The number of sessions that are listed at first.
FIRST = 5


def session_list(sessions: list[OwnSession]) -> None:
    """List the latest sessions, and all of them on demand."""
    st.header("Sessions", anchor=False)
    every = len(sessions) > FIRST and st.toggle(f"Show all {len(sessions)} sessions", key="you:all_sessions")
    for session in sessions if every else sessions[:FIRST]:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            verb = "Continue" if session.state.ended_at is None else "Debrief"
            session_link(session.state.session, f"{verb}: {plain(session.scenario.title)}", width=LINK_WIDTH)
            st.caption(plain(session_words(session.state)))


def session_words(state: SessionState) -> str:
    """Return a session in a few words: its begin, its length, its runs and the verdicts of the last one."""
    runs, last = sum(run.ended is not None for run in state.runs), state.last_run
    ran = f"{counted(runs, 'run')}, the last: {last.verdict_counts}" if last else "no run"
    return " · ".join([clock(state.session.begun_at), counted(state.session.minutes, "minute"), ran])
