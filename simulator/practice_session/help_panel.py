"""Help of the case in a session: steps that the run bears out. Each is noted as a hint and stands in the debrief."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from simulator.app.jobs import Job
from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.explain.result import Result
from simulator.practice.lever_panel import levers
from simulator.practice_session.session_at_hand import take
from simulator.session.session_events import HelpAsked

Tool = Literal["what_would_help", "each_lever"]


def reasons_panel(live: LiveSession, result: Result) -> None:
    """Say why each objective is not met, and what would help once the person has asked."""
    helped = _was_asked(live, "what_would_help")
    for place, reason in result.reasons.items():
        st.markdown(f"**{plain(result.verdicts[place].objective.label)}**: {plain(reason.sentence)}")
        if helped:
            with st.spinner("Trying steps …"):
                st.info(plain(reason.advice.sentence))
    if result.reasons and not helped:
        _offer(live, "what_would_help", "What would help? (noted as a hint)")


def levers_panel(live: LiveSession, job: Job) -> None:
    """Offer to try every choice one step either way."""
    if _was_asked(live, "each_lever"):
        levers(job)
    else:
        _offer(live, "each_lever", "Try each lever (noted as a hint)")


def _was_asked(live: LiveSession, tool: Tool) -> bool:
    design = live.state.design_at_hand(live.scenario)
    return any(
        isinstance(one.event, HelpAsked) and (one.event.tool, one.event.design) == (tool, design) for one in live.state.helps
    )


def _offer(live: LiveSession, tool: Tool, label: str) -> None:
    event = HelpAsked(tool=tool, design=live.state.design_at_hand(live.scenario))
    st.button(label, type="tertiary", key=f"session:{tool}", on_click=take, args=(live, event))
