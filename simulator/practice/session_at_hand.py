"""The session in the address of the page: read from the log at each run of the script, and changed by events alone."""

from __future__ import annotations

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.own_attempts import trail
from simulator.app.own_sessions import FIELD, session_log
from simulator.app.widgets import FAULT, scenario_of
from simulator.case.load import scenario_ids
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import case_hash
from simulator.errors import InputError
from simulator.session.event_log import AnyEvent, Role, Session
from simulator.session.session_events import GoalSet, PhaseBegun

#: The seed of the runs of a session.
SEED = 1


def begin(scenario: Scenario, minutes: int, nudges: bool, goal: str | None = None) -> Session:
    """Begin a session with its first phase, and return it; raises StoreError where the database cannot be used.

    goal: the signal that the session is to train
    """
    session = session_log().begin(
        trail(), scenario.id, scenario.version, case_hash(scenario), seed=SEED, minutes=minutes, nudges=nudges
    )
    session_log().append(session.id, "system", PhaseBegun(phase=phases_of(scenario)[0].id))
    if goal is not None:
        session_log().append(session.id, "candidate", GoalSet(signal=goal))
    return session


def session_at_hand() -> LiveSession | None:
    """Return the session that the address names; None without one, and after a sentence for an unknown one."""
    name = st.query_params.get(FIELD)
    if name is None:
        return None
    try:
        head = session_log().get(name)
        if head is None or head.case not in scenario_ids():
            st.warning("There is no session with this link. Begin a new one.")
            return None
        return LiveSession(session_log(), scenario_of(head.case), name)
    except InputError as error:
        st.error(str(error))
        return None


def take(live: LiveSession, *events: AnyEvent, role: Role = "candidate") -> None:
    """Append events; where one is refused, leave out those behind it, and keep the sentence for the next run of the script."""
    try:
        for event in events:
            live.take(role, event)
    except InputError as error:
        st.session_state[FAULT] = str(error)
