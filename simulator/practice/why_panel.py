"""Reasons why an objective is not met, and the challenge to defend a result."""

from __future__ import annotations

import streamlit as st

from simulator.app import design_state as state
from simulator.app.widgets import plain
from simulator.explain.challenge import Ground, challenge_of
from simulator.explain.result import Reason, Result
from simulator.practice.exhibit_panels import panel_of


def challenge(result: Result) -> None:
    """Show the number of met objectives; when all are met, the evidence behind them, the weakest first."""
    found = challenge_of(result)
    if found is None:
        return
    if result.outside_brief:
        st.warning(plain(found.met))
        return
    if not found.all_met:
        st.markdown(plain(found.met))
        return
    with st.container(border=True):
        st.markdown(f"**{plain(found.met)}** {plain(found.sentence.removeprefix(found.met).strip())}")
        if found.grounds:
            with st.popover("All evidence behind it", type="tertiary"):
                st.markdown("\n".join(f"- {plain(_ground_sentence(ground))}" for ground in found.grounds))


def _ground_sentence(ground: Ground) -> str:
    return f"{ground.sentence} Source: {ground.source}." if ground.source else ground.sentence


#: The key in the session of the exhibit whose panel opens next.
PANEL_WANTED = "panel_wanted"


def open_panel(exhibit: str) -> None:
    st.session_state[PANEL_WANTED] = exhibit


def why(result: Result, place: int) -> None:
    """Show the reason behind a verdict, by its place among the verdicts; nothing where the objective is met."""
    reason = result.reasons.get(place)
    if reason is None:
        return
    st.markdown(plain(reason.sentence))
    _step(result, place, reason)


@st.fragment
def _step(result: Result, place: int, reason: Reason) -> None:
    """Suggest a step that helps; its trials start when the user asks and take a second or two."""
    with st.container(horizontal=True):
        label = f"Show: {panel_of(reason.exhibit, result.plan.scenario)}"
        shown = st.button(label, key=f"show_{place}", type="tertiary", on_click=open_panel, args=(reason.exhibit,))
        wanted = reason.has_advice or st.button(
            "What would help?", key=f"help_{place}", type="tertiary", help=_helps(result, reason)
        )
    if shown:
        st.rerun()  # the panels stand outside of this fragment
    if not wanted:
        return
    with st.spinner("Trying steps …"):
        advice = reason.advice
    st.caption(plain(advice.sentence))
    if move := advice.move:
        args = (result.plan.scenario, result.plan.design, move.choice, move.pick)
        if st.button("Take this step", key=f"take_{place}", on_click=state.step, args=args):
            st.rerun()


def _helps(result: Result, reason: Reason) -> str:
    labels = [result.plan.scenario.choices[name].label for name in reason.written_by[:4]]
    return plain(f"Tries changes to: {', '.join(labels)}.")
