"""Practise: a session with a clock, from the first question to the debrief."""

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.own_cases import chosen_case
from simulator.app.widgets import plain, show_fault
from simulator.practice.help_panel import end_earlier_help, hints
from simulator.practice.phase_panels import defence_panel, design_panel, frame_panel, next_phase, phase_row
from simulator.practice.session_at_hand import begin_panel, session_at_hand
from simulator.practice.session_debrief import goal_line, session_debrief

FRAME, DEFEND = "frame", "defend"


def phase_panel(live: LiveSession) -> None:
    """Show the clock, and what belongs to the phase of now."""
    st.title(plain(live.scenario.title), anchor=False)
    phase = phase_row(live)
    st.markdown(plain(phase.expects))
    goal_line(live)
    end_earlier_help(live)
    show_fault()
    if phase.id == FRAME:
        frame_panel(live)
    elif phase.id == DEFEND:
        defence_panel(live)
    else:
        design_panel(live, phase)
    hints(live, phase)
    next_phase(live, phase)


live = session_at_hand()
if live is None:
    begin_panel(chosen_case())
elif live.state.ended_at is not None:
    show_fault()
    session_debrief(live)
else:
    phase_panel(live)
