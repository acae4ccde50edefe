"""Practise: a session with a clock, from the first question to the debrief."""

import streamlit as st

from simulator.app.live_session import LiveSession
from simulator.app.own_cases import chosen_case
from simulator.app.widgets import plain
from simulator.practice_session.begin_panel import begin_panel
from simulator.practice_session.defence_panel import defence_panel
from simulator.practice_session.design_panel import design_panel
from simulator.practice_session.frame_panel import frame_panel
from simulator.practice_session.help_panel import end_earlier_help, hints
from simulator.practice_session.next_panel import goal_line
from simulator.practice_session.phase_row import next_phase, phase_row
from simulator.practice_session.session_at_hand import session_at_hand, show_fault
from simulator.practice_session.session_debrief import session_debrief

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
