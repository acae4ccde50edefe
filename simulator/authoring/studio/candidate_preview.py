"""The candidate's page of the text as it is now: the brief, the objectives, the choices and the picture."""

from __future__ import annotations

import streamlit as st

from simulator.app.widgets import plain
from simulator.authoring.studio.draft import Draft
from simulator.case.scenario_parts import Objective
from simulator.case.schema import Scenario
from simulator.engine.compiled_plan import fingerprint
from simulator.engine.plan import compile_plan
from simulator.panels.case_picture import case_picture
from simulator.panels.choice_widget import choice_widget
from simulator.units import counted, spoken_bound


def candidate_preview(draft: Draft) -> None:
    """Draw the page of the last text without faults."""
    checked, scenario = draft.wholly_checked(), draft.readable()
    if scenario is None:
        st.info("The candidate's page appears once the text can be read as a case.")
        return
    if checked.faults:
        st.caption("The text has faults; this is the last version without any, or what can be read of it.")
    st.header(plain(scenario.title), anchor=False)
    st.markdown(plain(scenario.summary))
    st.markdown(scenario.brief)
    if scenario.objectives:
        st.subheader("Objectives", anchor=False)
        st.markdown("\n".join(f"- {_objective(objective, scenario)}" for objective in scenario.objectives))
    if scenario.choices:
        st.subheader("Choices", anchor=False)
        for name, choice in scenario.choices.items():
            key = f"studio:choice:{name}:{fingerprint([choice.model_dump(mode='json')])}"
            st.session_state.setdefault(key, choice.read(choice.default))
            choice_widget(choice, key=key)
    if scenario.questions:
        st.subheader("Questions", anchor=False)
        for question in scenario.questions:
            with st.expander(plain(question.ask), type="compact"):
                st.markdown(question.answer)
    if not checked.faults:
        st.subheader("Picture", anchor=False)
        case_picture(compile_plan(scenario))
    st.caption(f"{counted(scenario.minutes, 'minute')}, {counted(len(scenario.choices), 'choice')}")


def _objective(objective: Objective, scenario: Scenario) -> str:
    metric = scenario.metrics.get(objective.metric)
    bound = spoken_bound(objective.bound, metric.unit if metric else "")
    return plain(f"{objective.label}: at {'least' if objective.upward else 'most'} {bound}")
