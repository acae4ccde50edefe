"""Files of a session to take away: a report to read or print, and the log, which any CaseSim takes in again."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.store.session_files import StoredSession, written_sessions
from simulator.practice.comparison_panel import last_plan, started
from simulator.practice.session_report import session_report


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
