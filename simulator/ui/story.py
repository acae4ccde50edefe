"""The head of a case's page: its title, and behind buttons what a person is told and may ask."""

import streamlit as st

from simulator.scenario import Scenario
from simulator.ui.widgets import plain


def story(scenario: Scenario) -> None:
    """The title with its buttons, in the row that is being filled."""
    st.title(plain(scenario.title), anchor=False, width="content")
    if st.button("Brief", key="brief"):
        _brief(scenario)
    if scenario.questions and st.button("Questions you may ask", key="questions"):
        _questions(scenario)


@st.dialog("Brief", position="right", width="medium")
def _brief(scenario: Scenario) -> None:
    st.markdown(scenario.brief)


@st.dialog("Questions you may ask", position="right", width="medium")
def _questions(scenario: Scenario) -> None:
    for question in scenario.questions:
        with st.expander(plain(question.ask), type="compact"):
            st.markdown(question.answer)
