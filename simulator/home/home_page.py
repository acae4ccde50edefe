"""The first page: a session to start or to continue, and a card with a picture for each case."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from simulator.app.own_sessions import begun_words, continue_label, session_link, sessions_that_go_on
from simulator.app.widgets import as_table, plain
from simulator.case.document import Fault
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import Plan
from simulator.panels.case_picture import case_picture
from simulator.paths import PAGES
from simulator.units import counted

#: The length of the session that the page offers.
MINUTES = 20


def start(scenario: Scenario) -> None:
    """Offer a short session of a case, and below it the visitor's last session that goes on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Start a {MINUTES}-minute session", type="primary", key="start"):
            st.switch_page(PAGES / "session.py", query_params={"case": scenario.id, "minutes": str(MINUTES)})
        st.caption(plain(scenario.title))
    if last := next(iter(sessions_that_go_on()), None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            session_link(last, continue_label(last))
            st.caption(begun_words(last))


def card(scenario: Scenario, plan: Plan | None, faults: Sequence[Fault] = ()) -> None:
    """Show a case with its summary and its picture; plan: its default design, None where `faults` say why it cannot run."""
    with st.container(border=True, height="stretch"):
        st.subheader(plain(scenario.title), anchor=False)
        st.markdown(plain(scenario.summary))
        for problem in dict.fromkeys(fault.message for fault in faults):
            st.warning(f"This case cannot run yet: {plain(problem)}.")
        made = plan and case_picture(plan)
        with st.container(horizontal=True, vertical_alignment="center"):
            case = {"case": scenario.id}
            if st.button("Practise", key=f"session_{scenario.id}"):
                st.switch_page(PAGES / "session.py", query_params=case)
            if st.button("Explore", key=f"practise_{scenario.id}"):
                st.switch_page(PAGES / "practice.py", query_params=case)
            if scenario.incident and st.button("Be on call", key=f"incident_{scenario.id}"):
                st.switch_page(PAGES / "incident.py", query_params=case)
            st.caption(f"{counted(scenario.minutes, 'minute')}, {_holds(scenario)}", width="content")
            if made:
                as_table(made.chart.table, f"picture_{scenario.id}")


def _holds(scenario: Scenario) -> str:
    if scenario.incident:
        return counted(len(scenario.incident.causes), "suspect")
    return counted(sum(not choice.situation for choice in scenario.choices.values()), "choice")
