"""The row above a session: the clock, and each phase with its minutes."""

from __future__ import annotations

from time import time
from typing import Any

import streamlit as st

from simulator.app.component_files import component_beside
from simulator.app.live_session import LiveSession
from simulator.app.widgets import plain
from simulator.case.phases import PracticePhase, phases_of
from simulator.practice.session_at_hand import take
from simulator.session.phase_clock import PhaseTime, left_s, phase_times
from simulator.session.session_events import PhaseBegun, SessionEnded

_clock = component_beside(__file__, "session_clock")


def phase_row(live: LiveSession) -> PracticePhase:
    """Show the clock and the phases; return the phase of now."""
    phases = phases_of(live.scenario, live.state.session.minutes)
    times = {phase_time.id: phase_time for phase_time in phase_times(live.scenario, live.state, time())}
    now = next((phase for phase in phases if times[phase.id].present), phases[0])
    _clock(key="session:clock", data=_clock_data(live, times[now.id]))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for phase in phases:
            label = f"{plain(phase.title)}, {times[phase.id].used_s / 60:.0f} of {phase.minutes:g} min"
            kind: Any = "primary" if phase is now else "secondary"
            st.button(label, type=kind, key=f"session:phase:{phase.id}", on_click=_go_to, args=(live, phase.id))
        with st.popover("End the session", type="tertiary"):
            st.markdown("The debrief begins, and the session cannot go on after it.")
            st.button("End it and see the debrief", key="session:end", on_click=take, args=(live, SessionEnded()))
    return now


def _clock_data(live: LiveSession, now: PhaseTime) -> dict[str, Any]:
    head = live.state.session
    data = {"minutes": head.minutes, "left_s": left_s(live.state, time()), "nudges": head.nudges}
    data |= {"stands": live.state.stands}
    return data | {"title": now.title, "used_s": now.used_s, "planned_s": now.planned_s}


def _go_to(live: LiveSession, phase: str) -> None:
    if phase != live.state.phase:
        take(live, PhaseBegun(phase=phase))


def next_phase(live: LiveSession, phase: PracticePhase) -> None:
    """Offer the way on at the end of the page: the next phase, and after the last one the end."""
    phases = phases_of(live.scenario)
    place = next(index for index, following in enumerate(phases) if following.id == phase.id)
    for following in phases[place + 1 : place + 2]:
        st.button(f"Go on to “{plain(following.title)}”", key="session:next", on_click=_go_to, args=(live, following.id))
    if phase.id == phases[-1].id:
        st.button(
            "Finish and see the debrief", type="primary", key="session:finish", on_click=take, args=(live, SessionEnded())
        )
