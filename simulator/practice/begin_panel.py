"""The beginning of a session: its case, its length, its nudges, and the sessions that go on."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from simulator.app.own_cases import case_now
from simulator.app.own_sessions import FIELD, begun_words, continue_label, sessions_that_go_on
from simulator.app.store.faults import StoreError
from simulator.app.widgets import plain
from simulator.case.load import scenario_ids
from simulator.case.phases import phases_of
from simulator.case.schema import Scenario
from simulator.paths import PAGES
from simulator.practice.session_at_hand import begin
from simulator.practice.session_debrief import goal_at_hand
from simulator.session.next_steps import EXERCISES

#: The lengths that are offered (minutes).
MINUTES = (20, 30, 45)

#: The most sessions that are listed.
_LISTED = 3

_CASE = "session:case"


def begin_panel(scenario: Scenario) -> None:
    """Offer a new session of a case, and the visitor's sessions that go on."""
    st.title("Practise a case", anchor=False)
    st.markdown(
        "A session is an interview with a clock. You frame the problem, predict what your design does, run it, "
        "meet a surprise and defend your choices. The debrief shows the record of what you did."
    )
    with st.container(width=760):
        _case(scenario)
        goal = goal_at_hand()
        if goal is not None:
            st.info(plain(f"The goal of this session: {EXERCISES[goal].goal}"))
        minutes = st.radio("Minutes", MINUTES, _wanted_minutes(), horizontal=True, key="session:minutes")
        nudges = st.toggle("Tell me when a phase takes longer than planned", value=True, key="session:nudges")
        st.caption(" · ".join(f"{phase.title} {phase.minutes:g} min" for phase in phases_of(scenario, minutes)))
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Begin", type="primary", key="session:begin"):
                _begin(scenario, minutes, nudges, goal)
            st.page_link(PAGES / "practice.py", label="Explore the case without a clock", query_params={"case": scenario.id})
        _that_go_on()


def _case(scenario: Scenario) -> None:
    """Let the person pick another case; the address follows."""
    scenarios = [case_now(case)[0] for case in scenario_ids()]
    titles = {scenario.id: scenario.title for scenario in scenarios if scenario is not None}
    often = {title for title, count in Counter(titles.values()).items() if count > 1}
    # Streamlit finds a pick by its words: a copy of a case needs words of its own.
    words = {case: f"{title} ({case})" if title in often else title for case, title in titles.items()}
    st.session_state[_CASE] = scenario.id
    st.selectbox("Case", list(words), format_func=lambda case: words[case], key=_CASE, on_change=_picked)
    st.markdown(plain(scenario.summary))


def _picked() -> None:
    st.query_params["case"] = st.session_state[_CASE]


def _wanted_minutes() -> int:
    """Return the place of the length that the address names; that of the shortest without one, and after a sentence."""
    wanted, offered = st.query_params.get("minutes", ""), [str(minutes) for minutes in MINUTES]
    if wanted and wanted not in offered:
        st.warning(plain(f"A session takes {', '.join(offered[:-1])} or {offered[-1]} minutes, not “{wanted}”."))
    return offered.index(wanted) if wanted in offered else 0


def _begin(scenario: Scenario, minutes: int, nudges: bool, goal: str | None) -> None:
    try:
        st.query_params.from_dict({FIELD: begin(scenario, minutes, nudges, goal).id})
    except StoreError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()


def _that_go_on() -> None:
    sessions = sessions_that_go_on()[:_LISTED]
    if not sessions:
        return
    st.header("Sessions that go on", anchor=False)
    for session in sessions:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(continue_label(session), key=f"session:open:{session.id}"):
                st.query_params.from_dict({FIELD: session.id})
                st.rerun()
            st.caption(begun_words(session))
