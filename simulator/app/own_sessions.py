"""The attempts and the sessions of one browser: its trail, the database that pages share, and links to a session."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from simulator.app.own_cases import case_now
from simulator.app.store.attempts import Attempt, Attempts
from simulator.app.store.faults import StoreError
from simulator.app.store.session_log import SessionLog
from simulator.app.trails import new_trail, trails
from simulator.app.visitors import clock
from simulator.app.widgets import plain
from simulator.case.load import scenario_ids
from simulator.case.schema import Scenario
from simulator.paths import PAGES
from simulator.session.event_log import Session
from simulator.units import counted


@cache
def attempts() -> Attempts:
    return Attempts()


def trail() -> str:
    """Return the id of this browser's attempts: from its cookie, else a new one for the tab."""
    state = st.session_state
    if "trail" not in state:
        try:
            state["trail"] = trails().of(st.context.cookies) or new_trail()
        except StoreError:
            return new_trail()  # nothing is stored under it either
    return str(state["trail"])


def attempts_at(scenario: Scenario) -> list[Attempt]:
    """Return this browser's attempts at a case, the oldest first; none where the database cannot be read."""
    try:
        return attempts().of(trail(), scenario.id)
    except StoreError as error:
        st.session_state["history_fault"] = str(error)
        return []


#: The field of the address with the id of a session.
FIELD = "session"

#: The width of the links of a list (px), so that the words beside them line up; a phone has place for it.
LINK_WIDTH = 340


@cache
def session_log() -> SessionLog:
    return SessionLog()


def sessions_that_go_on() -> list[Session]:
    """Return the visitor's sessions of known cases that have not ended, the latest first; none without a database."""
    try:
        own = session_log().sessions_of(trail())
    except StoreError:
        return []
    known = scenario_ids()
    return [session for session in own if session.ended_at is None and session.case in known]


def session_link(session: Session, label: str, **layout: Any) -> None:
    """Link to a session: to its present phase, or to its debrief once it has ended."""
    st.page_link(PAGES / "session.py", label=label, query_params={FIELD: session.id}, **layout)


def continue_label(session: Session) -> str:
    """Return the words of a link or a button that continues a session."""
    scenario, _ = case_now(session.case)
    return f"Continue: {plain(scenario.title if scenario else session.case)}"


def begun_words(session: Session) -> str:
    return f"begun {clock(session.begun_at)}, {counted(session.minutes, 'minute')}"
