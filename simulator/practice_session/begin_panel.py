"""The beginning of a session: its length, its nudges, and the sessions that go on."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from simulator.app.store.faults import StoreError
from simulator.app.widgets import plain, scenario_of
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.practice_session.next_panel import goal_at_hand
from simulator.practice_session.session_at_hand import FIELD, begin, own_sessions
from simulator.session.next_steps import EXERCISES
from simulator.units import counted

#: The lengths that are offered (minutes).
MINUTES = (20, 30, 45)

#: So many sessions are listed.
_LISTED = 5


def begin_panel(scenario: Scenario) -> None:
    """Offer a new session of a case, and the visitor's sessions that go on."""
    st.title(f"Practise: {plain(scenario.title)}", anchor=False)
    st.markdown(
        "A session is an interview with a clock. You frame the problem, predict what your design does, run it, "
        "meet a surprise and defend your choices. The debrief shows the record of what you did."
    )
    goal = goal_at_hand()
    if goal is not None:
        st.info(plain(f"The goal of this session: {EXERCISES[goal].goal}"))
    minutes = st.radio("Minutes", MINUTES, horizontal=True, key="session:minutes")
    nudges = st.toggle("Tell me when a phase takes longer than planned", value=True, key="session:nudges")
    st.caption(" · ".join(f"{phase.title} {phase.minutes:g} min" for phase in phases_of(scenario, minutes)))
    if st.button("Begin", type="primary", key="session:begin"):
        try:
            st.query_params.from_dict({FIELD: begin(scenario, minutes, nudges, goal).id})
        except StoreError as error:
            st.error(str(error))
        else:
            st.rerun()
    _earlier()


def _earlier() -> None:
    found = own_sessions()[:_LISTED]
    if not found:
        return
    st.header("Your sessions", anchor=False)
    for one in found:
        begun = datetime.fromtimestamp(one.begun_at, UTC).strftime("%d %B, %H:%M UTC")
        state, verb = ("ended", "Debrief") if one.ended_at else ("goes on", "Continue")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(f"{verb}: {plain(scenario_of(one.case).title)}", key=f"session:open:{one.id}"):
                st.query_params.from_dict({FIELD: one.id})
                st.rerun()
            st.caption(f"{begun}, {counted(one.minutes, 'minute')}, {state}")
